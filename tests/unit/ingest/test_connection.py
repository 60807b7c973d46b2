"""Framing: messages come out whole and once, however the network cuts the stream; the rest is paho's."""

import socket
from collections.abc import Iterator
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.connection import Connection, Inbox
from runtime.broker_address import BrokerAddress

V311, V5 = mqtt.MQTTv311, mqtt.MQTTv5
DUP = 0x08
PINGRESP = b"\xd0\x00"
#: User property a=b, content type x, message expiry 9 s.
PROPERTIES = b"\x26\x00\x01a\x00\x01b" + b"\x03\x00\x01x" + b"\x02\x00\x00\x00\x09"


def variable(number: int) -> bytes:
    out = bytearray()
    while True:
        number, digit = divmod(number, 128)
        out.append(digit | (0x80 if number else 0))
        if not number:
            return bytes(out)


def publish(mid: int, topic: str, payload: bytes, *, version: int, flags: int = 0, properties: bytes = b"") -> bytes:
    """A PUBLISH at QoS 1, or QoS 0 when its identifier is 0."""
    name = topic.encode()
    body = len(name).to_bytes(2, "big") + name + (mid.to_bytes(2, "big") if mid else b"")
    if version == V5:
        body += variable(len(properties)) + properties
    body += payload
    return bytes([0x30 | flags | (2 if mid else 0)]) + variable(len(body)) + body


class Piped(Connection):
    """A connection whose broker is the other end of a pipe."""

    def __init__(self, version: int) -> None:
        self._near, self.broker = socket.socketpair()
        self.told: list[str] = []
        super().__init__(
            BrokerAddress(host="broker", port=1883, tls=False),
            client_id="ingest",
            version=version,
            window=300,
            keepalive_s=60,
            inbox=Inbox(),
        )
        self.on_connect = lambda *_: self.told.append("connected")
        self.on_disconnect = lambda *_: self.told.append("disconnected")
        self.open()
        self.loop_write()
        self.connect_packet = self.broker.recv(4096)
        self.arrive(b"\x20\x03\x00\x00\x00" if version == V5 else b"\x20\x02\x00\x00")

    def _create_socket(self) -> socket.socket:
        return self._near

    def arrive(self, data: bytes, budget: int = 10_000) -> bool:
        self.broker.sendall(data)
        return self.read_available(budget)

    def received(self) -> list[tuple[int, str, bytes]]:
        taken = self.inbox.take(len(self.inbox))
        return list(zip(taken.mids, taken.topics, taken.payloads, strict=True))


@pytest.fixture(params=[V311, V5], ids=["3.1.1", "5"])
def link(request: pytest.FixtureRequest) -> Iterator[Piped]:
    piped = Piped(request.param)
    yield piped
    piped.broker.close()
    piped._near.close()


def stream_of(link: Piped) -> tuple[bytes, list[tuple[int, str, bytes]]]:
    """PUBLISH packets of several sizes with other packets between them, and what must come out."""
    properties = PROPERTIES if link.version == V5 else b""
    messages = [
        (1, "t/1", b"{}"),
        (2, "t/\u4e95", b""),
        (0, "t/0", b"at most once"),
        (65_535, "t/3", b"x" * 200),
        (3, "t/4", b"\x00\xff\x30\x32" * 5),
    ]
    packets = [
        publish(mid, topic, payload, version=link.version, properties=properties if mid % 2 else b"")
        for mid, topic, payload in messages
    ]
    return PINGRESP + packets[0] + packets[1] + PINGRESP + PINGRESP + b"".join(packets[2:]) + PINGRESP, messages


def test_messages_come_out_whole_wherever_the_stream_is_cut(link: Piped) -> None:
    stream, messages = stream_of(link)
    for cut in range(len(stream) + 1):
        link.arrive(stream[:cut])
        link.arrive(stream[cut:])
        assert link.received() == messages, f"cut at {cut}"
        link.held.clear()
    assert link.told == ["connected"]


def test_messages_come_out_whole_from_single_bytes(link: Piped) -> None:
    stream, messages = stream_of(link)
    for byte in stream:
        link.arrive(bytes([byte]))
    assert link.received() == messages


@settings(deadline=None, max_examples=50)
@given(st.data(), st.sampled_from([V311, V5]))
def test_any_messages_come_out_whole_from_any_pieces(data: Any, version: int) -> None:  # noqa: ANN401
    messages = data.draw(
        st.lists(
            st.tuples(
                st.integers(1, 65_535), st.text(st.characters(codec="utf-8"), max_size=20), st.binary(max_size=300)
            ),
            max_size=8,
            unique_by=lambda m: m[0],
        )
    )
    stream = b"".join(publish(*message, version=version) for message in messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    link = Piped(version)
    with link.broker, link._near:
        for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
            link.arrive(stream[begin:end])
        assert link.received() == messages


def test_a_message_larger_than_one_read_comes_out_whole(link: Piped) -> None:
    big = publish(9, "t", b"y" * 700_000, version=link.version)
    link.broker.setblocking(False)
    at = 0
    while at < len(big):
        at += link.broker.send(big[at : at + 100_000])
        link.read_available(10)
    assert link.received() == [(9, "t", b"y" * 700_000)]


def test_reading_stops_at_the_budget_and_goes_on_later(link: Piped) -> None:
    stream = b"".join(publish(mid, "t", b"", version=link.version) for mid in range(1, 11))
    assert link.arrive(stream, budget=4) is False
    assert [mid for mid, *_ in link.received()] == [1, 2, 3, 4]
    assert link.read_available(100) is True
    assert [mid for mid, *_ in link.received()] == [5, 6, 7, 8, 9, 10]


def test_a_batch_is_bounded_in_messages_and_in_bytes() -> None:
    inbox = Inbox(list(range(1, 7)), ["t"] * 6, [b"x" * 10] * 4 + [b"y" * 99, b"z"])
    assert inbox.take(2).mids == [1, 2]
    assert inbox.take(10, 25).mids == [3, 4]
    # Larger than a batch: alone.
    assert inbox.take(10, 25).mids == [5]
    assert inbox.take(10, 25).mids == [6]
    assert inbox.take(10, 25).mids == []


def test_a_message_sent_again_while_it_is_held_is_skipped(link: Piped) -> None:
    link.arrive(publish(7, "t", b"a", version=link.version))
    link.arrive(publish(7, "t", b"a", version=link.version, flags=DUP))
    assert link.received() == [(7, "t", b"a")]


def test_an_identifier_that_was_acknowledged_may_name_another_message(link: Piped) -> None:
    link.arrive(publish(7, "t", b"a", version=link.version))
    link.acknowledge([7])
    link.held.discard(7)
    link.arrive(publish(7, "t", b"b", version=link.version))
    link.arrive(publish(8, "t", b"c", version=link.version, flags=DUP))
    assert [payload for *_, payload in link.received()] == [b"a", b"b", b"c"]


def test_many_messages_are_acknowledged_in_one_write(link: Piped) -> None:
    link.acknowledge([1, 0, 513])
    link.loop_write()
    assert link.broker.recv(100) == b"\x40\x02\x00\x01\x40\x02\x02\x01"


def test_nothing_is_acknowledged_by_itself(link: Piped) -> None:
    link.arrive(publish(7, "t", b"a", version=link.version))
    link.loop_write()
    link.broker.setblocking(False)
    with pytest.raises(BlockingIOError):
        link.broker.recv(100)


def test_the_session_is_asked_to_last_and_the_window_to_be_bounded(link: Piped) -> None:
    flags = link.connect_packet[9]
    assert flags & 0x02 == 0
    if link.version == V5:
        # Session expiry never, Receive Maximum 300.
        assert b"\x11\xff\xff\xff\xff" in link.connect_packet
        assert b"\x21\x01\x2c" in link.connect_packet


def test_a_topic_that_is_no_text_is_kept_readable(link: Piped) -> None:
    body = b"\x00\x02\xff/" + b"\x00\x05" + (b"\x00" if link.version == V5 else b"") + b"{}"
    link.arrive(b"\x32" + variable(len(body)) + body)
    assert link.received() == [(5, "\\xff/", b"{}")]


def test_a_connection_that_ends_in_the_middle_of_a_message_says_so(link: Piped) -> None:
    whole = publish(1, "t", b"a", version=link.version)
    link.arrive(whole + publish(2, "t", b"b", version=link.version)[:-1])
    link.broker.shutdown(socket.SHUT_RDWR)
    link.read_available(10)
    assert link.socket() is None
    assert link.told == ["connected", "disconnected"]
    assert link.received() == [(1, "t", b"a")]


def test_a_packet_of_impossible_length_ends_the_connection(link: Piped) -> None:
    with pytest.raises(ConnectionError):
        link.arrive(b"\x32\xff\xff\xff\xff\xff\x01")


def test_an_exception_of_a_callback_is_not_swallowed(link: Piped) -> None:
    def fail(*_: object) -> None:
        raise LookupError("a bug")

    link.on_subscribe = fail
    link.subscribe("t", qos=1)
    with pytest.raises(LookupError):
        link.arrive(b"\x90\x04\x00\x01\x00\x01" if link.version == V5 else b"\x90\x03\x00\x01\x01")
