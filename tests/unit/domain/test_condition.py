from dataclasses import replace

import pytest

from domain.condition import Condition, Deliveries, FollowerCondition, PartitionCondition, problems

PARTITION = PartitionCondition(
    partition="all",
    connected=True,
    messages=10,
    received=12,
    stored=8,
    duplicates=2,
    conflicts=1,
    rejected=1,
    session_losses=0,
    lag_s=0.4,
    heartbeat_age_s=0.4,
)
WELL = Condition(
    server="18",
    level="postgresql",
    schema_current=True,
    partitions=(PARTITION,),
    followers=(FollowerCondition(follower="rules", partition="all", behind=1, lag_s=0.1),),
)


def test_a_running_pipeline_has_no_problem() -> None:
    assert problems(WELL) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"connected": False}, "not connected"),
        ({"lag_s": 61.0}, "61 s behind"),
        ({"lag_s": None}, "never caught up"),
        ({"heartbeat_age_s": 61.0}, "no sign of life"),
        ({"received": 13}, "does not balance"),
    ],
)
def test_each_trouble_of_ingest_is_named(change: dict[str, float | bool | None], said: str) -> None:
    broken = replace(WELL, partitions=(replace(PARTITION, **change),))  # type: ignore[arg-type]
    found = problems(broken)
    assert len(found) == 1
    assert said in found[0]


def test_a_killed_worker_is_not_taken_for_connected() -> None:
    gone = replace(PARTITION, heartbeat_age_s=3600.0, lag_s=3600.0)
    assert "no sign of life" in problems(replace(WELL, partitions=(gone,)))[0]


def test_a_follower_far_behind_is_named() -> None:
    slow = FollowerCondition(follower="rules", partition="all", behind=900, lag_s=61.0)
    assert "rules is 900" in problems(replace(WELL, followers=(slow,)))[0]


@pytest.mark.parametrize(
    ("deliveries", "said"),
    [
        (Deliveries(outbox=3, outbox_age_s=301, pending=0, pending_age_s=0, failed=0), "wait for `lifeline notify`"),
        (Deliveries(outbox=0, outbox_age_s=0, pending=2, pending_age_s=301, failed=0), "could not be sent yet"),
        (Deliveries(outbox=0, outbox_age_s=0, pending=0, pending_age_s=0, failed=1), "failed for good"),
    ],
)
def test_people_who_are_not_told_are_a_problem(deliveries: Deliveries, said: str) -> None:
    found = problems(replace(WELL, deliveries=deliveries))
    assert len(found) == 1
    assert said in found[0]


def test_a_database_where_ingest_never_ran_is_a_problem() -> None:
    assert "no ingest worker" in problems(replace(WELL, partitions=()))[0]


def test_a_missing_migration_hides_everything_else() -> None:
    old = replace(WELL, schema_current=False, missing_migrations=(4,), partitions=())
    assert problems(old) == ["the database lacks migration(s) 0004: run `lifeline db migrate`"]
