"""The workbook of a plan: out and in again, a year later, from → to, and everything that is refused."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from indicators.imports.lines import ImportRefused
from indicators.imports.plan_files import check_plan, plan_sheets, write_plan
from indicators.imports.preview import Change, Preview, RowState
from indicators.imports.stamps import HEADER as STAMP
from indicators.models import Indicator, QuarterReport, ReportingPeriod, Variable
from ledger.models import Entry
from objectives.models import Goal, Plan, Strategy, Unit, User, WorkItem, WorkPlan
from objectives.spreadsheets.reading import Sheet


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
    new = later(book())
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
    file.row("指標", 代碼="K1-1").update({"年度目標值": "１,０60.50", "達標方向": "AT_MOST", "施政重點": "K1 2，K1 1"})
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
        "指標", 目標="K1", 代碼="K1-9", 編號="9", 指標="新指標", 衡量標準="標準", 年度目標值="5", 計量單位="項",
        達標方向="至少", 評估時點="每季", 計算式="items", 權重="1", 評估體制="1", 評估方式="統計數據",
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
    "指標代碼": "K1-9", "符號": "items", "名稱": "項數", "跨季彙整方式": "各季加總", "種類": "COUNT",
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
    with pytest.raises(ImportRefused, match="58.*60"):
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
        ("目標", "C"), ("指標", "J"), ("指標", "K"), ("指標", "N"), ("指標", "H"), ("填報項目", "A"), ("填報項目", ""),
        ("填報項目", "M"), ("預定值", "B"), ("預定值", "C"), ("施政重點", "B"),
    }  # fmt: skip
    with pytest.raises(ImportRefused) as refused:
        write_plan(file.sheets, by=administrator, now=now)
    assert len(refused.value.problems) == len(told(found))
    assert Indicator.objects.get(code="K1-2").direction == "AT_LEAST"
