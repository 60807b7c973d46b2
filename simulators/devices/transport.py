"""How messages travel: when each leaves, which leave twice, which wait for a gateway or a carrier, which never leave.

Figures without a source are ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from simulators.noise import key, level, levels
from simulators.town.happenings import Happening
from simulators.town.layout import CARRIERS, FIBRE, Instrument

_SECOND = 1_000_000
_MILLI = 1_000
#: From sampling to the first hop of the network, seconds: a line; a local radio and its gateway; a cellular network for
#: things, which may take up to 10 s (3GPP TR 45.820, the goal for an alarm).
_LATENCY_S = {"line": (0.02, 0.15), "gateway": (0.2, 1.5), "carrier": (0.6, 6.0)}
#: A copy follows when the answer to the first did not come: retransmission timers of MQTT clients and modems.
_AGAIN_S = (1.0, 30.0)
#: Messages a second that a device or a gateway sends out of its store, and how many it can hold: two days of minutes.
DEVICE_RATE, DEVICE_STORE = 2.0, 2_880
GATEWAY_RATE, GATEWAY_STORE = 20.0, 50_000
#: A carrier's cells come back one by one, and modems wait at random before they attach again.
_ATTACH_S = 90.0
_RECONNECT_S = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Mail:
    """Messages as columns.

    Attributes:
        device: Index of the device.
        index: Number of the sample that it tells: the counter of its randomness.
        born: When it was sampled.
        sent: When it leaves, microseconds since 1970.
        first, count: Its rows.
    """

    device: NDArray[np.int32]
    index: NDArray[np.uint64]
    born: NDArray[np.int64]
    sent: NDArray[np.int64]
    first: NDArray[np.int64]
    count: NDArray[np.int32]

    def only(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> "Mail":
        """Some of them."""
        return Mail(
            device=self.device[which],
            index=self.index[which],
            born=self.born[which],
            sent=self.sent[which],
            first=self.first[which],
            count=self.count[which],
        )


def together(mails: Sequence[Mail]) -> Mail:
    """All of them, one after another."""
    return Mail(
        device=np.concatenate([mail.device for mail in mails]),
        index=np.concatenate([mail.index for mail in mails]),
        born=np.concatenate([mail.born for mail in mails]),
        sent=np.concatenate([mail.sent for mail in mails]),
        first=np.concatenate([mail.first for mail in mails]),
        count=np.concatenate([mail.count for mail in mails]),
    )


class Transport:
    """The connections of the devices of a town.

    Args:
        instruments: Devices, in the order of their indices.
        seed: Of all randomness.
    """

    def __init__(self, instruments: Sequence[Instrument], seed: int) -> None:
        self._instruments = instruments
        self._seed = seed
        self._via = np.array([one.via for one in instruments], dtype=np.str_)
        self._ids = np.array([one.device for one in instruments], dtype=np.str_)
        #: The device of an asset that watches its gateway is that gateway: a restart of it empties the gateway.
        self._gateways = {one.device: one.asset for one in instruments if "gateway.online" in one.properties}
        self._keys: dict[tuple[object, ...], NDArray[np.uint64]] = {}

    def carried(self, mail: Mail, happenings: Sequence[Happening]) -> Mail:
        """The messages that arrive in the end, with the times at which they leave; in no order.

        Args:
            mail: Messages device by device in order of time; `sent` is when they were sampled.
            happenings: Events of the devices, in order of time.
        """
        mail = replace(mail, sent=self._first_hop(mail))
        for happening in happenings:
            if happening.kind == "device.poor_link":
                mail = self._poor(mail, happening)
        for happening in happenings:
            if happening.kind in {"device.gateway_out", "device.carrier_out"}:
                mail = self._outage(mail, happening, happenings)
        return mail

    def _draws(self, mail: Mail, *names: object) -> NDArray[np.float64]:
        """A number from 0 to 1 for each message: the same for the same device, sample and names."""
        streams = self._keys.get(names)
        if streams is None:
            streams = np.array([key(self._seed, one.device, *names) for one in self._instruments], dtype=np.uint64)
            self._keys[names] = streams
        return (levels(streams[mail.device] ^ mail.index) + 1) / 2

    def _first_hop(self, mail: Mail) -> NDArray[np.int64]:
        least, most = np.array([_LATENCY_S[_way(one.via)] for one in self._instruments]).reshape(-1, 2).T
        delay = least[mail.device] + (most - least)[mail.device] * self._draws(mail, "latency")
        sent = mail.born + _millis(delay)
        # A connection keeps the order: later samples wait for earlier ones.
        starts = np.flatnonzero(np.diff(mail.device, prepend=-1))
        for start, end in pairwise([*starts.tolist(), len(sent)]):
            np.maximum.accumulate(sent[start:end], out=sent[start:end])
        return sent

    def _poor(self, mail: Mail, link: Happening) -> Mail:
        name = (link.since, link.target)
        concerned = self._speaks_over(link)[mail.device] & (mail.born >= link.since)
        if link.until is not None:
            concerned &= mail.born < link.until
        late = concerned & (self._draws(mail, "late", *name) < link["late"])
        delay = _millis(self._draws(mail, "how late", *name) * link["seconds"])
        mail = replace(mail, sent=mail.sent + np.where(late, delay, 0))
        twice = concerned & (self._draws(mail, "twice", *name) < link["twice"])
        kept = ~concerned | (self._draws(mail, "lost", *name) >= link["lost"])
        copies = mail.only(twice & kept)
        least, most = _AGAIN_S
        after = _millis(least + (most - least) * self._draws(copies, "again", *name))
        return together((mail.only(kept), replace(copies, sent=copies.sent + after)))

    def _outage(self, mail: Mail, outage: Happening, happenings: Sequence[Happening]) -> Mail:
        """Holds what would leave while a gateway or a carrier is away, and releases it in order when it returns."""
        held = self._speaks_over(outage)[mail.device] & (mail.sent >= outage.since)
        if outage.until is not None:
            held &= mail.sent < outage.until
        through, store = mail.only(~held), mail.only(held)
        if outage.until is None:
            return through
        store = store.only(self._draws(store, "kept", outage.since, outage.target) < outage["keeps"])
        store = store.only(np.lexsort((store.first, store.sent, store.device)))
        if outage.kind == "device.gateway_out":
            # One store for all of them.
            order = np.lexsort((store.first, store.sent))
            store, holders = store.only(order), np.zeros(len(order), dtype=np.int32)
            rate, most, attach = GATEWAY_RATE, GATEWAY_STORE, np.zeros(len(self._instruments))
        else:
            holders = store.device
            rate, most = DEVICE_RATE, DEVICE_STORE
            attach = np.array(
                [
                    _ATTACH_S * (level(self._seed, one.device, "attach", outage.since) + 1) / 2
                    for one in self._instruments
                ]
            )
        # What was held when a restart came is gone; later messages fill the store anew.
        survives = np.ones(len(store.sent), dtype=bool)
        restarts = self._restarts(outage, happenings)
        for restart, devices in restarts:
            if restart < outage.until:
                survives &= ~(devices[store.device] & (store.sent < restart))
        store, holders = store.only(survives), holders[survives]
        place, behind = _places(holders)
        newest = behind < most
        store, holders, place = (
            store.only(newest),
            holders[newest],
            (place - np.maximum(place + behind + 1 - most, 0))[newest],
        )
        release = outage.until + _millis(_RECONNECT_S + attach[store.device] + place / rate)
        kept = np.ones(len(release), dtype=bool)
        for restart, devices in restarts:
            if restart >= outage.until:
                kept &= ~(devices[store.device] & (store.sent <= restart) & (release > restart))
        return together((through, replace(store, sent=release).only(kept)))

    def _speaks_over(self, happening: Happening) -> NDArray[np.bool_]:
        """The devices whose connection an event befalls: its target itself, or all behind it."""
        found: NDArray[np.bool_] = (self._via == happening.target) | (self._ids == happening.target)
        return found

    def _restarts(self, outage: Happening, happenings: Sequence[Happening]) -> list[tuple[int, NDArray[np.bool_]]]:
        """When something that holds messages in an outage restarts, and whose messages it holds."""
        found = []
        for happening in happenings:
            if happening.kind != "device.restart":
                continue
            if outage.kind == "device.carrier_out":
                found.append((happening.since, self._ids == happening.target))
            elif self._gateways.get(happening.target or "") == outage.target:
                found.append((happening.since, self._via == outage.target))
        return found


def _way(via: str) -> str:
    return "line" if via == FIBRE else "carrier" if via in CARRIERS else "gateway"


def _millis(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    """Seconds as microseconds, whole milliseconds."""
    return np.rint(seconds * 1000).astype(np.int64) * _MILLI


def _places(holders: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each message of stores that follow one another: how many of its store lie before it, and how many behind."""
    count = len(holders)
    if not count:
        none = np.zeros(0, dtype=np.int64)
        return none, none
    starts = np.flatnonzero(np.diff(holders, prepend=holders[0] - 1))
    sizes = np.diff(np.append(starts, count))
    place = np.arange(count) - np.repeat(starts, sizes)
    return place, np.repeat(sizes, sizes) - 1 - place
