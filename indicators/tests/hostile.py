"""Files that are to do harm, and what becomes of each.

`python -m indicators.tests.hostile FOLDER` reads the files there, each in a process of its own, and writes
one line of JSON for each: its name and its fate.
"""

from __future__ import annotations

import io
import json
import os
import random
import resource
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from indicators.file_check import FileProblem, FileRefused, check_file
from objectives.spreadsheets.reading import MAX_COLUMNS, Bad, SheetProblem, SheetRefused, read_sheets
from objectives.tests.workbooks import (
    CONTENT_TYPE,
    content,
    ods,
    ods_parts,
    sheet,
    strings,
    styles,
    xlsx,
    xlsx_parts,
    zipped,
)

SHEET = "xl/worksheets/sheet1.xml"
MEGABYTE = 1024 * 1024

Answer = Enum | None
"""Why a file was refused, or what is bad in it; None where it was read and did nothing."""


@dataclass(frozen=True)
class Hostile:
    """A file and what becomes of it: after the check of its type, and where it is read without one."""

    what: str
    make: Callable[[], bytes]
    answer: Answer
    alone: Answer = None
    name: str = "file.xlsx"


class Fate(NamedTuple):
    """What became of a file, with the seconds of processor and the megabytes over the idle process."""

    checked: str
    alone: str
    seconds: float
    megabytes: float


class Packed(NamedTuple):
    """A member of an archive with all that its headers say."""

    name: str
    data: bytes
    checksum: int
    size: int
    method: int = 8


def packed(name: str, *pieces: tuple[bytes, int]) -> Packed:
    """Pack pieces, each so many times, without ever having them whole."""
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    data, checksum, size = [], 0, 0
    for piece, times in pieces:
        data.append((packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)) * times)
        for _ in range(times):
            checksum = zlib.crc32(piece, checksum)
        size += len(piece) * times
    return Packed(name, b"".join(data) + packer.flush(), checksum, size)


def archive(members: Sequence[Packed]) -> bytes:
    """Put members together as they are."""
    file, directory = io.BytesIO(), b""
    for name, data, checksum, size, method in members:
        here = file.tell()
        common = struct.pack("<3H2H3L2H", 20, 0, method, 0, 33, checksum, len(data), size, len(name), 0)
        file.write(b"PK\x03\x04" + common + name.encode() + data)
        directory += b"PK\x01\x02\x14\x00" + common + struct.pack("<3H2L", 0, 0, 0, 0, here) + name.encode()
    start, count = file.tell(), len(members)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(directory), start, 0)
    return file.getvalue() + directory + end


def stored(name: str, data: bytes) -> Packed:
    return Packed(name, data, zlib.crc32(data), len(data), 0)


def around(*pieces: tuple[bytes, int], part: str = SHEET, padding: int = 0) -> bytes:
    """A workbook with a part of these pieces; with padding it is not packed further than is usual."""
    parts = xlsx_parts({"填報": sheet("")})
    members = [packed(name, (str(each).encode(), 1)) for name, each in parts.items() if name != part]
    noise = random.Random(1).randbytes(padding)
    return archive([*members, packed(part, *pieces), stored("xl/media/noise.bin", noise)])


def opened(xml: str, mark: str = "|") -> tuple[bytes, bytes]:
    """Divide XML where something is to be put in."""
    before, _, after = xml.partition(mark)
    return before.encode(), after.encode()


def filled(inside: bytes, times: int, rows: str = "|", *, padding: int = 0, part: str = SHEET) -> bytes:
    """A workbook with something in its sheet, many times."""
    before, after = opened(sheet(rows) if part == SHEET else rows)
    return around((before, 1), (inside, times), (after, 1), part=part, padding=padding)


CELL = '<row r="1"><c r="A1" t="inlineStr"><is><t>|</t></is></c></row>'
TABLE_CELL = "<table:table-row><table:table-cell><text:p>|</text:p></table:table-cell></table:table-row>"
LAUGHS = "".join(f'<!ENTITY l{each} "{f"&l{each - 1};" * 10 if each else "ha" * 10}">' for each in range(10))
BILLION_LAUGHS = f"<!DOCTYPE x [{LAUGHS}]>"
OUTSIDE = '<!DOCTYPE x [<!ENTITY l9 SYSTEM "file:///etc/passwd">]>'


def with_doctype(doctype: str, encoding: str = "utf-8") -> bytes:
    xml = sheet(CELL.replace("|", "&l9;"))
    declared = f'<?xml version="1.0" encoding="{encoding}"?>{doctype}{xml}'
    return zipped({**xlsx_parts({"填報": ""}), SHEET: declared.encode(encoding)})


def ods_with_doctype() -> bytes:
    table = f'<table:table table:name="a">{TABLE_CELL.replace("|", "&l9;")}</table:table>'
    return zipped(ods_parts(BILLION_LAUGHS + content(table)))


def ods_bomb() -> bytes:
    before, after = opened(content(f'<table:table table:name="a">{TABLE_CELL}</table:table>'))
    members = [stored(name, str(each).encode()) for name, each in ods_parts("").items() if each]
    return archive([*members, packed("content.xml", (before, 1), (b"a" * MEGABYTE, 200), (after, 1))])


def many_members() -> bytes:
    return archive([stored(f"xl/{number}.xml", b"<a/>") for number in range(10_000)])


def far(reference: str, row: int) -> bytes:
    return xlsx(f'<row r="{row}"><c r="{reference}"><v>1</v></c></row>')


def repeated(what: str, times: int, inside: str = "<text:p>a</text:p>") -> bytes:
    more = f'table:number-{what}-repeated="{times}"'
    rows, columns = (more, "") if what == "rows" else ("", more)
    return ods(
        f"<table:table-row {rows}><table:table-cell {columns}>{inside}</table:table-cell></table:table-row>"
    )


def nested_spans() -> bytes:
    styles = random.Random(1).choices(range(100_000), k=20_000)
    spans = "".join(f'<text:span text:style-name="T{each}">' for each in styles)
    return ods(TABLE_CELL.replace("|", spans + "</text:span>" * 20_000))


def with_macros() -> bytes:
    parts = xlsx_parts({"填報": sheet("")})
    types = str(parts["[Content_Types].xml"])
    macros = "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
    parts["[Content_Types].xml"] = types.replace(CONTENT_TYPE, macros)
    return zipped({**parts, "xl/vbaProject.bin": b"x"})


def counted(pattern: str, number: int) -> bytes:
    """The pattern with each number in turn in place of #."""
    return "".join(pattern.replace("#", str(each)) for each in range(number)).encode()


def emoji() -> bytes:
    """As many cells as are read, with characters that take four bytes each."""
    cells = "".join(f'<c t="inlineStr"><is><t>😀{each:05}</t></is></c>' for each in range(MAX_COLUMNS))
    return filled(f"<row>{cells}</row>".encode() * 100, 64, padding=ALLOWED)


def bad_cells() -> bytes:
    return filled(f"<row>{'<c><f/></c>' * 60}</row>".encode() * 100, 20)


def lying() -> bytes:
    """A sheet that says it is smaller than it is."""
    members = [packed(name, (str(each).encode(), 1)) for name, each in xlsx_parts({"a": sheet("")}).items()]
    return archive([each._replace(size=10) if each.name == SHEET else each for each in members])


LONG = "".join(map(chr, random.Random(1).choices(range(0x4E00, 0x9FA5), k=200_000)))
EXE = b"MZ" + bytes(62) + b"PE\0\0" + bytes(5000)
XLS = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5000)
MARKS = "a" + "\u0301\u0316" * 16_000
ALLOWED = 400_000  # of padding, with which 64 MB pass the check of the type

MALFORMED, TOO_LARGE = SheetProblem.MALFORMED, SheetProblem.TOO_LARGE
SPOILT = FileProblem.MALFORMED

HOSTILE = [
    Hostile("billion laughs", lambda: with_doctype(BILLION_LAUGHS), SPOILT, MALFORMED),
    Hostile("billion laughs in UTF-16", lambda: with_doctype(BILLION_LAUGHS, "utf-16"), SPOILT, MALFORMED),
    Hostile("billion laughs in an ODS", ods_with_doctype, SPOILT, MALFORMED, "file.ods"),
    Hostile("external entity", lambda: with_doctype(OUTSIDE), SPOILT, MALFORMED),
    Hostile(
        "cell of 200 MB in 200 kB",
        lambda: filled(b"a" * MEGABYTE, 200, CELL),
        FileProblem.TOO_MUCH_INSIDE,
        TOO_LARGE,
    ),
    Hostile("the same in an ODS", ods_bomb, FileProblem.TOO_MUCH_INSIDE, TOO_LARGE, "file.ods"),
    Hostile(
        "cell of 60 MB that passes the check",
        lambda: filled(b"a" * MEGABYTE, 60, CELL, padding=ALLOWED),
        TOO_LARGE,
        TOO_LARGE,
    ),
    Hostile(
        "60 MB of line ends",
        lambda: filled(b"\n" * MEGABYTE, 60, padding=ALLOWED),
        TOO_LARGE,
        TOO_LARGE,
    ),
    Hostile("10,000 members", many_members, FileProblem.TOO_MUCH_INSIDE, TOO_LARGE),
    Hostile(
        "value in XFD1048576",
        lambda: far("XFD1048576", 1_048_576),
        SheetProblem.TOO_MANY_COLUMNS,
        SheetProblem.TOO_MANY_COLUMNS,
    ),
    Hostile(
        "value in A1048576",
        lambda: far("A1048576", 1_048_576),
        SheetProblem.TOO_MANY_ROWS,
        SheetProblem.TOO_MANY_ROWS,
    ),
    Hostile(
        "declared dimension of a million rows",
        lambda: xlsx(CELL.replace("|", "a"), before='<dimension ref="A1:XFD1048576"/>'),
        None,
    ),
    Hostile(
        "rows repeated a million times",
        lambda: repeated("rows", 1_048_576),
        SheetProblem.TOO_MANY_ROWS,
        SheetProblem.TOO_MANY_ROWS,
        "file.ods",
    ),
    Hostile(
        "columns repeated a thousand million times",
        lambda: repeated("columns", 10**9),
        SheetProblem.TOO_MANY_COLUMNS,
        SheetProblem.TOO_MANY_COLUMNS,
        "file.ods",
    ),
    Hostile("empty rows repeated without end", lambda: repeated("rows", 10**18, ""), None, None, "file.ods"),
    Hostile("20,000 nested spans", nested_spans, MALFORMED, MALFORMED, "file.ods"),
    Hostile(
        "20 million nested elements",
        lambda: filled(b"<a>" * 100_000, 200, padding=ALLOWED),
        MALFORMED,
        MALFORMED,
    ),
    Hostile(
        "100,000 different names",
        lambda: filled(counted("<a#/>", 100_000), 1),
        MALFORMED,
        MALFORMED,
    ),
    Hostile(
        "100,000 prefixes", lambda: filled(counted('<a xmlns:p#="b"/>', 100_000), 1), MALFORMED, MALFORMED
    ),
    Hostile(
        "attribute of 60 MB",
        lambda: filled(b"a" * MEGABYTE, 60, '<row r="|"/>', padding=ALLOWED),
        MALFORMED,
        MALFORMED,
    ),
    Hostile(
        "comment of 60 MB",
        lambda: filled(b"a" * MEGABYTE, 60, "<!--|-->", padding=ALLOWED),
        MALFORMED,
        MALFORMED,
    ),
    Hostile(
        "number format of brackets",
        lambda: xlsx('<row><c s="0"><v>1</v></c></row>', looks=styles("[" * 400_000)),
        MALFORMED,
        MALFORMED,
    ),
    Hostile("letter with 32,000 marks", lambda: xlsx(CELL.replace("|", MARKS)), MALFORMED, MALFORMED),
    Hostile("member that is larger than it says", lying, SPOILT, MALFORMED),
    Hostile(".exe named .xlsx", lambda: EXE, FileProblem.WRONG_CONTENT, MALFORMED),
    Hostile(".xls named .xlsx", lambda: XLS, FileProblem.OLD_OFFICE, MALFORMED),
    Hostile(".xlsm named .xlsx", with_macros, FileProblem.MACROS, None),
    Hostile("cell of 200,000 characters", lambda: xlsx(CELL.replace("|", LONG)), Bad.TOO_LONG, Bad.TOO_LONG),
    Hostile(
        "the same in an ODS",
        lambda: ods(TABLE_CELL.replace("|", LONG)),
        Bad.TOO_LONG,
        Bad.TOO_LONG,
        "long.ods",
    ),
    Hostile("the same in a CSV", lambda: f"a\n{LONG}".encode(), Bad.TOO_LONG, Bad.TOO_LONG, "file.csv"),
    Hostile(
        "open quotation mark before 5 MB",
        lambda: b'a,b\n"' + b"1,2\n" * 1_300_000,
        SheetProblem.OPEN_QUOTE,
        SheetProblem.OPEN_QUOTE,
        "file.csv",
    ),
    Hostile(
        "5 MB of commas",
        lambda: b"," * 5_000_000 + b"a",
        SheetProblem.TOO_MANY_COLUMNS,
        SheetProblem.TOO_MANY_COLUMNS,
        "file.csv",
    ),
    Hostile("NUL", lambda: b"a,b\n1,\0\n", FileProblem.NOT_TEXT, SheetProblem.NOT_TEXT, "file.csv"),
    Hostile("NUL in an ODS", lambda: ods(TABLE_CELL.replace("|", "\0")), MALFORMED, MALFORMED, "file.ods"),
]

# As much as is read at all: too long for a test.
HEAVY = [
    Hostile("a million empty rows", lambda: filled(b"<row/>" * 10_000, 100, padding=ALLOWED), None),
    Hostile(
        "15 million empty cells",
        lambda: filled(b"<c/>" * 100_000, 150, "<row>|</row>", padding=ALLOWED),
        TOO_LARGE,
        TOO_LARGE,
    ),
    Hostile(
        "4 million shared strings",
        lambda: filled(b"<si/>" * 100_000, 40, strings("|"), part="xl/sharedStrings.xml", padding=ALLOWED),
        TOO_LARGE,
        TOO_LARGE,
    ),
    Hostile("400,000 cells of emoji", emoji, None),
    Hostile("120,000 formulas without a value", bad_cells, TOO_LARGE, TOO_LARGE),
    Hostile(
        "195 MB of line ends",
        lambda: filled(b"\n" * MEGABYTE, 195, padding=MEGABYTE),
        TOO_LARGE,
        TOO_LARGE,
    ),
]


def fates(files: Sequence[Hostile], folder: Path) -> list[Fate]:
    """Make the files in a folder, and see what becomes of each."""
    for number, hostile in enumerate(files):
        (folder / f"{number}-{hostile.name}").write_bytes(hostile.make())
    command = [sys.executable, "-m", "indicators.tests.hostile", str(folder)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    by_name = {name: Fate(*fate) for name, *fate in map(json.loads, told.splitlines())}
    return [by_name[f"{number}-{hostile.name}"] for number, hostile in enumerate(files)]


def answer(data: bytes, name: str, *, checked: bool = True) -> str:
    """Do with a file what an import does, or only read it; anything but a refusal is raised."""
    try:
        if checked:
            check_file(io.BytesIO(data), name, len(data))
        sheets = read_sheets(data, name.rpartition(".")[2])
        return str(next((bad for sheet in sheets for bad in sheet.bad.values()), None))
    except (FileRefused, SheetRefused) as refused:
        return str(refused.problem)


def measured(path: Path) -> Fate:
    """Say what becomes of a file, in a process that has done nothing else."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    data = path.read_bytes()
    checked = answer(data, path.name)
    # What the check refuses is read all the same, to see that reading is safe by itself.
    alone = answer(data, path.name, checked=False) if checked.startswith("FileProblem") else checked
    seconds = time.process_time() - began
    return Fate(checked, alone, seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)


def main(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        if os.fork() == 0:
            print(json.dumps([path.name, *measured(path)]), flush=True)
            os._exit(0)
        os.wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
