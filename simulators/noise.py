"""Repeatable randomness: the same names and the same instant always give the same number, in any order and process."""

import math
from functools import lru_cache
from hashlib import blake2b

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
