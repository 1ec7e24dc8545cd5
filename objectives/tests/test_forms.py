"""Workbooks to be filled in, as both writers make them."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import openpyxl
import pytest

from objectives.spreadsheets.forms import FormCell, FormSheet, Look, Rule, Side
from objectives.spreadsheets.ods_forms import ods_form
from objectives.spreadsheets.reading import read_sheets
from objectives.spreadsheets.xlsx_forms import xlsx_form

WRITERS: dict[str, Callable[[Sequence[FormSheet]], bytes]] = {"xlsx": xlsx_form, "ods": ods_form}
LONG = "外交部與友邦之雙邊會議" * 400
EXTENSIONS = pytest.mark.parametrize("extension", WRITERS)


def form(*rows: Sequence[FormCell], **more: Any) -> FormSheet:
    return FormSheet("填報", [20, 20], rows, **more)


def members(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        return {name: book.read(name).decode() for name in book.namelist() if name.endswith(".xml")}


def rows_of(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content)).active.row_dimensions


@EXTENSIONS
def test_what_is_written_reads_back_the_same(extension):
    texts = ["=1+1", "'a", "a\n-b, =c", " \t兩 格 ", "_x0041_", "&<>\"'", "＝1"]
    numbers: list[Decimal | int] = [
        Decimal("0.000001"),
        Decimal("-1150000.25"),
        99_999_999_999_999,
        Decimal("12345678901234.56"),
        0,
    ]
    cells = [[FormCell(each)] for each in (*texts, *numbers)]
    [sheet] = read_sheets(WRITERS[extension]([form(*cells)]), extension)
    found = [row[0] for _number, row in sheet.rows]
    assert found == [
        *texts, "0.000001", "-1150000.25", "99999999999999", "12345678901234.56", "0",
    ]  # fmt: skip


@EXTENSIONS
def test_what_no_file_can_hold_is_replaced(extension):
    cell = FormCell("a\x01b\ufffec\r\nd", note="e\x02f")
    content = WRITERS[extension]([form([cell])])
    [sheet] = read_sheets(content, extension)
    assert sheet.rows == [(1, ["a�b�c\nd"])]
    assert any("e�f" in member for member in members(content).values())


@EXTENSIONS
def test_sheets_of_a_protected_workbook_keep_their_names_and_no_password_holds_them(extension):
    locked, free = (WRITERS[extension]([form([FormCell("a")], protected=each)]) for each in (True, False))
    marks = {"xlsx": ("xl/workbook.xml", "lockStructure"), "ods": ("content.xml", "structure-protected")}
    member, mark = marks[extension]
    assert mark in members(locked)[member]
    assert mark not in members(free)[member]
    assert not re.search("password|hashValue|protection-key", "".join(members(locked).values()))


@EXTENSIONS
def test_the_same_content_gives_the_same_file(extension):
    first, second = (WRITERS[extension]([form([FormCell("a", note="b")])]) for _time in range(2))
    assert first == second


def test_rows_show_all_that_stands_in_them_and_grow_with_what_is_typed():
    cells = [FormCell("短"), FormCell("外交部與友邦之雙邊會議" * 2), FormCell("一\n二\n三"), FormCell(LONG)]
    content = xlsx_form([form(*([cell] for cell in cells))])
    one, two, three, most = (rows_of(content)[row].height for row in (1, 2, 3, 4))
    assert one is None
    assert three == pytest.approx(two)
    assert two > 40
    assert 400 < most < 409.5  # no program takes a higher row
    assert "customHeight" not in members(content)["xl/worksheets/sheet1.xml"]


def test_a_title_and_a_hidden_column_make_no_row_higher():
    rows = [[FormCell("外交部 99 年度第 1 季填報檔", Look.TITLE)], [FormCell("短"), FormCell(LONG)]]
    content = xlsx_form([form(*rows, hidden=frozenset({1}))])
    assert [rows_of(content)[row].height for row in (1, 2)] == [None, None]
    text = members(ods_form([form(*rows, hidden=frozenset({1}))]))["content.xml"]
    styles = {
        name: "wrap-option" in style
        for name, style in re.findall(r'style:name="((?:title|plain)[^"]*)"(.*?)</style:style>', text)
    }
    assert styles == {"title-text": False, "plain-text": True, "plain-text-hidden": False}


def test_amounts_show_their_decimals_and_no_bare_point():
    amounts = Rule("x", number=True)
    counts = Rule("x", number=True, whole=True)
    content = xlsx_form([form([FormCell(Decimal(4), Look.OPEN, rule=amounts), FormCell(4, rule=counts)])])
    sheet: Any = openpyxl.load_workbook(io.BytesIO(content)).active
    assert (sheet["A1"].number_format, sheet["B1"].number_format) == ("#,##0.######", "#,##0")
    [(place, [rule])] = [(each.sqref, each.rules) for each in sheet.conditional_formatting]
    assert (str(place), rule.formula, rule.dxf.numFmt.formatCode) == ("A1", ["A1=INT(A1)"], "#,##0")


@EXTENSIONS
def test_every_printed_page_has_its_number_and_the_header(extension):
    found = members(WRITERS[extension]([form([FormCell("a")], [FormCell("b")], frozen=(1, 0))]))
    if extension == "xlsx":
        assert "第 &amp;P 頁" in found["xl/worksheets/sheet1.xml"]
        assert "Print_Titles" in found["xl/workbook.xml"]
    else:
        assert "<text:page-number>" in found["styles.xml"]
        assert "table-header-rows" in found["content.xml"]


def test_a_column_has_its_side_in_both():
    sheet = form([FormCell("a"), FormCell("是")], sides={0: Side.CENTRE, 1: Side.RIGHT})
    cells: Any = openpyxl.load_workbook(io.BytesIO(xlsx_form([sheet]))).active
    assert [cells[place].alignment.horizontal for place in ("A1", "B1")] == ["center", "right"]
    assert re.findall('text-align="([a-z]+)"', members(ods_form([sheet]))["content.xml"]) == ["center", "end"]
