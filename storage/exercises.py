"""Exercises in the database: opened, paced, ended, and read for the report on what was done in them.

Marks are the business of the schema (`0011_exercises.sql`): an alert, an event, a notification of an exercise carries
its number, whoever writes it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection, errors
from psycopg.rows import TupleRow, class_row, dict_row
from psycopg.types.json import Jsonb

from domain.after_action import Happened, Told
from domain.errors import LifelineError
from domain.exercise import Exercise, Pace, Plan, Words
from domain.registry import Registry
from domain.times import MICROS_PER_SECOND, from_datetime, to_datetime
from storage.database import translated
from storage.registry import import_registry
from storage.sql import queries

#: What the history of an alert says when it ends with its exercise.
ENDED = "the exercise has ended / 演练已结束"


class ExerciseRunsError(LifelineError):
    """Another exercise has not ended."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExerciseAlert:
    """An alert of an exercise. Times of the condition are event time; recorded_at is the database's clock."""

    id: int
    rule: str
    subject: str
    network: str
    area: str
    asset: str | None
    device: str | None
    level: str
    title_en: str
    title_zh: str
    raised_at: datetime
    cleared_at: datetime | None
    recorded_at: datetime
    announced: bool


def open_exercise(
    connection: Connection[TupleRow],
    *,
    title: Words,
    scenario: str,
    scale: str,
    seed: int,
    by: str,
    plan: Callable[[int], Plan],
) -> int:
    """Opens an exercise and returns its number; ExerciseRunsError while another one runs.

    Args:
        connection: In autocommit.
        title: What people read.
        scenario: Its id.
        scale: Of the twin.
        seed: Of the twin and its incident.
        by: Who holds it.
        plan: What is expected, given the number that the exercise has.
    """
    parameters = {
        "title_en": title.en,
        "title_zh": title.zh,
        "scenario": scenario,
        "scale": scale,
        "seed": seed,
        "by": by,
    }
    sql = queries("exercises")
    with translated():
        try:
            with connection.transaction():
                row = connection.execute(sql["next"]).fetchone()
                number = int(row[0]) if row else 0
                document = Jsonb(plan(number).as_json())
                connection.execute(sql["open"], {**parameters, "exercise": number, "plan": document})
        except errors.UniqueViolation:
            found = running(connection)
            name = f"exercise {found.id} ({found.title.en})" if found else "another exercise"
            raise ExerciseRunsError(f"{name} has not ended: end it with `lifeline drill end`") from None
    return number


def begin(connection: Connection[TupleRow], exercise: int, twin: Registry, pace: Pace) -> bool:
    """Puts up the equipment of an exercise and lets its time run; False when it has ended or runs already."""
    sql = queries("exercises")
    with translated(), connection.transaction():
        parameters = {
            "exercise": exercise,
            "begins": to_datetime(pace.begins),
            "published_from": to_datetime(pace.published_from),
            "speed": pace.speed,
        }
        if connection.execute(sql["pace"], parameters).fetchone() is None:
            return False
        import_registry(connection, twin)
        connection.execute(sql["begin_silence"], parameters)
    return True


def end(connection: Connection[TupleRow], exercise: int, *, by: str, now: int) -> int | None:
    """Ends an exercise: what is open of it closes, its equipment is watched no longer. All of it at once.

    Returns how many alerts were open, None when it had ended already or never was. `now`: microseconds since 1970.
    """
    sql = queries("exercises")
    with translated(), connection.transaction():
        # No commit of the rules lies between the end and the closing.
        connection.execute(sql["hold_rules"])
        if connection.execute(sql["end"], {"exercise": exercise, "by": by}).fetchone() is None:
            return None
        found = get(connection, exercise)
        at = found.pace.event_time(now) if found is not None and found.pace is not None else now
        parameters = {"exercise": exercise, "by": by, "comment": ENDED, "at": to_datetime(min(at, now))}
        row = connection.execute(sql["close"], parameters).fetchone()
        connection.execute(sql["forget_standings"], {"exercise": exercise})
        connection.execute(queries("registry")["raise_registry_version"])
    return int(row[0]) if row else 0


def exercises(
    connection: Connection[TupleRow],
    *,
    id_: int | None = None,
    before: int | None = None,
    only_running: bool = False,
    limit: int,
) -> list[Exercise]:
    """Exercises, the newest first."""
    parameters = {"exercise": id_, "before": before, "running": only_running, "limit": limit}
    with translated(), connection.cursor(row_factory=dict_row) as cursor:
        return [_exercise(row) for row in cursor.execute(queries("exercises")["exercises"], parameters)]


def get(connection: Connection[TupleRow], exercise: int) -> Exercise | None:
    """One exercise, or None."""
    return next(iter(exercises(connection, id_=exercise, limit=1)), None)


def running(connection: Connection[TupleRow]) -> Exercise | None:
    """The exercise that has not ended, if there is one."""
    return next(iter(exercises(connection, only_running=True, limit=1)), None)


def alerts(connection: Connection[TupleRow], exercise: int) -> list[ExerciseAlert]:
    """Its alerts, in the order in which they were written."""
    with translated(), connection.cursor(row_factory=class_row(ExerciseAlert)) as cursor:
        return cursor.execute(queries("exercises")["alerts"], {"exercise": exercise}).fetchall()


def told(connection: Connection[TupleRow], exercise: int) -> list[Told]:
    """Its alerts with everything that happened to them, for the report."""
    sql, parameters = queries("exercises"), {"exercise": exercise}
    with translated(), connection.transaction():
        connection.execute(queries("registry")["one_snapshot"])
        found = alerts(connection, exercise)
        rows = connection.execute(sql["events"], parameters).fetchall()
        sent = connection.execute(sql["sent"], parameters).fetchall()
    happened: dict[int, list[Happened]] = {}
    for alert, event, level, time, recorded_at, actor, comment, addressee, was_told in rows:
        happened.setdefault(alert, []).append(
            Happened(
                event=event,
                level=level,
                time=from_datetime(time),
                recorded_at=from_datetime(recorded_at),
                actor=actor,
                comment=comment,
                addressee=addressee,
                told=was_told,
            )
        )
    first: dict[int, int] = {}
    for alert, _, sent_at in sent:
        first.setdefault(alert, from_datetime(sent_at))
    return [
        Told(
            id=one.id,
            rule=one.rule,
            asset=one.asset,
            device=one.device,
            area=one.area,
            title=Words(en=one.title_en, zh=one.title_zh),
            level=one.level,
            raised_at=from_datetime(one.raised_at),
            recorded_at=from_datetime(one.recorded_at),
            cleared_at=None if one.cleared_at is None else from_datetime(one.cleared_at),
            announced=one.announced,
            notified_at=first.get(one.id),
            events=tuple(happened.get(one.id, ())),
        )
        for one in found
    ]


def waiting(connection: Connection[TupleRow], exercise: int) -> bool:
    """Whether people are still to be told of something."""
    with translated():
        row = connection.execute(queries("exercises")["waiting"], {"exercise": exercise}).fetchone()
    return bool(row and row[0])


def heard(connection: Connection[TupleRow], exercise: int) -> tuple[int, int]:
    """How many datastreams it has, and how many of them were heard."""
    with translated():
        row = connection.execute(queries("exercises")["heard"], {"exercise": exercise}).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def _exercise(row: dict[str, Any]) -> Exercise:
    pace, plan = None, Plan.of(row["plan"])
    if row["paced_from"] is not None:
        pace = Pace(
            begins=from_datetime(row["begins_at"]),
            published_from=from_datetime(row["paced_from"]),
            speed=row["speed"],
            ends=from_datetime(row["begins_at"]) + round(plan.duration_s * MICROS_PER_SECOND),
        )
    return Exercise(
        id=row["id"],
        title=Words(en=row["title_en"], zh=row["title_zh"]),
        scenario=row["scenario"],
        scale=row["scale"],
        seed=row["seed"],
        started_by=row["started_by"],
        started_at=from_datetime(row["started_at"]),
        pace=pace,
        ended_at=None if row["ended_at"] is None else from_datetime(row["ended_at"]),
        ended_by=row["ended_by"],
        plan=plan,
    )
