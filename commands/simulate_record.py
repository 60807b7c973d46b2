"""`lifeline simulate record`: a scenario as a folder that `lifeline replay` publishes, with truth and labels."""

import json
import time
from pathlib import Path

import typer


def record(
    scenario: str = typer.Argument(
        metavar="SCENARIO", help="A shipped scenario (`lifeline simulate list`), or a file."
    ),
    out: Path = typer.Option(..., metavar="FOLDER", help="Folder to write; made if it is not there."),
    scale: str = typer.Option("test", help="Size of the town: town (about 400 assets) or test (about 50)."),
    seed: int = typer.Option(1, help="Of the town and of everything random in it."),
    start: str = typer.Option(
        "own", help="When it begins: own (its own day), an instant with zone, now, end or clock."
    ),
    formats: str = typer.Option("parquet,csv", "--format", help="parquet, csv, or both; `lifeline replay` needs csv."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Writes what the town would publish in a scenario: readings with truth and labels, registry, events, descriptor.

    The same scenario, scale, seed and start give the same bytes.

    Example: `lifeline simulate record cloudburst-power-loss --out day --scale town`
    """
    from commands.simulate_run import scale_of, traffic_of
    from commands.simulate_view import View
    from domain.times import isoformat, now_micros
    from runtime.settings import load as load_settings
    from simulators.devices import feed_folder, timing
    from simulators.scenario import load
    from simulators.town.build import build, registry

    chosen = tuple(name.strip() for name in formats.split(","))
    if unknown := [name for name in chosen if name not in feed_folder.FORMATS]:
        raise typer.BadParameter(f"{unknown[0]!r} is neither parquet nor csv", param_hint="--format")
    began = time.monotonic()
    story = load(scenario)
    town = build(scale_of(scale), seed, sample_s=story.sample_s)
    story.check(town)
    begin = timing.begin(story, start, now=now_micros(), speed=1.0)
    with View(load_settings().language) as view:
        traffic = traffic_of(story, town, begin, seed=seed, view=view)
        solved = time.monotonic()
        source = feed_folder.Source(
            scenario=story.id,
            title_en=story.title.en,
            title_zh=story.title.zh,
            scale=town.scale,
            seed=seed,
            happenings=story.happenings(begin),
        )
        feed_folder.write(out, traffic, registry(town), source, chosen)
    written = time.monotonic()
    facts = {
        "folder": str(out),
        "scenario": story.id,
        "begin": isoformat(begin),
        "devices": len(traffic.devices),
        "messages": len(traffic.sent),
        "readings": int(traffic.count.sum()),
        "faulty": int((traffic.labels != 0).sum()),
        "lost": traffic.lost,
        "generated_s": round(solved - began, 2),
        "written_s": round(written - solved, 2),
    }
    if as_json:
        typer.echo(json.dumps(facts))
    else:
        typer.echo(
            f"{out}: {facts['readings']:,} readings in {facts['messages']:,} messages of {facts['devices']:,} devices,"
            f" solved in {facts['generated_s']} s, written in {facts['written_s']} s."
            f" Replay it: lifeline replay {out / 'feed.yaml'}"
        )
