"""How the fields of a query read: headings, words for codes, colours, units.

Headings come from a transformation and words from the panel's mappings: Grafana's published schema admits nothing but
objects as values of field overrides.
"""

from collections.abc import Iterable, Mapping, Sequence

from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
    MatcherConfig,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)

from dashboards.page import Page
from dashboards.words import (
    COLOURS,
    COLUMNS,
    EVENTS,
    LEVELS,
    NO_LEVEL,
    QUALITIES,
    REASONS,
    RELATIONS,
    STATES,
    YES_NO,
    Text,
)
from domain.catalogue import properties as catalogue
from domain.units import shown

#: Columns whose values are codes. No code is a number, so that no measured value is taken for one.
CODES: Mapping[str, Mapping[str, Text]] = {
    "level": {**LEVELS, **NO_LEVEL},
    "event": EVENTS,
    "state": STATES,
    "acknowledged": YES_NO,
    "standing": YES_NO,
    "relation": RELATIONS,
    "quality": QUALITIES,
    "reason": REASONS,
    "unit": {
        item.unit: Text(shown(item.unit) or "–", shown(item.unit) or "–") for item in catalogue() if item.unit != "1"
    },
}


def unit_of(properties: Sequence[str]) -> str:
    """The one unit of some properties of the catalogue, as Grafana takes it; ValueError when they have several."""
    (unit,) = {item.unit for item in catalogue() if item.id in properties}
    return f"suffix: {shown(unit)}".rstrip()


def heading(page: Page, column: str) -> str:
    """The name of a column in the language of the page."""
    return page.text(COLUMNS[column])


def headings(page: Page, columns: Iterable[str]) -> DataTransformerConfig:
    """Shows columns under their names in the language of the page."""
    renamed = {column: heading(page, column) for column in columns}
    return DataTransformerConfig(
        id_val="organize", options={"excludeByName": {}, "indexByName": {}, "renameByName": renamed}
    )


def named(page: Page, column: str) -> MatcherConfig:
    """Finds a column that `headings` has renamed."""
    return MatcherConfig(id_val="byNames", options={"mode": "include", "names": [heading(page, column)]})


def fixed(colour: str) -> DynamicConfigValue:
    """Gives a field one colour."""
    return DynamicConfigValue("color", {"mode": "fixed", "fixedColor": COLOURS[colour]})


def words(page: Page, texts: Mapping[str, Text], colours: Mapping[str, str] | None = None) -> list[ValueMapping]:
    """Shows codes as words, in a colour where one is given."""
    results = {
        str(code): ValueMappingResult(text=page.text(text), color=(colours or {}).get(code), index=index)
        for index, (code, text) in enumerate(texts.items())
    }
    return [ValueMap(options=results)]


def codes(page: Page, columns: Iterable[str]) -> list[ValueMapping]:
    """The words for every code that these columns can hold; levels in their colours."""
    texts = {code: text for column in columns for code, text in CODES.get(column, {}).items()}
    return words(page, texts, COLOURS) if texts else []
