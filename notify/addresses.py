"""Whom to tell: named addresses, and for each network and level the list of those who are told.

```yaml
addresses:
  - name: duty-room            # what logs, the API and the database call it
    url: wecombot://KEY        # any Apprise URL
    language: zh
  - name: duty-mail
    url_file: /run/secrets/duty-mail
    pause_s: 0                 # least seconds between two deliveries; default: what the service asks for
    exercises: false           # is told of nothing in exercises; default: as of everything else
lists:
  gas:
    red: [duty-room, duty-mail]
  "*":                         # every network without a list of its own
    "*": [duty-room]           # every level without a list of its own
```
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from domain.alert import Level
from domain.errors import ConfigurationError
from notify.channel import default_pause_s
from runtime.documents import Document, DocumentError

ANY = "*"
Language = Literal["en", "zh"]
_WHAT = "notifications cannot be configured"
_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """One channel: where messages go, and in which language."""

    name: str
    #: May hold a password or a key: never shown, never stored.
    url: str = field(repr=False)
    language: Language
    #: Least seconds between two deliveries.
    pause_s: float
    #: Whether it is told of exercises as well.
    exercises: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class AddressBook:
    """All addresses and lists."""

    addresses: Mapping[str, Address]
    #: (network or *, level or *) -> names.
    lists: Mapping[tuple[str, str], tuple[str, ...]]

    def recipients(
        self, network: str, level: str, told: tuple[str, ...] = (), *, exercise: bool = False
    ) -> tuple[Address, ...]:
        """The most specific list of a network and level, and whoever was told of the same alert before.

        Who heard that an alert was raised hears how it goes on, even when its level has left their list. Of an exercise
        only those are told who take part in exercises.
        """
        names: tuple[str, ...] = ()
        for key in ((network, level), (network, ANY), (ANY, level), (ANY, ANY)):
            if key in self.lists:
                names = self.lists[key]
                break
        known = (self.addresses[n] for n in dict.fromkeys((*names, *told)) if n in self.addresses)
        return tuple(address for address in known if address.exercises or not exercise)


class _Address(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: _Name
    url: SecretStr | None = None
    url_file: Path | None = None
    language: Language | None = None
    pause_s: float | None = Field(None, ge=0, le=3600)
    exercises: bool = True

    @model_validator(mode="after")
    def _one_url(self) -> Self:
        if (self.url is None) == (self.url_file is None):
            raise ValueError("give either url or url_file")
        return self


class _Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    addresses: tuple[_Address, ...] = Field(min_length=1)
    lists: dict[str, dict[str, tuple[str, ...]]] = Field(min_length=1)


def load(path: Path | None, *, language: str = "en") -> AddressBook:
    """The address book of a file; an empty one without a file. Raises ConfigurationError with every problem."""
    if path is None:
        return AddressBook(addresses={}, lists={})
    try:
        document = Document(path)
        config = _Config.model_validate(document.value)
    except DocumentError as exc:
        raise ConfigurationError(_WHAT, exc.problems) from exc
    except ValidationError as exc:
        raise ConfigurationError(_WHAT, document.problems(exc)) from None
    problems: list[str] = []
    addresses = _addresses(config, document, "zh" if language == "zh" else "en", problems)
    lists = _lists(config, document, {a.name for a in config.addresses}, problems)
    if problems:
        raise ConfigurationError(_WHAT, problems)
    return AddressBook(addresses=addresses, lists=lists)


def _addresses(config: _Config, document: Document, language: Language, problems: list[str]) -> dict[str, Address]:
    found: dict[str, Address] = {}
    for position, item in enumerate(config.addresses):
        where = document.at(("addresses", position))
        if item.name in found or item.name == "none":
            problems.append(f"{where}: the name {item.name} is taken: give each address a name of its own")
            continue
        try:
            url = item.url.get_secret_value() if item.url else _read(item.url_file)
        except OSError as exc:
            problems.append(f"{where}: {item.url_file}: {exc.strerror}: name a file that this process may read")
            continue
        pause_s = default_pause_s(url)
        if pause_s is None:
            problems.append(
                f"{where}: the url of {item.name} is not one that Apprise understands: see its list of services"
            )
            continue
        found[item.name] = Address(
            name=item.name,
            url=url,
            language=item.language or language,
            pause_s=pause_s if item.pause_s is None else item.pause_s,
            exercises=item.exercises,
        )
    return found


def _read(path: Path | None) -> str:
    return path.read_text(encoding="utf-8").strip() if path else ""


def _lists(
    config: _Config, document: Document, names: set[str], problems: list[str]
) -> dict[tuple[str, str], tuple[str, ...]]:
    levels = {level.label for level in Level} | {ANY}
    lists: dict[tuple[str, str], tuple[str, ...]] = {}
    for network, by_level in config.lists.items():
        if network != ANY and not re.fullmatch(r"[a-z][a-z0-9_-]*", network):
            problems.append(f"{document.at(('lists', network))}: {network!r} is not the id of a network")
        for level, members in by_level.items():
            where = document.at(("lists", network, level))
            if level not in levels:
                problems.append(f"{where}: {level!r} is not a level: use red, orange, yellow, blue or *")
            problems += [
                f"{where}: no address is called {name}: add it to addresses" for name in members if name not in names
            ]
            lists[network, level] = members
    return lists
