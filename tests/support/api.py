"""The API behind a real server on a free port, in this process."""

import socket
import threading
from types import TracebackType
from typing import Self

import httpx
import uvicorn

from api.app import create_app
from domain.times import Clock, now_micros
from runtime.settings import Settings
from tests.support.waiting import wait_until


class ApiServer:
    """Serves until stopped; `client` asks it."""

    def __init__(
        self, database_url: str, *, open_to_all: bool = True, clock: Clock = now_micros, **settings: object
    ) -> None:
        values = {"database_url": database_url, **settings}
        self.app = create_app(Settings.model_validate(values), open_to_all=open_to_all, clock=clock)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._server = uvicorn.Server(
            uvicorn.Config(self.app, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=2)
        )
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]})
        self.client = httpx.Client(base_url=self.url, timeout=30)

    def start(self) -> None:
        self._thread.start()
        wait_until(lambda: self._server.started, what="the API listens")

    def stop(self) -> None:
        self.client.close()
        self.app.state.service.follower.close()
        self._server.should_exit = True
        self._thread.join(20)
        self._listener.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
