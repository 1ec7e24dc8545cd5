"""The marked copy: it says where what is wrong, changes nothing else, and can be uploaded again."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any

import openpyxl
import pytest

from indicators.imports.lines import figures_sheet
from indicators.imports.marked import SUMMARY, marked_copy
from indicators.imports.preview import Change, Preview, Problem, Row
from objectives.spreadsheets.forms import FormCell, FormSheet
from objectives.spreadsheets.ods_forms import ods_form
from objectives.spreadsheets.reading import read_sheets
from objectives.spreadsheets.xlsx_forms import xlsx_form

HEADER = ["年度", "季別", "指標代碼", "填報項目", "數值", "備註"]
ROW = ["99", "1", "K1-1", "outbound", "x", "已辦理"]
WRITERS = {"xlsx": xlsx_form, "ods": ods_form}
EXTENSIONS = pytest.mark.parametrize("extension", [*WRITERS, "csv"])


def file(extension: str, *rows: Sequence[str], name: str = "填報") -> bytes:
    if extension == "csv":
        return "\r\n".join(",".join(f'"{cell}"' for cell in row) for row in rows).encode()
    cells = [[FormCell(cell) for cell in row] for row in rows]
    return WRITERS[extension]([FormSheet(name, [10] * len(rows[0]), cells)])


def wrong(*problems: Problem) -> Preview:
    return Preview([], list(problems))


def red(content: bytes, sheet: str = "填報") -> dict[str, str]:
    """Return the notes on a sheet's marked cells."""
    cells: Any = openpyxl.load_workbook(io.BytesIO(content))[sheet].iter_rows()
    return {
        cell.coordinate: cell.comment.text
        for row in cells
        for cell in row
        if cell.comment and cell.fill.fgColor.rgb == "FFF6C7C3"
    }


@EXTENSIONS
def test_a_marked_copy_can_be_marked_again(extension):
    name = "" if extension == "csv" else "填報"
    content = file(extension, HEADER, ROW)
    copy, kind = marked_copy(content, extension, wrong(Problem(2, "甲", "E", name, "數值")))
    again, kind = marked_copy(copy, kind, wrong(Problem(2, "乙", "E", "填報", "數值")))
    summary, sheet = read_sheets(again, kind)
    assert summary.rows[1:] == [(2, ["填報", "2", "E（數值）", "乙"])]
    assert sheet.rows == [(1, HEADER), (2, ROW)]


@pytest.mark.parametrize("extension", WRITERS)
def test_the_only_sheet_is_found_again_whatever_its_name(extension):
    content = file(extension, HEADER, ROW, name="工作表1")
    copy, kind = marked_copy(content, extension, wrong(Problem(2, "甲", "E", "工作表1", "數值")))
    found = figures_sheet(read_sheets(copy, kind))
    assert found is not None
    assert (found.name, found.rows) == ("工作表1", [(1, HEADER), (2, ROW)])


@EXTENSIONS
def test_no_cell_reads_otherwise_than_before(extension):
    texts = [
        "1.10", "007", "-0", "0", "0.5", "-12.25", "1150000.25", "12345678901234567890", "123456789012345",
        "99/03/31", "=1+1", "+5", "1,234", "１２", "TRUE", "1e5", ".5", "不適用",
    ]  # fmt: skip
    rows = [["99", "1", text, "outbound", text, text] for text in texts]
    copy, kind = marked_copy(file(extension, HEADER, *rows), extension, wrong())
    _summary, sheet = read_sheets(copy, kind)
    assert [cells for _number, cells in sheet.rows] == [HEADER, *rows]


def test_names_that_no_sheet_can_have_are_replaced():
    names = ["甲/乙", "甲/乙", "長" * 40, "說明", "a", "A", SUMMARY]
    content = ods_form([FormSheet(name, [10], [[FormCell(str(n))]]) for n, name in enumerate(names)])
    sheets = read_sheets(marked_copy(content, "ods", wrong())[0], "ods")
    assert [sheet.rows[0][1] for sheet in sheets[1:]] == [[str(n)] for n in range(6)]
    assert len({sheet.name.casefold() for sheet in sheets}) == 7
    assert max(len(sheet.name) for sheet in sheets) <= 31
    assert sheets[4].name == "說明"


def test_an_xlsx_whose_sheets_have_one_name_is_marked_all_the_same():
    content = xlsx_form([FormSheet(name, [10], [[FormCell(name)]]) for name in ("first", "other")])
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as book, zipfile.ZipFile(stream, "w") as forged:
        for member in book.infolist():
            forged.writestr(member, book.read(member).replace(b'name="other"', b'name="FIRST"'))
    copy, _kind = marked_copy(stream.getvalue(), "xlsx", wrong())
    assert [sheet.rows[0][1] for sheet in read_sheets(copy, "xlsx")[1:]] == [["first"], ["other"]]


def test_a_conflict_is_marked_in_its_own_cell_with_both_values():
    changes = [
        Change("執行情形", "已洽商", "已辦理", conflict=True, header="備註"),
        Change("值", "4", "5", conflict=False, header="數值"),
        Change("指標代碼", "K1-1", "K1-2", conflict=True),
    ]
    preview = Preview([Row("填報", 2, "K1-1", changes=changes)])
    copy, _kind = marked_copy(file("xlsx", HEADER, ROW), "xlsx", preview)
    marked = red(copy)
    assert marked.keys() == {"C2", "F2"}
    assert "已洽商" in marked["F2"]
    assert "已辦理" in marked["F2"]


def test_what_is_wrong_with_a_row_or_beyond_the_file_is_marked_at_its_value():
    problems = [Problem(2, "甲", "", "填報"), Problem(2, "乙", "", "填報"), Problem(4, "丙", "", "填報")]
    copy, _kind = marked_copy(file("xlsx", HEADER, ROW), "xlsx", wrong(*problems, Problem(0, "丁")))
    assert red(copy) == {"E2": "甲\n乙", "E4": "丙"}
    listed = [cells for _number, cells in read_sheets(copy, "xlsx")[0].rows[1:]]
    assert listed == [
        ["", "", "", "丁"], ["填報", "2", "", "甲"], ["填報", "2", "", "乙"], ["填報", "4", "", "丙"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("problems", "hidden"), [([], True), ([Problem(2, "甲", "G", "填報", "版本")], False)]
)
def test_the_version_stays_hidden_unless_it_is_what_is_wrong(problems, hidden):
    content = file("xlsx", [*HEADER, "版本"], [*ROW, "1|"])
    copy, _kind = marked_copy(content, "xlsx", wrong(*problems))
    assert openpyxl.load_workbook(io.BytesIO(copy))["填報"].column_dimensions["G"].hidden is hidden


def test_the_agency_that_somebody_typed_is_not_hidden():
    copy, _kind = marked_copy(file("xlsx", [*HEADER, "機關代碼"], [*ROW, "MOFA"]), "xlsx", wrong())
    assert not openpyxl.load_workbook(io.BytesIO(copy))["填報"].column_dimensions["G"].hidden
