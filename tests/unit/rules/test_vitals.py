"""The platform's own health goes through the same machine as everything else."""

from dataclasses import replace
from typing import Any

from domain.transition import AlertChange
from rules.rule import Rule
from rules.vitals import Sign, Vitals, VitalStep, signs
from storage.vitals import PartitionVitals, PlatformVitals
from tests.support.rulebook import SECOND, T0, rule

WELL = PartitionVitals(partition="all", lag_s=0.2, silent_s=0.5, received=1000, rejected=10, lost=0)
PLATFORM = PlatformVitals(partitions=(WELL,), waiting_s=1.0, failed=0)


def about(identifier: str, name: str, **limits: float) -> Rule:
    levels = {level: {"limit": limit, "evidence": "unverified"} for level, limit in limits.items()}
    condition: dict[str, Any] = {"above": levels, "hysteresis": 10, "on_delay_s": 5}
    title = {"en": "Trouble with {asset_en}", "zh": "{asset_zh}异常"}
    return rule(identifier, condition=condition, network="platform", applies_to={"property": name}, title=title)


SILENT = about("silent", "platform.ingest.silent_s", yellow=60, red=300)
LAG = about("lag", "platform.ingest.lag_s", yellow=60)


def judged(vitals: Vitals, second: float, found: PlatformVitals, *, refused: bool = False) -> VitalStep:
    step = vitals.evaluate(T0 + round(second * SECOND), signs(found, failing=0, refused=refused))
    vitals.adopt(step)
    return step


def told(*steps: VitalStep) -> list[tuple[str, str, str, str]]:
    return [(c.rule, c.subject, c.event.value, c.level.label) for step in steps for c in step.changes]


def with_partition(**fields: Any) -> PlatformVitals:  # noqa: ANN401
    return replace(PLATFORM, partitions=(replace(WELL, **fields),))


def test_a_worker_that_died_is_one_alert_that_steps_up_and_ends() -> None:
    vitals = Vitals([SILENT, LAG])
    steps = [
        judged(vitals, 0, PLATFORM),
        *[judged(vitals, 60 + n, with_partition(silent_s=60.0 + n)) for n in range(300)],
        judged(vitals, 400, PLATFORM),
    ]
    assert told(*steps) == [
        ("silent", "platform:all", "raised", "yellow"),
        ("silent", "platform:all", "level_changed", "red"),
        ("silent", "platform:all", "cleared", "red"),
    ]
    assert vitals.standings() == []


def test_a_worker_that_lives_and_lags_is_another() -> None:
    vitals = Vitals([SILENT, LAG])
    steps = [judged(vitals, n, with_partition(lag_s=100.0)) for n in range(10)]
    assert told(*steps) == [("lag", "platform:all", "raised", "yellow")]


def test_a_part_that_is_no_more_ends_its_alert() -> None:
    vitals = Vitals([LAG])
    for n in range(10):
        judged(vitals, n, with_partition(lag_s=100.0))
    gone = judged(vitals, 20, replace(PLATFORM, partitions=()))
    assert told(gone) == [("lag", "platform:all", "cleared", "yellow")]
    assert vitals.standings() == []


def test_an_alert_and_a_running_delay_survive_a_restart() -> None:
    before = Vitals([SILENT, LAG])
    for n in range(10):
        judged(before, n, with_partition(lag_s=100.0))
    judged(before, 11, with_partition(lag_s=100.0, silent_s=61.0))
    after = Vitals([SILENT, LAG])
    assert after.restore(before.standings()) == []
    step = judged(after, 17, with_partition(lag_s=100.0, silent_s=67.0))
    assert told(step) == [("silent", "platform:all", "raised", "yellow")]
    assert step.changes[0].time == T0 + 16 * SECOND
    assert after.restore([replace(before.standings()[0], rule="removed")]) != []


def test_a_clock_that_was_set_back_changes_nothing() -> None:
    vitals = Vitals([LAG])
    judged(vitals, 100, PLATFORM)
    assert told(*[judged(vitals, n, with_partition(lag_s=100.0)) for n in range(50)]) == []


def test_few_entries_make_no_share() -> None:
    found = with_partition(received=3, rejected=3)
    assert Sign("all", "platform.ingest.rejected_share", 0.0) in signs(found, failing=0, refused=False)
    found = with_partition(received=20, rejected=5)
    assert Sign("all", "platform.ingest.rejected_share", 0.25) in signs(found, failing=0, refused=False)


def test_what_people_read_names_the_part_in_both_languages() -> None:
    vitals = Vitals([about("refused", "platform.catalogue.refused", yellow=0.5)])
    steps = [judged(vitals, n, PLATFORM, refused=True) for n in range(10)]
    (change,) = [change for step in steps for change in step.changes]
    assert isinstance(change, AlertChange)
    account = change.account
    assert account is not None
    assert (account.network, account.area, account.asset, account.device) == ("platform", "", None, None)
    assert (account.title_en, account.title_zh) == ("Trouble with the rule catalogue", "规则库异常")
    assert account.facts[0].property == "platform.catalogue.refused"
