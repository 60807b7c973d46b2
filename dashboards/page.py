"""A page: what every panel of one dashboard shares, and how its panels are laid out on Grafana's grid of 24 columns."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.models.dashboard import GridPos, Panel, RowPanel

from dashboards.words import Text
from storage.dashboards import Aggregate, Language, panel_sql

COLUMNS_OF_THE_GRID = 24


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One dashboard in one language; without a network it is the overview."""

    language: Language
    network: str | None = None
    #: Address of map tiles with {x}, {y} and {z}; None draws no tiles, so that nothing is fetched from the internet.
    tiles: str | None = None

    def text(self, text: Text) -> str:
        """The text in the language of this page."""
        return text.of(self.language)

    def sql(
        self,
        query: str,
        *,
        properties: Sequence[str] = (),
        aggregate: Aggregate = "average",
        band: tuple[float, float] = (0.0, 0.0),
    ) -> str:
        """A named panel query in the language and for the network of this page."""
        return panel_sql(
            query,
            language=self.language,
            network=self.network,
            properties=properties,
            aggregate=aggregate,
            band=band,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """Panels side by side; the widths fill the grid."""

    height: int
    panels: tuple[tuple[int, Panel], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """Rows under a heading."""

    title: Text
    rows: tuple[Row, ...]


def arrange(page: Page, sections: Sequence[Section]) -> list[Panel | RowPanel]:
    """Numbers and places the panels, top to bottom; raises ValueError when a row does not fill the grid."""
    placed: list[Panel | RowPanel] = []
    y = 0
    for section in sections:
        heading = GridPos(x=0, y=y, w=COLUMNS_OF_THE_GRID, h=1)
        placed.append(RowPanel(id_val=len(placed) + 1, title=page.text(section.title), grid_pos=heading, panels=[]))
        y += 1
        for row in section.rows:
            if sum(width for width, _ in row.panels) != COLUMNS_OF_THE_GRID:
                raise ValueError(f"a row of section {section.title.en!r} does not fill the grid")
            x = 0
            for width, panel in row.panels:
                panel.id_val = len(placed) + 1
                panel.grid_pos = GridPos(x=x, y=y, w=width, h=row.height)
                placed.append(panel)
                x += width
            y += row.height
    return placed
