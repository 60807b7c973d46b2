"""Named queries: all SQL stands in `queries/*.sql`, each under `-- name: its_name` and a line that describes it."""

import re
from functools import cache
from importlib.resources import files
from typing import LiteralString, cast

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def parse(text: str) -> dict[str, LiteralString]:
    """Splits the text of a query file into its statements by name; a name used twice raises ValueError."""
    parts = _NAME.split(text)
    queries: dict[str, LiteralString] = {}
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        if name in queries:
            raise ValueError(f"query {name} is defined twice")
        # The text is a file of this package, never input: that is what LiteralString means.
        queries[name] = cast("LiteralString", body.strip().removesuffix(";"))
    return queries


@cache
def queries(topic: str) -> dict[str, LiteralString]:
    """The named queries of `queries/{topic}.sql`."""
    return parse((files("storage") / "queries" / f"{topic}.sql").read_text(encoding="utf-8"))
