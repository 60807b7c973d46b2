"""Health, readiness and metrics of a stage over HTTP: /healthz, /readyz, /metrics.

Answers come from threads of their own and need neither database nor broker, so they are there when those are not.
"""

import json
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

log = structlog.get_logger(__name__)

#: Problems by name; empty means ready.
Readiness = Callable[[], dict[str, str]]


class HealthServer:
    """Serves until stopped.

    Args:
        host: Address to bind.
        port: Port to bind; 0 takes a free one, which `port` then tells.
        readiness: Asked at each /readyz; must answer at once, from what the stage knows already.
    """

    def __init__(self, host: str, port: int, readiness: Readiness) -> None:
        self._server = _Server((host, port), _Handler)
        self._server.readiness = readiness
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    @property
    def port(self) -> int:
        """The port that is bound."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begins to answer."""
        self._thread.start()
        log.info("health_page", port=self.port)

    def stop(self) -> None:
        """Stops answering and gives the port back."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 32
    readiness: Readiness

    def problems(self) -> dict[str, str]:
        """What stands between this stage and its work."""
        try:
            return self.readiness()
        except Exception as exc:
            # A stage that cannot even say how it is must not be taken for ready.
            log.exception("readiness_failed")
            return {"readiness": type(exc).__name__}


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "lifeline"
    sys_version = ""
    timeout: ClassVar[int] = 10

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/healthz":
            self._answer(HTTPStatus.OK, b'{"status":"alive"}')
        elif path == "/readyz":
            problems = self.server.problems()
            body = json.dumps({"ready": not problems, "problems": problems}, ensure_ascii=False).encode()
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE if problems else HTTPStatus.OK, body)
        elif path == "/metrics":
            self._answer(HTTPStatus.OK, generate_latest(), CONTENT_TYPE_LATEST)
        else:
            self._answer(HTTPStatus.NOT_FOUND, b'{"detail":"pages: /healthz, /readyz, /metrics"}')

    def _answer(self, status: HTTPStatus, body: bytes, content_type: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature is the library's
        """Requests are not logged: probes come every few seconds."""
