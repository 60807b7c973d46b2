"""What pydantic finds wrong in a rule, as a person mends it: one line a mistake, with its place and a remedy."""

from typing import Any

from pydantic import ValidationError

#: What to do about each kind of problem that pydantic finds.
_REMEDIES = {
    "missing": "add it",
    "extra_forbidden": "no such field: remove it, or correct its spelling",
    "string_type": "write a text",
    "float_type": "write a number",
    "float_parsing": "write a number, or `{tag: …}` for one that stands on the asset",
    "finite_number": "write a number",
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "int_parsing": "write a whole number",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "dict_type": "write a mapping",
    "model_type": "write a mapping",
    "tuple_type": "write a list",
    "string_too_short": "write a sentence",
    "too_short": "name at least one",
}


def mistakes(error: ValidationError) -> list[Any]:
    """What a person did wrong, each once: a list is not too short because an item of it is wrong."""
    errors = error.errors(include_url=False)
    return [
        one
        for one in errors
        if one["type"] != "too_short"
        or not any(other["loc"][: len(one["loc"])] == one["loc"] for other in errors if other is not one)
    ]


def place_of(error: Any, value: Any) -> tuple[str | int, ...]:  # noqa: ANN401 - an error and a document of any shape
    """Where in a document a problem stands.

    Pydantic also names the branch that it tried (threshold, leaf, number), which is no part of what a person wrote: a
    step that does not lead anywhere in the document is left out, except the name of what is missing.
    """
    place: list[str | int] = []
    steps = error["loc"]
    for number, step in enumerate(steps):
        found, below = _below(value, step)
        if found:
            place.append(step)
            value = below
        elif number == len(steps) - 1 and error["type"] == "missing":
            place.append(step)
    return tuple(place)


def _below(value: Any, step: str | int) -> tuple[bool, Any]:  # noqa: ANN401
    if isinstance(value, dict) and step in value:
        return True, value[step]
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return True, value[step]
    return False, None


def sentence(error: Any, place: tuple[str | int, ...], whole: str) -> str:  # noqa: ANN401
    """`condition.above.red: what is wrong: what to do`.

    Args:
        error: One of `ValidationError.errors()`.
        place: Where it stands.
        whole: What to call the document itself, for a problem of no single part.
    """
    where = ".".join(str(step) for step in place) or whole
    kind, text = error["type"], error["msg"].removeprefix("Value error, ")
    if kind == "value_error":
        return f"{where}: {text}"
    return f"{where}: {text}: {_REMEDIES.get(kind, 'correct it')}"
