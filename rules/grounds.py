"""The words and the grounds of a rule: sentences in both languages, limits with the evidence they rest on."""

import re
import string
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

#: What a title or text may name in braces; filled in when the alert is raised.
PLACEHOLDERS = frozenset(
    {"value", "unit", "threshold", "asset_en", "asset_zh", "device", "area", "count", "members_en", "members_zh"}
)
LevelName = Literal["red", "orange", "yellow", "blue"]
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


class Model(BaseModel):
    """What every part of a rule is: closed to unknown fields, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(Model):
    """A sentence for people, in both languages."""

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)

    @field_validator("zh")
    @classmethod
    def _is_chinese(cls, text: str) -> str:
        if not _CHINESE.search(text):
            raise ValueError("holds no Chinese: write it in Simplified Chinese")
        return text


class Template(Words):
    """A sentence that may name what happened in braces."""

    @field_validator("en", "zh")
    @classmethod
    def _known_placeholders(cls, text: str) -> str:
        try:
            names = {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
        except ValueError as exc:
            raise ValueError(f"braces do not match ({exc}): write {{value}}, or {{{{ for a brace") from exc
        if unknown := sorted(names - PLACEHOLDERS):
            raise ValueError(f"unknown placeholder {unknown[0]!r}: use one of {', '.join(sorted(PLACEHOLDERS))}")
        return text


class Grounds(Model):
    """Where a limit comes from. `verified`: the clause itself was read. `unverified`: practice, no text was read."""

    evidence: Literal["verified", "secondary", "unverified"]
    standard: str | None = None
    clause: str | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.evidence != "unverified" and not self.standard:
            raise ValueError(f"{self.evidence} evidence names no standard: add `standard`, or call it unverified")
        return self


class FromTag(Model):
    """A number that stands on the asset: its tag, times a factor, plus a constant.

    A rule does not apply to an asset that lacks the tag, or whose tag is no number.
    """

    tag: str = Field(min_length=1)
    times: float = Field(1.0, allow_inf_nan=False)
    plus: float = Field(0.0, allow_inf_nan=False)

    def on(self, tags: Mapping[str, str]) -> float | None:
        """The number on an asset; None if the tag gives none."""
        try:
            return float(tags[self.tag]) * self.times + self.plus
        except (KeyError, ValueError):
            return None


def _number_kind(value: Any) -> str:  # noqa: ANN401 - whatever stands in the document
    return "from_tag" if isinstance(value, dict | FromTag) else "number"


#: A number, or where on the asset it stands. Told apart by its form, so that a mistake is one line and not two.
Number = Annotated[
    Annotated[float, Field(allow_inf_nan=False), Tag("number")] | Annotated[FromTag, Tag("from_tag")],
    Discriminator(_number_kind),
]


def number_on(number: Number, tags: Mapping[str, str]) -> float | None:
    """A limit as it is on one asset; None if the asset does not say."""
    return number.on(tags) if isinstance(number, FromTag) else number


class Limit(Grounds):
    """The limit of one level, in the unit of what is measured."""

    limit: Number


class Span(Grounds):
    """The two limits of one level, in the unit of what is measured: outside of them is wrong."""

    low: Number
    high: Number

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if isinstance(self.low, float) and isinstance(self.high, float) and self.low >= self.high:
            raise ValueError(f"low ({self.low:g}) must lie below high ({self.high:g}): exchange them")
        return self
