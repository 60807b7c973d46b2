"""Texts of a recorded column -> values of a property: missing marks, numbers, units, states."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.errors import ConfigurationError
from simulators.feed import Feed, Series

#: Problems told at once; more of the same help nobody.
_MOST_PROBLEMS = 50

Value = float | bool


class Problems(list[str]):
    """What is wrong with a file, up to a limit."""

    def add(self, problem: str) -> None:
        """Notes a problem; ConfigurationError when there are so many that one more says nothing new."""
        self.append(problem)
        if len(self) >= _MOST_PROBLEMS:
            raise ConfigurationError("recording (the first problems)", list(self))


class Cells:
    """Reads the cells of one feed."""

    def __init__(self, feed: Feed) -> None:
        self._missing = frozenset(feed.missing) | {""}
        marks = pd.to_numeric(pd.Series(list(feed.missing), dtype=str), errors="coerce").to_numpy(dtype=np.float64)
        self._missing_numbers = marks[np.isfinite(marks)]
        self._decimal = feed.decimal

    def values(
        self, file: str, texts: "pd.Series[str]", series: Series, *, boolean: bool, problems: Problems
    ) -> list[Value | None]:
        """The values of a column, None where one is missing.

        Args:
            file: Its name, for problems.
            texts: Stripped texts; the index holds their lines in the file.
            series: What the column is.
            boolean: Whether the property is a state.
            problems: Where cells that cannot be used are noted.
        """
        present = ~texts.isin(self._missing).to_numpy(dtype=bool)
        if series.states is not None:
            return self._states(file, texts, present, series.states, boolean=boolean, problems=problems)
        plain = texts if self._decimal == "." else texts.str.replace(self._decimal, ".", regex=False)
        numbers = pd.to_numeric(plain, errors="coerce").to_numpy(dtype=np.float64)
        if len(self._missing_numbers):
            present &= ~np.isin(numbers, self._missing_numbers)
        if boolean:
            unusable(file, texts, present & ~np.isin(numbers, (0.0, 1.0)), "is neither 0 nor 1: name states", problems)
            return [bool(n) if has else None for n, has in zip(numbers.tolist(), present.tolist(), strict=True)]
        unusable(file, texts, present & ~np.isfinite(numbers), "is no number: declare it missing", problems)
        if (series.scale, series.offset) != (1.0, 0.0):
            numbers = numbers * series.scale + series.offset
        return [n if has else None for n, has in zip(numbers.tolist(), present.tolist(), strict=True)]

    @staticmethod
    def _states(
        file: str,
        texts: "pd.Series[str]",
        present: NDArray[np.bool_],
        states: dict[str, bool],
        *,
        boolean: bool,
        problems: Problems,
    ) -> list[Value | None]:
        found = [states.get(text) if has else None for text, has in zip(texts.tolist(), present, strict=True)]
        bad = np.array([has and state is None for state, has in zip(found, present, strict=True)], dtype=bool)
        unusable(file, texts, bad, f"is none of the states {', '.join(states)}", problems)
        return [state if state is None or boolean else float(state) for state in found]


def unusable(file: str, texts: "pd.Series[str]", bad: NDArray[np.bool_], why: str, problems: Problems) -> None:
    """Notes each bad cell with its line."""
    for row in np.flatnonzero(bad).tolist():
        problems.add(f"{file}:{texts.index[row]}: column {texts.name!r}: {texts.iloc[row]!r} {why}")
