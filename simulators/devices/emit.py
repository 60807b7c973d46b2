"""From what is true to what is published: samples, faults, reports and the way of the messages. Pure and repeatable.

Randomness is a function of seed, device, property and the number of the sample since 1970, so that two spans that
follow one another give what one long span gives; only a report by exception begins anew with each span, and a sensor
that was stuck before the begin repeats its first value of the span.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.devices.reporting import reported
from simulators.devices.sensing import Grid, Samples, Sensing
from simulators.devices.traffic import Traffic
from simulators.devices.transport import Mail, Transport, together
from simulators.town.happenings import KINDS, Happening
from simulators.town.layout import FIBRE, Instrument, Town
from simulators.town.truth import Truth


def emit(town: Town, truth: Truth, happenings: Sequence[Happening], *, seed: int) -> Traffic:
    """Everything that the devices of a town publish over the span of a truth.

    Messages that wait for the end of an outage may leave after the end of the span; what waits for an outage without
    end never leaves.

    Args:
        town: Its instruments are read, in their order.
        truth: Series of every property of every instrument, except of the devices' own.
        happenings: All of them; those of the world say when values may jump and whose supply fails.
        seed: Of all randomness.

    Raises:
        ValueError: Nothing is true of a property of an instrument.
    """
    instruments = town.instruments
    order = sorted(happenings, key=lambda h: (h.since, h.kind, h.target or "", h.observed or ""))
    turns = {turn for h in order if KINDS[h.kind].domain != "device" for turn in (h.since, h.until) if turn is not None}
    sensing = Sensing(Grid(truth, sorted(turns)), seed)
    samples = [sensing.samples(one, _befalls(one, order), _watched(one, order)) for one in instruments]
    restarts = [
        [h.since for h in order if h.kind == "device.restart" and h.target == one.device] for one in instruments
    ]
    return _traffic(instruments, samples, restarts, order, seed)


def _traffic(
    instruments: Sequence[Instrument],
    samples: Sequence[Samples],
    restarts: Sequence[list[int]],
    happenings: Sequence[Happening],
    seed: int,
) -> Traffic:
    flags = reported(instruments, samples, restarts)
    streams = tuple((one.device, name) for one in instruments for name in one.properties)
    lost, rows, stream = 0, 0, 0
    mails: list[Mail] = []
    columns = _Columns()
    for device, (one, own, tells) in enumerate(zip(instruments, samples, flags, strict=True)):
        width = len(one.properties)
        which = tells & ~own.silent
        count = int(which.sum())
        lost += (int(tells.sum()) - count) * width
        columns.add(own, which, stream)
        mails.append(
            Mail(
                device=np.full(count, device, dtype=np.int32),
                index=own.index[which],
                born=own.time[which],
                sent=own.time[which],
                first=rows + width * np.arange(count, dtype=np.int64),
                count=np.full(count, width, dtype=np.int32),
            )
        )
        rows += count * width
        stream += width
    mail = Transport(instruments, seed).carried(together(mails), happenings)
    mail = mail.only(np.lexsort((mail.first, mail.device, mail.sent)))
    wanted = np.zeros(rows + 1, dtype=np.int64)
    np.add.at(wanted, mail.first, 1)
    np.add.at(wanted, mail.first + mail.count, -1)
    left = np.cumsum(wanted)[:-1] > 0
    missing = int(rows - left.sum())
    first = (np.cumsum(left) - left)[mail.first] if missing else mail.first
    return Traffic(
        devices=tuple(one.device for one in instruments),
        streams=streams,
        sent=mail.sent,
        device=mail.device,
        first=first,
        count=mail.count,
        stream=_column(columns.stream, left),
        sampled=_column(columns.sampled, left),
        value=_column(columns.value, left),
        truth=_column(columns.truth, left),
        labels=_column(columns.labels, left),
        lost=lost + missing,
    )


class _Columns:
    """Readings, device by device."""

    def __init__(self) -> None:
        self.stream: list[NDArray[np.int32]] = []
        self.sampled: list[NDArray[np.int64]] = []
        self.value: list[NDArray[np.float64]] = []
        self.truth: list[NDArray[np.float64]] = []
        self.labels: list[NDArray[np.uint8]] = []

    def add(self, samples: Samples, which: NDArray[np.bool_], stream: int) -> None:
        """Some samples of a device; `stream` is the index of its first property."""
        width = samples.value.shape[1]
        self.stream.append(np.tile(np.arange(stream, stream + width, dtype=np.int32), int(which.sum())))
        self.sampled.append(np.repeat(samples.clock[which], width))
        self.value.append(samples.value[which].ravel())
        self.truth.append(samples.truth[which].ravel())
        self.labels.append(samples.labels[which].ravel())


def _column(parts: list[NDArray[Any]], left: NDArray[np.bool_]) -> NDArray[Any]:
    """The parts as one, without what never left; the parts are given up."""
    whole = np.concatenate(parts) if parts else np.zeros(0)
    parts.clear()
    return whole if left.all() else whole[left]


def _befalls(instrument: Instrument, happenings: Sequence[Happening]) -> tuple[Happening, ...]:
    """What is wrong with a device.

    Stations, plants and cabinets have a supply that bridges an outage, and report it. What speaks through a cabinet's
    gateway and has no battery hangs on the cabinet's cables: without supply it is silent.
    """
    reached = {instrument.device, instrument.via} if instrument.via != FIBRE else {instrument.device}
    return tuple(
        h
        for h in happenings
        if (KINDS[h.kind].domain == "device" and h.target in reached)
        or (h.kind == "power.lost" and not instrument.battery and h.target == instrument.via)
    )


def _watched(instrument: Instrument, happenings: Sequence[Happening]) -> tuple[Happening, ...]:
    """Outages of the gateway on the asset of this device, if this is the device that tells whether it is online."""
    if "gateway.online" not in instrument.properties:
        return ()
    return tuple(h for h in happenings if h.kind == "device.gateway_out" and h.target == instrument.asset)
