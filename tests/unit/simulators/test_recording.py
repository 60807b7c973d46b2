"""Recorded files become samples; what cannot be used is told with file and line, and nothing is made up."""

from pathlib import Path

import pytest

from domain.errors import ConfigurationError
from domain.registry import PropertyType
from domain.times import from_datetime, to_datetime
from simulators.feed import parse
from simulators.recording import Recording, Sample

HEADER = "DATETIME,L_T1,F_PU1,S_PU1,ATT_FLAG\n"
WIDE = """\
title: Town
files: "*.csv"
time: {column: DATETIME, format: "%d/%m/%y %H"}
missing: [-999]
labels: ATT_FLAG
columns:
  L_T1: {device: t1, property: level}
  F_PU1: {device: pu1, property: flow, scale: 3.6, offset: 1}
  S_PU1: {device: pu1, property: running}
"""
LONG = """\
title: Cloud
files: "*.csv"
time: {column: at, zone: Asia/Shanghai}
missing: ["-"]
long: {series: tag, value: reading, device: unit}
device: "{device}"
columns:
  level: {property: level}
  run: {property: running, states: {ON: true, "OFF": false}}
"""
KINDS: dict[tuple[str, str], PropertyType] = {
    ("t1", "level"): "number",
    ("t1", "running"): "boolean",
    ("pu1", "flow"): "number",
    ("pu1", "running"): "boolean",
}


def samples(text: str, feed: str, tmp_path: Path) -> list[Sample]:
    path = tmp_path / "run.csv"
    path.write_bytes(text.encode())
    return list(Recording(parse(feed), KINDS).samples(path))


def problems(text: str, feed: str, tmp_path: Path) -> list[str]:
    path = tmp_path / "run.csv"
    path.write_bytes(text.encode())
    with pytest.raises(ConfigurationError) as caught:
        Recording(parse(feed), KINDS).scan(path)
    return caught.value.problems


def test_a_row_gives_each_device_one_sample_in_the_published_units(tmp_path: Path) -> None:
    text = "DATETIME, L_T1, F_PU1, S_PU1, ATT_FLAG\r\n06/01/14 01, 2.44, 10, 1.00, -999\r\n"
    found = samples(text, WIDE, tmp_path)
    assert found == [
        Sample("t1", found[0].time, {"level": 2.44}),
        Sample("pu1", found[0].time, {"flow": 37.0, "running": True}),
    ]
    assert to_datetime(found[0].time).isoformat() == "2014-01-06T01:00:00+00:00"
    assert found[1].properties["running"] is True


def test_missing_marks_are_left_out_and_counted(tmp_path: Path) -> None:
    text = "DATETIME,L_T1,F_PU1,S_PU1,ATT_FLAG\n06/01/14 01,-999,-999.0,,0\n06/01/14 02,1, -999 ,0,0\n"
    assert [s.properties for s in samples(text, WIDE, tmp_path)] == [{"level": 1.0}, {"running": False}]
    scan = Recording(parse(WIDE), KINDS).scan(tmp_path / "run.csv")
    assert (scan.samples, scan.entries, scan.missing, scan.repeated) == (2, 2, 4, 0)
    assert scan.first == scan.last


def test_labels_are_never_published(tmp_path: Path) -> None:
    text = "DATETIME,L_T1,F_PU1,S_PU1,ATT_FLAG\n06/01/14 01,1,2,0,1\n"
    published = {name for sample in samples(text, WIDE, tmp_path) for name in sample.properties}
    assert published == {"level", "flow", "running"}


def test_blank_lines_are_skipped_and_lines_counted_as_in_the_file(tmp_path: Path) -> None:
    text = "DATETIME,L_T1,F_PU1,S_PU1,ATT_FLAG\n\n06/01/14 01,1,2,0,0\n\n06/01/14 02,x,2,0,0\n"
    assert problems(text, WIDE, tmp_path) == ["run.csv:5: column 'L_T1': 'x' is no number: declare it missing"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DATETIME,L_T1,F_PU1,S_PU1,ATT_FLAG,NEW\n", "column 'NEW' is not described"),
        ("DATETIME,L_T1,F_PU1,ATT_FLAG\n", "column 'S_PU1' is missing"),
        ("DATETIME;L_T1;F_PU1;S_PU1;ATT_FLAG\n", "column 'DATETIME' is missing"),
        ("DATETIME,L_T1,L_T1,F_PU1,S_PU1,ATT_FLAG\n", "column 'L_T1' stands twice"),
        (HEADER, "nothing in it to publish"),
        ("", "column 'DATETIME' is missing"),
        (HEADER + "06/13/14 01,1,1,1,0\n", "run.csv:2: column 'DATETIME': '06/13/14 01' is"),
        (HEADER + "06/12/14 01,NaN,1,1,0\n", "'NaN' is no number"),
        (HEADER + "06/12/14 01,inf,1,1,0\n", "'inf' is no number"),
        (HEADER + "06/12/14 01,1,1,0.5,0\n", "'0.5' is neither 0 nor 1"),
        (HEADER + "06/12/14 01,1,1,1,0\n06/12/14 02,1,", "run.csv:3: 3 fields where the header has 5"),
        (HEADER + "06/12/14 01,1,1,1,0,9\n", "6 fields where"),
        (HEADER + "06/12/14 01,1,1,1,0\n06/12/14 02,1,1,1,0,9\n", "6 fields where"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_with_its_place(text: str, expected: str, tmp_path: Path) -> None:
    assert expected in "\n".join(problems(text, WIDE, tmp_path))


def test_a_datastream_that_is_not_registered_is_refused(tmp_path: Path) -> None:
    feed = WIDE.replace("device: t1, property: level", "device: t9, property: level")
    text = "DATETIME,L_T1,F_PU1,S_PU1,ATT_FLAG\n06/01/14 01,1,2,0,1\n"
    assert problems(text, feed, tmp_path) == [
        "run.csv: t9 has no datastream level in the feed's registry: add it there"
    ]


def test_the_number_of_problems_told_is_bounded(tmp_path: Path) -> None:
    rows = "06/01/14 01,x,y,z,0\n" * 9000
    assert len(problems("DATETIME,L_T1,F_PU1,S_PU1,ATT_FLAG\n" + rows, WIDE, tmp_path)) == 50


def test_neighbouring_rows_of_a_long_table_make_one_sample(tmp_path: Path) -> None:
    text = (
        "at,unit,tag,reading\n2026-05-01 08:00,t1,level,1.5\n2026-05-01 08:00,t1,run,ON\n"
        "2026-05-01 08:00,pu1,run,OFF\n2026-05-01 09:00,t1,level,-\n2026-05-01 09:00,t1,run,OFF\n"
    )
    found = samples(text, LONG, tmp_path)
    hour = 3_600_000_000
    first = found[0].time
    assert to_datetime(first).isoformat() == "2026-05-01T00:00:00+00:00"
    assert found == [
        Sample("t1", first, {"level": 1.5, "running": True}),
        Sample("pu1", first, {"running": False}),
        Sample("t1", first + hour, {"running": False}),
    ]


def test_unknown_names_and_states_of_a_long_table_are_told(tmp_path: Path) -> None:
    text = (
        "at,unit,tag,reading\n2026-05-01 08:00,t1,colour,1\n2026-05-01 08:00,t1,run,MAYBE\n2026-05-01 08:00,t7,run,ON\n"
    )
    found = "\n".join(problems(text, LONG, tmp_path))
    assert "run.csv:2: 'colour' is not described" in found
    assert "run.csv:3: column 'reading': 'MAYBE' is none of the states ON, OFF" in found
    assert "t7 has no datastream running" in found


def test_values_that_repeat_an_instant_are_counted(tmp_path: Path) -> None:
    text = "at,unit,tag,reading\n" + "2026-05-01 08:00,t1,level,1.5\n" * 3
    path = tmp_path / "run.csv"
    path.write_text(text, encoding="utf-8")
    assert Recording(parse(LONG), KINDS).scan(path).repeated == 2


def test_decimal_commas_are_read(tmp_path: Path) -> None:
    feed = WIDE.replace("missing:", 'separator: ";"\ndecimal: ","\nmissing:')
    text = "DATETIME;L_T1;F_PU1;S_PU1;ATT_FLAG\n06/01/14 01;2,5;0;1;0\n"
    assert samples(text, feed, tmp_path)[0].properties == {"level": 2.5}


def test_chunks_do_not_change_what_is_read(tmp_path: Path) -> None:
    start = from_datetime(to_datetime(1_700_000_000_000_000))
    rows = "".join(f"{start // 1000 + i * 1000},t1,level,{i}\n" for i in range(12_001))
    feed = LONG.replace("{column: at, zone: Asia/Shanghai}", "{column: at, format: epoch_ms}")
    found = samples("at,unit,tag,reading\n" + rows, feed, tmp_path)
    assert [s.properties["level"] for s in found] == [float(i) for i in range(12_001)]
    assert [s.time for s in found] == [start + i * 1_000_000 for i in range(12_001)]
