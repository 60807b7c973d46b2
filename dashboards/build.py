"""Builds the dashboards: overview, networks, alarm health, resilience and exercises, in English and in Chinese."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import get_args

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardDashboardTemplating,
    DashboardLinkType,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from dashboards import alarm_health, drainage, exercises, gas, lighting, manhole, overview, resilience, water
from dashboards.page import Page, Section, arrange
from dashboards.shared import details, summary
from dashboards.source import reference
from dashboards.words import Text
from domain.catalogue import NETWORKS
from storage.dashboards import Language

LANGUAGES: tuple[Language, ...] = get_args(Language)
#: Where the dashboards of this version stand: a folder for each language.
GENERATED = Path(__file__).parent / "generated"
_OF_NETWORK: Mapping[str, Callable[[Page], tuple[Section, ...]]] = {
    "gas": gas.sections,
    "water": water.sections,
    "drainage": drainage.sections,
    "manhole": manhole.sections,
    "lighting": lighting.sections,
}
_TITLE = Text("City Lifeline", "城市生命线")


def build(language: Language, *, tiles: str | None = None) -> dict[str, str]:
    """The dashboards of one language, by name. The texts are JSON."""
    built = {"overview": _overview(Page(language=language, tiles=tiles))}
    for network in NETWORKS:
        title = Text(f"{_TITLE.en}: {network.name_en.lower()}", f"{_TITLE.zh}：{network.name_zh}")
        built[network.id] = _of_network(Page(language=language, network=network.id, tiles=tiles), title)
    built["alarms"] = _alarms(Page(language=language))
    built["resilience"] = _resilience(Page(language=language))
    built["exercises"] = _exercises(Page(language=language))
    return built


def files(*, tiles: str | None = None) -> dict[str, str]:
    """Every dashboard by its path under the folder of generated dashboards."""
    return {
        f"{language}/{name}.json": text for language in LANGUAGES for name, text in build(language, tiles=tiles).items()
    }


def write(folder: Path = GENERATED, *, tiles: str | None = None) -> list[Path]:
    """Writes every dashboard, removes what is no dashboard any more, and returns what changed."""
    wanted = files(tiles=tiles)
    changed = []
    for path in stale(folder, tiles=tiles):
        if path in wanted:
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(wanted[path], encoding="utf-8")
        else:
            (folder / path).unlink()
        changed.append(folder / path)
    return changed


def stale(folder: Path = GENERATED, *, tiles: str | None = None) -> list[str]:
    """The dashboards that are missing, differ from what would be written, or should not be there."""
    wanted = files(tiles=tiles)
    found = {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for language in LANGUAGES
        for path in (folder / language).glob("*.json")
    }
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


def _overview(page: Page) -> str:
    title = Text(f"{_TITLE.en}: overview", f"{_TITLE.zh}：总览")
    description = Text(
        "Open alerts, where they are, and whether the platform hears and tells.",
        "未关闭报警及其位置，以及平台采集与通知的运行情况。",
    )
    return _dashboard(page, "overview", (title, description), _networks(page), overview.sections(page))


def _alarms(page: Page) -> str:
    title = Text(f"{_TITLE.en}: alarm health", f"{_TITLE.zh}：报警健康度")
    description = Text(
        "Whether the alarms serve the people who answer them: rate, floods, nuisance alarms, response times.",
        "报警是否便于值班人员应对：频次、泛滥、无效报警与响应时间。",
    )
    sections = alarm_health.sections(page)
    return _dashboard(page, "alarms", (title, description), _networks(page), sections, since="now-7d")


def _resilience(page: Page) -> str:
    title = Text(f"{_TITLE.en}: resilience", f"{_TITLE.zh}：韧性")
    description = Text(
        "How fast trouble is found, taken and over, and how much of the telemetry is there.",
        "事件发现、确认与恢复的用时，以及各区县的数据在线率。",
    )
    sections = resilience.sections(page)
    return _dashboard(page, "resilience", (title, description), _networks(page), sections, since="now-24h")


def _exercises(page: Page) -> str:
    title = Text(f"EXERCISE – {_TITLE.en}: exercises", f"【演练】{_TITLE.zh}：演练")
    description = Text(
        "What goes on in exercises. Nothing of it is real, and no other dashboard shows it.",
        "演练情况。均非真实警情，其他看板不显示这些内容。",
    )
    return _dashboard(page, "exercises", (title, description), None, exercises.sections(page), since="now-24h")


def _networks(page: Page) -> dashboard.QueryVariable:
    return _variable(page, "network", Text("Network", "专项"), page.sql("networks"))


def _of_network(page: Page, title: Text) -> str:
    network = page.network or ""
    description = Text(
        "Alerts, key values and charts of one network. Charts show at most 20 lines: choose devices to see others.",
        "单个专项的报警、关键数值与曲线。每张曲线图最多 20 条线，可通过设备变量选择。",
    )
    device = _variable(page, "device", Text("Device", "设备"), page.sql("devices_of_network"))
    sections = (summary(page), *_OF_NETWORK[network](page), details(page))
    return _dashboard(page, network, (title, description), device, sections)


def _variable(page: Page, name: str, label: Text, sql: str) -> dashboard.QueryVariable:
    """A choice of several values, all at first. `'*'` is no identifier, so it can stand for all."""
    return (
        dashboard.QueryVariable(name)
        .label(page.text(label))
        .datasource(reference())
        .query(sql)
        .refresh(VariableRefresh.ON_DASHBOARD_LOAD)
        .sort(VariableSort.DISABLED)
        .multi(True)
        .include_all(True)
        .all_value("'*'")
        .allow_custom_value(False)
        .current(VariableOption(selected=True, text=["All"], value=["$__all"]))
    )


def _dashboard(
    page: Page,
    name: str,
    texts: tuple[Text, Text],
    variable: dashboard.QueryVariable | None,
    sections: tuple[Section, ...],
    *,
    since: str = "now-6h",
) -> str:
    title, description = texts
    tag = f"city-lifeline-{page.language}"
    others = dashboard.DashboardLink(page.text(Text("Dashboards", "看板")))
    others.type(DashboardLinkType.DASHBOARDS).tags([tag]).as_dropdown(True).keep_time(True)
    builder = (
        dashboard.Dashboard(page.text(title))
        .uid(f"lifeline-{name}-{page.language}")
        .description(page.text(description))
        .tags(["city-lifeline", tag])
        .timezone("browser")
        .time(since, "now")
        .refresh("30s")
        .week_start("monday")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .editable()
        .link(others)
    )
    built = (builder if variable is None else builder.with_variable(variable)).build()
    if variable is None:
        built.templating = DashboardDashboardTemplating(list_val=[])
    built.panels = list(arrange(page, sections))
    return json.dumps(built, cls=JSONEncoder, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
