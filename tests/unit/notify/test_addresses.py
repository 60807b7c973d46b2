from pathlib import Path

import pytest

from domain.errors import ConfigurationError
from notify.addresses import load

# Apprise loads every plugin that it has, and one of them a module that Python 3.13 no longer brings.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

GOOD = """\
addresses:
  - name: room
    url: json://127.0.0.1:9000/hook
    language: zh
  - name: mail
    url_file: {folder}/mail
  - name: chief
    url: wecombot://0123456789abcdef0123456789abcdef
lists:
  gas:
    red: [room, chief]
    "*": [room]
  "*":
    red: [mail, chief]
    "*": []
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "mail").write_text("mailto://127.0.0.1:2525?from=a@county.example&to=b@county.example\n")
    path = tmp_path / "notify.yaml"
    path.write_text(GOOD.format(folder=tmp_path), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("network", "level", "names"),
    [
        ("gas", "red", ["room", "chief"]),
        ("gas", "blue", ["room"]),
        ("water", "red", ["mail", "chief"]),
        ("water", "blue", []),
    ],
)
def test_the_most_specific_list_is_told(config: Path, network: str, level: str, names: list[str]) -> None:
    assert [a.name for a in load(config).recipients(network, level)] == names


def test_whoever_was_told_of_an_alert_is_told_how_it_goes_on(config: Path) -> None:
    told = load(config).recipients("gas", "blue", told=("chief", "room", "somebody-who-left"))
    assert [a.name for a in told] == ["room", "chief"]


def test_language_falls_back_to_the_setting_and_services_keep_their_own_pause(config: Path) -> None:
    book = load(config, language="zh")
    assert [(a.language, a.pause_s) for a in book.addresses.values()] == [("zh", 0.0), ("zh", 0.0), ("zh", 5.5)]
    assert load(config).addresses["mail"].language == "en"


def test_without_a_file_nobody_is_told() -> None:
    assert load(None).recipients("gas", "red") == ()


def test_every_problem_is_reported_at_once_with_its_line_and_without_secrets(tmp_path: Path) -> None:
    path = tmp_path / "notify.yaml"
    path.write_text(
        """\
addresses:
  - name: room
    url: nonsense://secret-key
  - name: room
    url: json://127.0.0.1/hook
  - name: file
    url_file: /does/not/exist
lists:
  gas:
    crimson: [room]
    red: [nobody]
""",
        encoding="utf-8",
    )
    with pytest.raises(ConfigurationError) as caught:
        load(path)
    text = "\n".join(caught.value.problems)
    for line in ("notify.yaml:2: the url of room", "notify.yaml:6: /does/not/exist", "'crimson'", "called nobody"):
        assert line in text
    assert "notify.yaml:10" in text
    assert "notify.yaml:11" in text
    assert "secret-key" not in text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("addresses: [", "notify.yaml:1: not YAML"),
        ("addresses: []\nlists: {}\n", "notify.yaml:1: addresses"),
        ("addresses:\n  - name: a\nlists:\n  '*': {red: [a]}\n", "either url or url_file"),
        ("addresses:\n  - name: a\n    url: json://h\n    colour: red\nlists:\n  '*': {red: [a]}\n", "notify.yaml:4"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "notify.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="problem") as caught:
        load(path)
    assert problem in "\n".join(caught.value.problems)


def test_an_address_that_takes_no_part_in_exercises_is_told_of_what_is_real_alone(tmp_path: Path) -> None:
    path = tmp_path / "notify.yaml"
    path.write_text(
        "addresses:\n"
        "  - {name: room, url: 'json://127.0.0.1/a'}\n"
        "  - {name: mayor, url: 'json://127.0.0.1/b', exercises: false}\n"
        "lists: {'*': {'*': [room, mayor]}}\n",
        encoding="utf-8",
    )
    book = load(path)
    assert [one.name for one in book.recipients("gas", "red")] == ["room", "mayor"]
    assert [one.name for one in book.recipients("gas", "red", exercise=True)] == ["room"]
    # Not even when the alert was handed on to it.
    assert [one.name for one in book.recipients("gas", "red", ("mayor",), exercise=True)] == ["room"]
