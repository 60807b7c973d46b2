"""A backtest's report as one HTML file that needs nothing else: no network, light and dark, in either language."""

from collections.abc import Iterator, Sequence
from html import escape
from importlib.resources import files

from domain.alert import Level
from domain.kpi_judgement import Figure, Verdict
from domain.units import shown
from rules.history import Episode
from rules.report import Report, fates
from rules.report_charts import columns, ranking, readings, swimlanes
from rules.report_words import Words

#: Lanes of the timeline.
_LANES = 40
_TOP = 10
_HOUR = 3_600_000_000
_PIECES = (
    ("minutes10", _HOUR // 6), ("hour", _HOUR), ("hours6", 6 * _HOUR), ("day", 24 * _HOUR), ("days7", 7 * 24 * _HOUR),
)  # fmt: skip
#: Bars of the chart over time.
_BARS = 96


def page(report: Report, *, language: str, zone: str) -> str:
    """The whole document.

    Args:
        report: What was found.
        language: `en` or `zh`.
        zone: Whose clock its times are written by.
    """
    words = Words(language, zone)
    folder = files("rules") / "page"
    body = "\n".join(_sections(report, words))
    title = escape(f"{words('backtest')} · {report.title}")
    return (
        f'<!doctype html>\n<html lang="{"zh-CN" if language == "zh" else "en"}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{(folder / 'report.css').read_text(encoding='utf-8')}</style>\n</head>\n"
        f"<body>\n<h1>{title}</h1>\n{body}\n"
        f"<script>\n{(folder / 'report.js').read_text(encoding='utf-8')}</script>\n</body>\n</html>\n"
    )


def _sections(report: Report, words: Words) -> Iterator[str]:
    outcome = report.outcome
    begin, end = words.moment(outcome.since), words.moment(outcome.until)
    yield f"<p>{words('period')}: {begin} / {end} ({escape(words.zone)})</p>"
    yield _cards(report, words)
    if outcome.failures:
        rows = "".join(f"<li><b>{escape(rule)}</b>: {escape(text)}</li>" for rule, text in outcome.failures)
        yield f"<h2>{words('failures')}</h2><ul>{rows}</ul>"
    told = list(fates(report))
    if not told:
        yield f"<p>{words('none')}</p>"
    else:
        yield _timeline(report, told, words)
        yield _load(report, words)
        yield _top(outcome.episodes, words)
    yield _kpis(report, words)
    if told:
        yield _table(report, told, words)
    if report.charts:
        yield _charts(report, words)


def _cards(report: Report, words: Words) -> str:
    outcome, found = report.outcome, report.difference
    cards = [
        (words("alerts"), f"{len(outcome.episodes):,}", ""),
        (words("observations"), f"{outcome.observations:,}", ""),
        (words("rules"), f"{len(outcome.rules):,}", ""),
    ]
    cards += [
        (words.level(level), f"{sum(episode.worst is level for episode in outcome.episodes):,}", level.label)
        for level in Level
    ]
    if found is not None:
        counts = {"new": len(found.new), "lost": len(found.lost), "moved": len(found.moved), "same": found.same}
        cards += [(words(name), f"{count:,}", name) for name, count in counts.items()]
    return (
        '<div class="cards">'
        + "".join(f'<div class="card {kind}"><b>{value}</b>{escape(name)}</div>' for name, value, kind in cards)
        + "</div>"
    )


def _timeline(report: Report, told: Sequence[tuple[Episode, str]], words: Words) -> str:
    rows: dict[str, list[Episode]] = {}
    for episode, _ in told:
        rows.setdefault(episode.rule, []).append(episode)
    ordered = sorted(rows.items(), key=lambda row: (-len(row[1]), row[0]))
    lost = frozenset(id(episode) for episode, fate in told if fate == "lost")
    drawn = swimlanes(sorted(ordered[:_LANES]), report.outcome.since, report.outcome.until, words, lost)
    left_out = len(ordered) - _LANES
    note = f"<p>{words('left_out_rules', count=left_out)}</p>" if left_out > 0 else ""
    return f"<h2>{words('timeline')}</h2>{drawn}{note}"


def _load(report: Report, words: Words) -> str:
    outcome = report.outcome
    span = outcome.until - outcome.since
    name, width = next((piece for piece in _PIECES if span / piece[1] <= _BARS), _PIECES[-1])
    counts: list[dict[Level, int]] = [{} for _ in range(-(-span // width))]
    for episode in outcome.episodes:
        place = (episode.raised_at - outcome.since) // width
        if 0 <= place < len(counts):
            level = episode.worst
            counts[place][level] = counts[place].get(level, 0) + 1
    label = (
        f"{words('load')} {words('per')} {words(name)}" if words.language == "en" else f"每{words(name)}{words('load')}"
    )
    return f"<h2>{label}</h2>{columns(counts, outcome.since, width, words, label)}"


def _top(episodes: Sequence[Episode], words: Words) -> str:
    counts: dict[str, int] = {}
    for episode in episodes:
        counts[episode.rule] = counts.get(episode.rule, 0) + 1
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))[:_TOP]
    return f"<h2>{words('top')}</h2>{ranking(rows, words('top'))}" if rows else ""


def _kpis(report: Report, words: Words) -> str:
    before = {figure.name: figure for figure in report.figures_against}
    head = [words("figure"), words("value")]
    head += [words("before"), words("change")] if before else []
    head.append(words("target"))
    rows = []
    for figure in report.figures:
        cells = [escape(words(figure.name)), _figure(figure, words)]
        if before:
            old = before[figure.name]
            change = (figure.value or 0) - (old.value or 0)
            cells += [_figure(old, words), "" if not change else _amount(change, figure.unit, words, signed=True)]
        cells.append(escape(words.target(figure.target)))
        verdict = "" if figure.verdict is Verdict.NONE else f' class="{figure.verdict.value}"'
        rows.append(f"<tr{verdict}>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    return f'<h2>{words("kpis")}</h2><table class="kpis">{_head(head)}{"".join(rows)}</table>'


def _figure(figure: Figure, words: Words) -> str:
    return "" if figure.value is None else _amount(figure.value, figure.unit, words)


def _amount(value: float, unit: str, words: Words, *, signed: bool = False) -> str:
    sign = "+" if signed and value > 0 else "-" if value < 0 else ""
    if unit == "s":
        return sign + words.lasting(round(abs(value) * 1e6))
    return f"{sign}{abs(value):.4g} {shown(unit)}".rstrip() if unit != "1/h" else f"{sign}{abs(value):.3g}"


def _head(cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in cells) + "</tr>"


def _table(report: Report, told: Sequence[tuple[Episode, str]], words: Words) -> str:
    compared = report.difference is not None
    head = [words(name) for name in ("raised", "level", "alert", "rule", "where", "lasting")]
    head += [words("difference")] if compared else []
    options = "".join(f'<option value="{level.label}">{escape(words.level(level))}</option>' for level in Level)
    rows = []
    for episode, fate in told:
        lasting = (
            words("still") if episode.cleared_at is None else words.lasting(episode.cleared_at - episode.raised_at)
        )
        cells = [
            words.moment(episode.raised_at),
            f'<span class="chip {episode.worst.label}">{escape(words.level(episode.worst))}</span>',
            escape(words.either(episode.title_en, episode.title_zh)),
            escape(episode.rule),
            escape(episode.device or episode.asset or episode.area),
            escape(lasting),
        ]
        cells += [escape(words(fate))] if compared else []
        rows.append(
            f'<tr data-level="{episode.worst.label}" class="{fate}">'
            + "".join(f"<td>{cell}</td>" for cell in cells)
            + "</tr>"
        )
    return (
        f'<h2>{words("table")}</h2><p><input id="filter" type="search" placeholder="{escape(words("filter"))}"> '
        f'<select id="level"><option value="">{escape(words("all_levels"))}</option>{options}</select> '
        f'<span id="count"></span></p><div class="scroll"><table id="alerts"><thead>{_head(head)}</thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _charts(report: Report, words: Words) -> str:
    episodes = report.outcome.episodes
    note = words("left_out_charts", shown=len(report.charts), count=len(episodes))
    parts = [f"<h2>{words('charts')}</h2><p>{note}</p>"]
    for chart in report.charts:
        episode = episodes[chart.episode]
        unit = shown(chart.watched.unit)
        parts.append(
            f"<figure><figcaption><b>{escape(words.either(episode.title_en, episode.title_zh))}</b> "
            f"{words.moment(episode.raised_at)} · {escape(chart.watched.device)} / {escape(chart.watched.property)}"
            f"{escape(f' [{unit}]') if unit else ''}</figcaption>{readings(chart, episode, words)}"
            + ("" if chart.limits else f"<small>{words('no_limits')}</small>")
            + "</figure>"
        )
    return "".join(parts)
