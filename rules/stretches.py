"""A batch of samples: of each datastream one stretch, in order of time."""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Places = NDArray[np.intp]

_T = TypeVar("_T", np.int64, np.float64)


@dataclass(frozen=True, slots=True)
class Stretches:
    """Samples in order of datastream and time; in any order if each datastream has just one.

    A number of each stretch is one of an array as long as `streams`.
    """

    #: Which datastream each sample belongs to.
    places: Places
    times: Ints
    values: Floats
    #: The first sample of each stretch; None if each datastream has just one sample.
    starts: Places | None

    @property
    def streams(self) -> Places:
        """The datastream of each stretch."""
        return self.places if self.starts is None else self.places[self.starts]

    def least(self, numbers: NDArray[_T]) -> NDArray[_T]:
        """The least number of each stretch."""
        return numbers if self.starts is None else np.asarray(np.minimum.reduceat(numbers, self.starts))

    def most(self, numbers: NDArray[_T]) -> NDArray[_T]:
        """The largest number of each stretch."""
        return numbers if self.starts is None else np.asarray(np.maximum.reduceat(numbers, self.starts))

    def total(self, numbers: NDArray[_T]) -> NDArray[_T]:
        """The sum of each stretch."""
        return numbers if self.starts is None else np.asarray(np.add.reduceat(numbers, self.starts))

    def first(self, numbers: NDArray[_T]) -> NDArray[_T]:
        """The first number of each stretch."""
        return numbers if self.starts is None else numbers[self.starts]

    def last(self, numbers: NDArray[_T]) -> NDArray[_T]:
        """The last number of each stretch."""
        return numbers if self.starts is None else numbers[np.append(self.starts[1:], numbers.size) - 1]

    def spread(self, of_streams: NDArray[_T]) -> NDArray[_T]:
        """The number of its stretch, for each sample."""
        if self.starts is None:
            return of_streams
        return np.repeat(of_streams, np.diff(np.append(self.starts, self.places.size)))

    def former(self, numbers: NDArray[_T], before: NDArray[_T]) -> NDArray[_T]:
        """The number of the sample before, for each sample; for the first one, what was `before` the stretch."""
        if self.starts is None:
            return before
        shifted = np.empty_like(numbers)
        shifted[1:] = numbers[:-1]
        shifted[self.starts] = before
        return shifted
