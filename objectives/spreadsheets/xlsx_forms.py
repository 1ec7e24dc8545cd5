"""A workbook to be filled in, as XLSX: by XlsxWriter, which knows notes and validations."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import xlsxwriter

from .forms import AUTHOR, BACKGROUNDS, FormCell, FormSheet, Look, Rule
from .values import plain
from .workbooks import fitting, is_exact, letters

OPTIONS = {
    "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
}  # fmt: skip
LONGEST_MESSAGE = 255  # characters, of the words that a cell offers too
FORMATS: dict[Look, dict[str, Any]] = {
    Look.TITLE: {"bold": True, "font_size": 16, "text_wrap": False},
    Look.PLAIN: {},
    Look.BOLD: {"bold": True},
    Look.HEADING: {"bold": True, "border": 1, "border_color": "#9AA5AD"},
    Look.LOCKED: {"border": 1, "border_color": "#C8CED2"},
    Look.OPEN: {"border": 1, "border_color": "#9AA5AD", "locked": False},
    Look.WRONG: {"border": 2, "border_color": "#B3261E", "locked": False},
}
NUMBER = "#,##0.######"

Formats = Mapping[tuple[Look, bool], Any]


def xlsx_form(sheets: Sequence[FormSheet]) -> bytes:
    """Return the workbook; the first sheet is the one that it opens with."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, OPTIONS) as book:
        book.set_properties({"created": datetime(1980, 1, 1)})  # noqa: DTZ001 (the same content gives the same file)
        formats = {(look, number): _format(book, look, number) for look in Look for number in (False, True)}
        for each in sheets:
            _write_sheet(book.add_worksheet(each.name), each, formats)
    return stream.getvalue()


def _format(book: Any, look: Look, number: bool) -> Any:
    wanted = {"text_wrap": True, "valign": "top", **FORMATS[look]}
    if look in BACKGROUNDS:
        wanted["bg_color"] = BACKGROUNDS[look]
    if number:
        wanted |= {"num_format": NUMBER, "align": "right"}
    elif look.is_open or look is Look.PLAIN:
        wanted["num_format"] = "@"  # 99/03/31 stays what was typed
    return book.add_format(wanted)


def _write_sheet(sheet: Any, form: FormSheet, formats: Formats) -> None:
    for column, width in enumerate(form.widths):
        sheet.set_column(column, column, width, None, {"hidden": column in form.hidden})
    for row, cells in enumerate(form.rows):
        for column, cell in enumerate(cells):
            _write_cell(sheet, row, column, cell, formats)
    if any(form.frozen):
        sheet.freeze_panes(*form.frozen)
    if form.frozen[0]:
        sheet.repeat_rows(0, form.frozen[0] - 1)
    if form.protected:
        allowed = {"format_columns": True, "format_rows": True, "autofilter": True, "sort": True}
        sheet.protect(options=allowed)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_footer("&L&A&R&P / &N")


def _write_cell(sheet: Any, row: int, column: int, cell: FormCell, formats: Formats) -> None:
    wants_number = bool(cell.rule and cell.rule.number) or isinstance(cell.value, int | Decimal)
    style = formats[cell.look, wants_number]
    if isinstance(cell.value, int | Decimal) and is_exact(cell.value, plain(cell.value)):
        sheet.write_number(row, column, float(cell.value), style)
    elif isinstance(cell.value, int | Decimal):
        sheet.write_string(row, column, plain(cell.value), style)
    elif cell.text:
        sheet.write_string(row, column, fitting(cell.text), style)
    else:
        sheet.write_blank(row, column, None, style)
    if cell.note:
        lines = sum(1 + len(line) // 22 for line in cell.note.split("\n"))
        size = {"author": AUTHOR, "width": 360, "height": min(20 * lines + 16, 480), "font_size": 10}
        sheet.write_comment(row, column, fitting(cell.note), size)
    if cell.rule and cell.look is not Look.LOCKED:
        _validate(sheet, row, column, cell.rule)


def _validate(sheet: Any, row: int, column: int, rule: Rule) -> None:
    options: dict[str, Any] = {
        "ignore_blank": True,
        "error_title": "mofa_kpi",
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
