"""docker-compose.yml as tests see it: parsed, its variables filled in, its mounts found on this machine."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?:(?P<operator>:?[-?+])(?P<word>[^}]*))?\}")


@dataclass(frozen=True, kw_only=True)
class Compose:
    """The parsed file."""

    services: dict[str, dict[str, Any]]
    document: dict[str, Any]

    def mounts(self, service: str, secrets: Path) -> dict[str, Path]:
        """What the containers of a service see of this machine: path inside to path here."""
        found = {}
        for volume in self.services[service].get("volumes", []):
            source, inside = volume.split(":")[:2]
            if source.startswith((".", "/")):
                found[inside] = (ROOT / source).resolve()
        for name in self.services[service].get("secrets", []):
            found[f"/run/secrets/{name}"] = secrets / Path(self.document["secrets"][name]["file"]).name
        return found


class MissingVariableError(Exception):
    """What docker compose says when a variable that must be set is not."""


def substitute(text: str, variables: dict[str, str]) -> str:
    """Fills in variables as docker compose does; `$$` stays a dollar."""

    def value(found: re.Match[str]) -> str:
        given = variables.get(found["name"], "")
        if given:
            return given
        operator, word = found["operator"], found["word"]
        if operator in {":?", "?"}:
            raise MissingVariableError(f"{found['name']}: {word}")
        return word if operator in {":-", "-"} else ""

    return _VARIABLE.sub(value, text)


def load(**variables: str) -> Compose:
    """The compose file with these variables."""
    document = yaml.safe_load(substitute(FILE.read_text(encoding="utf-8"), variables))
    return Compose(services=document["services"], document=document)
