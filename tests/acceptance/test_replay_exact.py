"""A replay raises the alerts of the live run: the same rules, subjects, levels and values, every instant shifted alike.

The live run has what a real day has: limits passed and left again, delays, a device that falls silent, one that is cut
off and sends later what it kept, messages that come twice, a value out of range, a device that never speaks, and alerts
that are still open at the end.
"""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from domain.registry import Asset, Datastream, Device, Link, Registry
from domain.registry_folder import write
from domain.times import now_micros
from domain.topics import telemetry
from runtime.embedded import EmbeddedBroker
from simulators.publisher import Publisher
from tests.acceptance.conftest import Ingest
from tests.support.catalogues import write as write_rules
from tests.support.pages import HealthPage
from tests.support.ports import free_port
from tests.support.processes import Lifeline
from tests.support.replaying import Told, alerts_of, heard_until, observations_of
from tests.support.rulebook import RATIONALIZATION, words
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(240)]

AREA = "530102"
#: Seconds between two reports of a device; everything happens that fast, since the live run takes its real time.
INTERVAL_S = 1
LIVE_S = 24
DEVICES = ("steady", "rising", "silent", "cut-off", "twice", "never")


@pytest.fixture
def registry(tmp_path: Path) -> Path:
    wells = tuple(
        Asset(id=f"well-{name}", network="gas", kind="valve_well", name_en=name, name_zh=name, area=AREA,
              geometry={"type": "Point", "coordinates": [100.0, 25.0]}, longitude=100.0, latitude=25.0)
        for name in DEVICES
    )  # fmt: skip
    devices = tuple(Device(id=n, asset=f"well-{n}", model="M", reporting_interval_s=INTERVAL_S) for n in DEVICES)
    streams = tuple(
        Datastream(device=name, property=prop, unit=unit)
        for name in DEVICES
        for prop, unit in (("gas.ch4.chamber", "%{LEL}"), ("gas.well.water", "1"))
    )
    links = (Link(from_asset="well-rising", relation="adjacent_to", to_asset="well-steady"),)
    write(Registry(assets=wells, devices=devices, datastreams=streams, links=links), tmp_path / "registry")
    return tmp_path / "registry"


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """Limits with and without delays, a switch, and silence."""
    common = {
        "kind": "safety", "network": "gas", "title": words("t"), "text": words("{value}"),
        "rationalization": RATIONALIZATION,
    }  # fmt: skip
    methane = common | {"applies_to": {"property": "gas.ch4.chamber"}}
    levels = {name: {"limit": n, "evidence": "unverified"} for name, n in (("yellow", 20), ("red", 50))}
    absence = {"factor": 3, "grace_s": 0, "level": "blue", "grounds": {"evidence": "unverified"}}
    return write_rules(
        tmp_path / "catalogue",
        {"id": "levels", **methane, "condition": {"above": levels, "hysteresis": 2}},
        {
            "id": "delayed",
            **methane,
            "condition": {"above": levels, "hysteresis": 2, "on_delay_s": 3, "off_delay_s": 2},
        },
        {"id": "silent", **common, "applies_to": {}, "condition": {"absence": absence}},
    )


@dataclass
class Platform:
    """Ingest and rules on a database and a broker of their own."""

    url: str
    broker: EmbeddedBroker
    ingest: Ingest
    rules: Lifeline

    def stop_hearing(self) -> None:
        """From here on its clock stands still."""
        assert self.ingest.process.terminate() == 0


@pytest.fixture
def platform(
    lifeline: Callable[..., Lifeline], ingest: Callable[..., Ingest], catalogue: Path
) -> Callable[..., Platform]:
    def start(url: str, broker: EmbeddedBroker, registry: Path, **settings: str) -> Platform:
        migrated = lifeline("db", "migrate", LIFELINE_DATABASE_URL=url, **settings)
        assert migrated.wait() == 0, migrated.log()
        imported = lifeline("registry", "import", str(registry), LIFELINE_DATABASE_URL=url)
        assert imported.wait() == 0, imported.log()
        worker = ingest(url, broker.url, **settings)
        port = free_port()
        rules = lifeline(
            "rules", "run", LIFELINE_DATABASE_URL=url, LIFELINE_RULES_DIR=str(catalogue), LIFELINE_RULES_TICK_MS="200",
            LIFELINE_METRICS_PORT=str(port), **settings,
        )  # fmt: skip
        page = HealthPage(port)
        wait_until(lambda: worker.page.ready and page.ready, timeout_s=30, what="the platform is ready")
        return Platform(url, broker, worker, rules)

    return start


def live(url: str) -> None:
    """The day: one second after another, by the system's clock."""
    pause = threading.Event()
    kept: list[tuple[str, bytes, int]] = []

    def message(device: str, methane: float, *, water: bool = False) -> tuple[str, bytes, int]:
        said = {"time": now_micros() // 1000, "values": {"gas.ch4.chamber": methane, "gas.well.water": water}}
        return telemetry(AREA, "gas", device), json.dumps(said).encode(), 2

    with Publisher(url, "live") as publisher:
        publisher.wait_connected(20)
        begun = time.monotonic()
        for second in range(LIVE_S):
            pause.wait(max(0.0, begun + second - time.monotonic()))
            publisher.publish(*message("steady", 400.0 if second == 5 else 1.0, water=second in {7, 8}))
            rising = 1.0 if second < 4 else 30.0 if second < 10 else 60.0 if second < 14 else 3.0
            publisher.publish(*message("rising", 25.0 if second == LIVE_S - 1 else rising))
            if not 6 <= second < 15 and second < LIVE_S - 2:
                publisher.publish(*message("silent", 2.5))
            twice = message("twice", 55.0 if second in {3, 4, 20} else 0.125)
            publisher.publish(*twice)
            publisher.publish(*twice)
            if 8 <= second < 18:
                # It is above its limit while it is cut off.
                kept.append(message("cut-off", 70.0 if second < 14 else 4.0))
            else:
                for one in [*kept, message("cut-off", 4.0)]:
                    publisher.publish(*one)
                kept.clear()
        assert publisher.drain(20)


def settled(url: str, until: int, what: str) -> list[Told]:
    """The alerts once rules have judged everything up to an instant: at the end every device has fallen silent."""
    wait_until(lambda: (heard_until(url) or 0) >= until, timeout_s=60, what=f"{what} has heard everything")
    before: list[list[Told]] = []

    def stands_still() -> bool:
        before.append(alerts_of(url))
        return all_silent(before[-1]) and len(before) > 5 and all(one == before[-1] for one in before[-5:])

    wait_until(stands_still, timeout_s=60, poll_s=0.4, what=f"{what} has judged everything")
    return before[-1]


def all_silent(told: list[Told]) -> bool:
    """Whether the silence of each device stands."""
    last = {one.subject: one.event for one in told if one.rule == "silent"}
    return list(last.values()) == ["raised"] * len(DEVICES)


@pytest.mark.long
def test_a_replay_at_speed_60_and_at_full_speed_raises_exactly_the_alerts_of_the_live_run(
    empty_plain_database_url: str,
    database_servers: Callable[..., object],
    tmp_path: Path,
    registry: Path,
    platform: Callable[..., Platform],
    lifeline: Callable[..., Lifeline],
) -> None:
    server = database_servers("postgresql")
    targets = {speed: server.fresh(migrated=False) for speed in ("60", "max")}  # type: ignore[attr-defined]
    source = empty_plain_database_url
    with EmbeddedBroker(tmp_path / "live") as broker:
        run = platform(source, broker, registry)
        began = now_micros()
        live(broker.url)
        wait_until(lambda: (heard_until(source) or 0) > began + 29_000_000, timeout_s=30, what="a while has passed")
        run.stop_hearing()
        heard = heard_until(source)
        assert heard is not None
        expected = settled(source, heard, "the live run")
        assert run.rules.terminate() == 0
    _check_the_live_run(expected)
    try:
        for speed, url in targets.items():
            found, moved, log = _replayed(speed, source, url, tmp_path, registry, platform, lifeline, heard)
            assert found == expected, log
            assert observations_of(url, moved=moved) == observations_of(source)
    finally:
        for url in targets.values():
            server.release(url)  # type: ignore[attr-defined]


def _replayed(
    speed: str,
    source: str,
    url: str,
    folder: Path,
    registry: Path,
    platform: Callable[..., Platform],
    lifeline: Callable[..., Lifeline],
    heard: int,
) -> tuple[list[Told], int, str]:
    clock = {"LIFELINE_CLOCK": "replay"}
    with EmbeddedBroker(folder / f"replay-{speed}") as broker:
        run = platform(url, broker, registry, **clock)
        replay = lifeline(
            "replay", "--from-database", source, "--speed", speed, "--json",
            LIFELINE_MQTT_URL=broker.url, LIFELINE_DATABASE_URL=url, **clock,
        )  # fmt: skip
        assert replay.wait(timeout_s=60) == 0, replay.log()
        moved = int(json.loads(replay.output())["moved"])
        found = settled(url, heard + moved, f"the replay at speed {speed}")
        assert heard_until(url) == heard + moved
        assert run.rules.terminate() == 0
        assert alerts_of(url) == found
        run.stop_hearing()
    return [one._replace(time=one.time - moved) for one in found], moved, replay.log()


def _check_the_live_run(told: list[Told]) -> None:
    """It was worth replaying."""
    found = {(one.rule, one.subject.removeprefix("device:"), one.event) for one in told}
    assert ("delayed", "rising/gas.ch4.chamber", "level_changed") in found
    assert ("levels", "cut-off/gas.ch4.chamber", "cleared") in found
    assert ("silent", "silent", "cleared") in found
    # What was cut off was not silent, and what never spoke is.
    assert [one.event for one in told if one.rule == "silent" and "cut-off" in one.subject] == ["raised"]
    assert ("silent", "never", "raised") in found
