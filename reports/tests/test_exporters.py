"""The attainment table as files: the page's numbers, every digit of them, and nothing that a program runs."""

import csv
import io
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import openpyxl
import pytest

from indicators import workflow
from indicators.models import Indicator, PlannedValue, Variable
from indicators.value import value_at
from mofa_kpi.tests.cast import NOW
from objectives.spreadsheets.text import original
from objectives.spreadsheets.values import plain
from reports.attainment import attain
from reports.exports.catalogue import DATASETS

from .case_definitions import cases, definitions, figures
from .markup import markup

# Cases of which every quarter can be submitted; one of each kind of arithmetic.
CASES = [
    case
    for case in cases()
    if (case["indicator"], case["quarter"], case["value"])
    in {
        ("K1-1", 4, "58"), ("K1-1", 1, "0"), ("K1-1", 2, "27"), ("K1-1", 4, "23"), ("K1-1", 4, None),
        ("K3-1", 4, "3"), ("K3-1", 4, None), ("K3-2", 4, "-5"), ("K3-2", 4, None), ("K6-1", 4, "29.5082"),
        ("K7-1", 4, "89.9999875"), ("C2-1", 3, "38.0952"), ("C2-1", 4, "79"), ("C2-2", 4, "8"),
        ("C2-2", 4, "-10"), ("C3-1", 4, "0.0455"),
    }
]  # fmt: skip


def table(response: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


def sheet(response: Any) -> list[dict[str, Any]]:
    _cover, data = openpyxl.load_workbook(io.BytesIO(response.content)).worksheets
    header, *rows = data.iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]


def of(rows: list[dict[str, Any]], code: str) -> dict[str, Any]:
    return next(row for row in rows if row["指標代碼"] == code)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['indicator']} {case['note'][:40]}")
def test_page_and_files_show_what_attain_finds_to_the_last_digit(managing, approved, administrator, case):
    code, quarter = case["indicator"], case["quarter"]
    for symbol, constant in case.get("constants", {}).items():
        variable = Variable.objects.get(indicator__code=code, symbol=symbol)
        workflow.set_constant(variable=variable, value=Decimal(constant), by=administrator)
    for given, numbers in case["figures"].items():
        approved(code, int(given), **numbers)
    for given, planned in case.get("planned", {}).items():
        PlannedValue.objects.create(indicator=Indicator.objects.get(code=code), quarter=given, value=planned)
    definition = definitions()[code].with_constants(case.get("constants", {}))
    found = attain(
        value_at(definition.rule, quarter, figures(case)),
        definition.rule,
        quarter=quarter,
        year_over=True,
        target=definition.target,
        direction=definition.direction,
        assessed=definition.assessed,
    )
    query = f"?year=99&quarter={quarter}"
    row = of(table(managing.get(f"/export/attainment.csv{query}")), code)
    typed = of(sheet(managing.get(f"/export/attainment.xlsx{query}")), code)
    dashboard = markup(managing.get(f"/{query}")).numbers
    page = markup(managing.get(f"/indicators/{code}/{query}")).numbers
    for column, number in (
        ("累計實際值", found.value.amount),
        ("達成度（未設上限）", found.raw),
        ("達成度", found.attainment),
    ):
        if number is None:
            assert row[column] == ""
            assert typed[column] is None
            continue
        assert Decimal(row[column]) == number
        assert typed[column] == pytest.approx(float(number), rel=1e-15)  # a spreadsheet keeps no more
        if column != "達成度（未設上限）":
            assert plain(number) in dashboard
            assert plain(number) in page


def test_a_csv_opens_in_a_spreadsheet_as_it_is(managing, plan):
    response = managing.get("/export/attainment.csv?year=99&quarter=4")
    assert response.content.startswith(b"\xef\xbb\xbf")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    header = response.content.decode("utf-8-sig").split("\r\n")[0]
    assert header == (
        "年度,季別,類別,目標編號,目標,指標代碼,指標,主辦單位,衡量標準,計量單位,年度目標值,修正後目標值,預定值,"
        "累計實際值,資料狀態,資料狀態說明,代入算式,達成度（未設上限）,達成度,進度,系統試算燈號,全年推估,計算式,"
        "修正後計算式,異動紀錄序號,異動紀錄雜湊值"
    )
    assert len(table(response)) == 20
    assert [row["指標代碼"] for row in sheet(managing.get("/export/attainment.xlsx"))][:2] == ["K1-1", "K1-2"]


def test_both_formats_hold_the_same(managing, approved, a_moment_later):
    approved("K1-1", 1, outbound=5, inbound=6)
    query = f"?year=99&quarter=1&as_of={a_moment_later()}"
    plain_rows = table(managing.get(f"/export/attainment.csv{query}"))
    typed_rows = sheet(managing.get(f"/export/attainment.xlsx{query}"))
    assert [list(row.values()) for row in plain_rows] == [
        ["" if cell is None else plain(Decimal(repr(cell))) if isinstance(cell, int | float) else cell
         for cell in row.values()]
        for row in typed_rows
    ]  # fmt: skip
    assert of(typed_rows, "C1-1")["年度目標值"] == 0.08
    assert of(typed_rows, "K1-1")["年度"] == 99


@pytest.mark.parametrize(
    "title",
    [
        "==1+1", "=1+1", "＝1", "+1", "-1", "@SUM(A1)", "＋1", "－1", "＠x", "\t=1", " =1", "'=1",
        "http://x.test", "1",
    ],
)  # fmt: skip
def test_text_that_begins_like_a_formula_is_harmless(managing, plan, title):
    Indicator.objects.filter(code="K1-1").update(title=title)
    row = of(table(managing.get("/export/attainment.csv")), "K1-1")
    assert not row["指標"].lstrip(" ").startswith(tuple("=+-@＝＋－＠\t"))
    assert original(row["指標"]) == title
    book = openpyxl.load_workbook(io.BytesIO(managing.get("/export/attainment.xlsx").content))
    cell = book.worksheets[1].cell(2, 7)
    assert cell.data_type == "s"
    assert cell.value == row["指標"]
    assert cell.hyperlink is None


def test_a_file_says_what_awaits_approval_and_what_is_a_demonstration(
    managing, report, planner, reviewer, approve
):
    def enter(code: str, *, demo: bool, decided: bool) -> None:
        found = workflow.save_draft(
            report=report(code, 1), by=planner, now=NOW, figures={"meetings": Decimal(2)}, demo=demo
        )
        found = workflow.submit(report=found, by=planner, now=NOW)
        if decided:
            approve(found)

    enter("K2-2", demo=False, decided=False)
    official = managing.get("/export/attainment.csv?year=99&quarter=1")
    assert of(table(official), "K2-2")["資料狀態"] == "未填"
    assert unquote(official["Content-Disposition"]).endswith("99年度第1季達成情形.csv")
    provisional = managing.get("/export/attainment.csv?year=99&quarter=1&basis=provisional")
    assert of(table(provisional), "K2-2")["資料狀態"] == "完整（含未審核）"
    assert unquote(provisional["Content-Disposition"]).endswith("達成情形-含未審核.csv")
    found = report("K2-2", 1)
    found.figures.update(demo=True)
    marked = managing.get("/export/attainment.csv?year=99&quarter=1&basis=provisional")
    assert of(table(marked), "K2-2")["資料狀態"] == "完整（含未審核、示範資料）"
    approve(found)
    approved_file = managing.get("/export/attainment.xlsx?year=99&quarter=1&basis=provisional")
    assert of(sheet(approved_file), "K2-2")["資料狀態"] == "完整（示範資料）"


def test_a_declaration_that_awaits_approval_is_marked_too(managing, report, planner):
    found = workflow.save_draft(
        report=report("K5-2", 1), by=planner, now=NOW, figures={}, not_applicable_reason="無計畫"
    )
    workflow.submit(report=found, by=planner, now=NOW)
    later = managing.get("/export/attainment.csv?year=99&quarter=1&basis=provisional")
    assert of(table(later), "K5-2")["資料狀態"] == "不適用（含未審核）"


def test_files_are_in_chinese_whatever_the_language_of_the_screen(managing, plan):
    managing.cookies["django_language"] = "en"
    assert of(table(managing.get("/export/attainment.csv?year=99&quarter=4")), "K1-1")["資料狀態"] == "未填"


def test_a_file_is_not_kept_or_guessed_at(managing, plan):
    for extension in ("csv", "xlsx"):
        response = managing.get(f"/export/attainment.{extension}")
        assert response["X-Content-Type-Options"] == "nosniff"
        assert "no-store" in response["Cache-Control"]
        assert response["Content-Disposition"].startswith("attachment; filename*=utf-8''99")


def test_every_column_has_a_width_a_meaning_and_a_source():
    for dataset in DATASETS.values():
        for column in dataset.columns:
            assert column.width, column
            assert column.meaning.endswith("。"), column
            assert column.source, column


def test_a_figure_without_the_share_of_a_unit_is_provisional_on_the_page_and_in_the_file(
    managing, report, planner, department
):
    def state():
        address = "/export/attainment.csv?year=99&quarter=1&basis=provisional"
        return of(table(managing.get(address)), "K5-2")["資料狀態"]

    indicator = Indicator.objects.get(code="K5-2")
    indicator.variables.update(by_unit=True)
    figures = {("projects", indicator.lead_unit_id): Decimal(3)}
    saved = workflow.save_draft(report=report("K5-2", 1), by=planner, now=NOW, figures=figures)
    workflow.submit(report=saved, by=planner, now=NOW)
    assert state() == "完整（含未審核）"
    indicator.contributing_units.add(department)
    assert state() == "暫計（含未審核）"
    page = managing.get("/?year=99&quarter=1&basis=provisional").content.decode()
    assert "（部分單位未填）" in page
