"""What XLSX and ODS files have in common: what a cell and a sheet's name can hold, the cover, the archive."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import chain, islice
from typing import IO, Any
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

from .csv_writing import Passage
from .tables import Column, Kind, Table
from .text import harmless

COVER = "說明"  # the sheet before the data
COVER_WIDTHS = (20, 80)  # in characters
LONGEST_SHEET = 1_048_575  # rows below the header
LONGEST_TEXT = 32_767  # in a cell; both lengths are in UTF-16, as spreadsheet programs count
LONGEST_NAME = 31  # of a sheet
DIGITS = 15  # that a number keeps in a spreadsheet program
SMALLEST, LARGEST = -300, 308  # powers of ten
COMPRESSION = 4  # of 9: the usual 6 takes a fifth longer in all for a tenth less
NARROWEST = {Kind.DAY: 12, Kind.MOMENT: 20}  # a narrower column shows ####

_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SPECIAL = re.compile(rf"[&<>\r]|{_NOT_XML.pattern}")
_NOT_IN_A_NAME = re.compile(r"[\x00-\x1f\[\]:*?/\\\ud800-\udfff\ufffe\uffff]")


def is_typed(number: Decimal | int, text: str) -> bool:
    """Whether a number, `plain` text, is one in a cell too; another is written as text.

    What was computed, such as 100 ÷ 3, has more digits than the 15 that a cell keeps, and is a number all the
    same. A whole number may be a key, which must not lose any.
    """
    return SMALLEST < Decimal(number).adjusted() < LARGEST if "." in text else is_exact(number, text)


def is_exact(number: Decimal | int, text: str) -> bool:
    """Whether a cell can hold a number, `plain` text, in all its digits."""
    if len(text) <= DIGITS:
        return True
    digits = text.lstrip("-").replace(".", "").strip("0")
    return len(digits) <= DIGITS and SMALLEST < Decimal(number).adjusted() < LARGEST


def xml_text(text: str) -> str:
    """Return text as XML has it, cut to what a cell can hold, line breaks as LF.

    What XML cannot hold becomes U+FFFD.
    """
    text = fitting(text)
    if not _SPECIAL.search(text):
        return text
    return escape(legible(text))


def legible(text: str) -> str:
    """Return text with line breaks as LF, and U+FFFD for what XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def fitting(text: str, mark: str = "…") -> str:
    """Cut what no cell can hold, and show by the mark that it was cut; other formats have it whole."""
    return _cut(text, LONGEST_TEXT, mark)


def _cut(text: str, longest: int, mark: str) -> str:
    if 2 * len(text) <= longest:
        return text
    units = text.encode("utf-16-le", "surrogatepass")
    if len(units) <= 2 * longest:
        return text
    return units[: 2 * (longest - len(mark))].decode("utf-16-le", "ignore") + mark


def sheet_name(title: str, number: int = 1) -> str:
    """Return a title as the name of the table's first, second, … sheet, without what no name can have."""
    name = harmless(_NOT_IN_A_NAME.sub("_", title).strip())
    name = re.sub("^'", "_", name)
    if name in ("", COVER):
        name += "_"
    mark = f" ({number})" if number > 1 else ""
    name = _cut(name, LONGEST_NAME - len(mark), "…") + mark
    return re.sub("'$", "_", name)


def quoted(name: str) -> str:
    """Return a sheet's name as references have it."""
    return "'{}'".format(name.replace("'", "''"))


def cover(table: Table, passage: Passage) -> Sequence[tuple[str, str]]:
    """Return the cover's pairs, harmless: those given, then the number of rows and their hash."""
    pairs = (*table.cover, ("列數", str(passage.count)), ("資料 SHA-256", passage.sha256()))
    return [(harmless(heading), harmless(text)) for heading, text in pairs]


def width(column: Column) -> int:
    """Return a column's width in characters of Latin script."""
    return max(column.width, NARROWEST.get(column.kind, 1))


def letters(index: int) -> str:
    """Return the name of a column, counted from 0: A, B, … Z, AA, …"""
    before, here = divmod(index, 26)
    return (letters(before - 1) if before else "") + chr(ord("A") + here)


def sheets(rows: Iterator[Any]) -> Iterator[Iterator[Any]]:
    """Divide rows among sheets, of which there is at least one; each is to be read before the next."""
    yield islice(rows, LONGEST_SHEET)
    for row in rows:
        yield chain((row,), islice(rows, LONGEST_SHEET - 1))


def archive(file: IO[bytes]) -> ZipFile:
    """Return a zip file to write to, whose bytes depend on nothing but its members."""
    return ZipFile(file, "w", ZIP_DEFLATED, compresslevel=COMPRESSION)


def add(book: ZipFile, name: str, content: str) -> None:
    """Write a whole member; like every member that ZipFile.open makes it bears no time but 1980's."""
    with book.open(name, "w") as member:
        member.write(content.encode())
