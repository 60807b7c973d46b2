"""The health page answers whatever the stage's state, and says what is wrong."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from runtime import metrics
from runtime.health import HealthServer

PROBLEMS: dict[str, str] = {}


@pytest.fixture
def page() -> Iterator[str]:
    PROBLEMS.clear()

    def readiness() -> dict[str, str]:
        if "raise" in PROBLEMS:
            raise RuntimeError("broken")
        return PROBLEMS

    server = HealthServer("127.0.0.1", 0, readiness)
    server.start()
    yield f"http://127.0.0.1:{server.port}"
    server.stop()


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, exc.read().decode()


def test_ready_only_without_problems(page: str) -> None:
    assert _get(f"{page}/readyz") == (200, '{"ready": true, "problems": {}}')
    PROBLEMS["database"] = "unreachable for 7 s"
    status, body = _get(f"{page}/readyz")
    assert status == 503
    assert json.loads(body) == {"ready": False, "problems": {"database": "unreachable for 7 s"}}
    assert _get(f"{page}/healthz")[0] == 200


def test_a_stage_that_cannot_say_how_it_is_is_not_ready(page: str) -> None:
    PROBLEMS["raise"] = "yes"
    status, body = _get(f"{page}/readyz")
    assert status == 503
    assert json.loads(body)["problems"] == {"readiness": "RuntimeError"}


def test_metrics_of_every_stage_are_served_with_their_help(page: str) -> None:
    metrics.ingest_entries.labels(result="stored").inc(0)
    status, body = _get(f"{page}/metrics")
    assert status == 200
    assert 'lifeline_ingest_entries_total{result="stored"}' in body
    assert "# HELP lifeline_rules_lag_seconds" in body


def test_other_pages_do_not_exist(page: str) -> None:
    assert _get(f"{page}/etc/passwd")[0] == 404
