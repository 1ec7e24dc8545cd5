"""The workbook of a plan: out and in again, a year later, from → to, and everything that is refused."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import reverse

from indicators.imports import batches
from indicators.imports.lines import ImportRefused
from indicators.imports.plan_files import check_plan, plan_sheets, plan_workbook, write_plan
from indicators.imports.plan_resources import RESOURCES
from indicators.imports.preview import Change, Preview, RowState
from indicators.imports.stamps import HEADER as STAMP
from indicators.models import ImportBatch, Indicator, QuarterReport, ReportingPeriod, Variable
from indicators.workflow import save_draft
from ledger.models import Action, Entry
from objectives.models import Goal, Plan, Strategy, Unit, User, WorkItem, WorkPlan
from objectives.roles import Role
from objectives.spreadsheets.reading import Bad, Sheet, read_sheets
from objectives.workflow import adopt_plan


class Book:
    """A plan's workbook as it is read again, to be written into."""

    def __init__(self, plan: Any, by: Any, now: Any) -> None:
        self.tables: dict[str, list[dict[str, str]]] = {}
        self.headers: dict[str, list[str]] = {}
        for sheet in plan_sheets(plan, by=by, now=now):
            name = sheet.resource.sheet
            self.headers[name] = [*sheet.resource.headers, STAMP]
            self.tables[name] = [{**cells, STAMP: str(stamp)} for cells, stamp in sheet.rows]

    def row(self, name: str, **known: str) -> dict[str, str]:
        [found] = [row for row in self.tables[name] if known.items() <= row.items()]
        return found

    def add(self, name: str, **cells: str) -> None:
        self.tables[name].append(cells)

    def first_goal_only(self) -> Book:
        """Leave out all but the first goal with what belongs to it."""
        for name, header in {"目標": "代碼", "施政重點": "目標", "指標": "目標"}.items():
            self.tables[name] = [row for row in self.tables[name] if row[header] == "K1"]
        items = self.tables["填報項目"]
        self.tables["填報項目"] = [row for row in items if row["指標代碼"].startswith("K1-")]
        self.tables["工作計畫"] = self.tables["重要計畫項目"] = []
        return self

    @property
    def sheets(self) -> list[Sheet]:
        def rows(name: str) -> list[Any]:
            lines = [[row.get(header, "") for header in self.headers[name]] for row in self.tables[name]]
            return list(enumerate([self.headers[name], *lines], start=1))

        return [Sheet(name, rows(name)) for name in self.tables]

    def cells(self) -> dict[str, list[dict[str, str]]]:
        return {
            name: [{header: text for header, text in row.items() if header != STAMP} for row in table]
            for name, table in self.tables.items()
        }


@pytest.fixture
def book(plan, administrator, now) -> Callable[..., Book]:
    def download(of: Any = None, by: Any = None) -> Book:
        return Book(of or plan, User.objects.get(pk=(by or administrator).pk), now)

    return download


def test_what_went_out_comes_back_without_a_change(plan, book, administrator, now):
    before = Entry.objects.count()
    found = write_plan(book().sheets, by=administrator, now=now)
    assert len(found.rows) == 186
    assert found.count(RowState.UNCHANGED) == len(found.rows)
    assert Entry.objects.count() == before


def test_every_field_that_people_edit_is_in_a_sheet():
    for resource in RESOURCES:
        model = resource._meta.model
        said = {name for column in resource.columns for name in (column.attribute, *column.says)}
        fields = [*model._meta.fields, *model._meta.many_to_many]
        edited = {each.name for each in fields if each.editable and not each.primary_key}
        # A goal and a work plan are of the workbook's plan.
        assert edited - said <= {"plan"}, model


# -- A year later ------------------------------------------------------------------------------------------


def later(book: Book, year: str = "100") -> Book:
    book.tables["計畫"][0]["年度"] = year
    return book


def test_a_new_year_is_prepared_beside_the_old_one(plan, book, administrator, now):
    sheets = later(book()).sheets
    found = write_plan(sheets, by=administrator, now=now)
    made = Plan.objects.get(year=100)
    assert found.count(RowState.NEW) == 185
    assert made.predecessor == plan
    assert made.in_preparation
    again = book(made)
    assert again.cells() == later(book()).cells()
    assert QuarterReport.objects.filter(indicator__goal__plan=made).count() == 80
    assert ReportingPeriod.objects.filter(plan=made).count() == 4
    assert check_plan(sheets, by=administrator, now=now).count(RowState.UNCHANGED) == 186


def test_each_part_of_the_new_year_follows_the_row_it_was_made_from(plan, book, administrator, now):
    new = later(book().first_goal_only())
    new.row("指標", 代碼="K1-1").update({"代碼": "K1-3", "編號": "3"})
    for variable in new.tables["填報項目"]:
        variable["指標代碼"] = variable["指標代碼"].replace("K1-1", "K1-3")
    copied = {**new.row("指標", 代碼="K1-2"), "代碼": "K1-4", "編號": "4", "計算式": "1"}
    new.tables["指標"].append(copied)
    write_plan(new.sheets, by=administrator, now=now)

    def old(code: str) -> Any:
        return Indicator.objects.get(goal__plan__year=100, code=code).predecessor

    assert [str(old("K1-3")), str(old("K1-2")), old("K1-4")] == [
        "K1-1 加強雙方政要互訪", str(Indicator.objects.get(goal__plan=plan, code="K1-2")), None,
    ]  # fmt: skip
    assert Strategy.objects.filter(goal__plan__year=100, predecessor=None).count() == 0


def test_an_empty_database_takes_it_with_its_units(plan, book, administrator, department, now):
    whole = book().cells()
    sheets = later(book()).sheets
    for model in (QuarterReport, ReportingPeriod, Variable, Indicator, WorkItem, WorkPlan):
        model.objects.all().delete()
    for strategies in iter(lambda: Strategy.objects.filter(children=None), None):
        if not strategies.delete()[0]:
            break
    for gone in (Goal, Plan):
        gone.objects.all().delete()
    Unit.objects.filter(pk=department.pk).delete()
    found = write_plan(sheets, by=administrator, now=now)
    assert found.count(RowState.NEW) == 186
    made = book(Plan.objects.get())
    whole["計畫"][0]["年度"] = "100"
    assert made.cells() == whole
    assert Plan.objects.get().predecessor is None


# -- Changes -----------------------------------------------------------------------------------------------


def changes(preview: Preview) -> list[tuple[Any, ...]]:
    return [
        (row.sheet, row.title, change.label, change.before, change.after)
        for row in preview.rows
        for change in row.changes
    ]


def test_a_change_is_shown_from_and_to_and_written_once_it_is_meant(plan, book, administrator, now):
    file = book()
    file.row("指標", 代碼="K1-1").update(
        {"年度目標值": "１,０60.50", "達標方向": "AT_MOST", "施政重點": "K1 2，K1 1"}
    )
    file.row("計畫")["須經單位主管核章"] = "否"
    expected = [
        ("計畫", "MOFA 99 外交部 99 年度施政目標與重點", "須經單位主管核章", "是", "否"),
        ("指標", "K1-1 加強雙方政要互訪", "年度目標值", "55", "1060.5"),
        ("指標", "K1-1 加強雙方政要互訪", "達標方向", "至少", "至多"),
        ("指標", "K1-1 加強雙方政要互訪", "施政重點", "K1 1", "K1 1、K1 2"),
    ]
    before = Entry.objects.count()
    assert changes(check_plan(file.sheets, by=administrator, now=now)) == expected
    assert Entry.objects.count() == before
    found = write_plan(file.sheets, by=administrator, now=now)
    assert changes(found) == expected
    assert (found.count(RowState.CHANGED), found.count(RowState.NEW)) == (2, 0)
    indicator = Indicator.objects.get(code="K1-1")
    assert (indicator.target, indicator.direction) == (Decimal("1060.5"), "AT_MOST")
    assert [each.path for each in indicator.strategies.all()] == ["1", "2"]
    entry = Entry.objects.order_by("seq").last()
    assert (entry.actor, entry.source) == (administrator.username, "import")


def test_new_rows_of_every_sheet_come_in_together(plan, book, administrator, now):
    file = book()
    file.add("單位", 單位代碼="SEC", 名稱="科", 上級單位代碼="DIV")
    file.add("單位", 單位代碼="DIV", 名稱="司", 上級單位代碼="MOFA")
    file.add("施政重點", 目標="K1", 項次路徑="9.1", 內文="細目")
    file.add("施政重點", 目標="K1", 項次路徑="9", 內文="新重點")
    file.add("工作計畫", 順序="8", 名稱="新工作計畫")
    file.add("重要計畫項目", 工作計畫="8", 順序="1", 名稱="項目", 實施內容="內容", 主辦單位代碼="SEC")
    file.add(
        "指標", 目標="K1", 代碼="K1-9", 編號="9", 指標="新指標", 衡量標準="標準", 年度目標值="5",
        計量單位="項", 達標方向="至少",
        評估時點="每季", 計算式="items", 權重="1", 評估體制="1", 評估方式="統計數據",
        主辦單位代碼="DIV", 協辦單位代碼="SEC", 施政重點="K1 9.1",
    )  # fmt: skip
    file.add("填報項目", **ITEM)
    file.add("預定值", 指標代碼="K1-9", 季別="2", 預定值="3")
    found = write_plan(file.sheets, by=administrator, now=now)
    assert found.count(RowState.NEW) == 9
    made = Indicator.objects.get(code="K1-9")
    assert [unit.code for unit in made.participants] == ["DIV", "SEC"]
    assert made.reports.count() == 4
    assert made.planned_values.get().value == 3
    assert [str(each.path) for each in made.strategies.all()] == ["9.1"]


ITEM = {
    "指標代碼": "K1-9", "符號": "items", "名稱": "項數", "跨季彙整方式": "各季加總", "類別": "COUNT",
    "應填季別": "1234", "可為負數": "否", "可低於前季": "否", "填報前以 0 計": "否", "備查": "否",
    "按單位填報": "否", "順序": "1",
}  # fmt: skip


def test_what_is_missing_in_the_file_stays(plan, book, administrator, now):
    file = book()
    del file.tables["指標"][3:], file.tables["填報項目"]
    write_plan(file.sheets, by=administrator, now=now)
    assert (Indicator.objects.count(), Variable.objects.count()) == (20, 53)


def test_a_row_emptied_but_for_its_stamp_says_nothing(plan, book, administrator, now):
    file = book()
    stamp = file.tables["預定值"].append({STAMP: "MOFA|99|K1-1 1|0123456789ab"})
    assert stamp is None
    assert not check_plan(file.sheets, by=administrator, now=now).all_problems


# -- Conflicts ---------------------------------------------------------------------------------------------


def test_what_somebody_changed_since_the_download_is_a_conflict_with_both_values(
    plan, book, administrator, now
):
    file = book()
    file.row("指標", 代碼="K1-1")["年度目標值"] = "60"
    Indicator.objects.filter(code="K1-1").update(target=58)
    found = check_plan(file.sheets, by=administrator, now=now)
    [row] = [each for each in found.rows if each.state is RowState.CONFLICT]
    assert row.changes == [Change("年度目標值", "58", "60", conflict=True)]
    with pytest.raises(ImportRefused, match=r"58.*60"):
        write_plan(file.sheets, by=administrator, now=now)
    assert Indicator.objects.get(code="K1-1").target == 58


def test_what_was_deleted_since_the_download_is_a_conflict(plan, book, administrator, now):
    file = book()
    Variable.objects.filter(indicator__code="K1-2").delete()
    found = check_plan(file.sheets, by=administrator, now=now)
    [row] = [each for each in found.rows if each.state is RowState.CONFLICT]
    assert (row.sheet, row.is_new) == ("填報項目", True)


def test_a_row_without_a_stamp_is_compared_by_what_it_says(plan, book, administrator, now):
    file = book()
    Indicator.objects.filter(code="K1-1").update(target=58)
    del file.row("指標", 代碼="K1-1")[STAMP]
    found = write_plan(file.sheets, by=administrator, now=now)
    assert changes(found) == [("指標", "K1-1 加強雙方政要互訪", "年度目標值", "58", "55")]


# -- Refusals ----------------------------------------------------------------------------------------------


def told(preview: Preview) -> list[tuple[str, int, str, str]]:
    return [(each.sheet, each.row, each.column, each.reason) for each in preview.all_problems]


def test_everything_that_is_wrong_is_told_at_once_with_its_place(plan, book, administrator, now):
    file = book()
    file.row("目標", 代碼="K1")["第壹部分編號"] = "一"
    file.row("指標", 代碼="K1-1").update({"計算式": "outbound + ", "權重": "12%", "主辦單位代碼": "NONE"})
    file.row("指標", 代碼="K1-2").update({"計算式": "unknown", "達標方向": "以上"})
    file.row("指標", 代碼="K2-1")["計算式"] = "contacts + persons"
    file.row("填報項目", 指標代碼="K6-1", 符號="offering")["不得大於"] = "nothing"
    file.add("填報項目", **{**ITEM, "指標代碼": "K9-9"})
    file.add("填報項目", **{**ITEM, "指標代碼": "K1-1", "符號": "outbound"})
    file.add("預定值", 指標代碼="K1-1", 季別="5", 預定值="１e5")
    file.add("施政重點", 目標="K1", 項次路徑="7.1", 內文="無上層")
    found = check_plan(file.sheets, by=administrator, now=now)
    places = {(sheet, column): reason for sheet, _row, column, reason in told(found)}
    assert set(places) == {
        ("目標", "C"), ("指標", "J"), ("指標", "K"), ("指標", "N"), ("指標", "H"), ("填報項目", "A"),
        ("填報項目", ""), ("填報項目", "M"), ("預定值", "B"), ("預定值", "C"), ("施政重點", "B"),
    }  # fmt: skip
    with pytest.raises(ImportRefused) as refused:
        write_plan(file.sheets, by=administrator, now=now)
    assert len(refused.value.problems) == len(told(found))
    assert Indicator.objects.get(code="K1-2").direction == "AT_LEAST"


def refusals(file: Book, by: Any, now: Any) -> list[str]:
    return [f"{each.header}: {each.reason}" for each in check_plan(file.sheets, by=by, now=now).all_problems]


def test_a_row_that_stands_twice_is_refused(plan, book, administrator, now):
    file = book()
    file.add("目標", **{**file.row("目標", 代碼="K1"), "代碼": "Ｋ1"})
    assert refusals(file, administrator, now) == [": 「K1」與第 2 列重複。"]


def test_a_place_that_is_taken_is_refused(plan, book, administrator, now):
    file = book()
    file.row("指標", 代碼="K1-2")["編號"] = "1"
    [problem] = check_plan(file.sheets, by=administrator, now=now).all_problems
    assert (problem.sheet, problem.row) == ("指標", 3)


def test_units_that_stand_above_each_other_are_refused(plan, book, administrator, department, now):
    file = book()
    file.add("單位", 單位代碼="A", 名稱="甲", 上級單位代碼="B")
    file.add("單位", 單位代碼="B", 名稱="乙", 上級單位代碼="A")
    file.add("單位", 單位代碼="C", 名稱="丙")
    found = refusals(file, administrator, now)
    assert [each.partition(":")[0] for each in found] == ["上級單位代碼", "上級單位代碼", ""]
    assert "互為上級" in found[0]


def test_a_unit_below_another_does_not_become_a_topmost_one(plan, book, administrator, department, now):
    file = book()
    file.row("單位", 單位代碼="DEPT")["上級單位代碼"] = ""
    [refusal] = refusals(file, administrator, now)
    assert refusal.startswith("上級單位代碼: ")
    assert "最上級" in refusal


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda file: file.headers["指標"].remove("計算式"), "缺少「計算式」"),
        (lambda file: file.headers["指標"].append("代碼"), "「代碼」"),
        (lambda file: file.headers["指標"].append("備註"), "「備註」"),
        (lambda file: file.headers.update(指標2=[]) or file.tables.update(指標2=[]), "無「指標2」工作表"),
        (lambda file: file.tables.pop("計畫"), "請於「計畫」工作表載明"),
        (lambda file: file.add("計畫", 年度="98", 機關代碼="MOFA"), "以第一列為準"),
    ],
)  # fmt: skip
def test_a_workbook_of_another_shape_is_refused(plan, book, administrator, now, spoil, expected):
    file = book()
    spoil(file)
    assert any(expected in each for each in refusals(file, administrator, now))


def test_a_cell_that_cannot_be_read_is_refused_with_its_place(plan, book, administrator, now):
    sheets = book().sheets
    [place] = [place for place, sheet in enumerate(sheets) if sheet.name == "指標"]
    sheets[place] = Sheet("指標", sheets[place].rows, {(2, 6): Bad.NO_CACHED_VALUE})
    [problem] = check_plan(sheets, by=administrator, now=now).all_problems
    assert (problem.row, problem.column, problem.header) == (2, "F", "年度目標值")
    assert "公式尚未計算" in problem.reason


def test_a_new_plan_with_a_mistake_is_judged_to_the_end(plan, book, administrator, now):
    file = later(book().first_goal_only())
    file.tables["計畫"][0]["綠燈門檻"] = "高"
    file.row("指標", 代碼="K1-1")["年度目標值"] = "多"
    headers = [each.header for each in check_plan(file.sheets, by=administrator, now=now).all_problems]
    assert headers == ["指標代碼", "指標代碼", "年度目標值", "綠燈門檻"]
    assert Plan.objects.count() == 1


# -- Rights, and what stands fast --------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["planner", "reviewer", "auditor"])
def test_only_administrators_write_and_others_write_nothing_by_it(plan, book, request, who, now):
    by = request.getfixturevalue(who)
    file = book(by=by)
    assert file.tables["單位"] == []
    assert not refusals(file, by, now)
    file.row("目標", 代碼="K1")["名稱"] = "別的"
    file.add("工作計畫", 順序="8", 名稱="新")
    found = refusals(file, by, now)
    assert len(found) == 2
    assert all("此項屬於「外交部」" in each for each in found)


def test_another_agency_s_plan_is_refused_by_name(plan, book, person, now):
    other = Unit.objects.create(code="OTHER", name="他部")
    stranger = person("far", (Role.ADMINISTRATOR, other))
    file = book(by=stranger)
    assert not file.tables["目標"]
    file.tables["計畫"][0]["名稱"] = "別的"
    assert refusals(file, stranger, now) == ["機關代碼: 計畫內及「單位」工作表均無「MOFA」。"]


def test_a_unit_of_another_agency_leads_nothing(plan, book, administrator, now):
    Unit.objects.create(code="OTHER", name="他部")
    file = book()
    file.row("指標", 代碼="K1-1")["主辦單位代碼"] = "OTHER"
    assert "均無「OTHER」" in refusals(file, administrator, now)[0]


def test_an_adopted_plan_takes_what_its_pages_take(plan, book, administrator, now):
    adopt_plan(plan=plan, by=administrator, on=date(2009, 12, 31), number="院授研綜字第 1 號")
    file = book()
    file.row("指標", 代碼="K1-1").update({"出處說明": "新註記", "施政重點": "K1 2"})
    file.row("填報項目", 指標代碼="K3-1", 符號="baseline")["常數"] = "12"
    file.row("填報項目", 指標代碼="K1-1", 符號="outbound")["填報說明"] = "新說明"
    file.add("預定值", 指標代碼="K1-1", 季別="1", 預定值="10")
    write_plan(file.sheets, by=administrator, now=now)
    assert Variable.objects.get(indicator__code="K3-1", symbol="baseline").constant == 12
    file = book()
    file.row("指標", 代碼="K1-1")["年度目標值"] = "60"
    file.row("填報項目", 指標代碼="K3-1", 符號="baseline")["常數"] = "13"
    file.row("填報項目", 指標代碼="K1-1", 符號="outbound")["名稱"] = "別的"
    file.row("目標", 代碼="K1")["名稱"] = "別的"
    file.tables["計畫"][0]["名稱"] = "別的"
    file.add("工作計畫", 順序="8", 名稱="新")
    found = refusals(file, administrator, now)
    assert sorted(each.partition(":")[0] for each in found) == [
        "",
        "名稱",
        "名稱",
        "名稱",
        "常數",
        "年度目標值",
    ]
    assert all("院授研綜字第 1 號" in each for each in found)


def test_what_is_fixed_and_wrong_besides_is_refused(plan, book, administrator, now):
    adopt_plan(plan=plan, by=administrator, on=date(2009, 12, 31), number="院授研綜字第 1 號")
    file = book()
    file.row("指標", 代碼="K1-1")["計算式"] = "outbound +"
    found = refusals(file, administrator, now)
    assert {each.partition(":")[0] for each in found} == {"計算式"}
    assert "院授研綜字第 1 號" in found[0]


def test_a_closed_year_keeps_its_planned_values_and_thresholds(plan, book, administrator, now):
    Plan.objects.update(closed_at=now, closed_by=administrator)
    file = book()
    file.tables["計畫"][0]["黃燈門檻"] = "70"
    file.row("指標", 代碼="K1-1")["本年度不適用之理由"] = "停辦"
    file.add("預定值", 指標代碼="K1-1", 季別="1", 預定值="10")
    found = refusals(file, administrator, now)
    assert sorted(each.partition(":")[0] for each in found) == ["本年度不適用之理由", "預定值", "黃燈門檻"]
    assert all("administrator" in each for each in found)


def test_what_a_report_was_approved_with_stays(plan, book, approved, administrator, now):
    approved("K1-1", 1, outbound=4, inbound=8)
    file = book()
    file.row("指標", 代碼="K1-1").update({"年度目標值": "60", "指標": "別的名稱"})
    file.row("填報項目", 指標代碼="K1-1", 符號="outbound").update(
        {"跨季彙整方式": "取最近一季", "名稱": "別的"}
    )
    file.add("填報項目", **{**ITEM, "指標代碼": "K1-1"})
    file.add("預定值", 指標代碼="K1-1", 季別="1", 預定值="10")
    file.add("預定值", 指標代碼="K1-1", 季別="2", 預定值="20")
    found = refusals(file, administrator, now)
    assert sorted(each.partition(":")[0] for each in found) == ["", "年度目標值", "跨季彙整方式", "預定值"]
    assert all("已審核通過" in each for each in found)


def test_what_was_reported_is_not_contradicted(plan, book, report, planner, administrator, now):
    save_draft(report=report("K7-1", 1), by=planner, now=now, figures={"budget": Decimal("0.5")})
    file = book()
    file.row("填報項目", 指標代碼="K7-1", 符號="budget")["類別"] = "COUNT"
    assert "已有填報值" in refusals(file, administrator, now)[0]


def test_a_check_leaves_nothing_in_the_ledger(plan, book, administrator, now):
    file = later(book().first_goal_only())
    file.row("指標", 代碼="K1-1")["年度目標值"] = "多"
    before = Entry.objects.count()
    check_plan(file.sheets, by=administrator, now=now)
    assert Entry.objects.count() == before
    with pytest.raises(ImportRefused):
        write_plan(file.sheets, by=administrator, now=now)
    assert [entry.action for entry in Entry.objects.order_by("seq")[before:]] == [Action.REFUSED]


# -- Files -------------------------------------------------------------------------------------------------


def test_the_xlsx_has_what_the_sheets_say(plan, book, administrator, now):
    file = openpyxl.load_workbook(io.BytesIO(plan_workbook(plan, "xlsx", by=administrator, now=now)))
    assert file.sheetnames == ["說明", *book().tables]
    for name, table in book().tables.items():
        header, *rows = [["" if cell is None else str(cell) for cell in row] for row in file[name].values]
        assert [dict(zip(header, row, strict=True)) for row in rows if any(row)] == table
    indicators = file["指標"]
    assert indicators.freeze_panes == "A2"
    assert indicators.column_dimensions["S"].hidden
    assert '"至少,至多"' in [each.formula1 for each in indicators.data_validations.dataValidation]
    assert "Symbols" not in indicators["J1"].comment.text


@pytest.mark.parametrize("extension", ["xlsx", "ods"])
def test_the_file_is_read_as_it_was_written(plan, book, administrator, now, extension):
    Goal.objects.filter(kind="KEY", number=1).update(text="=1+1\n  兩個空白\t定位")
    content = plan_workbook(plan, extension, by=administrator, now=now)
    found = check_plan(read_sheets(content, extension), by=administrator, now=now)
    assert found.count(RowState.UNCHANGED) == len(found.rows) == 186
    assert not found.all_problems


def test_an_uploaded_workbook_is_kept_and_applied(plan, administrator, now):
    Goal.objects.filter(kind="KEY", number=1).update(text="新內文")
    content = plan_workbook(plan, "xlsx", by=administrator, now=now)
    Goal.objects.filter(kind="KEY", number=1).update(text="")
    stale = batches.upload(content=content, name="plan.xlsx", by=administrator, now=now)
    assert (stale.kind, stale.state, stale.conflicts) == (ImportBatch.Kind.PLAN, ImportBatch.State.REFUSED, 1)
    sound = plan_workbook(plan, "ods", by=administrator, now=now)
    batch = batches.upload(content=sound, name="plan.ods", by=administrator, now=now)
    applied, _nothing = batches.apply(batch=batch, by=administrator, now=now)
    assert (applied.state, applied.unchanged) == (ImportBatch.State.APPLIED, 186)


def test_a_plans_file_of_somebody_who_changes_no_plan_is_refused_before_it_is_tried(
    plan, planner, administrator, now, monkeypatch
):
    content = plan_workbook(plan, "xlsx", by=administrator, now=now)
    monkeypatch.setattr(batches, "check_plan", lambda *arguments, **named: pytest.fail("it was tried"))
    batch = batches.upload(content=content, name="plan.xlsx", by=planner, now=now)
    assert batch.state == ImportBatch.State.REFUSED
    assert "角色" in batch.refusal


def test_units_come_after_those_above_them_however_they_stand(plan, book, administrator, now):
    file = book()
    for number in range(40, 0, -1):
        above = f"U{number - 1}" if number > 1 else "MOFA"
        file.add("單位", 單位代碼=f"U{number}", 名稱=f"第{number}科", 上級單位代碼=above)
    write_plan(file.sheets, by=administrator, now=now)
    assert Unit.objects.get(code="U40").parent.code == "U39"


def test_a_new_plan_is_the_one_that_its_upload_is_of_once_it_is_there(plan, book, administrator, now):
    content = plan_workbook(plan, "xlsx", by=administrator, now=now)
    workbook = openpyxl.load_workbook(io.BytesIO(content))
    [year] = [cell for cell in workbook["計畫"][1] if cell.value == "年度"]
    workbook["計畫"].cell(2, year.column).value = 100
    stream = io.BytesIO()
    workbook.save(stream)
    batch = batches.upload(content=stream.getvalue(), name="plan.xlsx", by=administrator, now=now)
    assert (batch.state, batch.plan) == (ImportBatch.State.CHECKED, None)
    applied, _nothing = batches.apply(batch=batch, by=administrator, now=now)
    assert applied.plan == Plan.objects.get(year=100)


@pytest.mark.parametrize("year", ["0099" + "9" * 5_000, "٩٩", "0", "1000", "九十九"])
def test_a_year_that_is_none_is_refused_in_its_cell(plan, book, administrator, now, year):
    file = book()
    file.tables["計畫"][0]["年度"] = year
    found = check_plan(file.sheets, by=administrator, now=now).all_problems
    assert any((each.sheet, each.header) == ("計畫", "年度") for each in found)


@pytest.mark.parametrize("extension", ["xlsx", "ods"])
def test_whoever_may_see_a_plan_downloads_it_and_the_ledger_says_so(plan, planner, client, extension):
    client.force_login(planner)
    answer = client.get(reverse("admin:indicators_plan_file", args=[plan.pk, extension]))
    assert answer.status_code == 200
    assert answer.content[:2] == b"PK"
    assert f"MOFA-99.{extension}" in answer["Content-Disposition"]
    entry = Entry.objects.latest("seq")
    assert (entry.action, entry.actor, entry.key) == (Action.EXPORT, "planner", str(plan.pk))


def test_a_hidden_plan_and_another_format_are_not_there(plan, planner, stranger, client):
    address = reverse("admin:indicators_plan_file", args=[plan.pk, "xlsx"])
    client.force_login(stranger)
    assert client.get(address).status_code == 404
    client.force_login(planner)
    assert client.get(address.replace("xlsx", "xls")).status_code == 404
    assert client.post(address).status_code == 405


def test_the_plan_s_page_and_that_of_next_year_lead_to_the_workbook(plan, administrator, client):
    client.force_login(administrator)
    address = reverse("admin:indicators_plan_file", args=[plan.pk, "xlsx"])
    for page in (
        reverse("admin:objectives_plan_change", args=[plan.pk]),
        reverse("admin:indicators_next_year", args=[plan.pk]),
    ):
        assert address in client.get(page).content.decode()


def test_a_command_writes_the_same(plan, tmp_path, department):
    file = tmp_path / "plan.xlsx"
    call_command("export_plan", "--year", "99", "--format", "xlsx", "--output", str(file))
    units = [row[0] for row in openpyxl.load_workbook(file)["單位"].values]
    assert list(filter(None, units)) == ["單位代碼", "DEPT", "MOFA"]
    assert Entry.objects.latest("seq").action == Action.EXPORT
    with pytest.raises(CommandError):
        call_command("export_plan", "--year", "98", "--format", "ods", "--output", str(file))


def test_a_dry_run_of_the_import_command_tries_a_plan_s_workbook_too(plan, administrator, tmp_path, now):
    file = tmp_path / "plan.xlsx"
    file.write_bytes(plan_workbook(plan, "xlsx", by=administrator, now=now))
    before = Entry.objects.count()
    call_command("import_figures", str(file), "--as", "administrator", "--dry-run")
    assert Entry.objects.count() == before
    book = openpyxl.load_workbook(file)
    header = [cell.value for cell in book["指標"][1]]
    book["指標"].cell(2, header.index("年度目標值") + 1).value = "多"
    book.save(file)
    with pytest.raises(CommandError, match="多"):
        call_command("import_figures", str(file), "--as", "administrator", "--dry-run")
    assert Entry.objects.count() == before
