"""Catalogues that need no folder, and folders of catalogues, for tests of those who use them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from rules.load import Catalogue
from rules.rule import Rule
from storage.watched import WatchedRegistry


class Fixed:
    """A catalogue that never changes by itself; a test may put another in its place."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.catalogue = Catalogue(rules=tuple(rules), overrides=(), digest="fixed")

    def digest(self) -> str:
        return self.catalogue.digest

    def read(self, registry: WatchedRegistry) -> Catalogue:  # noqa: ARG002
        return self.catalogue


def write(folder: Path, *rules: Mapping[str, Any], name: str = "rules.yaml") -> Path:
    """A catalogue of these rules in a folder."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(yaml.safe_dump({"rules": [*rules]}, allow_unicode=True), encoding="utf-8")
    return folder
