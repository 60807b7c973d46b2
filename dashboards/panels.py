"""The kinds of panel that the house uses. Each takes the page, its texts and a query, and gives a built panel."""

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders import bargauge, common, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue, Panel

from dashboards.fields import codes, fixed, headings, named, unit_of, words
from dashboards.limits import NORMAL, Limits
from dashboards.page import Page
from dashboards.source import SqlQuery, reference
from dashboards.words import COLOURS, LEVELS, Text
from storage.dashboards import Aggregate

_DECIMALS = 2


def finished(panel: Panel, page: Page, title: Text, description: Text) -> Panel:
    """Gives a panel what every panel has."""
    panel.title = page.text(title)
    panel.description = page.text(description)
    panel.datasource = reference()
    return panel


def counts(
    page: Page,
    title: Text,
    description: Text,
    sql: str,
    columns: Mapping[str, Limits | str],
    *,
    unit: str = "",
    decimals: int = 0,
) -> Panel:
    """Numbers side by side, one for each column of the query's one row; a colour, or limits that choose it."""
    builder = (
        stat.Panel()
        .with_target(SqlQuery(sql))
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .color_mode(options.BigValueColorMode.BACKGROUND)
        .graph_mode(options.BigValueGraphMode.NONE)
        .text_mode(options.BigValueTextMode.VALUE_AND_NAME)
        .decimals(decimals)
        .with_transformation(headings(page, columns))
    )
    if unit:
        builder.unit(unit).no_value("–")
    for name, colour in columns.items():
        if isinstance(colour, str):
            look = fixed(colour)
        else:
            look = DynamicConfigValue("thresholds", colour.thresholds().build())
        builder.with_override(named(page, name), [look])
    return finished(builder.build(), page, title, description)


def rows(page: Page, title: Text, description: Text, sql: str, columns: Sequence[str]) -> Panel:
    """A table of the query's columns, with headings and codes in the language of the page."""
    builder = (
        table.Panel()
        .with_target(SqlQuery(sql))
        .cell_height(options.TableCellHeight.SM)
        .decimals(_DECIMALS)
        .filterable(True)
        .no_value("–")
        .with_transformation(headings(page, columns))
        .mappings(codes(page, columns))
    )
    if "level" in columns:
        cell = DynamicConfigValue("custom.cellOptions", {"type": "color-background", "mode": "basic"})
        builder.with_override(named(page, "level"), [cell])
    return finished(builder.build(), page, title, description)


def bars(
    page: Page,
    title: Text,
    description: Text,
    sql: str,
    *,
    value: str,
    unit: str,
    limits: Limits,
    ends: tuple[float, float] | None = None,
) -> Panel:
    """A bar for each row of the query, as long as its column `value` says; the text column names it."""
    builder = (
        bargauge.Panel()
        .with_target(SqlQuery(sql))
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(True).limit(20).fields(f"/^{value}$/"))
        .orientation(options.VizOrientation.HORIZONTAL)
        .display_mode(options.BarGaugeDisplayMode.BASIC)
        .name_placement(options.BarGaugeNamePlacement.LEFT)
        .thresholds(limits.thresholds())
        .unit(unit)
        .no_value("–")
    )
    if ends is not None:
        builder.min(ends[0]).max(ends[1])
    return finished(builder.build(), page, title, description)


def _legend(*, table_of: Sequence[str] = ()) -> common.VizLegendOptions:
    """A legend below the chart; with calculations it is a table."""
    mode = options.LegendDisplayMode.TABLE if table_of else options.LegendDisplayMode.LIST
    legend = common.VizLegendOptions().display_mode(mode).placement(options.LegendPlacement.BOTTOM)
    return legend.show_legend(True).calcs(list(table_of))


def chart(
    page: Page,
    title: Text,
    description: Text,
    properties: Sequence[str],
    *,
    limits: Limits = NORMAL,
    aggregate: Aggregate = "average",
) -> Panel:
    """Properties of one unit over time, from the rollup that the range calls for; limits are dashed lines."""
    style = options.GraphThresholdsStyleMode.DASHED if limits.steps else options.GraphThresholdsStyleMode.OFF
    sql = page.sql("chart", properties=properties, aggregate=aggregate)
    builder = (
        timeseries.Panel()
        .with_target(SqlQuery(sql, "time_series"))
        .legend(_legend(table_of=("lastNotNull", "min", "max")))
        .tooltip(common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI).sort(options.SortOrder.DESCENDING))
        .draw_style(options.GraphDrawStyle.LINE)
        .line_width(1)
        .fill_opacity(5)
        .show_points(options.VisibilityMode.AUTO)
        .span_nulls(True)
        .unit(unit_of(properties))
        .decimals(_DECIMALS)
        .thresholds(limits.thresholds())
        .thresholds_style(common.GraphThresholdsStyleConfig().mode(style))
    )
    return finished(builder.build(), page, title, description)


def counted(
    page: Page, title: Text, description: Text, sql: str, *, columns: Mapping[str, str], last: str | None = None
) -> Panel:
    """Stacked columns over time, one series for each column of the query. `last` narrows the range, such as 1h."""
    builder = (
        timeseries.Panel()
        .with_target(SqlQuery(sql, "time_series"))
        .legend(_legend())
        .tooltip(common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI).sort(options.SortOrder.NONE))
        .draw_style(options.GraphDrawStyle.BARS)
        .fill_opacity(80)
        .line_width(0)
        .stacking(common.StackingConfig().mode(options.StackingMode.NORMAL).group("A"))
        .unit("short")
        .decimals(0)
        .min(0)
        .with_transformation(headings(page, columns))
    )
    if last is not None:
        builder.time_from(last)
    for name, colour in columns.items():
        builder.with_override(named(page, name), [fixed(colour)])
    return finished(builder.build(), page, title, description)


def lines(page: Page, title: Text, description: Text, sql: str, *, columns: Mapping[str, str]) -> Panel:
    """Columns over time as steps, one series in a colour for each column of the query."""
    builder = (
        timeseries.Panel()
        .with_target(SqlQuery(sql, "time_series"))
        .legend(_legend())
        .tooltip(common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI).sort(options.SortOrder.NONE))
        .draw_style(options.GraphDrawStyle.LINE)
        .line_interpolation(options.LineInterpolation.STEP_AFTER)
        .line_width(1)
        .fill_opacity(5)
        .show_points(options.VisibilityMode.NEVER)
        .unit("short")
        .decimals(0)
        .min(0)
        .with_transformation(headings(page, columns))
    )
    for name, colour in columns.items():
        builder.with_override(named(page, name), [fixed(colour)])
    return finished(builder.build(), page, title, description)


def switches(
    page: Page,
    title: Text,
    description: Text,
    properties: Sequence[str],
    *,
    off: tuple[Text, str],
    on: tuple[Text, str],
) -> Panel:
    """Switch properties over time as bands of colour; `off` and `on` say what 0 and 1 mean, and their colours."""
    texts = {"0": off[0], "1": on[0]}
    colours = {"0": COLOURS[off[1]], "1": COLOURS[on[1]]}
    builder = (
        statetimeline.Panel()
        .with_target(SqlQuery(page.sql("chart", properties=properties, aggregate="maximum"), "time_series"))
        .mappings(words(page, texts, colours))
        .show_value(options.VisibilityMode.NEVER)
        .merge_values(True)
        .row_height(0.8)
        .legend(_legend())
    )
    return finished(builder.build(), page, title, description)


def open_levels(page: Page) -> Panel:
    """How many alerts are open on each of the four levels."""
    return counts(
        page,
        Text("Open alerts by level", "未关闭报警（按级别）"),
        Text(
            "Alerts that are active or not yet acknowledged. Red is the highest level.",
            "仍在持续或尚未确认的报警，红色为最高级别。",
        ),
        page.sql("open_alerts_by_level"),
        {level: level for level in LEVELS},
    )
