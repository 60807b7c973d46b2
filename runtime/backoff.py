"""The one retry schedule: exponential with full jitter, so that many clients do not come back at the same instant."""

import random


class Backoff:
    """Waiting times that grow from `initial_s` to `maximum_s`; each is drawn evenly from zero to its step.

    Args:
        initial_s: The first step, in seconds.
        maximum_s: The longest step, in seconds.
        rng: Source of randomness; seeded in tests.
    """

    def __init__(self, initial_s: float, maximum_s: float, rng: random.Random | None = None) -> None:
        if not 0 < initial_s <= maximum_s:
            raise ValueError(f"0 < initial_s <= maximum_s does not hold for {initial_s} and {maximum_s}")
        self._initial_s = initial_s
        self._maximum_s = maximum_s
        # Jitter, not secrecy.
        self._rng = rng or random.Random()  # noqa: S311
        self._step_s = initial_s

    def next_s(self) -> float:
        """How long to wait now, in seconds."""
        wait_s = self._rng.uniform(0, self._step_s)
        self._step_s = min(self._maximum_s, self._step_s * 2)
        return wait_s

    def reset(self) -> None:
        """Success: the next failure starts over."""
        self._step_s = self._initial_s
