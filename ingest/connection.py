"""One MQTT connection: paho's protocol, with the network loop and the incoming messages in our hands.

paho's own thread takes a packet with one `select` and three `recv`, builds a handful of objects for it, and ends
without a word when a callback raises, while `is_connected()` still says True. Here the worker drives the socket: bytes
arrive in large pieces, PUBLISH packets that are whole are taken from them directly, everything else is left to paho,
and acknowledgements leave in one write. An exception ends the process.

This leans on five underscored members of paho (`_sock_recv`, `_in_packet`, `_last_bytes_received`, `_ping_t`,
`_packet_queue`); the tests of this module hold them true on both brokers and both protocol versions.
"""

import contextlib
import os
import socket
import struct
import sys
import time
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from runtime.broker_address import BrokerAddress

_CHUNK = 262_144
_PUBACK = struct.Struct("!BBH")
#: MQTT 5 session that the broker keeps until we come back (0xFFFFFFFF: no expiry).
_FOREVER = 0xFFFFFFFF


@dataclass(slots=True)
class Inbox:
    """Messages in order of arrival, as columns."""

    mids: list[int] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    payloads: list[bytes] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.mids)

    def take(self, most: int, most_bytes: int = sys.maxsize) -> "Inbox":
        """Removes and returns the oldest messages: at most so many, and one or at most so many bytes of payload."""
        sizes = list(accumulate(map(len, self.payloads[:most])))
        number = max(1, bisect_right(sizes, most_bytes))
        taken = Inbox(self.mids[:number], self.topics[:number], self.payloads[:number])
        del self.mids[:number], self.topics[:number], self.payloads[:number]
        return taken


class Connection(mqtt.Client):
    """A paho client that reads in large pieces and acknowledges many messages in one write."""

    def __init__(
        self,
        address: BrokerAddress,
        *,
        client_id: str,
        version: int,
        window: int,
        keepalive_s: int,
        inbox: Inbox,
        ca_file: Path | None = None,
    ) -> None:
        self._received = b""
        self._at = 0
        self._ended = False
        self.inbox = inbox
        #: Packet identifiers that were received on this connection and not acknowledged yet.
        self.held: set[int] = set()
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if version == mqtt.MQTTv5 else False,
            protocol=MQTTProtocolVersion(version),
            manual_ack=True,
            reconnect_on_failure=False,
        )
        self.address = address
        self.version = version
        self.window = window
        self.keepalive_s = keepalive_s
        if address.username:
            self.username_pw_set(address.username, address.password)
        if address.tls:
            self.tls_set(ca_certs=str(ca_file) if ca_file else None)
        # Without this hook paho would write in the middle of `acknowledge`.
        self.on_socket_register_write = _leave_to_loop
        self.connect_timeout = 5.0

    def open(self) -> None:
        """Connects TCP and sends CONNECT; raises OSError. The answer arrives through `on_connect`."""
        properties = None
        if self.version == mqtt.MQTTv5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = _FOREVER
            properties.ReceiveMaximum = min(self.window, 65_535)
        self.connect(
            self.address.host,
            self.address.port,
            keepalive=self.keepalive_s,
            clean_start=False if self.version == mqtt.MQTTv5 else mqtt.MQTT_CLEAN_START_FIRST_ONLY,
            properties=properties,
        )
        if self.socket() is None:
            raise ConnectionError("the broker closed the connection at once")

    def read_available(self, budget: int) -> bool:
        """Takes what has arrived, at most `budget` messages into the inbox; True when nothing is left to read.

        A lost connection shows in `on_disconnect`. Exceptions of callbacks pass through.
        """
        limit = len(self.inbox) + budget
        while self.socket() is not None:
            if self._in_packet["command"] == 0:
                self._take_publishes(limit)
            if len(self.inbox) >= limit:
                return False
            if not self._ready() and not self._fill():
                return True
            if self._in_packet["command"] != 0 or not self._publish_ahead():
                self.loop_read()
        return True

    def stay(self) -> None:
        """Keeps the connection while nothing is read from it: the broker hears our pings, its answers wait unread."""
        self._last_bytes_received = mqtt.time_func()
        self._ping_t = 0.0
        self.loop_misc()

    def leave(self, patience_s: float) -> None:
        """Sends DISCONNECT and waits until the broker has closed.

        Closing a socket with bytes unread makes the kernel tell the broker to forget what it has not read yet: the last
        acknowledgements, whose messages would then come again.
        """
        sock = self.socket()
        if sock is None:
            return
        with socket.socket(fileno=os.dup(sock.fileno())) as wire:
            self.disconnect()
            self.loop_write()
            deadline = time.monotonic() + patience_s
            with contextlib.suppress(OSError):
                while (left_s := deadline - time.monotonic()) > 0:
                    wire.settimeout(left_s)
                    if not wire.recv(_CHUNK):
                        return

    def _ready(self) -> bool:
        """Whether the buffer holds anything that is not the beginning of a PUBLISH still under way."""
        return self._at < len(self._received) and (self._in_packet["command"] != 0 or not self._publish_ahead())

    def _publish_ahead(self) -> bool:
        return self._at < len(self._received) and self._received[self._at] & 0xF0 == mqtt.PUBLISH

    def _fill(self) -> bool:
        """Receives more behind what is left; False when nothing has arrived yet."""
        try:
            chunk = super()._sock_recv(_CHUNK)
        except BlockingIOError:
            return False
        except OSError:
            chunk = b""
        if chunk:
            self._received = self._received[self._at :] + chunk
            self._at = 0
            self._last_bytes_received = mqtt.time_func()
        else:
            # The broker has closed: what is incomplete stays incomplete, and paho hears of the end.
            self._received, self._at, self._ended = b"", 0, True
        return True

    def _take_publishes(self, limit: int) -> None:
        """Moves whole PUBLISH packets from the head of the buffer into the inbox."""
        data, at, end = self._received, self._at, len(self._received)
        inbox, held, is_v5 = self.inbox, self.held, self.version == mqtt.MQTTv5
        mids, topics, payloads = inbox.mids, inbox.topics, inbox.payloads
        while at + 2 <= end and len(mids) < limit:
            head = data[at]
            if head & 0xF0 != mqtt.PUBLISH:
                break
            # Remaining length, 7 bits a byte (MQTT 5, 1.5.5); a fifth byte is left to paho, which refuses it.
            body = at + 2
            length = data[at + 1]
            if length & 0x80:
                length, body = _variable(data, at + 1, end)
            stop = body + length
            if not body or stop > end:
                if not body and end - at > 5:
                    raise ConnectionError("the broker sent a packet of impossible length")
                break
            split = body + 2 + (data[body] << 8 | data[body + 1])
            topic = str(data[body + 2 : split], "utf-8", "backslashreplace")
            mid = 0
            if head & 0x06:
                mid = data[split] << 8 | data[split + 1]
                split += 2
            if is_v5:
                size, split = _variable(data, split, end)
                split += size
            at = stop
            if mid:
                if head & 0x08 and mid in held:
                    # Sent again on the connection that has it already: still held, answered once.
                    continue
                held.add(mid)
            mids.append(mid)
            topics.append(topic)
            payloads.append(data[split:stop])
        self._at = at

    def _sock_recv(self, bufsize: int) -> bytes:
        at = self._at
        if at >= len(self._received):
            if self._ended:
                return b""
            raise BlockingIOError
        piece = self._received[at : at + bufsize]
        self._at = at + len(piece)
        return piece

    def acknowledge(self, mids: Iterable[int]) -> None:
        """Queues one write with the PUBACKs of these packet identifiers."""
        pack = _PUBACK.pack
        packet = b"".join([pack(mqtt.PUBACK, 2, mid) for mid in mids if mid])
        if packet:
            self._packet_queue(mqtt.PUBACK, packet, 0, 1)


def _variable(data: bytes, at: int, end: int) -> tuple[int, int]:
    """A variable byte integer and the place behind it; place 0 when it is not whole or longer than four bytes."""
    value = 0
    for shift in range(4):
        if at + shift >= end:
            break
        byte = data[at + shift]
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, at + shift + 1
    return 0, 0


def _leave_to_loop(client: mqtt.Client, userdata: Any, sock: Any) -> None:  # noqa: ANN401
    """Writing happens when the worker's loop finds the socket writable."""
