"""YAML documents whose every problem names its line: what a person wrote must be mendable from the message alone."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

#: The parser in C where PyYAML was built with it: a catalogue of a hundred rules is read ten times as fast.
_SAFE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_SAFE):  # type: ignore[misc]  # of an untyped library
    """YAML as of 1.2, in which `on`, `off`, `yes` and `no` are words."""


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:bool"]
    for letter, found in _SAFE.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile("(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


class DocumentError(Exception):
    """A document that cannot be read at all; `problems` holds one line for each fault."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class Document:
    """A parsed YAML file that remembers where each of its parts stands."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            text = path.read_text(encoding="utf-8")
            self._root = yaml.compose(text, Loader=_Loader)
            self.value: Any = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
        except OSError as exc:
            raise DocumentError([f"{path}: {exc.strerror}: name a file that this process may read"]) from exc
        except UnicodeDecodeError as exc:
            raise DocumentError([f"{path}: not UTF-8 at byte {exc.start}"]) from exc
        except yaml.YAMLError as exc:
            mark = getattr(exc, "problem_mark", None)
            # The end of a file that is cut off is not the line after it.
            line = f":{min(mark.line + 1, max(1, len(text.splitlines())))}" if mark else ""
            raise DocumentError([f"{path}{line}: not YAML: {getattr(exc, 'problem', None) or exc}"]) from exc
        if twice := list(_repeated(self._root)):
            raise DocumentError(
                [f"{path}:{line}: the key {key!r} stands here a second time: remove one" for key, line in twice]
            )

    def at(self, location: Iterable[str | int]) -> str:
        """`file:line` of the part at a location (keys and positions); of the nearest part above it if it is missing."""
        node = self._root
        for step in location:
            below = _below(node, step)
            if below is None:
                break
            node = below
        return f"{self.path}:{node.start_mark.line + 1}" if node else f"{self.path}:1"

    def written(self, location: Iterable[str | int]) -> str | None:
        """The text of the scalar at a location as it stands in the file; None if there is no scalar."""
        node = self._root
        for step in location:
            node = _below(node, step)
        return node.value if isinstance(node, yaml.ScalarNode) else None

    def problems(self, error: ValidationError) -> list[str]:
        """Every problem that pydantic found, with its line and without the value, which may be a secret."""
        return [
            f"{self.at(e['loc'])}: {'.'.join(str(step) for step in e['loc']) or 'document'}: {e['msg']}"
            for e in error.errors(include_input=False, include_url=False)
        ]


def _repeated(node: Any) -> Iterator[tuple[str, int]]:  # noqa: ANN401 - nodes of an untyped library
    """Keys that a mapping holds twice, with their lines; YAML would silently take the last."""
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                yield key.value, key.start_mark.line + 1
            seen.add(key.value)
            yield from _repeated(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated(item)


def _below(node: Any, step: str | int) -> Any:  # noqa: ANN401 - nodes of an untyped library
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step]
    return None
