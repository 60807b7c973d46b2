"""Logs are one JSON object a line, from every library, without secrets."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from runtime import logs
from runtime.settings import load


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def _lines(captured: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in captured.readouterr().err.splitlines()]


def test_each_line_names_stage_level_time_and_event(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("ingest", load({"LIFELINE_LOG_FORMAT": "json"}))
    structlog.get_logger("x").info("batch_stored", rows=5, place="供水")
    (line,) = _lines(capsys)
    assert line["stage"] == "ingest"
    assert line["level"] == "info"
    assert line["event"] == "batch_stored"
    assert line["rows"] == 5
    assert line["place"] == "供水"
    assert str(line["timestamp"]).endswith("Z")


def test_other_libraries_take_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("api", load({"LIFELINE_LOG_FORMAT": "json"}))
    logging.getLogger("some.library").warning("connected to %s", "mqtt://u:hidden@host")
    (line,) = _lines(capsys)
    assert line["event"] == "connected to mqtt://u:***@host"
    assert line["stage"] == "api"


def test_secrets_are_masked_by_key_and_inside_urls_at_any_depth(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("api", load({"LIFELINE_LOG_FORMAT": "json"}))
    log = structlog.get_logger("x")
    log.info("x", password="hidden", nested={"api_key": "hidden", "list": ["postgresql://u:hid:d@en@h/d"]})
    try:
        int("postgresql://u:hidden@host/db")
    except ValueError:
        log.exception("failed")
    text = capsys.readouterr().err
    assert "hid" not in text
    assert "postgresql://u:***@host/db" in text


def test_the_least_level_holds(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("api", load({"LIFELINE_LOG_FORMAT": "json", "LIFELINE_LOG_LEVEL": "warning"}))
    structlog.get_logger("x").info("quiet")
    logging.getLogger("y").info("quiet")
    structlog.get_logger("x").warning("loud")
    assert [line["event"] for line in _lines(capsys)] == ["loud"]


def test_a_text_log_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("api", load({"LIFELINE_LOG_FORMAT": "text"}))
    structlog.get_logger("x").info("started", port=8080)
    text = capsys.readouterr().err
    assert "started" in text
    assert "port=8080" in text
