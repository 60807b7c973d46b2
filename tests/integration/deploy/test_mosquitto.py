"""The mounted broker configuration on a real Mosquitto: who may come in, who may say what, what is kept."""

import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from runtime import broker_address
from tests.support.compose import ROOT
from tests.support.deployed_broker import BUILD_2_1, VERSIONS, DeployedBroker
from tests.support.waiting import wait_until

DEVICE_TOPIC = "lifeline/340104/gas/{}/telemetry"
NOT_AUTHORISED = 135
REFUSED = {"Not authorized", "Bad user name or password"}


@pytest.fixture
def devices(made_secrets: Path, tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """Secrets of a deployment with two devices, and their passwords."""
    folder = tmp_path / "secrets"
    shutil.copytree(made_secrets, folder)
    made = make_secrets(folder, "device", "gas-a", "gas-b")
    return folder, dict(line.split() for line in made.splitlines())


@pytest.fixture(params=VERSIONS)
def broker(
    request: pytest.FixtureRequest, devices: tuple[Path, dict[str, str]], tmp_path: Path
) -> Iterator[DeployedBroker]:
    with DeployedBroker(request.param, devices[0], tmp_path) as running:
        yield running


def make_secrets(folder: Path, *arguments: str) -> str:
    command = [str(ROOT / "deploy/make-secrets"), "--folder", str(folder), *arguments]
    return str(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


class Member:
    """A client whose network runs in the background, and what it has been told."""

    def __init__(self, name: str | None, password: str | None, *, identity: str = "", tls: Path | None) -> None:
        self.client = Client(
            CallbackAPIVersion.VERSION2, client_id=identity or f"test-{name}", protocol=MQTTProtocolVersion.MQTTv5
        )
        if name is not None:
            self.client.username_pw_set(name, password)
        if tls is not None:
            self.client.tls_set(ca_certs=str(tls), cert_reqs=ssl.CERT_REQUIRED)
        self.connected: Queue[ReasonCode] = Queue()
        self.messages: Queue[MQTTMessage] = Queue()
        self.published: Queue[ReasonCode] = Queue()
        self.subscribed: Queue[list[ReasonCode]] = Queue()
        self.client.on_connect = lambda _c, _u, _f, code, _p: self.connected.put(code)
        self.client.on_message = lambda _c, _u, message: self.messages.put(message)
        self.client.on_publish = lambda _c, _u, _m, code, _p: self.published.put(code)
        self.client.on_subscribe = lambda _c, _u, _m, codes, _p: self.subscribed.put(codes)

    def connect(self, port: int, *, session_s: int = 0) -> ReasonCode:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = session_s
        self.client.connect("localhost", port, clean_start=session_s == 0, properties=properties)
        self.client.loop_start()
        return self.connected.get(timeout=10)

    def say(self, topic: str, payload: bytes) -> ReasonCode:
        self.client.publish(topic, payload, qos=1)
        return self.published.get(timeout=10)

    def listen(self, topic: str) -> list[ReasonCode]:
        self.client.subscribe(topic, qos=1)
        return self.subscribed.get(timeout=10)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


Join = Callable[..., Member]


@pytest.fixture
def join(broker: DeployedBroker) -> Iterator[Join]:
    """Makes clients of the broker that trust its authority; closes them all."""
    members: list[Member] = []

    def make(name: str | None, password: str | None, *, identity: str = "", tls: bool = True) -> Member:
        member = Member(name, password, identity=identity, tls=broker.secrets / "mqtt_ca" if tls else None)
        members.append(member)
        return member

    yield make
    for member in members:
        member.close()


@contextmanager
def ingest(broker: DeployedBroker, *, session_s: int = 0) -> Iterator[Member]:
    """Ingest as the deployment configures it: by the URL that is its secret."""
    address = broker_address.parse((broker.secrets / "mqtt_ingest_url").read_text(encoding="utf-8").strip())
    assert (address.host, address.port, address.tls) == ("mosquitto", 8883, True)
    member = Member(address.username, address.password, identity="ingest", tls=broker.secrets / "mqtt_ca")
    try:
        assert not member.connect(broker.port, session_s=session_s).is_failure
        yield member
    finally:
        member.close()


def test_nobody_comes_in_without_a_name_and_its_password(
    broker: DeployedBroker, join: Join, devices: tuple[Path, dict[str, str]]
) -> None:
    assert not join("gas-a", devices[1]["gas-a"]).connect(broker.port).is_failure
    assert str(join(None, None, identity="nobody").connect(broker.port)) in REFUSED
    assert str(join("gas-a", devices[1]["gas-b"]).connect(broker.port)) in REFUSED
    assert str(join("gas-z", "x").connect(broker.port)) in REFUSED


def test_nobody_comes_in_without_tls(broker: DeployedBroker, join: Join, devices: tuple[Path, dict[str, str]]) -> None:
    plain = join("gas-a", devices[1]["gas-a"], tls=False)
    plain.client.connect("localhost", broker.port)
    plain.client.loop_start()
    with pytest.raises(Empty):
        plain.connected.get(timeout=1)


def test_the_certificate_holds_for_the_names_of_the_broker_and_no_other(broker: DeployedBroker) -> None:
    context = ssl.create_default_context(cafile=str(broker.secrets / "mqtt_ca"))
    for name in ("mosquitto", "localhost", "127.0.0.1"):
        with (
            socket.create_connection(("127.0.0.1", broker.port), timeout=10) as plain,
            context.wrap_socket(plain, server_hostname=name) as secured,
        ):
            assert secured.version() in {"TLSv1.2", "TLSv1.3"}
    with (
        socket.create_connection(("127.0.0.1", broker.port), timeout=10) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        context.wrap_socket(plain, server_hostname="elsewhere")


def test_a_device_writes_its_own_topic_and_ingest_reads_it(
    broker: DeployedBroker, join: Join, devices: tuple[Path, dict[str, str]]
) -> None:
    with ingest(broker) as reader:
        reader.listen("lifeline/+/+/+/telemetry")
        device = join("gas-a", devices[1]["gas-a"])
        device.connect(broker.port)
        assert not device.say(DEVICE_TOPIC.format("gas-a"), b"1").is_failure
        assert reader.messages.get(timeout=10).topic == DEVICE_TOPIC.format("gas-a")


def test_a_device_can_speak_for_no_other_and_ingest_for_none(
    broker: DeployedBroker, join: Join, devices: tuple[Path, dict[str, str]]
) -> None:
    with ingest(broker) as reader:
        reader.listen("lifeline/+/+/+/telemetry")
        device = join("gas-a", devices[1]["gas-a"])
        device.connect(broker.port)
        for topic in (
            DEVICE_TOPIC.format("gas-b"),
            "lifeline/340104/gas/gas-a/command",
            "lifeline/gas/gas-a/telemetry",
            "$SYS/broker/uptime",
        ):
            assert device.say(topic, b"1").value == NOT_AUTHORISED, topic
        assert reader.say(DEVICE_TOPIC.format("gas-a"), b"1").value == NOT_AUTHORISED
        # What was refused did not arrive: the next thing that ingest hears is what was allowed.
        device.say(DEVICE_TOPIC.format("gas-a"), b"allowed")
        assert reader.messages.get(timeout=10).payload == b"allowed"


def test_a_device_hears_nothing(broker: DeployedBroker, join: Join, devices: tuple[Path, dict[str, str]]) -> None:
    curious = join("gas-b", devices[1]["gas-b"])
    curious.connect(broker.port)
    for topic in ("#", "lifeline/#", DEVICE_TOPIC.format("gas-a"), "$SYS/#"):
        curious.listen(topic)
    with ingest(broker) as reader:
        reader.listen("lifeline/+/+/+/telemetry")
        device = join("gas-a", devices[1]["gas-a"])
        device.connect(broker.port)
        device.say(DEVICE_TOPIC.format("gas-a"), b"1")
        reader.messages.get(timeout=10)
    # The broker sends to its subscribers in one pass; an answered round trip comes after whatever it had sent.
    curious.listen("done")
    assert curious.messages.empty()


def test_a_device_that_is_taken_out_stays_out(
    broker: DeployedBroker, join: Join, devices: tuple[Path, dict[str, str]]
) -> None:
    assert not join("gas-a", devices[1]["gas-a"], identity="before").connect(broker.port).is_failure
    make_secrets(broker.secrets, "remove-device", "gas-a")
    broker.reload()

    def refused() -> bool:
        member = join("gas-a", devices[1]["gas-a"], identity="after")
        code = member.connect(broker.port)
        member.close()
        return str(code) in REFUSED

    wait_until(refused, what="the removed device is refused", poll_s=0.2)
    assert not join("gas-b", devices[1]["gas-b"]).connect(broker.port).is_failure


def test_what_arrives_while_ingest_is_away_waits_for_it(
    broker: DeployedBroker, join: Join, devices: tuple[Path, dict[str, str]]
) -> None:
    with ingest(broker, session_s=3600) as reader:
        reader.listen("lifeline/+/+/+/telemetry")
    device = join("gas-a", devices[1]["gas-a"])
    device.client.max_inflight_messages_set(1000)
    device.connect(broker.port)
    count = 3000
    for number in range(count):
        device.client.publish(DEVICE_TOPIC.format("gas-a"), str(number), qos=1)
    for _ in range(count):
        assert not device.published.get(timeout=20).is_failure
    with ingest(broker, session_s=3600) as reader:
        assert [int(reader.messages.get(timeout=20).payload) for _ in range(count)] == list(range(count))


def test_a_packet_beyond_the_limit_ends_the_connection_and_is_not_delivered(
    broker: DeployedBroker, join: Join, devices: tuple[Path, dict[str, str]]
) -> None:
    with ingest(broker) as reader:
        reader.listen("lifeline/+/+/+/telemetry")
        device = join("gas-a", devices[1]["gas-a"])
        device.connect(broker.port)
        ended: Queue[ReasonCode] = Queue()
        device.client.on_disconnect = lambda _c, _u, _f, code, _p: ended.put(code)
        device.client.publish(DEVICE_TOPIC.format("gas-a"), b"x" * 70_000, qos=0)
        assert ended.get(timeout=10) is not None
        device.client.loop_stop()
        small = join("gas-b", devices[1]["gas-b"])
        small.connect(broker.port)
        small.say(DEVICE_TOPIC.format("gas-b"), b"x" * 60_000)
        assert reader.messages.get(timeout=10).topic == DEVICE_TOPIC.format("gas-b")


@pytest.mark.skipif(BUILD_2_1 is None, reason="LIFELINE_TEST_MOSQUITTO_2_1 names no build of Mosquitto 2.1")
def test_a_crash_of_the_broker_keeps_what_was_flushed(devices: tuple[Path, dict[str, str]], tmp_path: Path) -> None:
    secrets, passwords = devices
    with DeployedBroker("2.1", secrets, tmp_path) as broker:
        with ingest(broker, session_s=3600) as reader:
            reader.listen("lifeline/+/+/+/telemetry")
        device = Member("gas-a", passwords["gas-a"], tls=secrets / "mqtt_ca")
        device.connect(broker.port)
        for number in range(200):
            device.say(DEVICE_TOPIC.format("gas-a"), str(number).encode())
        wait_until(lambda: broker.messages_on_disk() == 200, what="the broker flushes")
        broker.end(signal.SIGKILL)
        device.close()
        broker.start()
        with ingest(broker, session_s=3600) as reader:
            assert [int(reader.messages.get(timeout=20).payload) for _ in range(200)] == list(range(200))


def test_the_health_check_of_the_container_passes_and_fails_when_it_should(broker: DeployedBroker) -> None:
    done = broker.health_check()
    assert done.returncode == 0, done.stderr
    assert "seconds" in done.stdout
    broker.end(signal.SIGTERM)
    assert broker.health_check().returncode != 0
