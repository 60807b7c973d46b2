"""The health page of a stage, read as a supervisor and as Prometheus read it."""

import json
import urllib.error
import urllib.request
from typing import Any


class HealthPage:
    """The page on a port of 127.0.0.1."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"

    def _get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(self._base + path, timeout=2) as answer:  # noqa: S310 - our own page
                return int(answer.status), answer.read().decode()
        except urllib.error.HTTPError as exc:
            with exc:
                return exc.code, exc.read().decode()
        except (TimeoutError, urllib.error.URLError, ConnectionError):
            return 0, ""

    @property
    def answers(self) -> bool:
        """Whether the page is there at all."""
        return self._get("/healthz")[0] == 200

    @property
    def ready(self) -> bool:
        return self._get("/readyz")[0] == 200

    def problems(self) -> dict[str, str]:
        """What the stage says is wrong; empty when it is ready or says nothing."""
        body: dict[str, Any] = json.loads(self._get("/readyz")[1] or "{}")
        return dict(body.get("problems", {}))

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels; LookupError when the page does not tell it."""
        lines = self._get("/metrics")[1].splitlines()
        if f"# HELP {name.removesuffix('_total')}" not in "\n".join(lines):
            raise LookupError(name)
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name} ", f"{name}{{")))
