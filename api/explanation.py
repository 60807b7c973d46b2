"""What a rule says of itself, out of its definition as it stands in the catalogue. Pure, and forgiving.

The definition was written by the rules, perhaps by another version of them: what cannot be read is left out.
"""

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from api.models.rules import Grounds, Rationalization, Words
from api.models.wire import Wire
from storage.alert_reading import AlertEntry

Model = TypeVar("Model", bound=Wire)


def title(definition: Mapping[str, Any]) -> Words | None:
    """The title of its alerts, with the names in braces that are filled in when one is raised."""
    return _read(Words, definition.get("title"))


def rationalization(definition: Mapping[str, Any]) -> Rationalization | None:
    """Why it exists and what a person does."""
    return _read(Rationalization, definition.get("rationalization"))


def grounds(definition: Mapping[str, Any], level: str) -> Grounds | None:
    """Where the limit of a level comes from."""
    for found in _mappings(definition.get("condition")):
        for candidate in (found.get(level), found.get("grounds") if found.get("level") == level else None):
            if isinstance(candidate, Mapping) and "evidence" in candidate:
                return _read(Grounds, {"standard": None, "clause": None, "note": None} | dict(candidate))
            if isinstance(candidate, Mapping) and isinstance(candidate.get("grounds"), Mapping):
                inner = candidate["grounds"]
                return _read(Grounds, {"standard": None, "clause": None, "note": None} | dict(inner))
    return None


def held_back_by(alert: AlertEntry) -> list[str]:
    """What holds an open alert back now, by name."""
    reasons = {
        "out_of_service": alert.out_of_service,
        "shelved": alert.shelving is not None,
        "maintenance": alert.maintenance_window is not None,
        "suppressed": alert.suppressed_by is not None,
        "inhibited": alert.inhibited,
    }
    return [name for name, applies in reasons.items() if applies and alert.open]


def _mappings(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield value
        for inner in value.values():
            yield from _mappings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _mappings(inner)


def _read(model: type[Model], value: object) -> Model | None:
    try:
        return model.model_validate(value)
    except ValidationError:
        return None
