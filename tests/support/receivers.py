"""Who gets told, on loopback: a webhook and a mail server that keep what they receive."""

import json
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from tests.support.ports import free_port


class Webhook:
    """An HTTP server. It may refuse (`status`) or let its clients hang (`hold`)."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.status = 200
        self._open = threading.Event()
        self._open.set()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                hook._open.wait()
                if hook.status == 200:
                    hook.received.append(body)
                self.send_response(hook.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request: object, client_address: object) -> None:
                """A client that gave up is what these tests are about."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Its address for Apprise."""
        return f"json://127.0.0.1:{self._server.server_port}/hook"

    def hold(self) -> None:
        """From now on nobody gets an answer."""
        self._open.clear()

    def events(self) -> set[str]:
        """Every alert event that it was told of."""
        return {body["event"] for body in self.received}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Mailbox:
    """An SMTP server."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self._port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self._port, ready_timeout=10)

    async def handle_DATA(self, _server: object, _session: object, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.received.append(message)
        return "250 OK"

    @property
    def url(self) -> str:
        """Its address for Apprise."""
        people = "from=lifeline@county.example&to=duty@county.example"
        return f"mailto://127.0.0.1:{self._port}?{people}&mode=insecure&format=text"

    def texts(self) -> list[str]:
        """Subject and text of each mail."""
        bodies = [(message, message.get_body()) for message in self.received]
        return [f"{m['Subject']}\n{body.get_content() if body else ''}".replace("\r\n", "\n") for m, body in bodies]

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()


def everyone_at(folder: Path, **urls: str) -> str:
    """Writes a file of addresses, by name, in which every address is told of everything; mail in Chinese."""
    addresses = "".join(
        f"  - name: {name}\n    url: {url}\n    language: {'zh' if name == 'mail' else 'en'}\n"
        for name, url in urls.items()
    )
    path = folder / "notify.yaml"
    path.write_text(f"addresses:\n{addresses}lists:\n  '*':\n    '*': [{', '.join(urls)}]\n", encoding="utf-8")
    return str(path)
