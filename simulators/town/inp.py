"""Sections of an EPANET or SWMM input file as rows of words, without starting the engine."""

import re
from importlib.util import find_spec
from pathlib import Path

from domain.errors import ConfigurationError

_SECTION = re.compile(r"^\s*\[(\w+)\]", re.MULTILINE)


def sections(text: str) -> dict[str, list[list[str]]]:
    """Section name in upper case -> its rows; comments (after `;`) and blank lines are left out."""
    found: dict[str, list[list[str]]] = {}
    pieces = _SECTION.split(text)[1:]
    for name, body in zip(pieces[::2], pieces[1::2], strict=True):
        rows = found.setdefault(name.upper(), [])
        for line in body.splitlines():
            words = line.partition(";")[0].split()
            if words:
                rows.append(words)
    return found


def library_network(name: str) -> Path:
    """An EPANET network that wntr ships, such as `Net3`.

    Raises:
        ConfigurationError: wntr is not installed.
    """
    spec = find_spec("wntr")
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "simulators", ["the engines are not installed: uv sync --extra sim, or pip install 'city-lifeline[sim]'"]
        )
    return Path(spec.origin).parent / "library" / "networks" / f"{name}.inp"
