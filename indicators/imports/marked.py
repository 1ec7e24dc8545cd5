"""A copy of an uploaded file with every mistake marked in its cell, to be mended and uploaded again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from django.utils.translation import override

from objectives.spreadsheets.forms import FormCell, FormSheet, Look
from objectives.spreadsheets.reading import Sheet, read_sheets
from objectives.spreadsheets.workbooks import letters

from .lines import AGENCY, SHEET, VALUE
from .lines import STAMP as FIGURE_STAMP
from .preview import Preview, Problem, Row
from .workbook import FORMATS, TEXT, TEXT_HEADERS, WIDTHS

SUMMARY = "檢核結果"
HEADINGS = ("工作表", "列", "欄", "問題")
HIDDEN = (FIGURE_STAMP, AGENCY)
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,13})(?:\.[0-9]{1,6})?")


def marked_copy(content: bytes, extension: str, preview: Preview) -> tuple[bytes, str]:
    """Return a copy of a file, and its extension: of a CSV an XLSX, since no CSV has notes.

    First a sheet that lists all that is wrong; then the file's own, as they were read. Raises SheetRefused
    for a file that cannot be read.
    """
    sheets = read_sheets(content, extension)
    wanted = extension if extension in FORMATS else "xlsx"
    with override("zh-hant"):
        problems = [*preview.all_problems, *(each for row in preview.rows for each in conflicts(row))]
        copies = [_copy(sheet, _notes(sheet, problems)) for sheet in sheets]
        return FORMATS[wanted][1]([_summary(problems), *copies]), wanted


def conflicts(row: Row) -> list[Problem]:
    """Say of each conflict of a row what stands against what."""
    return [
        Problem(
            row.number,
            f"衝突（{each.label}）：系統現值「{each.before}」，檔案內容「{each.after}」",
            sheet=row.sheet,
        )
        for each in row.changes
        if each.conflict
    ]


def _summary(problems: Sequence[Problem]) -> FormSheet:
    rows = [[FormCell(each, Look.HEADING) for each in HEADINGS]]
    for each in problems:
        column = f"{each.column}（{each.header}）" if each.header else each.column
        place = (each.sheet or SHEET) if each.row else ""
        rows.append([FormCell(place), FormCell(each.row or None), FormCell(column), FormCell(each.reason)])
    return FormSheet(SUMMARY, [12, 8, 20, 90], rows, frozen=(1, 0), protected=False)


def _notes(sheet: Sheet, problems: Sequence[Problem]) -> dict[tuple[int, int], list[str]]:
    """Return what is wrong with the cells of a sheet; what is wrong with a row is put to its value's cell."""
    names = [letters(index) for index in range(max((len(cells) for _row, cells in sheet.rows), default=0))]
    header = list(sheet.rows[0][1]) if sheet.rows else []
    usual = header.index(VALUE) + 1 if VALUE in header else 1
    notes: dict[tuple[int, int], list[str]] = {}
    for each in problems:
        if each.row and each.sheet == sheet.name:
            column = names.index(each.column) + 1 if each.column in names else usual
            notes.setdefault((each.row, column), []).append(each.reason)
    return notes


def _copy(sheet: Sheet, notes: Mapping[tuple[int, int], list[str]]) -> FormSheet:
    there = {number: list(cells) for number, cells in sheet.rows}
    first = min(there, default=0)
    header = there.get(first, [])
    last = max([*there, *(row for row, _column in notes)], default=0)
    rows = []
    for number in range(1, last + 1):
        cells = there.get(number, [])
        wide = (
            max([len(cells), *(column for row, column in notes if row == number)], default=0)
            if notes
            else len(cells)
        )
        rows.append(
            [_cell(cells, header, number, column, notes, number == first) for column in range(1, wide + 1)]
        )
    return FormSheet(
        sheet.name or SHEET,
        [WIDTHS.get(each, TEXT if each in TEXT_HEADERS else 14) for each in header],
        rows,
        frozen=(1, 0),
        hidden=frozenset(header.index(each) for each in HIDDEN if each in header),
        protected=False,
    )


def _cell(
    cells: Sequence[str],
    header: Sequence[str],
    row: int,
    column: int,
    notes: Mapping[tuple[int, int], list[str]],
    is_header: bool,
) -> FormCell:
    text = cells[column - 1] if column <= len(cells) else ""
    is_text = column <= len(header) and header[column - 1] in TEXT_HEADERS
    value: str | Decimal = Decimal(text) if NUMBER.fullmatch(text) and not is_text else text
    wrong = notes.get((row, column))
    if wrong:
        return FormCell(value, Look.WRONG, note="\n".join(wrong))
    return FormCell(value, Look.HEADING if is_header else Look.PLAIN)
