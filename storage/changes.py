"""Transitions as rows: what the statements of `alerts` take."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

import msgspec
from psycopg.types.json import Jsonb

from domain.times import to_datetime
from domain.transition import Account, AlertChange, Restraint

#: A rule and a subject.
Key = tuple[str, str]
Row = dict[str, Any]
Item = TypeVar("Item", AlertChange, Restraint)


def rounds(items: Iterable[Item]) -> list[list[Item]]:
    """The items in as few statements as possible: the n-th of each rule and subject goes into the n-th."""
    found: list[list[Item]] = []
    counts: dict[tuple[str, ...], int] = {}
    for item in items:
        key = (item.rule, item.subject)
        number = counts.get(key, 0)
        counts[key] = number + 1
        if number == len(found):
            found.append([])
        found[number].append(item)
    return found


def change_row(change: AlertChange) -> Row:
    """A transition with everything that its alert says."""
    return {
        "rule": change.rule,
        "subject": change.subject,
        "event": change.event.value,
        "time": instant(change.time),
        "level": change.level.label,
        "value": change.value,
        "threshold": change.threshold,
        "worse": change.worse,
        "comment": change.comment,
        **(_account_row(change.account) if change.account is not None else {}),
    }


def _account_row(account: Account) -> Row:
    row = asdict(account)
    row["class"] = row.pop("class_")
    row["facts"] = [fact | {"since": instant(fact["since"])} for fact in row["facts"]]
    return row


def shown_account(account: Account | None) -> Row | None:
    """What an event keeps of the moment: texts and readings."""
    if account is None:
        return None
    row = _account_row(account)
    return {name: row[name] for name in ("title_en", "title_zh", "text_en", "text_zh", "facts")}


def restraint_row(restraint: Restraint) -> Row:
    """What holds an alert back from when on."""
    cause = restraint.cause or (None, None)
    return {
        "rule": restraint.rule,
        "subject": restraint.subject,
        "how": restraint.how,
        "cause_rule": cause[0],
        "cause_subject": cause[1],
        "time": instant(restraint.time),
    }


def key_rows(keys: Iterable[Key]) -> Jsonb:
    """Rules and subjects."""
    return rows([{"rule": rule, "subject": subject} for rule, subject in keys])


def instant(micros: int) -> str:
    """An instant as the database reads it."""
    return to_datetime(micros).isoformat()


def rows(items: Sequence[Row]) -> Jsonb:
    """Rows as one parameter, numbered in their order."""
    return Jsonb([{"place": place, **item} for place, item in enumerate(items)], dumps=msgspec.json.encode)
