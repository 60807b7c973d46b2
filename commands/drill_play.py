"""While an exercise runs: the twin publishes, people or a script respond, and somebody looks on."""

import os
import secrets
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from commands.drill_view import DrillView
    from domain.after_action import Report
    from domain.exercise import Pace
    from runtime.settings import Settings
    from simulators.devices.traffic import Traffic
    from simulators.town.layout import Town
    from storage.database import Link

#: After the last message: until silence is judged, and notifications are out.
_SETTLE_S = 7.0
_LOOK_S = 0.5


@dataclass(frozen=True, kw_only=True)
class Responding:
    """Who responds, and for how long they are waited for."""

    scripted: bool
    skip: frozenset[int]
    wait_s: float


def report_on(connection: "Link", exercise: int) -> "Report":
    """The report as it stands now."""
    from domain.after_action import report
    from domain.errors import ConfigurationError
    from storage import exercises

    found = exercises.get(connection, exercise)
    if found is None:
        raise ConfigurationError("no report", [f"there is no exercise {exercise}: see `lifeline drill list`"])
    return report(found, exercises.told(connection, exercise), closing=exercises.ENDED)


def play(
    connection: "Link",
    settings: "Settings",
    exercise: int,
    town: "Town",
    traffic: "Traffic",
    who: Responding,
    view: "DrillView",
    stop: threading.Event,
    *,
    pace: "Pace",
    origin: int,
    shift: int,
) -> None:
    """Publishes, and looks on until the incident is over and people have had their time."""
    from commands import drill_twin
    from commands.drill_responder import Responder
    from domain.times import MICROS_PER_SECOND, now_micros
    from simulators.devices.chunks import Chunk
    from simulators.devices.live import Broadcast

    broadcast = Broadcast(
        drill_twin.publishing(town, exercise),
        [Chunk(traffic=drill_twin.traffic_of(traffic, exercise))],
        settings.mqtt_url.get_secret_value(),
        speed=pace.speed,
        origin=origin,
        shift=shift,
        prefix=f"lifeline-drill-{os.getpid()}-{secrets.token_hex(2)}",
        version=settings.mqtt_version,  # type: ignore[arg-type]  # the setting's pattern allows no other
        ca_file=settings.mqtt_ca_file,
        keepalive_s=settings.mqtt_keepalive_s,
    )
    responder = Responder(connection, who.skip) if who.scripted else None
    stop.wait(max(0.0, (pace.published_from - now_micros()) / MICROS_PER_SECOND))
    try:
        broadcast.start()
        ended: float | None = None
        while not stop.wait(_LOOK_S):
            report = report_on(connection, exercise)
            for result in responder.act(report, now_micros()) if responder else ():
                view.responded(result)
            view.show(report, broadcast, pace.event_time(now_micros()))
            if broadcast.done.is_set() and ended is None:
                ended = time.monotonic()
            if ended is not None and _over(report, who, time.monotonic() - ended):
                break
    finally:
        broadcast.stop(timeout_s=float(settings.mqtt_keepalive_s) + 30.0)


def _over(report: "Report", who: Responding, passed_s: float) -> bool:
    """Whether nothing more is worth waiting for, so long after the incident's last message."""
    if passed_s < _SETTLE_S:
        return False
    open_steps = [one for one in report.steps if one.verdict == "open" and one.step.name != "clear"]
    return not open_steps or passed_s >= _SETTLE_S + who.wait_s


def flush(connection: "Link", exercise: int) -> None:
    """Waits a little until people have heard of the end, so that the report knows when they did."""
    from storage import exercises

    deadline = time.monotonic() + 5.0
    while exercises.waiting(connection, exercise) and time.monotonic() < deadline:
        time.sleep(0.1)
