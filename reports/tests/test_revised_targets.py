"""Revised targets beside the originals: on pages, in files and looking back; earlier quarters stay."""

import io
from datetime import date
from decimal import Decimal

import openpyxl
import pytest

from indicators import workflow
from indicators.models import Indicator, PlannedValue, Variable
from mofa_kpi.tests.cast import NOW
from objectives.tests.pages import signed_in, text
from objectives.workflow import adopt_plan
from reports.exports.cover import FORMAT_VERSION

from .markup import markup, row_of
from .test_exporters import of, sheet, table
from .test_indicator_page import sums


@pytest.fixture
def propose(plan, administrator):
    """Adopt the plan and enter a revision: propose("K1-1", 3, target=60)."""
    adopt_plan(plan=plan, by=administrator, on=date(2009, 12, 31), number="院臺外字第 1 號")

    def enter(code, from_quarter, **changes):
        return workflow.propose_revision(
            indicator=Indicator.objects.get(code=code), from_quarter=from_quarter, reason="業務量增加",
            authority="行政院", decided_on=date(2010, 6, 1), number="院授研字第 2 號", by=administrator,
            now=NOW, **changes,
        )  # fmt: skip

    return enter


@pytest.fixture
def revise(propose, reviewer):
    """Enter a revision and approve it."""

    def both(code, from_quarter, **changes):
        revision = propose(code, from_quarter, **changes)
        return workflow.approve_revision(revision=revision, by=reviewer, now=NOW)

    return both


def csv_row(client, code, quarter, more=""):
    return of(table(client.get(f"/export/attainment.csv?year=99&quarter={quarter}{more}")), code)


def xlsx_row(client, code, quarter):
    return of(sheet(client.get(f"/export/attainment.xlsx?year=99&quarter={quarter}")), code)


def test_pages_and_files_agree_on_the_target_in_force_and_show_the_original(managing, approved, revise):
    approved("K1-1", 1, outbound=4, inbound=8)
    revise("K1-1", 2, target=Decimal(60))
    approved("K1-1", 2, outbound=10, inbound=8)
    row, typed = csv_row(managing, "K1-1", 2), xlsx_row(managing, "K1-1", 2)
    assert (row["年度目標值"], row["修正後目標值"], row["累計實際值"], row["達成度"]) == (
        "55",
        "60",
        "30",
        "50",
    )
    assert (typed["年度目標值"], typed["修正後目標值"], typed["達成度"]) == (55, 60, 50)
    dashboard = row_of(managing.get("/?year=99&quarter=2"), "K1-1")
    assert "[30]30／60 次數 已修正 原訂 55" in dashboard
    assert "[50]50%" in dashboard
    assert "目標 60 次數、原訂 55" in dashboard  # the chart's title
    page = managing.get("/indicators/K1-1/?year=99&quarter=2")
    assert sums(page) == ["14 + 16 = 30", "30 ÷ 60 × 100 = 50"]
    words = text(page)
    assert "原訂目標值 至少 55 次數" in words
    assert "自第 2 季起修正 修正後目標值 至少 60 次數 修正前 55" in words
    assert "核定：行政院 99 年 6 月 1 日 院授研字第 2 號" in words
    assert "業務量增加" in words


def test_an_earlier_quarter_keeps_its_result_to_the_digit(managing, approved, revise):
    approved("K1-1", 1, outbound=4, inbound=8)
    columns = ("修正後目標值", "累計實際值", "達成度（未設上限）", "達成度", "進度", "計算式", "修正後計算式")
    before = csv_row(managing, "K1-1", 1)
    revise("K1-1", 2, target=Decimal(60), formula="outbound * 2 + inbound")
    after = csv_row(managing, "K1-1", 1)
    assert [after[each] for each in columns] == [before[each] for each in columns]
    assert after["修正後目標值"] == ""
    assert after["達成度"].startswith("21.818181")
    assert sums(managing.get("/indicators/K1-1/?year=99&quarter=1"))[0] == "4 + 8 = 12"
    assert "原訂 55" not in row_of(managing.get("/?year=99&quarter=1"), "K1-1")


def test_each_quarter_stands_with_its_own_target(managing, approved, revise):
    revise("K1-1", 3, target=Decimal(60))
    rows = [
        row
        for row in markup(managing.get("/indicators/K1-1/?year=99&quarter=4")).rows
        if row.startswith("第 ")
    ]
    assert ["60 已修正 原訂 55" in row for row in rows] == [False, False, True, True]


def test_a_revised_formula_computes_from_its_quarter_on(managing, approved, revise):
    approved("K1-1", 1, outbound=4, inbound=8)
    revise("K1-1", 2, formula="outbound * 2 + inbound")
    approved("K1-1", 2, outbound=1, inbound=2)
    page = managing.get("/indicators/K1-1/?year=99&quarter=2")
    assert sums(page)[0] == "5 × 2 + 10 = 20"
    assert row_of(managing.get("/?year=99&quarter=2"), "K1-1").endswith("約 40")  # 全年推估: (5 × 2 + 10) × 2
    assert "outbound × 2 + inbound 已修正 原訂 outbound + inbound" in text(page)
    row = csv_row(managing, "K1-1", 2)
    assert (row["累計實際值"], row["計算式"], row["修正後計算式"], row["修正後目標值"]) == (
        "20", "outbound + inbound", "outbound * 2 + inbound", "",
    )  # fmt: skip


def test_a_formula_that_can_fall_is_not_achieved_early(managing, approved, revise):
    """已達標 is for what cannot fall back by the formula in force."""
    approved("K1-1", 1, outbound=30, inbound=30)
    assert csv_row(managing, "K1-1", 1)["進度"] == "已達標"
    revise("K1-1", 2, formula="outbound + inbound - 0.5")
    approved("K1-1", 2, outbound=1, inbound=1)
    revised = csv_row(managing, "K1-1", 2)
    assert (revised["累計實際值"], revised["進度"]) == ("61.5", "未屆期")
    assert csv_row(managing, "K1-1", 1)["進度"] == "已達標"


def test_a_corrected_constant_counts_from_its_quarter_on(managing, approved, revise, administrator):
    baseline = Variable.objects.get(indicator__code="K3-1", symbol="baseline")
    workflow.set_constant(variable=baseline, value=Decimal(10), by=administrator)
    for quarter in (1, 2, 3):
        approved("K3-1", quarter, meetings=2, projects=1, visits=1)
    revise("K3-1", 4, variable=baseline, constant=Decimal(12))
    approved("K3-1", 4, meetings=2, projects=1, visits=1)
    assert [csv_row(managing, "K3-1", quarter)["累計實際值"] for quarter in (3, 4)] == ["2", "4"]
    page = managing.get("/indicators/K3-1/?year=99&quarter=4")
    figures = next(row for row in markup(page).rows if " baseline " in row)
    assert figures.endswith("[12]12 已修正 原訂 10")
    third = markup(managing.get("/indicators/K3-1/?year=99&quarter=3")).rows
    assert next(row for row in third if " baseline " in row).endswith("[10]10")


def test_a_revision_that_nobody_approved_changes_nothing(managing, approved, propose):
    propose("K1-1", 1, target=Decimal(60))
    approved("K1-1", 1, outbound=4, inbound=8)
    assert csv_row(managing, "K1-1", 1)["修正後目標值"] == ""
    assert "60" not in row_of(managing.get("/?year=99&quarter=1"), "K1-1")
    assert "修正" not in text(managing.get("/indicators/K1-1/?year=99&quarter=1")).split("異動紀錄")[0]


def test_looking_back_shows_what_was_in_force_then(managing, approved, revise, a_moment_later):
    approved("K1-1", 1, outbound=4, inbound=8)
    before = a_moment_later()
    revise("K1-1", 2, target=Decimal(60))
    after = a_moment_later()
    approved("K1-1", 2, outbound=10, inbound=8)
    then, later = (csv_row(managing, "K1-1", 2, f"&as_of={moment}") for moment in (before, after))
    assert (then["修正後目標值"], later["修正後目標值"]) == ("", "60")
    page = text(managing.get(f"/indicators/K1-1/?year=99&quarter=2&as_of={before}"))
    assert "修正後目標值" not in page
    assert "修正後目標值 至少 60 次數" in text(
        managing.get(f"/indicators/K1-1/?year=99&quarter=2&as_of={after}")
    )


def test_a_target_that_is_not_to_be_exceeded_keeps_its_sign(managing, revise):
    revise("C2-2", 1, target=Decimal("4.5"))
    assert "≤ 4.5 ％ 已修正 原訂 ≤ 5" in row_of(managing.get("/?year=99&quarter=4"), "C2-2")


def test_the_plan_keeps_its_wording_and_notes_the_revision(managing, revise):
    revise("K1-1", 2, target=Decimal(60))
    revise("K1-2", 3, formula="projects * 1")
    words = text(managing.get("/plan/?year=99"))
    assert "55 次數 已修正 自第 2 季起 60" in words
    assert "100 項數 已修正 計算式或常數自第 3 季起修正" in words


def test_the_cover_of_a_file_says_what_the_columns_mean(managing, plan):
    book = openpyxl.load_workbook(io.BytesIO(managing.get("/export/attainment.xlsx?year=99").content))
    cover = dict(book["說明"].iter_rows(values_only=True))
    assert "計畫原訂" in cover["目標值修正"]
    assert cover["檔案格式版本"] == str(FORMAT_VERSION) == "5"


def test_the_history_tells_who_entered_approved_and_withdrew(auditor, propose, reviewer, administrator):
    client = signed_in(auditor)
    revision = propose("K1-1", 2, target=Decimal(60))
    other = propose("K1-1", 3, formula="outbound")
    workflow.approve_revision(revision=revision, by=reviewer, now=NOW)
    workflow.withdraw_revision(revision=other, by=administrator)
    words = text(client.get(f"/history/indicators.indicator/{revision.indicator_id}/"))
    assert "審核通過 目標值修正 自第 2 季起之目標值修正" in words
    assert "撤回 目標值修正 自第 3 季起之目標值修正" in words
    assert "新增 目標值修正 自第 2 季起之目標值修正" in words
    assert "修正前目標值 55" in words


def test_each_units_share_stands_below_the_figure(
    managing, planner, neighbour, approve, report, ministry, department
):
    found = report("K1-1", 1)
    found.indicator.contributing_units.add(department)
    Variable.objects.filter(indicator=found.indicator, symbol="inbound").update(by_unit=True)
    PlannedValue.objects.filter(indicator=found.indicator).delete()
    figures = {"outbound": Decimal(4), ("inbound", ministry.pk): Decimal(5)}
    workflow.save_draft(report=found, by=planner, now=NOW, figures=figures)
    share = {("inbound", department.pk): Decimal(3)}
    found = workflow.save_draft(report=found, by=neighbour, now=NOW, figures=share)
    approve(workflow.submit(report=found, by=planner, now=NOW))
    page = managing.get("/indicators/K1-1/?year=99&quarter=1")
    rows = markup(page).rows
    inbound = next(row for row in rows if " inbound " in row)
    assert f"[8]8 {ministry.name} [5]5 {department.name} [3]3" in inbound
    assert sums(page)[0] == "4 + 8 = 12"
    assert ministry.name not in next(row for row in rows if " outbound " in row)
