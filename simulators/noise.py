"""Repeatable randomness: the same names and the same instant always give the same number, in any order and process."""

import math
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

_WORD = 2**64
_MASK = _WORD - 1


@lru_cache(maxsize=65_536)
def key(*names: object) -> int:
    """A 64-bit number for some names."""
    return int.from_bytes(blake2b("\0".join(map(str, names)).encode(), digest_size=8).digest())


def _mixed(number: int) -> float:
    """A number from -1 to 1 out of 64 bits (splitmix64)."""
    number = (number + 0x9E3779B97F4A7C15) & _MASK
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((number ^ (number >> 31)) & _MASK) / (_WORD / 2) - 1.0


def level(*names: object) -> float:
    """A constant from -1 to 1 for some names."""
    return _mixed(key(*names))


def wander(stream: int, time_s: float, period_s: float) -> float:
    """A smooth random walk from -1 to 1 that forgets itself after about `period_s`; `stream` is a `key`."""
    step = time_s / period_s
    left = math.floor(step)
    part = step - left
    part = part * part * (3 - 2 * part)
    return _mixed(stream ^ left) * (1 - part) + _mixed(stream ^ (left + 1)) * part


def _mixed_each(numbers: NDArray[np.uint64]) -> NDArray[np.float64]:
    """`_mixed` of each; arithmetic of this type wraps around by itself."""
    numbers = numbers + np.uint64(0x9E3779B97F4A7C15)
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (numbers ^ (numbers >> np.uint64(31))) / (_WORD / 2) - 1.0


def wander_each(stream: int, times_s: NDArray[np.float64], period_s: float) -> NDArray[np.float64]:
    """`wander` at many instants after 1970, the same to the last digit."""
    steps = times_s / period_s
    floors = np.floor(steps)
    part = steps - floors
    part = part * part * (3 - 2 * part)
    # Instants of a series lie close together: each number is drawn once.
    left, place = np.unique(floors.astype(np.uint64), return_inverse=True)
    ends = _mixed_each(np.uint64(stream) ^ left), _mixed_each(np.uint64(stream) ^ (left + np.uint64(1)))
    return ends[0][place] * (1 - part) + ends[1][place] * part


def levels(numbers: NDArray[np.uint64]) -> NDArray[np.float64]:
    """A number from -1 to 1 for each of many 64-bit numbers, such as a `key` combined (xor) with counters."""
    return _mixed_each(numbers)


def normals(stream: int, counters: NDArray[np.uint64]) -> NDArray[np.float64]:
    """A standard normal number for each counter (Box and Muller, 1958); `stream` is a `key`."""
    one = _mixed_each(counters ^ np.uint64(stream))
    other = _mixed_each(counters ^ np.uint64(stream ^ 0xA5A5A5A5A5A5A5A5))
    # From (0, 1]: the logarithm of 0 is none.
    radius = np.sqrt(-2.0 * np.log(1.0 - 0.5 * (one + 1.0) * (1.0 - 1e-16)))
    return radius * np.cos(np.pi * other)
