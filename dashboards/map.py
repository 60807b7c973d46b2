"""The map of assets, each in the colour of its worst open alert."""

from grafana_foundation_sdk.builders import common, geomap
from grafana_foundation_sdk.models.common import FrameGeometrySourceMode
from grafana_foundation_sdk.models.dashboard import Panel
from grafana_foundation_sdk.models.geomap import TooltipMode

from dashboards.fields import codes, heading, headings
from dashboards.limits import SEVERITY
from dashboards.page import Page
from dashboards.panels import finished
from dashboards.source import SqlQuery
from dashboards.words import COLOURS, Text

#: One transparent pixel instead of tiles: Grafana would otherwise fetch tiles from the internet.
NO_TILES = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"

COLUMNS_OF_THE_MAP = ("name", "network", "level", "alerts", "severity", "latitude", "longitude")


def asset_map(page: Page) -> Panel:
    """Assets as points, WGS-84."""
    markers = (
        common.MapLayerOptions()
        .type("markers")
        .name(page.text(Text("Assets", "设施")))
        .config(
            {
                "showLegend": True,
                "style": {
                    "size": {"fixed": 7, "min": 2, "max": 15},
                    "color": {"field": heading(page, "severity"), "fixed": COLOURS["green"]},
                    "opacity": 0.9,
                    "symbol": {"mode": "fixed", "fixed": "img/icons/marker/circle.svg"},
                },
            }
        )
        .location(
            common.FrameGeometrySource()
            .mode(FrameGeometrySourceMode.COORDS)
            .latitude("latitude")
            .longitude("longitude")
        )
        .tooltip(True)
    )
    tiles = common.MapLayerOptions().type("xyz").name(page.text(Text("Base map", "底图")))
    tiles.config({"url": page.tiles or NO_TILES})
    builder = (
        geomap.Panel()
        .with_target(SqlQuery(page.sql("asset_map")))
        .view(geomap.MapViewConfig().id("fit").all_layers(True).zoom(15).lat(0).lon(0))
        .controls(
            geomap.ControlsOptions().show_zoom(True).mouse_wheel_zoom(False).show_attribution(True).show_scale(True)
        )
        .basemap(tiles)
        .layers([markers])
        .tooltip(geomap.TooltipOptions().mode(TooltipMode.DETAILS))
        .thresholds(SEVERITY.thresholds())
        .mappings(codes(page, ("level",)))
        .with_transformation(headings(page, COLUMNS_OF_THE_MAP))
    )
    return finished(
        builder.build(),
        page,
        Text("Assets and their worst open alert", "设施分布与最高未关闭级别"),
        Text(
            "Up to 5,000 assets, the worst first. Without a tile address no base map is drawn, so nothing is fetched "
            "from the internet; see `lifeline dashboards build --tiles`.",
            "最多显示 5000 个设施，级别高者优先。未配置瓦片地址时不显示底图，也不会访问互联网；"
            "参见 `lifeline dashboards build --tiles`。",
        ),
    )
