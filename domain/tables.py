"""Tables of text as people keep them: CSV from editors, spreadsheets and scripts, read with the line of every row."""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One row: where it stands ("devices.csv:7") and its fields in the order of the wanted columns, stripped."""

    where: str
    fields: tuple[str, ...]


def read_text(path: Path, problems: list[str]) -> str | None:
    """The text of a UTF-8 file, with or without byte order mark; None and a problem if it cannot be had."""
    try:
        data = path.read_bytes()
    except OSError as exc:
        problems.append(f"{path.name}: {exc.strerror or exc}: name a file that may be read")
        return None
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        problems.append(f"{path.name}: the file is UTF-16: save it as UTF-8")
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        problems.append(f"{path.name}:{line}: the file is not UTF-8: save it as UTF-8 (in Excel: CSV UTF-8)")
        return None


def read_table(path: Path, columns: Sequence[str], problems: list[str]) -> list[Row]:
    """The rows of a comma-separated file with a header; its columns may stand in any order. Blank lines are skipped.

    Problems (encoding, missing or unknown columns, rows of another length) are appended, each with file and line.
    """
    text = read_text(path, problems)
    if text is None:
        return []
    try:
        return list(_rows(path.name, text, columns, problems))
    except csv.Error as exc:
        problems.append(f"{path.name}: {exc}: quote fields that hold commas or quotes with double quotes")
        return []


def _rows(name: str, text: str, columns: Sequence[str], problems: list[str]) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = [field.strip() for field in next(reader, [])]
    order = _order(name, header, columns, problems)
    if order is None:
        return
    width = len(header)
    line = reader.line_num
    for raw in reader:
        first, line = line + 1, reader.line_num
        if not any(field.strip() for field in raw):
            continue
        where = f"{name}:{first}"
        if len(raw) != width:
            problems.append(f"{where}: {len(raw)} fields where the header has {width}: fill in or remove fields")
            continue
        yield Row(where, tuple(raw[i].strip() for i in order))


def _order(name: str, header: list[str], columns: Sequence[str], problems: list[str]) -> list[int] | None:
    wanted = ",".join(columns)
    if not any(header):
        problems.append(f"{name}:1: the header is missing: the first line must be {wanted}")
        return None
    found = len(problems)
    problems.extend(f"{name}:1: column {c!r} is missing: the columns are {wanted}" for c in columns if c not in header)
    for column in dict.fromkeys(header):
        if column not in columns:
            problems.append(f"{name}:1: column {column!r} is unknown: remove it; the columns are {wanted}")
        elif header.count(column) > 1:
            problems.append(f"{name}:1: column {column!r} stands twice: remove one")
    return None if len(problems) > found else [header.index(c) for c in columns]


def text_problem(text: str) -> str | None:
    """What is wrong with a text that people will read and a database must store; None if nothing is."""
    if not text:
        return "is empty: fill it in"
    if any(ord(c) < 32 or ord(c) == 127 for c in text):
        return "holds a control character: remove it"
    if any(0xD800 <= ord(c) <= 0xDFFF for c in text):
        return "holds half a character (a lone surrogate): write it again"
    return None


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Writes UTF-8 with Unix line ends, the same bytes for the same rows everywhere."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
