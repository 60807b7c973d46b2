"""Migration files: complete on every level, filled in without a rest, options that keep their promises."""

import re

import pytest

from domain.errors import ConfigurationError
from storage import migrate

_DAY = 86_400
OPTIONS = migrate.TimeSeriesOptions(lateness_s=7 * _DAY, retention_s=400 * _DAY)


@pytest.mark.parametrize("level", migrate.LEVELS)
def test_numbers_are_gapless_on_every_level(level: str) -> None:
    numbers = [m.number for m in migrate.load(level)]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("level", migrate.LEVELS)
def test_every_placeholder_is_filled_in(level: str) -> None:
    for migration in migrate.load(level):
        text = migration.text
        for key, value in OPTIONS.placeholders().items():
            text = text.replace("{" + key + "}", value)
        code = re.sub(r"--[^\n]*", "", text)
        assert not re.search(r"\{[a-z_0-9]+\}", code), migration.name


def test_rollups_are_refreshed_further_back_than_anything_may_arrive() -> None:
    filled = OPTIONS.placeholders()
    assert int(filled["refresh"].split()[0]) > OPTIONS.lateness_s
    assert int(filled["compress_after"].split()[0]) > OPTIONS.lateness_s
    assert int(filled["retain_5m"].split()[0]) >= OPTIONS.retention_s


def test_contradicting_promises_are_reported_together() -> None:
    options = migrate.TimeSeriesOptions(lateness_s=30 * _DAY, retention_s=31 * _DAY, zone="'; DROP TABLE x")
    with pytest.raises(ConfigurationError) as failure:
        options.check()
    assert len(failure.value.problems) == 2
    assert "LIFELINE_RETENTION_S" in str(failure.value)
    assert "LIFELINE_ZONE" in str(failure.value)
