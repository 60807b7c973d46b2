"""The one place where a topic is built or parsed: lifeline/{area}/{network}/{device}/telemetry."""

import re
from typing import NamedTuple

ROOT = "lifeline"
KIND = "telemetry"
#: What an identifier may be, so that it can stand in a topic, a URL, a CAP identifier and a SenML name alike.
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
#: A GB/T 2260 code: two digits (province), four (prefecture) or six (county), deeper levels in threes.
AREA = re.compile(r"\d{2}(\d{2}(\d{2}(\d{3}(\d{3})?)?)?)?")


class Topic(NamedTuple):
    """The parts of a telemetry topic."""

    area: str
    network: str
    device: str


def telemetry(area: str, network: str, device: str) -> str:
    """The topic on which a device publishes."""
    return f"{ROOT}/{area}/{network}/{device}/{KIND}"


#: How the topics end on which a replay says how far it has come.
CLOCK_SUFFIX = f"/clock/clock/{KIND}"


def clock(area: str) -> str:
    """The topic on which a replay tells the platforms of an area how far it has come.

    It is one of telemetry, so that it comes by the same subscription: brokers keep the order of messages within one.
    """
    return telemetry(area, "clock", "clock")


def parse(topic: str) -> Topic | None:
    """The parts of a telemetry topic, or None if it is not one."""
    parts = topic.split("/")
    if len(parts) != 5 or parts[0] != ROOT or parts[4] != KIND or not all(parts):
        return None
    return Topic(parts[1], parts[2], parts[3])


#: The partition that takes every area.
ALL = "all"


def subscription(partition: str) -> str:
    """The topic filter of one partition: an area code, or `all` for every area."""
    return f"{ROOT}/{'+' if partition == ALL else partition}/+/+/{KIND}"


def serves(partition: str, area: str) -> bool:
    """Whether what is published in an area comes by this partition."""
    return partition in {ALL, area}
