"""What of a datastream is compared with limits, if it is not the value itself.

Each measure gives one number for each sample, from that sample and those before it within its window. Numbers that
cannot be told (too few samples) are unknown, and judge nothing.
"""

from typing import Self

from pydantic import Field, model_validator

from rules.grounds import Model


class Change(Model):
    """The change within a window: the value less the lowest (for `above`) or highest (for `below`) of the window."""

    window_s: int = Field(gt=0)


class Deviation(Model):
    """The value less its usual one at this hour of the day: the median of the hourly means of the days before.

    `relative`: as a share of the usual value (0.1 is a tenth above it).
    """

    days: int = Field(7, ge=1, le=28)
    #: Fewer days with data in this hour make no baseline.
    least_days: int = Field(3, ge=1, le=28)
    relative: bool = False


class Unchanged(Model):
    """For how many seconds the value has not moved by more than `tolerance`."""

    tolerance: float = Field(ge=0, allow_inf_nan=False)


class Step(Model):
    """How far the value lies from the sample before, regardless of the direction."""


class Increase(Model):
    """How much a counter has gone up within a window. A counter that falls was reset, and counts on from zero."""

    window_s: int = Field(gt=0)


class Edges(Model):
    """How often a switch has changed to a position within a window."""

    to: bool
    window_s: int = Field(gt=0)


class TimeTo(Model):
    """In how many seconds the value reaches a limit at its present slope (least squares over the window).

    Infinite while it moves away or stands; 0 beyond the limit.
    """

    limit: float = Field(allow_inf_nan=False)
    #: Whether the limit lies above the usual values.
    rising: bool
    window_s: int = Field(gt=0)


class Doubtful(Model):
    """How many of the values within a window carry a flag of bad quality."""

    window_s: int = Field(gt=0)


class Measure(Model):
    """Exactly one of the measures."""

    change: Change | None = None
    deviation: Deviation | None = None
    unchanged: Unchanged | None = None
    step: Step | None = None
    increase: Increase | None = None
    edges: Edges | None = None
    time_to: TimeTo | None = None
    doubtful: Doubtful | None = None

    @property
    def name(self) -> str:
        """Which one it is."""
        return next(name for name in type(self).model_fields if getattr(self, name) is not None)

    @property
    def unit(self) -> str | None:
        """The unit of the number, if it is not that of the property."""
        if self.unchanged or self.time_to:
            return "s"
        if self.edges or self.doubtful or (self.deviation and self.deviation.relative):
            return "1"
        return None

    @property
    def own_scale(self) -> bool:
        """Whether limits are not bound to the range of the property."""
        return not self.step

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            names = ", ".join(type(self).model_fields)
            raise ValueError(f"name exactly one measure ({names}), not {len(given)}")
        return self
