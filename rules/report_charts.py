"""The charts of a backtest's report as SVG: swimlanes of alerts, bars over time, readings with their limits.

Colours are classes (`red`, `line`, …), so that the page decides how they look by day and by night.
"""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Protocol

from domain.alert import Level
from rules.history import Episode
from rules.report import Chart
from rules.report_words import Words

WIDTH = 1000
_LANES = 250.0
_ROW = 20
_FOOT = 24
#: A day is 86,400 s; ticks stand on one of these.
_TICKS_S = (1, 5, 15, 60, 300, 900, 3600, 3 * 3600, 6 * 3600, 86_400, 7 * 86_400, 30 * 86_400)
_SECOND = 1_000_000


class Clock(Protocol):
    """Writes instants by the clock of a place."""

    def moment(self, micros: int, pattern: str = ...) -> str:
        """An instant, microseconds since 1970 (UTC), by a pattern of strftime."""


class Axis:
    """A time axis from `left` to the right edge, between two instants in microseconds since 1970 (UTC)."""

    def __init__(self, since: int, until: int, left: float, words: Clock) -> None:
        self._since, self._span, self._left, self._words = since, max(1, until - since), left, words

    def at(self, moment: int) -> float:
        """Where an instant is drawn."""
        return self._left + (WIDTH - 10 - self._left) * (moment - self._since) / self._span

    def drawn(self, top: float, bottom: float) -> str:
        """Its ticks and their times."""
        step = next((s for s in _TICKS_S if self._span / (s * _SECOND) <= 9), _TICKS_S[-1]) * _SECOND
        pattern = "%m-%d" if step >= 86_400 * _SECOND else "%H:%M" if step >= 60 * _SECOND else "%H:%M:%S"
        # Ticks stand on whole hours and days of the place: its clock is ahead of UTC by a fixed amount at the begin.
        zone = _ahead(self._since, self._words)
        first = -(-(self._since + zone) // step) * step - zone
        parts = []
        for moment in range(first, self._since + self._span + 1, step):
            x = self.at(moment)
            parts.append(
                f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{top:.0f}" y2="{bottom:.0f}"/>'
                f'<text class="tick" x="{x:.1f}" y="{bottom + 14:.0f}">{self._words.moment(moment, pattern)}</text>'
            )
        return "".join(parts)


def _ahead(moment: int, words: Clock) -> int:
    text = words.moment(moment, "%z")
    seconds = int(text[1:3]) * 3600 + int(text[3:5]) * 60
    return -seconds * _SECOND if text[0] == "-" else seconds * _SECOND


def _svg(height: float, body: str, label: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(label)}" '
        f'preserveAspectRatio="xMinYMin meet">{body}</svg>'
    )


def swimlanes(
    rows: Sequence[tuple[str, Sequence[Episode]]], since: int, until: int, words: Words, lost: frozenset[int]
) -> str:
    """A lane for each rule, a bar for each alert in the colours of its levels; lost ones are outlined.

    Args:
        rows: Rules with their alerts.
        since: Begin of the period.
        until: End of the period.
        words: Language and place.
        lost: The `id` of each episode that is no more.
    """
    axis = Axis(since, until, _LANES, words)
    bottom = 4 + _ROW * len(rows)
    parts = [axis.drawn(4, bottom)]
    for number, (name, episodes) in enumerate(rows):
        top = 4 + _ROW * number
        parts.append(f'<text class="name" x="0" y="{top + 14}">{escape(name)}</text>')
        for episode in episodes:
            parts += _bar(episode, axis, top + 3, until, words, outlined=id(episode) in lost)
    return _svg(bottom + _FOOT, "".join(parts), words("timeline"))


def _bar(episode: Episode, axis: Axis, top: float, until: int, words: Words, *, outlined: bool) -> Iterable[str]:
    end = until if episode.cleared_at is None else episode.cleared_at
    title = escape(f"{words.either(episode.title_en, episode.title_zh)} · {words.moment(episode.raised_at)}")
    edges = [*(at for at, _ in episode.levels), end]
    for number, (at, level) in enumerate(episode.levels):
        left, right = axis.at(at), axis.at(edges[number + 1])
        shape = f"{level.label} outlined" if outlined else level.label
        yield (
            f'<rect class="{shape}" x="{left:.1f}" y="{top}" width="{max(2.0, right - left):.1f}" height="14">'
            f"<title>{title}</title></rect>"
        )


def columns(counts: Sequence[dict[Level, int]], since: int, width: int, words: Words, label: str) -> str:
    """Stacked bars, one for each piece of time.

    Args:
        counts: How many of each level were raised in each piece.
        since: Begin of the first piece.
        width: Of a piece, microseconds.
        words: Language and place.
        label: What a screen reader says.
    """
    height, left = 160.0, 40.0
    axis = Axis(since, since + width * len(counts), left, words)
    most = max((sum(one.values()) for one in counts), default=0) or 1
    parts = [axis.drawn(6, height), f'<text class="tick end" x="34" y="14">{most}</text>']
    for number, one in enumerate(counts):
        x, wide = axis.at(since + number * width), axis.at(since + (number + 1) * width)
        y = height
        for level in Level:
            if count := one.get(level, 0):
                tall = (height - 8) * count / most
                y -= tall
                parts.append(
                    f'<rect class="{level.label}" x="{x:.1f}" y="{y:.1f}" width="{max(1.0, wide - x - 1):.1f}" '
                    f'height="{tall:.1f}"><title>{words.moment(since + number * width)}: {count} '
                    f"{escape(words.level(level))}</title></rect>"
                )
    return _svg(height + _FOOT, "".join(parts), label)


def ranking(rows: Sequence[tuple[str, int]], label: str) -> str:
    """Bars from the left, the longest first."""
    most = max((count for _, count in rows), default=0) or 1
    parts = []
    for number, (name, count) in enumerate(rows):
        top = 4 + _ROW * number
        wide = (WIDTH - _LANES - 60) * count / most
        parts.append(
            f'<text class="name" x="0" y="{top + 14}">{escape(name)}</text>'
            f'<rect class="accent" x="{_LANES:.0f}" y="{top + 3}" width="{wide:.1f}" height="14"/>'
            f'<text class="name" x="{_LANES + wide + 6:.1f}" y="{top + 14}">{count}</text>'
        )
    return _svg(8 + _ROW * len(rows), "".join(parts), label)


def readings(chart: Chart, episode: Episode, words: Words) -> str:
    """Readings around an alert, which is shaded; its limits are lines, doubtful readings hollow."""
    height, left = 180.0, 70.0
    axis = Axis(chart.since, chart.until, left, words)
    times, values = chart.readings.times.tolist(), chart.readings.values.tolist()
    bounds = [*values, *(value for _, value in chart.limits)]
    low, high = min(bounds, default=0.0), max(bounds, default=1.0)
    room = (high - low) * 0.06 or 0.5
    low, high = low - room, high + room

    def y(value: float) -> float:
        return 6 + (height - 6) * (high - value) / (high - low)

    end = chart.until if episode.cleared_at is None else min(episode.cleared_at, chart.until)
    begin, close = axis.at(episode.raised_at), axis.at(end)
    wide = max(2.0, close - begin)
    parts = [
        f'<rect class="{episode.worst.label} shade" x="{begin:.1f}" y="6" width="{wide:.1f}" height="174"/>',
        axis.drawn(6, height),
    ]
    parts += [
        f'<text class="tick end" x="{left - 6:.0f}" y="{y(value) + 4:.1f}">{value:.4g}</text>'
        for value in (low + room, high - room)
    ]
    for level, value in chart.limits:
        parts.append(
            f'<line class="limit {level.label}" x1="{left:.0f}" x2="{WIDTH - 10}" y1="{y(value):.1f}" '
            f'y2="{y(value):.1f}"><title>{escape(words.level(level))} {value:g}</title></line>'
        )
    # A line is broken where more than two intervals passed without a reading: a gap is no value.
    gap = 2 * chart.watched.interval_s * _SECOND
    path, before = [], None
    for time, value in zip(times, values, strict=True):
        joined = before is not None and time - before <= max(gap, (chart.until - chart.since) // 100)
        path.append(f"{'L' if joined else 'M'}{axis.at(time):.1f} {y(value):.1f}")
        before = time
    parts.append(f'<path class="line" d="{"".join(path)}"/>')
    parts += [
        f'<circle class="doubt" cx="{axis.at(time):.1f}" cy="{y(value):.1f}" r="3"/>'
        for time, value, quality in zip(times, values, chart.readings.qualities.tolist(), strict=True)
        if quality
    ]
    return _svg(height + _FOOT, "".join(parts), f"{chart.watched.device} {chart.watched.property}")
