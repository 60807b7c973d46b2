"""The few MQTT packets that a publisher needs, of versions 3.1.1 (OASIS, 2014) and 5.0 (OASIS, 2019).

A client library spends several times as long on a message as a load generator may.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from runtime.broker_address import BrokerAddress

V311, V5 = 4, 5
CONNACK, PUBACK, PINGRESP, DISCONNECT = 2, 4, 13, 14
PINGREQ = b"\xc0\x00"
#: Ends a connection in order, in both versions.
GOODBYE = b"\xe0\x00"
#: Reason codes from here on are refusals (MQTT 5).
REFUSED = 0x80
#: PUBACK: the broker took a message that nobody subscribes to (MQTT 5).
NO_SUBSCRIBERS = 0x10
#: CONNACK: what brokers of one version say to clients of another.
WRONG_VERSIONS = frozenset({0x01, 0x84})
_RECEIVE_MAXIMUM = 0x21
#: Two strings.
_USER_PROPERTY = 0x26
#: Properties of a CONNACK: identifier -> bytes of the value; 0: a string with its length.
_SIZES = {
    0x11: 4, 0x12: 0, 0x13: 2, 0x15: 0, 0x16: 0, 0x1A: 0, 0x1C: 0, 0x1F: 0, 0x21: 2, 0x22: 2, 0x24: 1, 0x25: 1,
    0x27: 4, 0x28: 1, 0x29: 1, 0x2A: 1,
}  # fmt: skip


class ProtocolError(ValueError):
    """The other side does not speak MQTT."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Welcome:
    """What a CONNACK says."""

    reason: int
    #: Most messages that the broker wants to have unacknowledged.
    receive_maximum: int = 65_535

    @property
    def accepted(self) -> bool:
        """Whether the connection stands."""
        return self.reason == 0


def connect(address: BrokerAddress, client_id: str, *, version: int, keepalive_s: int) -> bytes:
    """CONNECT of a clean session."""
    flags = 0x02
    payload = _text(client_id)
    if address.username is not None:
        flags |= 0x80
        payload += _text(address.username)
        if address.password is not None:
            flags |= 0x40
            payload += _text(address.password)
    properties = b"\x00" if version == V5 else b""
    body = _text("MQTT") + struct.pack("!BBH", version, flags, keepalive_s) + properties + payload
    return b"\x10" + _length(len(body)) + body


def publish(topic: bytes, payload: bytes, mid: int, *, version: int, again: bool = False) -> bytes:
    """PUBLISH. `topic` is a `topic_field`; a `mid` of 0 means QoS 0; `again`: it was sent before."""
    properties = b"\x00" if version == V5 else b""
    if mid == 0:
        return b"\x30" + _length(len(topic) + len(properties) + len(payload)) + topic + properties + payload
    head = b"\x3a" if again else b"\x32"
    size = len(topic) + 2 + len(properties) + len(payload)
    return head + _length(size) + topic + mid.to_bytes(2) + properties + payload


def topic_field(topic: str) -> bytes:
    """A topic as it stands in a PUBLISH."""
    return _text(topic)


def split(received: bytearray) -> Iterator[tuple[int, bytes]]:
    """Takes the whole packets out of what was received: (type, body); an unfinished one stays.

    Raises:
        ProtocolError: It cannot be MQTT.
    """
    start, end = 0, len(received)
    while end - start >= 2:
        size, shift, at = 0, 0, start + 1
        while True:
            if at >= end:
                break
            byte = received[at]
            size |= (byte & 0x7F) << shift
            at += 1
            if byte < 0x80:
                break
            shift += 7
            if shift > 21:
                raise ProtocolError("a packet's length has more than four bytes")
        if at > end or received[at - 1] >= 0x80 or at + size > end:
            break
        yield received[start] >> 4, bytes(received[at : at + size])
        start = at + size
    del received[:start]


def welcome(body: bytes, *, version: int) -> Welcome:
    """Reads a CONNACK."""
    if len(body) < 2:
        raise ProtocolError("a CONNACK of less than two bytes")
    if version != V5 or body[1] != 0:
        return Welcome(reason=body[1])
    return Welcome(reason=0, receive_maximum=_receive_maximum(body))


def answer(body: bytes) -> tuple[int, int]:
    """Message identifier and reason of a PUBACK; without a reason it is 0."""
    if len(body) < 2:
        raise ProtocolError("a PUBACK of less than two bytes")
    return body[0] << 8 | body[1], body[2] if len(body) > 2 else 0


def _receive_maximum(body: bytes) -> int:
    # Their length takes one byte up to 127, which no broker exceeds by much; two are read.
    at = 3
    size = body[2] if len(body) > 2 else 0
    if size >= 0x80:
        size = (size & 0x7F) | body[3] << 7
        at = 4
    end = min(len(body), at + size)
    while at < end:
        identifier = body[at]
        if identifier == _RECEIVE_MAXIMUM:
            return int.from_bytes(body[at + 1 : at + 3])
        at += 1
        if identifier not in _SIZES and identifier != _USER_PROPERTY:
            raise ProtocolError(f"property {identifier:#x} in a CONNACK")
        for _ in range(2 if identifier == _USER_PROPERTY else 1):
            at += _SIZES.get(identifier, 0) or 2 + int.from_bytes(body[at : at + 2])
    return 65_535


def _text(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(2) + raw


def _length(size: int) -> bytes:
    found = bytearray()
    while True:
        size, low = size >> 7, size & 0x7F
        found.append(low | (0x80 if size else 0))
        if not size:
            return bytes(found)
