"""A copy of an uploaded file with every mistake marked in its cell, to be mended and uploaded again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import chain, count

from django.utils.translation import gettext as _
from django.utils.translation import override

from objectives.spreadsheets.forms import FormCell, FormSheet, Look
from objectives.spreadsheets.reading import Sheet, read_sheets
from objectives.spreadsheets.workbooks import letters, sheet_name

from ..workflow import Refusal
from .lines import AGENCY, SHEET, STAMP, SUMMARY, VALUE
from .preview import Preview, Problem, Row
from .workbook import COVER, FORMATS, SIDES, TEXT, TEXT_HEADERS, WIDTHS

MOST_CELLS = 30_000  # each takes a kilobyte while the copy is made
HEADINGS = ("工作表", "列", "欄", "問題")
# What reads the same as a number as it does as a text: 1.10 and 007 do not.
NUMBER = re.compile(r"0|-?(?:0\.[0-9]{0,5}[1-9]|[1-9][0-9]{0,8}(?:\.[0-9]{0,5}[1-9])?)|-?[1-9][0-9]{9,14}")

Notes = Mapping[int, Mapping[int, Sequence[str]]]
"""What is wrong with a sheet's cells, by row and column from 1."""


def marked_copy(content: bytes, extension: str, preview: Preview) -> tuple[bytes, str]:
    """Return a copy of a file, and its extension: of a CSV an XLSX, since no CSV has notes.

    First a sheet that lists all that is wrong; then the file's own, as they were read. Raises SheetRefused
    for a file that cannot be read, Refusal for one that is too large.
    """
    sheets = [sheet for sheet in read_sheets(content, extension) if sheet.name != SUMMARY]
    if sum(len(cells) for sheet in sheets for _row, cells in sheet.rows) > MOST_CELLS:
        words = _("The file has too many cells for a copy with the errors marked. The page lists them.")
        raise Refusal(words)
    wanted = extension if extension in FORMATS else "xlsx"
    with override("zh-hant"):
        problems = [*preview.all_problems, *(each for row in preview.rows for each in conflicts(row))]
        copies = [
            _copy(name, sheet, _notes(sheet, problems))
            for name, sheet in zip(_names(sheets), sheets, strict=True)
        ]
        return FORMATS[wanted][1]([_summary(problems), *copies]), wanted


def conflicts(row: Row) -> list[Problem]:
    """Say of each conflict of a row what stands against what."""
    return [
        Problem(
            row.number,
            f"衝突（{each.label}）：系統現值「{each.before}」，檔案內容「{each.after}」",
            sheet=row.sheet,
            header=each.header or each.label,
        )
        for each in row.changes
        if each.conflict
    ]


def _names(sheets: Sequence[Sheet]) -> list[str]:
    """Return what the copies are called: as they were, unless no workbook could call them that."""
    taken = {SUMMARY: SUMMARY}
    for sheet in sheets:
        title = sheet.name or SHEET
        usual = [title] if title == COVER else []
        names = chain(usual, (sheet_name(title, number) for number in count(1)))
        name = next(each for each in names if each.casefold() not in taken)
        taken[name.casefold()] = name
    return list(taken.values())[1:]


def _summary(problems: Sequence[Problem]) -> FormSheet:
    rows = [[FormCell(each, Look.HEADING) for each in HEADINGS]]
    for each in problems:
        column = (
            f"{each.column}（{each.header}）" if each.column and each.header else each.column or each.header
        )
        place = (each.sheet or SHEET) if each.row else ""
        rows.append([FormCell(place), FormCell(each.row or None), FormCell(column), FormCell(each.reason)])
    return FormSheet(SUMMARY, [12, 8, 20, 90], rows, frozen=(1, 0), protected=False)


def _notes(sheet: Sheet, problems: Sequence[Problem]) -> Notes:
    """Return what is wrong with the cells of a sheet; what is wrong with a row is put to its value's cell."""
    header = list(sheet.rows[0][1]) if sheet.rows else []
    usual = header.index(VALUE) + 1 if VALUE in header else 1
    by_header = {name.strip(): place for place, name in enumerate(header, start=1)}
    widest = max((len(cells) for _row, cells in sheet.rows), default=0)
    by_letter = {letters(place): place + 1 for place in range(widest)}
    notes: dict[int, dict[int, list[str]]] = {}
    for each in problems:
        if each.row and each.sheet == sheet.name:
            column = by_letter.get(each.column) or by_header.get(each.header) or usual
            notes.setdefault(each.row, {}).setdefault(column, []).append(each.reason)
    return notes


def _copy(name: str, sheet: Sheet, notes: Notes) -> FormSheet:
    there = dict(sheet.rows)
    first = min(there, default=0)
    header = [each.strip() for each in there.get(first, ())]
    rows = [
        _row(there.get(number, ()), header, notes.get(number, {}), is_header=number == first)
        for number in range(1, max([*there, *notes], default=0) + 1)
    ]
    return FormSheet(
        name,
        [WIDTHS.get(each, TEXT if each in TEXT_HEADERS else 14) for each in header],
        rows,
        frozen=(first, 0),
        hidden=_hidden(header, notes),
        sides={place: SIDES[each] for place, each in enumerate(header) if each in SIDES},
        protected=False,
    )


def _hidden(header: Sequence[str], notes: Notes) -> frozenset[int]:
    """Return the columns that a downloaded workbook hides, unless there is something to mend in them."""
    wrong = {column - 1 for columns in notes.values() for column in columns}
    hides = (STAMP, AGENCY) if STAMP in header else ()
    return frozenset({header.index(each) for each in hides if each in header} - wrong)


def _row(
    texts: Sequence[str], header: Sequence[str], notes: Mapping[int, Sequence[str]], *, is_header: bool
) -> list[FormCell]:
    wide = max([len(texts), *notes])
    padded = [*texts, *[""] * (wide - len(texts))]
    rest = Look.HEADING if is_header else Look.PLAIN
    return [
        FormCell(
            _value(text, header[place - 1] if place <= len(header) else ""),
            Look.WRONG if place in notes else rest,
            note="\n".join(notes.get(place, ())),
        )
        for place, text in enumerate(padded, start=1)
    ]


def _value(text: str, header: str) -> str | Decimal:
    """Return a cell's content as what it was before it was read as text."""
    return Decimal(text) if NUMBER.fullmatch(text) and header not in TEXT_HEADERS else text
