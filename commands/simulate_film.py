"""`lifeline simulate film`: a scenario as an animated picture of the town."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from simulators.film import Pin
    from simulators.scenario import Scenario
    from simulators.scenario_verdicts import Alarm
    from simulators.town.layout import Town
    from simulators.town.truth import Truth


def film(
    scenario: str = typer.Argument(metavar="SCENARIO", help="A shipped scenario, or a file."),
    out: Path = typer.Option(..., metavar="FILE.svg", help="What to write."),
    scale: str = typer.Option("town", help="town (about 400 assets) or test (about 50)."),
    seed: int = typer.Option(1, min=0, help="Of the town and of all randomness."),
    since: str | None = typer.Option(None, "--from", metavar="TIME", help='First picture, as "05:40"; default: begin.'),
    until: str | None = typer.Option(None, "--to", metavar="TIME", help='Last picture, as "12:00"; default: end.'),
    pictures: int = typer.Option(60, min=2, max=400, help="How many pictures."),
    seconds: float = typer.Option(18.0, min=1, max=600, help="How long it plays."),
    language: str | None = typer.Option(None, help="en or zh; default LIFELINE_LANGUAGE."),
) -> None:
    """Draws what spreads in the mains and on the streets, and every alert that people are told of, as one SVG file.

    It plays in any browser, offline, without scripts.

    Example: `lifeline simulate film contamination --from 05:30 --to 14:00 --out film.svg`
    """
    import numpy as np

    from commands.simulate_run import scale_of
    from runtime.settings import load as load_settings
    from simulators.film import film as draw
    from simulators.scenario import load
    from simulators.scenario_times import moment
    from simulators.town.build import build
    from simulators.town.ground import ground

    story = load(scenario)
    town = build(scale_of(scale), seed, sample_s=story.sample_s)
    story.check(town)
    begin = story.begin()
    span = story.span(begin)
    try:
        first = begin if since is None else story.at(begin, moment(since))
        last = span.end if until is None else story.at(begin, moment(until))
    except ValueError as exc:
        raise typer.BadParameter(str(exc), param_hint="--from, --to") from None
    shown = np.flatnonzero(span.between(first, last))
    if len(shown) < 2:
        raise typer.BadParameter("the scenario has no two instants between them", param_hint="--from, --to")
    truth, alarms = _played(story, town, begin, seed)
    zh = (language or load_settings().language) == "zh"
    out.write_text(
        draw(
            ground(scale_of(scale)),
            truth,
            _pins(alarms, town, zh=zh),
            title=story.title.zh if zh else story.title.en,
            pictures=shown[np.linspace(0, len(shown) - 1, min(pictures, len(shown))).astype(int)],
            standing=town.layouts["drainage"].plan.places,  # type: ignore[attr-defined]
            language="zh" if zh else "en",
            seconds=seconds,
        ),
        encoding="utf-8",
    )
    typer.echo(f"{out}: {out.stat().st_size / 1000:.0f} kB, {len([a for a in alarms if a.told_at])} alerts")


def _played(story: "Scenario", town: "Town", begin: int, seed: int) -> "tuple[Truth, tuple[Alarm, ...]]":
    """What was true, and what the rules in force made of what the devices said of it."""
    from commands.scenario_engine import alarms_of
    from rules.load import load_catalogue
    from runtime.settings import load as load_settings
    from simulators.devices.emit import emit
    from simulators.town.build import registry
    from simulators.town.world import World

    settings, span, happenings = load_settings(), story.span(begin), story.happenings(begin)
    with World(town) as world:
        truth = world.truth(span, happenings)
    outcome = alarms_of(
        emit(town, truth, happenings, seed=seed),
        registry(town),
        load_catalogue(settings.rules_dir),
        settings,
        since=span.start,
        until=span.end,
        step_s=story.sampling,
    )
    return truth, outcome.alarms


def _pins(alarms: "tuple[Alarm, ...]", town: "Town", *, zh: bool) -> "list[Pin]":
    """Where each alert that people were told of stands; those of a whole area in the middle of its assets."""
    from simulators.film import Pin

    places = {asset.id: (asset.longitude, asset.latitude) for asset in town.assets}
    on = {one.device: one.asset for one in town.instruments}
    pins = []
    for alarm in alarms:
        if alarm.told_at is None:
            continue
        asset = alarm.asset or on.get(alarm.device or "")
        if asset is not None:
            longitude, latitude = places[asset]
        else:
            inside = [(a.longitude, a.latitude) for a in town.assets if a.area == alarm.area]
            longitude, latitude = (sum(axis) / len(inside) for axis in zip(*inside, strict=True))
        pins.append(
            Pin(
                longitude=longitude,
                latitude=latitude,
                level=min(level for _, level in alarm.levels).label,
                since=alarm.told_at,
                until=alarm.cleared_at,
                text=alarm.title_zh if zh else alarm.title_en,
            )
        )
    return pins
