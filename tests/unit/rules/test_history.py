"""Steps put together: episodes with their levels, rewritings of the past, and how two histories differ."""

from collections.abc import Iterable

from domain.alert import AlertEvent, Level
from rules.difference import difference
from rules.history import Episode, History
from rules.step import Rewriting, Step, Transition
from tests.support.rulebook import SECOND, T0, above, stream

RULE = above("methane", blue=10, red=50)


def transition(
    seconds: float, event: AlertEvent, level: Level = Level.BLUE, subject: str = "datastream:1"
) -> Transition:
    return Transition(
        rule=RULE,
        subject=subject,
        watched=stream(1),
        event=event,
        time=T0 + round(seconds * SECOND),
        level=level,
        value=12.0,
        threshold=10.0,
    )


def raised(seconds: float, level: Level = Level.BLUE, subject: str = "datastream:1") -> Transition:
    return transition(seconds, AlertEvent.RAISED, level, subject)


def cleared(seconds: float, level: Level = Level.BLUE, subject: str = "datastream:1") -> Transition:
    return transition(seconds, AlertEvent.CLEARED, level, subject)


def changed(seconds: float, level: Level) -> Transition:
    return transition(seconds, AlertEvent.LEVEL_CHANGED, level)


def history(*steps: Step) -> History:
    found = History()
    for step in steps:
        found.apply(step)
    return found


def episodes(*transitions: Transition) -> list[Episode]:
    return history(Step(transitions=list(transitions))).episodes()


def spans(found: Iterable[Episode]) -> list[tuple[float, float | None, Level]]:
    return [
        ((e.raised_at - T0) / SECOND, None if e.cleared_at is None else (e.cleared_at - T0) / SECOND, e.worst)
        for e in found
    ]


def test_an_episode_goes_from_raise_to_clear_through_its_levels() -> None:
    found = episodes(raised(10), changed(20, Level.RED), changed(30, Level.BLUE), cleared(40), raised(50))
    assert spans(found) == [(10, 40, Level.RED), (50, None, Level.BLUE)]
    assert [level for _, level in found[0].levels] == [Level.BLUE, Level.RED, Level.BLUE]
    assert (found[0].network, found[0].asset, found[0].title_en) == ("gas", "well-1", "Well 1")


def test_a_rewriting_replaces_everything_from_its_time_on_and_nothing_before() -> None:
    late = Rewriting(rule=RULE, subject="datastream:1", since=T0 + 15 * SECOND, transitions=(raised(15), cleared(18)))
    found = history(Step(transitions=[raised(5), cleared(8), raised(20)]), Step(rewritings=[late]))
    assert spans(found.episodes()) == [(5, 8, Level.BLUE), (15, 18, Level.BLUE)]


def test_a_rewriting_comes_before_the_transitions_of_its_step() -> None:
    late = Rewriting(rule=RULE, subject="datastream:1", since=T0, transitions=(raised(1),))
    found = history(Step(transitions=[raised(5)]), Step(rewritings=[late], transitions=[cleared(9)]))
    assert spans(found.episodes()) == [(1, 9, Level.BLUE)]


def test_a_rewriting_of_one_subject_leaves_the_others() -> None:
    late = Rewriting(rule=RULE, subject="datastream:2", since=T0, transitions=())
    found = history(Step(transitions=[raised(5), raised(6, subject="datastream:2")]), Step(rewritings=[late]))
    assert spans(found.episodes()) == [(5, None, Level.BLUE)]


def test_the_order_does_not_depend_on_the_order_of_coming() -> None:
    one = history(Step(transitions=[raised(5, subject="b"), raised(5, subject="a"), raised(1, subject="c")]))
    two = history(Step(transitions=[raised(1, subject="c"), raised(5, subject="a"), raised(5, subject="b")]))
    assert one.episodes() == two.episodes()
    assert [t.subject for t in one.transitions()] == ["c", "a", "b"]


def test_what_is_equal_is_the_same_and_the_rest_is_new_lost_or_moved() -> None:
    before = episodes(raised(0), cleared(10), raised(100), cleared(120), raised(300), cleared(310))
    after = episodes(raised(0), cleared(10), raised(95), changed(100, Level.RED), cleared(120), raised(500))
    found = difference(before, after)
    assert found.same == 1
    assert spans(found.new) == [(500, None, Level.BLUE)]
    assert spans(found.lost) == [(300, 310, Level.BLUE)]
    assert [(spans([m.before]), spans([m.after])) for m in found.moved] == [
        ([(100, 120, Level.BLUE)], [(95, 120, Level.RED)])
    ]


def test_another_subject_is_never_the_same() -> None:
    found = difference(episodes(raised(0)), episodes(raised(0, subject="datastream:2")))
    assert (len(found.new), len(found.lost), found.same) == (1, 1, 0)


def test_each_episode_stands_in_one_place_even_if_one_overlaps_two() -> None:
    found = difference(episodes(raised(0), cleared(100)), episodes(raised(0), cleared(40), raised(60), cleared(100)))
    assert (len(found.moved), len(found.new), len(found.lost)) == (1, 1, 0)
