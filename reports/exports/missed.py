"""未達標及落後項目: what the dashboard lists as behind or awaiting action, with what the units say of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.utils.translation import gettext_lazy as _

from indicators.models import QuarterReport
from objectives.spreadsheets.tables import Column, Kind, Value

from ..attention import Item, wanting
from ..facets import kept
from ..wording import REASONS
from . import columns
from .attainment import (
    ESTIMATE,
    HEAD_COLUMNS,
    NAMED,
    NARROWED,
    Cell,
    estimate,
    light,
    narrowed_in_words,
    progress,
    result_rows,
    state,
)
from .dataset import Dataset, Row
from .scope import Scope

CELLS: tuple[tuple[Column, Cell], ...] = (
    *NAMED,
    (columns.MEASURE, lambda r: r.indicator.unit),
    (
        Column(
            "適用目標值", Kind.NUMBER, 12, "該季適用之年度目標值；經修正者為修正後之值。",
            unit="依「計量單位」欄", source=columns.INDICATORS,
        ),
        lambda r: r.attainment.target,
    ),
    (columns.PLANNED, lambda r: r.planned),
    (columns.VALUE, lambda r: r.attainment.value.amount),
    (columns.STATE, state),
    (columns.WHY, lambda r: r.why or None),
    (columns.ATTAINMENT, lambda r: r.attainment.attainment),
    (columns.PROGRESS, progress),
    (columns.LIGHT, light),
    (ESTIMATE, estimate),
    (
        Column(
            "其餘各季每季尚需", Kind.NUMBER, 16,
            "為達目標值，其餘各季每季尚需新增之數；計算式與各季加總之填報項目不成正比，或已達目標者空白。",
            source=columns.RULES,
        ),
        lambda r: r.needed,
    ),
)  # fmt: skip

Listed = Callable[[Item], Value]
LISTED: tuple[tuple[Column, Listed], ...] = (
    (
        Column(
            "列入原因", Kind.TEXT, 24,
            "年度進行中為逾期未填報、落後、資料未齊或推估未達標；年度終了後為逾期未填報、紅燈、黃燈或白燈。",
            source=columns.RULES,
        ),
        lambda item: "、".join(str(REASONS[reason]) for reason in item.reasons),
    ),
    (
        Column(
            "逾期日數", Kind.WHOLE, 10,
            "該季尚未送審而已逾送審期限之日數；未逾期或匯出人無權閱覽者為 0。",
            unit="日", source=columns.REPORT,
        ),
        lambda item: item.days_late,
    ),
    (
        Column(
            "實際值較上季增減", Kind.NUMBER, 16, "累計實際值減上季之累計實際值；任一季無數值者空白。",
            unit="依「計量單位」欄", source=columns.RULES,
        ),
        lambda item: item.value_change,
    ),
    (
        Column(
            "達成度較上季增減", Kind.NUMBER, 16, "達成度減上季之達成度；任一季無達成度者空白。",
            unit="百分點", source=columns.RULES,
        ),
        lambda item: item.attainment_change,
    ),
)  # fmt: skip

_OPEN_TO = "僅列計入之季填報，且匯出人有權閱覽者；其餘空白。"
Told = Callable[[QuarterReport], Value]
TOLD: tuple[tuple[Column, Told], ...] = (
    (columns.REPORT_STATUS, lambda report: str(report.get_status_display())),
    (
        Column("落後原因", Kind.TEXT, 40, f"主辦單位敘明之落後原因；{_OPEN_TO}", source=columns.REPORT),
        lambda report: report.lag_reason or None,
    ),
    (
        Column("因應對策", Kind.TEXT, 40, f"主辦單位擬採之因應對策；{_OPEN_TO}", source=columns.REPORT),
        lambda report: report.response or None,
    ),
    (
        Column(
            "預定改善期限", Kind.DAY, 13, f"主辦單位預定完成改善之日期；{_OPEN_TO}", source=columns.REPORT
        ),
        lambda report: report.improve_by,
    ),
    (
        Column("需協調事項", Kind.TEXT, 30, f"需其他機關單位協調之事項；{_OPEN_TO}", source=columns.REPORT),
        lambda report: report.coordination or None,
    ),
)


def _wanting(scope: Scope) -> list[Item]:
    found = wanting(scope.results, scope.reporting)
    return [item for item in found if kept([item.result], scope.more)]


def _rows(scope: Scope) -> Iterator[Row]:
    items = {item.result.indicator.pk: item for item in _wanting(scope)}

    def of_item(say: Listed) -> Cell:
        return lambda result: say(items[result.indicator.pk])

    def of_report(say: Told) -> Cell:
        return of_item(lambda item: say(item.report) if item.report else None)

    cells: list[Cell] = [cell for _column, cell in CELLS]
    cells += [of_item(say) for _column, say in LISTED]
    cells += [of_report(say) for _column, say in TOLD]
    return result_rows(scope, (item.result for item in items.values()), cells)


MISSED = Dataset(
    name="missed",
    title="未達標及落後項目",
    about=_(
        "What is behind, overdue, without its figures, estimated to miss its target or, at the year's end, "
        "has no green light; with the reasons."
    ),
    columns=(*(column for column, _say in (*CELLS, *LISTED, *TOLD)), *HEAD_COLUMNS),
    rows=_rows,
    filters=NARROWED,
    in_words=narrowed_in_words,
    demo=lambda scope: any(item.result.demo for item in _wanting(scope)),
    description="該季逾期未填報、落後、資料未齊、推估未達標，或年度終了未得綠燈之績效指標，及主辦單位所提落後原因、因應對策與預定改善期限。",
)
