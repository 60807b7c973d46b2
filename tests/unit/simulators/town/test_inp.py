"""Input files of EPANET and SWMM as rows, and what is said where the engines are not installed."""

import subprocess
import sys

import pytest

from domain.errors import ConfigurationError
from simulators.town import inp
from tests.support.processes import ROOT, clean_environment


def test_sections_are_found_by_name_without_comments_and_blank_lines() -> None:
    text = "[Title]\nA town ; of tests\n\n[PIPES]\n;id from to\n p1  a b ;short\n[TITLE]\nagain\n"
    assert inp.sections(text) == {"TITLE": [["A", "town"], ["again"]], "PIPES": [["p1", "a", "b"]]}


def test_without_the_engines_the_error_says_how_to_install_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inp, "find_spec", lambda _name: None)
    with pytest.raises(ConfigurationError, match="uv sync --extra sim"):
        inp.library_network("Net3")


@pytest.mark.parametrize("words", [["--help"], ["simulate", "list", "--json"], ["simulate", "fleet", "--help"]])
def test_what_needs_no_engine_loads_none(words: list[str]) -> None:
    # pyarrow is not among them: pandas loads it where it finds it.
    engines = "wntr pyswmm pandapipes pandapower networkx scipy"
    program = (
        f"import sys, lifeline; sys.argv = ['lifeline', *{words!r}]\n"
        "try:\n    lifeline.main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"loaded = [name for name in {engines!r}.split() if name in sys.modules]\n"
        "assert not loaded, loaded"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
