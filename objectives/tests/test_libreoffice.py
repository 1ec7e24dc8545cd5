"""LibreOffice opens what we write, and finds the same values in it."""

import csv
import os
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest

from objectives.spreadsheets.text import harmless
from objectives.spreadsheets.values import written
from objectives.spreadsheets.writing import FORMATS

from .test_writing import COLUMNS, COVER, LIVE, ROWS, table

REQUIRED = os.environ.get("REQUIRE_BROWSER", "") not in ("", "0")  # every program that the tests can use
NO_LIBREOFFICE = (
    "There is no LibreOffice on this machine (on Debian: apt-get install libreoffice-calc-nogui)."
)

# Every sheet (-1) as CSV: commas, double quotes, UTF-8, from the first line on, values as they are stored.
EVERY_SHEET = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1"

INJECTED = [(live, number, None, None, None) for number, live in enumerate(LIVE)]


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sheets of all our files; one start of the program, which takes seconds, for all."""
    program = shutil.which("soffice")
    if not program:
        (pytest.fail if REQUIRED else pytest.skip)(NO_LIBREOFFICE)
    folder = tmp_path_factory.mktemp("libreoffice")
    files = []
    for extension in ("xlsx", "ods"):
        for name, rows in (("values", ROWS), ("injected", INJECTED)):
            files.append(folder / f"{name}_{extension}.{extension}")
            with files[-1].open("wb") as file:
                FORMATS[extension].write(table(rows), file)
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = [program, profile, "--headless", "--convert-to", EVERY_SHEET, "--outdir", str(folder / "out")]
    subprocess.run([*command, *map(str, files)], check=True, capture_output=True, timeout=120)
    return folder / "out"


def sheet(folder: Path, stem: str, name: str) -> list[list[str]]:
    with (folder / f"{stem}-{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("extension", ["xlsx", "ods"])
def test_libreoffice_finds_the_same_values(converted, extension):
    header, *rows = sheet(converted, f"values_{extension}", "99年度第1季")
    assert header == [column.header for column in COLUMNS]
    assert [[as_we_write(cell, place) for place, cell in enumerate(row)] for row in rows] == [
        [written(value) for value in row] for row in ROWS
    ]


def as_we_write(cell: str, place: int) -> str:
    """Return a cell of LibreOffice's CSV as ours has it."""
    if place == 2 and cell:
        return written(Decimal(cell))
    return f"{cell.replace(' ', 'T')}+08:00" if place == 4 and cell else cell


@pytest.mark.parametrize("extension", ["xlsx", "ods"])
def test_libreoffice_computes_nothing_in_our_files(converted, extension):
    _header, *rows = sheet(converted, f"injected_{extension}", "99年度第1季")
    texts = [
        harmless(live).replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "\ufffd") for live in LIVE
    ]
    assert [row[:2] for row in rows] == [[text, str(number)] for number, text in enumerate(texts)]


@pytest.mark.parametrize("extension", ["xlsx", "ods"])
def test_libreoffice_shows_the_cover(converted, extension):
    cover = sheet(converted, f"values_{extension}", "說明")
    assert cover[:2] == [list(pair) for pair in COVER]
    assert [heading for heading, _text in cover[2:]] == ["列數", "資料 SHA-256"]
