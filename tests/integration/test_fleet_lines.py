"""The connections of a fleet with brokers that refuse, that want little at once, that speak TLS or another version."""

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.errors import UnavailableError
from simulators.load.run import FleetRun, Load
from tests.support.brokers import Mosquitto
from tests.support.scripted_broker import ScriptedBroker, Session

_PUBLISH = 0x30


def _load(*, rate: float = 300, drain_s: float = 5.0, version: str = "auto", ca_file: Path | None = None) -> Load:
    return Load(
        devices=300,
        rate=rate,
        duration_s=1.0,
        connections=3,
        drain_s=drain_s,
        version=version,
        ca_file=ca_file,
        keep=True,
    )


class Answering(ScriptedBroker):
    """Acknowledges messages, each on its own, with the reasons that a test says, or not at all.

    Attributes:
        unanswered: The most messages that one connection had without an answer.
    """

    def __init__(self, *, reason: int = 0, receive_maximum: int | None = None, silent: bool = False) -> None:
        super().__init__()
        self._reason = reason
        self._receive_maximum = receive_maximum
        self._silent = silent
        self._waiting: dict[Session, list[bytes]] = {}
        self.unanswered = 0

    def _connected(self, connection: object, version: int) -> Session | None:
        if self._receive_maximum is None:
            return super()._connected(connection, version)  # type: ignore[arg-type]
        session = Session(connection, version)  # type: ignore[arg-type]
        self.sessions.append(session)
        session.send(b"\x20\x06\x00\x00\x03\x21" + self._receive_maximum.to_bytes(2))
        return session

    def _answer(self, session: Session, kind: int, body: bytes) -> None:
        if kind != _PUBLISH:
            super()._answer(session, kind, body)
            return
        size = int.from_bytes(body[:2])
        waiting = self._waiting.setdefault(session, [])
        waiting.append(body[2 + size : 4 + size])
        self.unanswered = max(self.unanswered, len(waiting))
        if self._silent:
            return
        # Answers come a little later, so that a client which may have more unanswered would.
        if len(waiting) >= (self._receive_maximum or 1):
            threading.Timer(0.005, self._settle, (session,)).start()

    def _settle(self, session: Session) -> None:
        waiting, self._waiting[session] = self._waiting[session], []
        for mid in waiting:
            session.send(b"\x40\x03" + mid + bytes([self._reason]))


def test_refused_messages_are_counted_as_refused() -> None:
    with Answering(reason=0x87) as broker:
        outcome = FleetRun(_load(), broker.url).run()

    assert outcome.protocol == "5"
    assert outcome.refused == outcome.published == outcome.scheduled > 250
    assert outcome.acknowledged == outcome.outstanding == 0
    assert not outcome.complete


def test_messages_that_nobody_subscribes_to_are_acknowledged_and_counted() -> None:
    with Answering(reason=0x10) as broker:
        outcome = FleetRun(_load(), broker.url).run()

    assert outcome.complete
    assert outcome.unmatched == outcome.acknowledged


def test_no_more_is_unanswered_than_the_broker_wants() -> None:
    with Answering(receive_maximum=4) as broker:
        outcome = FleetRun(_load(), broker.url).run()

    assert broker.unanswered == 4
    assert outcome.scheduled - outcome.acknowledged <= 3 * 4, "only a last part of a window may be left"


def test_messages_that_are_never_answered_stay_outstanding() -> None:
    with Answering(silent=True) as broker:
        outcome = FleetRun(_load(rate=100, drain_s=0.5), broker.url).run()

    assert outcome.outstanding == outcome.published == outcome.scheduled > 80
    assert not outcome.complete
    assert outcome.ack_ms.max is None


def test_a_broker_that_speaks_only_version_3_1_1_is_served_in_it() -> None:
    class Old(Answering):
        def _settle(self, session: Session) -> None:
            waiting, self._waiting[session] = self._waiting[session], []
            session.send(b"".join(b"\x40\x02" + mid for mid in waiting))

    with Old() as broker:
        broker.versions = (4,)
        outcome = FleetRun(_load(), broker.url).run()

    assert outcome.protocol == "3.1.1"
    assert outcome.complete
    assert broker.refused == [5]


def test_a_broker_that_refuses_everybody_is_told_with_its_reason() -> None:
    with Answering() as broker:
        broker.versions = ()
        with pytest.raises(UnavailableError, match=r"instead of accepting it \(Protocol error\)"):
            FleetRun(_load(version="3.1.1"), broker.url).run(connect_s=0.5)


class SecureMosquitto(Mosquitto):
    """Mosquitto behind TLS, with a certificate made for the test."""

    @property
    def certificate(self) -> Path:
        return self.folder / "server.pem"

    @property
    def url(self) -> str:
        return f"mqtts://localhost:{self.port}"

    def _prepare(self) -> None:
        key = self.folder / "server.key"
        made = f"""openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost
            -addext subjectAltName=DNS:localhost -keyout {key} -out {self.certificate}"""
        subprocess.run(made.split(), check=True, capture_output=True)
        super()._prepare()
        text = self._configuration.read_text(encoding="utf-8")
        first, _, rest = text.partition("\n")
        self._configuration.write_text(f"{first}\ncertfile {self.certificate}\nkeyfile {key}\n{rest}", encoding="utf-8")

    def _answers(self) -> bool:
        from tests.support.ports import listening

        return listening(self.port)


@pytest.fixture
def secure_broker(tmp_path: Path) -> Iterator[SecureMosquitto]:
    with SecureMosquitto(tmp_path / "broker") as running:
        yield running


def test_over_tls_every_message_is_acknowledged(secure_broker: SecureMosquitto) -> None:
    outcome = FleetRun(_load(ca_file=secure_broker.certificate), secure_broker.url).run()

    assert outcome.complete
    assert outcome.acknowledged > 250


def test_a_certificate_that_nobody_vouches_for_is_not_accepted(secure_broker: SecureMosquitto) -> None:
    with pytest.raises(UnavailableError, match=r"(?i)certificate"):
        FleetRun(_load(), secure_broker.url).run(connect_s=1.0)


def test_what_was_not_answered_is_sent_again_under_its_identifier_and_counts_once() -> None:
    """The first connection takes a message and breaks; the next one gets the very same."""

    class Breaking(Answering):
        first: bytes | None = None
        again: bytes | None = None

        def _serve_kind(self, session: Session, body: bytes) -> bool:
            if session is self.sessions[0]:
                if self.first is None:
                    self.first = body
                    session.cut()
                return True
            if body == self.first:
                self.again = body
            return False

        def _answer(self, session: Session, kind: int, body: bytes) -> None:
            if kind != _PUBLISH or not self._serve_kind(session, body):
                super()._answer(session, kind, body)

    load = Load(devices=300, rate=100, duration_s=1.0, connections=1, drain_s=5.0, version="5", keep=True)
    with Breaking() as broker:
        outcome = FleetRun(load, broker.url).run()

    assert broker.again is not None
    assert outcome.connections_lost == 1
    assert outcome.repeated >= 1
    assert outcome.acknowledged == outcome.scheduled == outcome.published > 80


def test_a_broker_that_falls_silent_is_given_up_and_tried_again() -> None:
    class Deaf(Answering):
        def _answer(self, session: Session, kind: int, body: bytes) -> None:
            if session is not self.sessions[0]:
                super()._answer(session, kind, body)

    load = Load(devices=300, rate=50, duration_s=4.0, connections=1, drain_s=5.0, version="5", keepalive_s=1)
    with Deaf() as broker:
        outcome = FleetRun(load, broker.url).run()

    assert outcome.connections_lost == 1
    assert outcome.acknowledged == outcome.scheduled > 180


def test_answers_that_arrive_in_pieces_are_all_heard() -> None:
    class Dribbling(Answering):
        def _settle(self, session: Session) -> None:
            waiting, self._waiting[session] = self._waiting[session], []
            said = b"".join(b"\x40\x03" + mid + b"\x00" for mid in waiting)
            # Now and then an answer begins in one piece and ends in the next.
            session.send(said[:-2])
            session.send(said[-2:])

    with Dribbling(receive_maximum=8) as broker:
        outcome = FleetRun(_load(), broker.url).run()

    assert outcome.scheduled - outcome.acknowledged <= 3 * 8, "only a last part of a window may be left"
    assert outcome.acknowledged > 200
