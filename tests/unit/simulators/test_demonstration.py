"""The demo: chapters without a gap, events that stand in towns of both scales, messages dated as they leave."""

from collections import Counter
from itertools import islice, pairwise

import numpy as np
import pytest

from simulators import demonstration
from simulators.devices.traffic import Traffic
from simulators.town.ground import Scale
from simulators.town.happenings import GATEWAY, KINDS, TOWN
from simulators.town.layout import CARRIERS

SECOND = 1_000_000
BEGIN = 1_777_651_200 * SECOND


def test_one_chapter_follows_another_for_ever() -> None:
    spans = [span for span, _ in islice(demonstration.chapters(BEGIN), 50)]
    assert spans[0].start == BEGIN
    assert all(before.end == after.start for before, after in pairwise(spans))


def test_what_has_happened_lately_is_remembered_and_not_for_ever() -> None:
    told = [{one.identity for one in found} for _, found in islice(demonstration.chapters(BEGIN), 6)]
    assert told[0] < told[1]
    assert not told[0] & told[2]
    assert max(map(len, told)) < 20


@pytest.mark.parametrize("scale", ["test", "town"])
def test_every_event_befalls_something_that_stands_there(scale: Scale) -> None:
    town = demonstration.town(scale, 1)
    kinds = {asset.id: asset.kind for asset in town.assets}
    gateways = {one.via for one in town.instruments}
    for _, happenings in islice(demonstration.chapters(BEGIN), 3):
        for happening in happenings:
            known = KINDS[happening.kind]
            assert set(happening.parameters) == set(known.parameters)
            if GATEWAY in known.targets and happening.target in gateways:
                continue
            assert (kinds[happening.target] if happening.target else TOWN) in known.targets, happening


def test_the_first_chapter_concerns_every_network_and_begins_in_the_midst_of_things() -> None:
    _, happenings = next(iter(demonstration.chapters(BEGIN)))
    domains = Counter(KINDS[one.kind].domain for one in happenings if one.since <= BEGIN + 10 * SECOND)
    assert {"water", "drainage", "gas", "manhole", "lighting", "power"} <= set(domains)


@pytest.mark.parametrize(("scale", "devices"), [("test", 40), ("town", 350)])
def test_the_town_is_as_large_as_the_help_says_and_speaks_over_lines(scale: Scale, devices: int) -> None:
    town = demonstration.town(scale, 1)
    assert len(town.instruments) > devices
    assert not {one.via for one in town.instruments} & set(CARRIERS)
    assert {one.sample_s for one in town.instruments} == {demonstration.SAMPLE_S}


def test_messages_are_dated_as_they_leave_and_what_was_kept_keeps_its_time() -> None:
    sampled = np.array([0, 0, 5, 5, 10], dtype=np.int64) * SECOND
    traffic = Traffic(
        devices=("a",),
        streams=(("a", "x"), ("a", "y")),
        # The second message is sent twice; the third one was kept.
        sent=np.array([0.1, 5.2, 5.9, 300], dtype=np.float64).__mul__(SECOND).astype(np.int64),
        device=np.zeros(4, dtype=np.int32),
        first=np.array([0, 2, 2, 4]),
        count=np.array([2, 2, 2, 1], dtype=np.int32),
        stream=np.array([0, 1, 0, 1, 0], dtype=np.int32),
        sampled=sampled,
        value=np.zeros(5),
        truth=np.zeros(5),
        labels=np.zeros(5, dtype=np.uint8),
    )
    dated = demonstration.dated(traffic)
    assert dated.sampled.tolist() == [100_000, 100_000, 5_200_000, 5_200_000, 10_000_000]
    assert traffic.sampled is sampled
