"""How the fields of a query read: headings, words for codes, colours, units."""

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.models.dashboard import DynamicConfigValue, ValueMap, ValueMapping, ValueMappingResult

from dashboards.page import Page
from dashboards.words import (
    COLOURS,
    COLUMNS,
    EVENTS,
    LEVELS,
    QUALITIES,
    REASONS,
    RELATIONS,
    SEVERITIES,
    STATES,
    UNITS,
    YES_NO,
    Text,
)
from domain.catalogue import properties as catalogue

#: Columns whose values are codes.
CODES: Mapping[str, Mapping[str, Text]] = {
    "level": LEVELS,
    "severity": SEVERITIES,
    "event": EVENTS,
    "state": STATES,
    "acknowledged": YES_NO,
    "relation": RELATIONS,
    "quality": QUALITIES,
    "reason": REASONS,
    "unit": {code: Text(text, text) for code, text in UNITS.items()},
}


def unit_of(properties: Sequence[str]) -> str:
    """The one unit of some properties of the catalogue, as Grafana takes it; ValueError when they have several."""
    (unit,) = {item.unit for item in catalogue() if item.id in properties}
    return f"suffix: {UNITS.get(unit, unit)}".rstrip()


def heading(page: Page, column: str) -> DynamicConfigValue:
    """Shows a column under its name in the language of the page."""
    return DynamicConfigValue("displayName", page.text(COLUMNS[column]))


def fixed(colour: str) -> DynamicConfigValue:
    """Gives a field one colour."""
    return DynamicConfigValue("color", {"mode": "fixed", "fixedColor": COLOURS[colour]})


def words(page: Page, texts: Mapping[str, Text], colours: Mapping[str, str] | None = None) -> list[ValueMapping]:
    """Shows codes as words, in a colour where one is given."""
    results = {
        str(code): ValueMappingResult(text=page.text(text) or " ", color=(colours or {}).get(code), index=index)
        for index, (code, text) in enumerate(texts.items())
    }
    return [ValueMap(options=results)]


def column(page: Page, name: str) -> list[DynamicConfigValue]:
    """Everything that a column of this name always looks like."""
    properties = [heading(page, name)]
    if name in CODES:
        colours = COLOURS if name == "level" else None
        properties.append(DynamicConfigValue("mappings", words(page, CODES[name], colours)))
    if name == "level":
        cell = {"type": "color-background", "mode": "basic"}
        properties.append(DynamicConfigValue("custom.cellOptions", cell))
    if name.endswith("_s"):
        properties += [DynamicConfigValue("unit", "s"), DynamicConfigValue("decimals", 0)]
    if name == "share":
        properties += [DynamicConfigValue("unit", "percent"), DynamicConfigValue("decimals", 1)]
    return properties
