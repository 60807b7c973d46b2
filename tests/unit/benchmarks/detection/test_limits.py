"""Limits come from clean values: reckoned by hand on made recordings, and never from a label."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.detection.limits import BENCH, bench_departures, bench_movements, commissioned, water_limits
from benchmarks.detection.recordings import BATADAL, SKAB, find, labelled, read, vocabulary
from benchmarks.detection.run import FOLDER, SETS, learn, run, shipped_limits
from domain.errors import ConfigurationError
from rules.condition import Threshold
from rules.fused import Fused, leaves
from rules.grounds import FromTag, Limit, Span
from rules.load import load_catalogue
from rules.rule import Rule
from simulators.feed import load as load_feed

HOURS = 24 * 12


def _water(path: Path, *, labels: list[int] | None = None, blank: str = "", seed: int = 1) -> Path:
    """A made recording of C-Town: pump PU7 runs every other hour, all else wanders."""
    names = list(load_feed(BATADAL.descriptor).columns)
    random = np.random.default_rng(seed)
    head = ["DATETIME", *(blank + name for name in names)] + ([blank + "ATT_FLAG"] if labels else [])
    lines = [",".join(head)]
    for hour in range(HOURS):
        row = [f"{1 + hour // 24:02}/02/16 {hour % 24:02}"]
        for name in names:
            if name.startswith("S_"):
                value = float(name == "S_PU7" and hour % 2)
            elif name == "F_PU7":
                value = 48 + random.uniform(-2, 2) if hour % 2 else 0.0
            else:
                value = 3 + random.uniform(-0.5, 0.5)
            row.append(f"{blank}{value:.4f}")
        lines.append(",".join(row + ([f"{blank}{labels[hour]}"] if labels else [])))
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _bench(path: Path, *, labelled_from: int | None = None, rise: float = 0.0, seconds: int = 2000) -> Path:
    """A made run of the bench: everything wanders a little; vibration 1 rises where it is labelled."""
    columns = list(load_feed(SKAB.descriptor).columns)
    random = np.random.default_rng(2)
    head = ["datetime", *columns] + (["anomaly", "changepoint"] if labelled_from is not None else [])
    lines = [";".join(head)]
    for second in range(seconds):
        wrong = labelled_from is not None and labelled_from <= second < labelled_from + 200
        row = [f"2020-03-01 {10 + second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"]
        row += [
            f"{1 + random.uniform(-0.01, 0.01) + rise * (wrong and name == 'Accelerometer1RMS'):.5f}"
            for name in columns
        ]
        lines.append(";".join(row + ([f"{float(wrong)}", "0.0"] if labelled_from is not None else [])))
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_permuting_the_labels_changes_no_limit(tmp_path: Path) -> None:
    plain = _water(tmp_path / "dataset03_a.csv")
    some = _water(tmp_path / "dataset03_b.csv", labels=[hour % 2 for hour in range(HOURS)])
    others = _water(tmp_path / "dataset03_c.csv", labels=[1 - hour % 2 for hour in range(HOURS)])
    first, *rest = (learn("batadal", read(path, BATADAL)) for path in (plain, some, others))
    assert rest == [first, first]
    early = _bench(tmp_path / "a" / "anomaly-free.csv", labelled_from=100)
    late = _bench(tmp_path / "b" / "anomaly-free.csv", labelled_from=900)
    for name in ("skab", "skab-commissioned"):
        assert learn(name, read(early, SKAB)) == learn(name, read(late, SKAB))
    assert commissioned(read(early, SKAB), bench_departures(read(early, SKAB))) == commissioned(
        read(late, SKAB), bench_departures(read(late, SKAB))
    )


def test_a_clean_file_is_told_by_its_name(tmp_path: Path) -> None:
    """An attack file whose labels say nothing is wrong teaches nothing."""
    _water(tmp_path / "dataset04_attacks.csv", labels=[0] * HOURS)
    (result,) = run(tmp_path)
    assert result.learned_from == "the shipped limits"
    assert not result.lines[0].clean


def test_a_limit_lies_a_margin_beyond_the_extremes(tmp_path: Path) -> None:
    clean = read(_water(tmp_path / "dataset03.csv"), BATADAL)
    found = water_limits(clean)
    flow = clean.series["ctown-pu7", "water.flow"]
    running = flow[1::2]
    margin = 0.05 * (running.max() - running.min())
    assert found["ctown-pu7"]["flow-1-low"] == pytest.approx(running.min() - margin)
    assert found["ctown-pu7"]["flow-1-high"] == pytest.approx(running.max() + margin)
    assert found["ctown-pu7"]["flow-0-high"] == pytest.approx(0.1)
    assert found["ctown-pu7"]["switched-on"] == 12
    level = clean.series["ctown-t4", "water.tank.level"]
    rises = np.diff(level, prepend=level[0])
    assert found["ctown-t4"]["rise-1"] == pytest.approx(rises[1::2].max() * 1.05)
    assert found["ctown-t4"]["fall-0"] == pytest.approx(rises[::2].min() * 1.05)


def test_the_bench_is_held_to_what_it_did_for_as_long_as_a_rule_waits(tmp_path: Path) -> None:
    clean = read(_bench(tmp_path / "anomaly-free.csv"), SKAB)
    moves = bench_movements(clean)
    assert 0 < moves["flow-rise"] < 0.02 * 1.05
    assert -0.02 * 1.05 < moves["flow-fall"] < 0
    departures = dict.fromkeys((f"{word}-{side}" for word in BENCH.values() for side in ("low", "high")), 3.0)
    usual = float(np.median(clean.series["skab-bench", "bench.flow"][:400]))
    spread = float(np.std(clean.series["skab-bench", "bench.flow"][:400]))
    assert commissioned(clean, departures)["flow-high"] == pytest.approx(usual + 3 * max(spread, 0.005 * usual))


def test_a_clean_record_raises_nothing_and_a_strange_one_does(tmp_path: Path) -> None:
    _water(tmp_path / "dataset03_clean.csv")
    (clean,) = run(tmp_path)[0].lines
    assert clean.figures.alarms == 0
    path = _water(tmp_path / "x" / "test.csv", blank=" ", seed=3)
    text = path.read_text(encoding="utf-8").splitlines()
    cells = text[200].split(",")
    cells[1] = " 9.5"
    path.write_text("\n".join([*text[:200], ",".join(cells), *text[201:]]) + "\n", encoding="utf-8")
    strange = run(tmp_path)[0].lines[-1]
    assert strange.file == "x/test.csv"
    assert strange.alerts["ctown-level-range"] == 1
    assert strange.figures.score is None


def test_a_labelled_run_of_the_bench_is_judged_in_any_folder(tmp_path: Path) -> None:
    _bench(tmp_path / "clean" / "anomaly-free.csv", seconds=4000)
    _bench(tmp_path / "deep" / "er" / "7.csv", labelled_from=900, rise=0.5)
    for result in run(tmp_path, "skab"):
        assert result.total is not None
        assert (result.total.labelled, result.total.found, result.total.already) == (1, 1, 0)
        assert result.total.delay_longest_s == pytest.approx(10 if result.name.endswith("commissioned") else 5)


def test_labels_are_read_in_every_spelling(tmp_path: Path) -> None:
    path = _water(tmp_path / "t.csv", labels=[-999, 1, 0] * (HOURS // 3), blank=" ")
    found = labelled(path, BATADAL)
    assert found is not None
    assert found[:3].tolist() == [-1, 1, 0]
    assert labelled(_water(tmp_path / "u.csv"), BATADAL) is None


def test_other_files_are_left_alone_and_an_empty_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert not find(tmp_path)
    with pytest.raises(ConfigurationError, match="holds no recording"):
        run(tmp_path)


def test_a_torn_recording_is_refused_with_its_line(tmp_path: Path) -> None:
    path = _water(tmp_path / "dataset04.csv")
    path.write_text(path.read_text(encoding="utf-8").replace("03/02/16 05", "soon"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="line 55"):
        read(path, BATADAL)


def _tags(rule: Rule) -> set[str]:
    own = rule.condition
    if isinstance(own, Fused):
        numbers = [n for level in own.fused.values() for leaf in leaves(level.when) for n in (leaf.above, leaf.below)]
    else:
        assert isinstance(own, Threshold)
        numbers = []
        for ground in own.grounds.values():
            if isinstance(ground, Limit):
                numbers.append(ground.limit)
            else:
                assert isinstance(ground, Span)
                numbers += [ground.low, ground.high]
    told = [number for number in numbers if number is not None]
    assert all(isinstance(number, FromTag) for number in told), f"{rule.id} holds a number of its own"
    return {number.tag for number in told if isinstance(number, FromTag)}


@pytest.mark.parametrize("name", SETS)
def test_every_limit_of_the_rules_is_a_tag_that_is_measured(name: str) -> None:
    rules = load_catalogue(FOLDER / name, known=vocabulary(SETS[name]).values()).rules
    measured = {tag for own in shipped_limits()[name].values() for tag in own}
    assert {tag for rule in rules for tag in _tags(rule)} <= measured
