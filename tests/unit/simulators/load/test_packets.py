"""Packets against paho's own decoder of properties and the examples of the standards."""

from typing import Any

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from runtime.broker_address import BrokerAddress, parse
from simulators.load import packets

_PLAIN = BrokerAddress(host="h", port=1, tls=False)


def test_connect_is_as_the_standard_writes_it() -> None:
    assert packets.connect(_PLAIN, "a", version=packets.V311, keepalive_s=60) == (
        b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01a"
    )
    assert packets.connect(_PLAIN, "a", version=packets.V5, keepalive_s=10) == (
        b"\x10\x0e\x00\x04MQTT\x05\x02\x00\x0a\x00\x00\x01a"
    )


def test_connect_carries_user_and_password() -> None:
    found = packets.connect(parse("mqtt://me:s%40fe@h:1"), "a", version=packets.V311, keepalive_s=60)

    assert found[9] == 0xC2
    assert found.endswith(b"\x00\x01a\x00\x02me\x00\x04s@fe")


def test_publish_is_as_the_standard_writes_it() -> None:
    topic = packets.topic_field("a/b")

    assert packets.publish(topic, b"x", 10, version=packets.V311) == b"\x32\x08\x00\x03a/b\x00\x0ax"
    assert packets.publish(topic, b"x", 10, version=packets.V5) == b"\x32\x09\x00\x03a/b\x00\x0a\x00x"
    assert packets.publish(topic, b"x", 10, version=packets.V311, again=True)[0] == 0x3A
    assert packets.publish(topic, b"x", 0, version=packets.V311) == b"\x30\x06\x00\x03a/bx"


@pytest.mark.parametrize(("size", "length"), [(120, b"\x7f"), (121, b"\x80\x01"), (20_000, b"\xa7\x9c\x01")])
def test_long_messages_have_long_lengths(size: int, length: bytes) -> None:
    found = packets.publish(packets.topic_field("a/b"), b"x" * size, 1, version=packets.V311)

    assert found[1 : 1 + len(length)] == length
    assert len(found) == 1 + len(length) + 7 + size


def test_packets_are_taken_whole_however_they_arrive() -> None:
    last = packets.publish(b"\x00\x01a", b"y" * 300, 9, version=packets.V311)
    stream = b"\x20\x02\x00\x00" + b"\x40\x02\x00\x07" * 3 + b"\xd0\x00" + last
    received = bytearray()
    found: list[tuple[int, bytes]] = []
    for byte in stream:
        received.append(byte)
        found += packets.split(received)

    assert [kind for kind, _ in found] == [2, 4, 4, 4, 13, 3]
    assert found[1][1] == b"\x00\x07"
    assert not received
    assert list(packets.split(bytearray(stream))) == found


def test_bytes_that_cannot_be_mqtt_are_told() -> None:
    with pytest.raises(packets.ProtocolError):
        list(packets.split(bytearray(b"\x20\xff\xff\xff\xff\x01")))


@pytest.mark.parametrize(
    ("body", "expected"), [(b"\x01\x02", (258, 0)), (b"\x00\x07\x10", (7, 0x10)), (b"\x00\x07\x87\x00", (7, 0x87))]
)
def test_an_acknowledgement_says_which_message_and_why(body: bytes, expected: tuple[int, int]) -> None:
    assert packets.answer(body) == expected


def test_a_broker_of_the_other_version_is_understood() -> None:
    assert packets.welcome(b"\x00\x01", version=packets.V5).reason in packets.WRONG_VERSIONS
    assert packets.welcome(b"\x00\x84\x00", version=packets.V5).reason in packets.WRONG_VERSIONS
    assert packets.welcome(b"\x00\x00", version=packets.V311).accepted


@pytest.mark.parametrize("long", [False, True])
def test_the_window_that_a_broker_grants_is_found_among_all_properties(long: bool) -> None:  # noqa: FBT001
    said: Any = Properties(PacketTypes.CONNACK)  # type: ignore[no-untyped-call]
    said.SessionExpiryInterval = 7
    said.AssignedClientIdentifier = "x" * (200 if long else 3)
    said.UserProperty = ("name", "value")
    said.MaximumQoS = 1
    said.ReceiveMaximum = 20
    said.TopicAliasMaximum = 10
    said.ReasonString = "welcome"

    assert packets.welcome(b"\x00\x00" + said.pack(), version=packets.V5).receive_maximum == 20


def test_without_a_word_about_it_the_window_is_the_largest() -> None:
    assert packets.welcome(b"\x00\x00\x00", version=packets.V5).receive_maximum == 65_535
