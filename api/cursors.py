"""Opaque cursors: where the next page begins. They hold keys, never an offset, and nothing secret.

A cursor is of one list: one of another list, a damaged or an invented one is refused, never guessed at.
"""

import base64
import binascii
import json
from typing import Literal

from api.problems import Problem

#: Longer than any that was ever given out (a key of 128 characters in UTF-8, and some).
MAXIMUM_LENGTH = 1024
_LAST_BIGINT = 2**63 - 1

Key = str | int
KeyType = Literal["text", "number"]


def encode(listing: str, *keys: Key) -> str:
    """The cursor of a list that continues after the given keys."""
    text = json.dumps([listing, *keys], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(listing: str, cursor: str, *types: KeyType) -> list[Key]:
    """The keys of a cursor; raises Problem if it is not one of this list."""
    bad = Problem(
        422,
        "bad-cursor",
        "The cursor cannot be used",
        "Use `next` of the page before as it is, with the same path; or begin again without a cursor.",
    )
    if len(cursor) > MAXIMUM_LENGTH:
        raise bad
    try:
        text = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        parts = json.loads(text.decode("utf-8"))
    except (binascii.Error, ValueError, RecursionError):
        raise bad from None
    if not isinstance(parts, list) or len(parts) != 1 + len(types) or parts[0] != listing:
        raise bad
    keys = parts[1:]
    if not all(_fits(key, kind) for key, kind in zip(keys, types, strict=True)):
        raise bad
    return keys


def _fits(key: object, kind: KeyType) -> bool:
    if kind == "number":
        return type(key) is int and -_LAST_BIGINT <= key <= _LAST_BIGINT
    return isinstance(key, str) and key.isprintable() and key.encode("utf-8", "replace").decode() == key


def text_key(listing: str, cursor: str | None) -> str | None:
    """The key of a list that is ordered by one text; None for the first page."""
    return None if cursor is None else str(decode(listing, cursor, "text")[0])


def number_key(listing: str, cursor: str | None, *, maximum: int = _LAST_BIGINT) -> int | None:
    """The key of a list that is ordered by one number; None for the first page."""
    return None if cursor is None else max(-maximum, min(maximum, int(decode(listing, cursor, "number")[0])))
