"""A small HTTP server that answers `lifeline dashboards push` as Grafana does, and remembers what it is sent.

It stands in for Grafana, which cannot run here: it holds the contract that push relies on (paths, uids, overwrite,
status codes), not Grafana's rendering of a dashboard.
"""

import json
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

TOKEN = "glsa_test"


class FakeGrafana:
    """Folders, dashboards and data sources in memory."""

    def __init__(self) -> None:
        self.folders: dict[str, str] = {}
        self.dashboards: dict[str, dict[str, Any]] = {}
        self.sources: dict[str, str] = {"lifeline": "grafana-postgresql-datasource"}
        self.calls: list[str] = []
        self.failing: HTTPStatus | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, method: str, path: str, token: str, body: dict[str, Any]) -> tuple[HTTPStatus, dict[str, Any]]:
        self.calls.append(f"{method} {path}")
        if self.failing is not None:
            return self.failing, {"message": "no"}
        if token != f"Bearer {TOKEN}":
            return HTTPStatus.UNAUTHORIZED, {"message": "Invalid API key"}
        match (method, path.removeprefix("/api").strip("/").split("/")):
            case ("GET", ["datasources", "uid", uid]) if uid in self.sources:
                return HTTPStatus.OK, {"uid": uid, "type": self.sources[uid]}
            case ("GET", ["folders", uid]) if uid in self.folders:
                return HTTPStatus.OK, {"uid": uid, "title": self.folders[uid]}
            case ("POST", ["folders"]):
                self.folders[body["uid"]] = body["title"]
                return HTTPStatus.OK, body
            case ("POST", ["dashboards", "db"]):
                return self._store(body)
            case _:
                return HTTPStatus.NOT_FOUND, {"message": "not found"}

    def _store(self, body: dict[str, Any]) -> tuple[HTTPStatus, dict[str, Any]]:
        uid = body["dashboard"]["uid"]
        before = self.dashboards.get(uid)
        if before is not None and not body.get("overwrite"):
            return HTTPStatus.PRECONDITION_FAILED, {"message": "exists"}
        same = before is not None and before["dashboard"] == body["dashboard"]
        version = before["version"] + (0 if same else 1) if before is not None else 1
        self.dashboards[uid] = {**body, "version": version}
        return HTTPStatus.OK, {"uid": uid, "version": version, "url": f"/d/{uid}", "status": "success"}


def _handler(grafana: FakeGrafana) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._reply("GET", {})

        def do_POST(self) -> None:
            self._reply("POST", json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _reply(self, method: str, body: dict[str, Any]) -> None:
            status, answer = grafana.answer(method, self.path, self.headers.get("Authorization", ""), body)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Says nothing: the test reads `calls`."""

    return Handler
