"""填報檔: what a downloaded workbook shows, locks and asks, and that it comes back without a change."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from indicators import workflow
from indicators.file_check import check_file
from indicators.imports import batches
from indicators.imports.marked import SUMMARY, marked_copy
from indicators.imports.stamps import Stamp
from indicators.models import Figure, ImportBatch, Indicator, QuarterReport
from ledger.models import Action, Entry
from objectives.models import Unit
from objectives.spreadsheets.reading import read_sheets

FORMATS = ("xlsx", "ods")


@pytest.fixture
def download(client: Client, planner: Any) -> Callable[..., Any]:
    def get(extension: str = "xlsx", quarter: int = 1, code: str = "MOFA", by: Any = planner) -> Any:
        client.force_login(by)
        return client.get(reverse("workbook", args=[99, quarter, code, extension]))

    return get


def sheet_of(content: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(content))["填報"]


def table(content: bytes, extension: str) -> list[dict[str, str]]:
    [sheet] = [each for each in read_sheets(content, extension) if each.name == "填報"]
    (_number, header), *rows = sheet.rows
    return [dict(zip(header, [*cells, *[""] * len(header)], strict=False)) for _number, cells in rows]


def filled(content: bytes, **values: Any) -> bytes:
    """Fill in cells of an XLSX as a person does: filled(content, I2=5)."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    for cell, value in values.items():
        book["填報"][cell] = value
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def place(content: bytes, code: str, header: str, nth: int = 0) -> str:
    """Return the cell of an indicator's nth row under a header."""
    sheet = sheet_of(content)
    column = [cell.value for cell in sheet[1]].index(header)
    codes = [cell.value for cell in sheet[1]].index("指標代碼")
    rows = [row for row in sheet.iter_rows(min_row=2) if row[codes].value == code]
    return rows[nth][column].coordinate


@pytest.mark.parametrize("extension", FORMATS)
def test_there_is_a_row_for_everything_that_is_entered(download, report, planner, now, extension):
    workflow.save_draft(
        report=report("K1-1", 1), by=planner, now=now, figures={"outbound": Decimal(4)}, remark="=已辦理"
    )
    response = download(extension, quarter=2)
    assert response["Content-Disposition"].startswith("attachment")
    check_file(io.BytesIO(response.content), f"x.{extension}", len(response.content))
    rows = table(response.content, extension)
    wanted = [
        (indicator.code, variable.name)
        for indicator in Indicator.objects.order_by("goal__outline_number", "number")
        for variable in indicator.variables.exclude(rollup="CONSTANT").order_by("position")
    ]
    assert [(row["指標代碼"], row["填報項目"]) for row in rows] == wanted
    assert (rows[0]["第1季"], rows[0]["數值"], rows[1]["第1季"]) == ("4", "", "未填")
    first = table(download(extension, quarter=1).content, extension)[0]
    assert (first["數值"], first["備註"], first["年度"], first["季別"]) == ("4", "=已辦理", "99", "1")
    assert Stamp.read(first["版本"]) == Stamp.of(1, Decimal(4), {"remark": "=已辦理"})


@pytest.mark.parametrize("extension", FORMATS)
def test_what_goes_out_comes_back_without_a_change(download, report, planner, now, approved, extension):
    approved("K5-2", 1, projects=3)
    workflow.save_draft(
        report=report("K7-1", 1), by=planner, now=now,
        figures={"remitted": Decimal("1150000.25"), "budget": Decimal(99_999_999_999_999)},
        remark="'第一行\n  -第二行\t尾", lag_reason="＝1+1, 'x'",
    )  # fmt: skip
    workflow.save_draft(report=report("K1-1", 1), by=planner, now=now, figures={}, not_applicable_reason="無")
    content = download(extension).content
    head = Entry.objects.head().seq
    batch = batches.upload(content=content, name=f"x.{extension}", by=planner, now=now)
    assert (batch.refusal, batch.state, batch.unchanged) == ("", ImportBatch.State.CHECKED, batch.rows)
    batches.apply(batch=batch, by=planner, now=now)
    tables = set(Entry.objects.filter(seq__gt=head).values_list("table", flat=True))
    assert tables == {ImportBatch._meta.db_table}


def test_a_filled_workbook_is_taken(download, planner, now):
    content = download().content
    content = filled(
        content,
        **{
            place(content, "K1-1", "數值"): 4,
            place(content, "K1-1", "數值", 1): "１,２３４",
            place(content, "K1-1", "備註"): "已辦理",
            place(content, "K7-1", "數值"): 0.1 + 0.2,
        },
    )
    batch = batches.upload(content=content, name="x.xlsx", by=planner, now=now)
    assert (batch.refusal, batch.new) == ("", 3)
    batches.apply(batch=batch, by=planner, now=now)
    values = {f.variable.symbol: f.value for f in Figure.objects.select_related("variable")}
    assert values["outbound"] == 4
    assert values["inbound"] == 1234
    assert Decimal("0.3") in values.values()
    assert QuarterReport.objects.get(indicator__code="K1-1", quarter=1).remark == "已辦理"


def test_shares_of_units_of_one_name_are_told_apart(download, planner, department, now):
    twin = Unit.objects.create(code="DEPT2", name=department.name, parent=department)
    shared = Indicator.objects.get(code="K5-2")
    shared.contributing_units.add(department, twin)
    shared.variables.update(by_unit=True)
    content = download().content
    rows = [row for row in table(content, "xlsx") if row["指標代碼"] == "K5-2"]
    assert [row["單位"] for row in rows] == ["外交部", "DEPT", "DEPT2"]
    content = filled(content, **{place(content, "K5-2", "數值", 2): 7})
    batches.apply(
        batch=batches.upload(content=content, name="x.xlsx", by=planner, now=now), by=planner, now=now
    )
    assert Figure.objects.get().unit == twin


def test_a_percentage_is_not_taken_for_the_number_that_the_cell_holds(download, planner, now):
    book = openpyxl.load_workbook(io.BytesIO(download().content))
    cell = book["填報"][place(download().content, "K7-1", "數值")]
    cell.value, cell.number_format = 0.5, "0%"
    stream = io.BytesIO()
    book.save(stream)
    batch = batches.upload(content=stream.getvalue(), name="x.xlsx", by=planner, now=now)
    assert batch.state == ImportBatch.State.REFUSED
    assert "50%" in batch.refusal


def test_descriptions_are_locked_and_what_is_filled_in_is_not(download, approved):
    approved("K5-2", 1, projects=3)
    content = download().content
    sheet = sheet_of(content)
    assert sheet.protection.sheet
    assert sheet.freeze_panes
    open_cells = {
        header
        for row in sheet.iter_rows(min_row=2)
        for cell, header in zip(row, [each.value for each in sheet[1]], strict=True)
        if not cell.protection.locked
    }
    assert open_cells == {
        "數值", "備註", "不適用理由", "落後原因", "因應對策", "預定改善期限", "需協調事項", "異常說明",
    }  # fmt: skip
    assert sheet[place(content, "K5-2", "數值")].protection.locked  # approved
    assert sheet[place(content, "K1-1", "備註", 1)].protection.locked  # the texts belong to the first row
    hidden = {cell.value for cell in sheet[1] if sheet.column_dimensions[cell.column_letter].hidden}
    assert hidden == {"版本", "機關代碼"}


def test_cells_say_what_may_be_typed_and_titles_bear_the_official_standard(download):
    content = download(quarter=4).content
    sheet = sheet_of(content)
    rules = {cell.coord: rule for rule in sheet.data_validations.dataValidation for cell in rule.sqref.ranges}
    choice = rules[place(content, "K8-2", "數值")]
    assert (choice.type, choice.formula1) == ("list", '"是,否,不適用"')
    count = rules[place(content, "K1-1", "數值")]
    assert count.type == "custom"
    assert "INT(" in count.formula1
    assert ">=0" in count.formula1
    assert rules[place(content, "K1-1", "備註")].formula1 == "5000"
    note = sheet[place(content, "K1-1", "指標")].comment.text
    assert Indicator.objects.get(code="K1-1").standard in note.replace("\r", "")


def test_the_ods_has_locks_validations_notes_and_a_hidden_column(download):
    with zipfile.ZipFile(io.BytesIO(download("ods").content)) as book:
        root = ElementTree.fromstring(book.read("content.xml"))
    text = ElementTree.tostring(root, encoding="unicode")
    names = {each.tag.split("}")[1] for each in root.iter()}
    assert {"content-validation", "annotation", "table-header-rows"} <= names
    assert 'protected="true"' in text
    assert 'cell-protect="none"' in text
    assert 'visibility="collapse"' in text


def test_only_whoever_sees_the_worksheet_gets_its_workbook(
    download, neighbour, stranger, outsider, department
):
    assert download(by=neighbour).status_code == 404
    assert download(by=neighbour, code=department.code).status_code == 200
    assert download(by=stranger).status_code == 404
    assert download(by=outsider).status_code in (403, 404)
    assert download("exe").status_code == 404
    assert download(quarter=5).status_code == 404


def test_taking_a_workbook_is_in_the_ledger(download):
    download()
    entry = Entry.objects.filter(action=Action.EXPORT).latest("seq")
    assert entry.actor == "planner"
    assert "外交部99年度第1季填報檔.xlsx" in (entry.after or "")


def test_queries_do_not_grow_with_the_indicators(download, department):
    Indicator.objects.filter(code="K1-1").update(lead_unit=department)
    download(code=department.code)
    with CaptureQueriesContext(connection) as of_one:
        assert len(table(download(code=department.code).content, "xlsx")) == 2
    with CaptureQueriesContext(connection) as of_all:
        assert len(table(download().content, "xlsx")) > 40
    assert len(of_all) <= len(of_one) + 1


@pytest.mark.parametrize("extension", FORMATS)
def test_a_title_bears_the_formula_in_words_and_why_the_report_was_returned(
    download, report, planner, head, now, extension
):
    entered = workflow.save_draft(
        report=report("K1-1", 1),
        by=planner,
        now=now,
        figures={"outbound": Decimal(20), "inbound": Decimal(9)},
    )
    submitted = workflow.submit(report=entered, by=planner, now=now)
    workflow.return_for_correction(report=submitted, by=head, now=now, reason="請附名單")
    said = text_of(download(extension).content, extension)
    assert "計算式：我國部次長級以上官員訪問邦交國次數 + 邦交國部次長級以上官員訪問我國次數" in said
    assert "年度目標值：55 次數" in said
    assert "退回補正：請附名單" in said


def text_of(content: bytes, extension: str) -> str:
    """Return all that a workbook says: cells and notes."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        names = ("content.xml",) if extension == "ods" else ("xl/sharedStrings.xml", "xl/comments1.xml")
        return "".join(book.read(name).decode() for name in names).replace('<text:s text:c="1"/>', " ")


def test_a_locked_row_says_why(download, approved):
    approved("K5-2", 1, projects=3)
    content = download().content
    sheet = sheet_of(content)
    assert "審核通過" in sheet[place(content, "K5-2", "數值")].comment.text
    assert sheet[place(content, "K5-2", "狀態")].value == "審核通過"
    assert sheet[place(content, "K1-1", "數值")].comment is None


def test_whoever_enters_nothing_gets_it_to_read_and_is_told(download, auditor):
    content = download(by=auditor).content
    sheet = sheet_of(content)
    assert all(cell.protection.locked for row in sheet.iter_rows() for cell in row)
    cover = [
        cells for each in read_sheets(content, "xlsx") if each.name == "說明" for _row, cells in each.rows
    ]
    assert ["唯讀", "下載人員目前無可填寫之欄位，本檔僅供參考。"] in cover
    told = [cells[0] for each in read_sheets(download().content, "xlsx")[:1] for _row, cells in each.rows]
    assert "唯讀" not in told


def test_the_worksheet_leads_to_its_workbook_and_back(client, download, planner, auditor, department):
    Indicator.objects.filter(code="K1-1").update(lead_unit=department)
    for user, leads_back in ((planner, True), (auditor, False)):
        client.force_login(user)
        page = client.get("/worksheet/99/1/MOFA/?scope=own").content.decode()
        assert (reverse("import_upload") in page.partition('class="actions files"')[2][:900]) is leads_back
        for extension in FORMATS:
            address = f"{reverse('workbook', args=[99, 1, 'MOFA', extension])}?scope=own"
            assert address in page
            codes = {row["指標代碼"] for row in table(client.get(address).content, extension)}
            assert "K1-2" in codes
            assert "K1-1" not in codes


# -- The marked copy ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("extension", [*FORMATS, "csv"])
def test_mistakes_are_marked_in_their_cells_and_the_copy_can_be_mended(download, planner, now, extension):
    if extension == "csv":
        content = "年度,季別,指標代碼,填報項目,數值,備註\r\n99,1,K1-1,outbound,x,=a\r\n".encode()
    elif extension == "xlsx":
        content = download().content
        content = filled(content, **{place(content, "K1-1", "數值"): "x"})
    else:
        content = download("ods").content
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            members = {each: book.read(each) for each in book.infolist()}
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as book:
            for each, data in members.items():
                book.writestr(each, data.replace(b">K1-1<", b">K9-9<"))
        content = stream.getvalue()
    batch = batches.upload(content=content, name=f"x.{extension}", by=planner, now=now)
    assert batch.state == ImportBatch.State.REFUSED
    preview = batches.preview(batch, by=planner, now=now)
    copy, kind = marked_copy(content, extension, preview)
    assert kind == ("xlsx" if extension == "csv" else extension)
    sheets = read_sheets(copy, kind)
    assert sheets[0].name == SUMMARY
    assert [cells[3] for _row, cells in sheets[0].rows[1:]] == [each.reason for each in preview.all_problems]
    original = next(each for each in read_sheets(content, extension) if each.name in ("填報", ""))
    marked = next(each for each in sheets if each.name == "填報")
    assert [list(filter(None, cells)) for _row, cells in marked.rows] == [
        list(filter(None, cells)) for _row, cells in original.rows
    ]
    if kind == "xlsx":
        book = openpyxl.load_workbook(io.BytesIO(copy))
        notes = [cell.comment.text for row in book["填報"].iter_rows() for cell in row if cell.comment]
        assert notes == [each.reason for each in preview.all_problems]


@pytest.mark.skipif(
    not shutil.which("soffice") and not os.environ.get("REQUIRE_BROWSER"), reason="LibreOffice is not there"
)
def test_libreoffice_opens_both_workbooks_with_the_same_cells(download, tmp_path: Path):
    tables = {}
    for extension in FORMATS:
        content = download(extension).content
        (tmp_path / f"{extension}.{extension}").write_bytes(content)
        tables[extension] = table(content, extension)
    command = [
        "soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to",
        "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1",
        "--outdir", str(tmp_path),
        *(str(tmp_path / f"{each}.{each}") for each in FORMATS),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    for extension in FORMATS:
        csv = (tmp_path / f"{extension}-填報.csv").read_bytes()
        assert table_of_csv(csv) == tables[extension]
    assert tables["xlsx"] == tables["ods"]


def table_of_csv(data: bytes) -> list[dict[str, str]]:
    (_number, header), *rows = read_sheets(data, "csv")[0].rows
    return [dict(zip(header, [*cells, *[""] * len(header)], strict=False)) for _number, cells in rows]
