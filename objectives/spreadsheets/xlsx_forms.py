"""A workbook to be filled in, as XLSX: by XlsxWriter, which knows notes and validations."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any
from zipfile import ZipFile

import xlsxwriter

from .forms import AUTHOR, BACKGROUNDS, FormCell, FormSheet, Look, Rule, Shape, Side
from .values import plain
from .workbooks import archive, fitting, is_exact, legible, letters

OPTIONS = {
    "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
}  # fmt: skip
LONGEST_MESSAGE = 255  # characters, of the words that a cell offers too
MADE = datetime(1980, 1, 1, tzinfo=UTC)  # as all say, so that the same content gives the same file
LOOKS: dict[Look, dict[str, Any]] = {
    Look.TITLE: {"bold": True, "font_size": 16, "text_wrap": False},
    Look.PLAIN: {},
    Look.BOLD: {"bold": True},
    Look.HEADING: {"bold": True, "border": 1, "border_color": "#9AA5AD"},
    Look.LOCKED: {"border": 1, "border_color": "#C8CED2"},
    Look.OPEN: {"border": 1, "border_color": "#9AA5AD", "locked": False},
    Look.WRONG: {"border": 2, "border_color": "#B3261E", "locked": False},
}
NUMBERS = {Shape.NUMBER: "General", Shape.WHOLE: "#,##0", Shape.AMOUNT: "#,##0.######"}
MARGIN = 0.5  # inches
HIGHEST = 545  # that a row can be
LINE = 23  # pixels, as all heights and widths of notes
A4 = 9

Styles = Callable[[Look, Shape, Side | None], Any]


def xlsx_form(sheets: Sequence[FormSheet]) -> bytes:
    """Return the workbook; the first sheet is the one that it opens with."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, OPTIONS) as book:
        book.set_properties({"created": MADE})
        styles = _styles(book)
        for each in sheets:
            _write_sheet(book.add_worksheet(each.name), each, styles)
    return _finished(stream, protected=any(each.protected for each in sheets))


def _finished(stream: io.BytesIO, *, protected: bool) -> bytes:
    """Add what XlsxWriter has no word for: rows grow with what is typed, sheets keep their names."""
    result = io.BytesIO()
    with ZipFile(stream) as book, archive(result) as copy:
        for member in book.infolist():
            content = book.read(member)
            if member.filename.startswith("xl/worksheets/sheet"):
                content = content.replace(b' customHeight="1"', b"")
            if member.filename == "xl/workbook.xml" and protected:
                content = content.replace(
                    b"<bookViews>", b'<workbookProtection lockStructure="1"/><bookViews>', 1
                )
            copy.writestr(member, content)
    return result.getvalue()


def _styles(book: Any) -> Styles:
    @cache
    def style(look: Look, shape: Shape, side: Side | None) -> Any:
        wanted = {"text_wrap": True, "valign": "top", **LOOKS[look]}
        if look in BACKGROUNDS:
            wanted["bg_color"] = BACKGROUNDS[look]
        if side:
            wanted["align"] = side.value
        if shape in NUMBERS:
            wanted |= {"num_format": NUMBERS[shape], "align": wanted.get("align", "right")}
        elif look.is_open or look is Look.PLAIN:
            wanted["num_format"] = "@"  # 99/03/31 stays what was typed
        return book.add_format(wanted)

    return style


def _write_sheet(sheet: Any, form: FormSheet, styles: Styles) -> None:
    for column, width in enumerate(form.widths):
        sheet.set_column(column, column, width, None, {"hidden": column in form.hidden})
    for row, cells in enumerate(form.rows):
        if (lines := form.lines(row)) > 1:
            sheet.set_row_pixels(row, min(LINE * lines, HIGHEST))
        for column, cell in enumerate(cells):
            _write_cell(sheet, row, column, cell, styles(cell.look, cell.shape, form.sides.get(column)))
            if cell.rule and cell.look is not Look.LOCKED:
                _validate(sheet, row, column, cell.rule)
            if cell.shape is Shape.AMOUNT:
                _without_bare_point(sheet, row, column, styles(Look.PLAIN, Shape.WHOLE, None))
    _set_up(sheet, form)


def _set_up(sheet: Any, form: FormSheet) -> None:
    """Say what stays in sight, what is locked, and how it is printed."""
    if any(form.frozen):
        sheet.freeze_panes(*form.frozen)
    if form.frozen[0]:
        sheet.repeat_rows(0, form.frozen[0] - 1)
    if form.protected:
        sheet.protect(options={"format_columns": True, "format_rows": True})
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.set_margins(MARGIN, MARGIN, MARGIN, 2 * MARGIN)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&L&A&R第 &P 頁，共 &N 頁")


def _write_cell(sheet: Any, row: int, column: int, cell: FormCell, style: Any) -> None:
    if isinstance(cell.value, int | Decimal) and is_exact(cell.value, plain(cell.value)):
        sheet.write_number(row, column, float(cell.value), style)
    elif isinstance(cell.value, int | Decimal):
        sheet.write_string(row, column, plain(cell.value), style)
    elif cell.text:
        sheet.write_string(row, column, fitting(legible(cell.text)), style)
    else:
        sheet.write_blank(row, column, None, style)
    if cell.note:
        lines = sum(1 + len(line) // 22 for line in cell.note.split("\n"))
        size = {"author": AUTHOR, "width": 360, "height": min(LINE * lines + 16, 480), "font_size": 10}
        sheet.write_comment(row, column, fitting(legible(cell.note)), size)


def _without_bare_point(sheet: Any, row: int, column: int, whole: Any) -> None:
    """Show 4 in the cell of an amount, where the amount's format would make that «4.»."""
    place = f"{letters(column)}{row + 1}"
    options = {"type": "formula", "criteria": f"={place}=INT({place})", "format": whole}
    sheet.conditional_format(row, column, row, column, options)


def _validate(sheet: Any, row: int, column: int, rule: Rule) -> None:
    options: dict[str, Any] = {
        "ignore_blank": True,
        "error_title": "填報檔",
        "error_message": rule.message[:LONGEST_MESSAGE],
    }
    if rule.is_choice and len(",".join(rule.words)) > LONGEST_MESSAGE:
        return
    if rule.is_choice:
        options |= {"validate": "list", "source": list(rule.words)}
    elif rule.number:
        options |= {"validate": "custom", "value": f"={condition(rule, f'{letters(column)}{row + 1}')}"}
    elif rule.longest:
        options |= {"validate": "length", "criteria": "<=", "value": rule.longest}
    else:
        return
    sheet.data_validation(row, column, row, column, options)


def condition(rule: Rule, cell: str, between: str = ",") -> str:
    """Return the formula that is true of a number, or one of the words, that the rule allows."""
    parts = [f"ISNUMBER({cell})"]
    if not rule.negative:
        parts.append(f"{cell}>=0")
    if rule.whole:
        parts.append(f"{cell}=INT({cell})")
    wanted = [f"IF(ISNUMBER({cell}){between}AND({between.join(parts)}){between}FALSE())"]
    wanted += [f"{cell}={quoted(word)}" for word in rule.words]
    return f"OR({between.join(wanted)})"


def quoted(word: str) -> str:
    """Return a word as formulas have it."""
    return '"{}"'.format(word.replace('"', '""'))
