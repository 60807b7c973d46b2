"""A responder that does by script what people would: for tests and for showing what a drill is."""

from domain.after_action import Report, StepResult
from domain.lifecycle import NotAllowedError
from storage import lifecycle
from storage.database import Link

OPERATOR = "drill script / 演练脚本"
ADDRESSEE = "duty leader / 值班领导"
_SHELVED_S = 600


class Responder:
    """Does every step that is due and was not done yet.

    Args:
        connection: In autocommit.
        skip: Numbers of steps, from 1 on, that it leaves out.
    """

    def __init__(self, connection: Link, skip: frozenset[int] = frozenset()) -> None:
        self._connection = connection
        self._skip = skip
        self._done: set[int] = set()

    def act(self, report: Report, now: int) -> list[StepResult]:
        """Does what the report shows as missed so far and people were told of; returns what it did."""
        done = []
        for number, one in enumerate(report.steps, 1):
            due = one.verdict == "open" and one.alert is not None
            if due and number not in self._skip and number not in self._done and self._do(one, now):
                self._done.add(number)
                done.append(one)
        return done

    def _do(self, result: StepResult, now: int) -> bool:
        alert, text = result.alert or 0, f"{result.step.text.en} / {result.step.text.zh}"
        try:
            match result.step.name:
                case "acknowledge":
                    lifecycle.acknowledge(self._connection, alert, operator=OPERATOR, comment=text)
                case "escalate":
                    lifecycle.escalate(self._connection, alert, operator=OPERATOR, addressee=ADDRESSEE, comment=text)
                case "comment":
                    lifecycle.comment_on(self._connection, alert, operator=OPERATOR, comment=text)
                case "shelve":
                    lifecycle.shelve(
                        self._connection,
                        alert,
                        mode="timed",
                        seconds=_SHELVED_S,
                        reason=text,
                        operator=OPERATOR,
                        now=now,
                    )
                case _:
                    # The condition clears by itself, and notifications are sent by the platform.
                    return False
        except NotAllowedError:
            # As it would be for a person: what is over cannot be taken any more.
            return True
        return True
