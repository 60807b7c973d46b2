"""Sends the dashboards to a Grafana: a folder for each language, every dashboard replaced by its stable uid."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlparse

from grafana_client.api import GrafanaApi
from grafana_client.client import GrafanaClientError, GrafanaException

from dashboards.build import GENERATED
from dashboards.source import TYPE, UID
from dashboards.words import Text
from domain.errors import ConfigurationError, UnavailableError
from storage.dashboards import Language

FOLDER = Text("City Lifeline", "城市生命线")
_TIMEOUT_S = 15.0
_NOT_FOUND = 404


@dataclass(frozen=True, kw_only=True, slots=True)
class Pushed:
    """One dashboard as Grafana has it now."""

    uid: str
    title: str
    version: int
    #: Path on that Grafana.
    url: str


class Grafana:
    """A Grafana that is reached with a service account token; the token never appears in an error.

    Holds connections: use it in a `with`.
    """

    def __init__(self, url: str, token: str) -> None:
        parts = urlparse(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigurationError(
                "Grafana cannot be reached", [f"{url!r} is no address: write it as https://grafana.example:3000"]
            )
        path = parts.path.strip("/")
        self._url = url
        # grafana-client says nothing about its types.
        self._api: Any = GrafanaApi(
            token,
            host=parts.hostname,
            port=parts.port,
            url_path_prefix=f"{path}/" if path else "",
            protocol=parts.scheme,
            timeout=_TIMEOUT_S,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._api.client.s.close()

    def push(self, language: Language, folder: Path = GENERATED) -> list[Pushed]:
        """Makes the folder if it is missing and sends every dashboard of one language; a second time changes nothing.

        Raises ConfigurationError when Grafana refuses (token, rights, no data source) and UnavailableError when it
        does not answer.
        """
        with self._explained():
            self._check_source()
            uid = f"city-lifeline-{language}"
            self._ensure_folder(uid, FOLDER.of(language))
            return [self._send(path, uid) for path in sorted((folder / language).glob("*.json"))]

    def _check_source(self) -> None:
        try:
            source = self._api.datasource.get_datasource_by_uid(UID)
        except GrafanaClientError as exc:
            if exc.status_code != _NOT_FOUND:
                raise
            raise ConfigurationError(
                f"{self._url} has no data source for these dashboards",
                [f"add a PostgreSQL data source with uid {UID!r} that logs in as a member of lifeline_reader"],
            ) from exc
        # Grafana before 10.3 called the same plugin `postgres`.
        if source.get("type") not in {TYPE, "postgres"}:
            raise ConfigurationError(
                f"{self._url} has another data source under uid {UID!r}",
                [f"it is of type {source.get('type')!r}: give that one another uid, and make a PostgreSQL source"],
            )

    def _ensure_folder(self, uid: str, title: str) -> None:
        try:
            self._api.folder.get_folder(uid)
        except GrafanaClientError as exc:
            if exc.status_code != _NOT_FOUND:
                raise
            self._api.folder.create_folder(title, uid=uid)

    def _send(self, path: Path, folder: str) -> Pushed:
        body = json.loads(path.read_text(encoding="utf-8"))
        answer = self._api.dashboard.update_dashboard(
            {"dashboard": {**body, "id": None}, "folderUid": folder, "overwrite": True, "message": "City Lifeline"}
        )
        return Pushed(uid=answer["uid"], title=body["title"], version=answer["version"], url=answer["url"])

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turns what went wrong into one sentence with what to do."""
        try:
            yield
        except GrafanaClientError as exc:
            hint = {
                401: "the token is not accepted: make a service account token with role Editor",
                403: "the token may not do this: its service account needs role Editor",
                412: "someone else changed the dashboard at the same moment: push again",
            }.get(exc.status_code, f"Grafana answered {exc.status_code}: {exc.message}")
            raise ConfigurationError(f"{self._url} refused", [hint]) from exc
        except GrafanaException as exc:
            raise UnavailableError(f"{self._url} failed: {exc.message}") from exc
        except OSError as exc:
            raise UnavailableError(f"{self._url} does not answer: {exc}") from exc
