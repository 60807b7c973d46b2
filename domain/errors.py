"""Errors that a caller decides differently about. Everything else is a bug and may end the process."""


class LifelineError(Exception):
    """The root of every error that City Lifeline raises on purpose."""


class ConfigurationError(LifelineError):
    """Settings, a registry, a catalogue or a descriptor cannot be used; holds every problem found, not only the first.

    Each problem says where it is (file and line, or the setting), what is wrong and what to do.
    """

    def __init__(self, what: str, problems: list[str]) -> None:
        self.what = what
        self.problems = problems
        super().__init__(f"{what}: {len(problems)} problem(s)\n" + "\n".join(f"  - {p}" for p in problems))


class UnavailableError(LifelineError):
    """A part (database, broker, receiver) cannot be reached now; the same call may succeed later."""


class RefusedDataError(LifelineError):
    """The database refuses these values and will again: split the batch, keep the culprit as a dead letter."""


class FencedError(LifelineError):
    """Another worker owns this work now. The caller must stop, not retry."""


class SchemaError(LifelineError):
    """The database has another schema than this program; the message says which command mends it."""
