"""未達標及落後項目: what the dashboard lists as behind or awaiting action, with what the units say of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.utils.translation import gettext_lazy as _

from indicators.models import QuarterReport
from objectives.spreadsheets.tables import Column, Kind, Value

from ..presentation import standing
from ..results import Result
from . import columns
from .attainment import HEAD_COLUMNS, NAMED, Cell, light, progress, result_rows, state
from .dataset import Dataset, Row
from .scope import Scope

CELLS: tuple[tuple[Column, Cell], ...] = (
    *NAMED,
    (
        Column(
            "列入原因", Kind.TEXT, 12,
            "年度進行中為落後或資料未齊；年度終了後為黃燈、紅燈或白燈。", source=columns.RULES,
        ),
        lambda r: str(standing(r.attainment.light or r.attainment.progress).word),
    ),
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


def _wanting(scope: Scope) -> list[Result]:
    return [result for result in scope.results.results if result.needs_attention]


def _rows(scope: Scope) -> Iterator[Row]:
    counted = scope.reports.filter(quarter=scope.quarter, status__in=scope.basis.statuses)
    reports = {report.indicator_id: report for report in counted}

    def told(say: Told) -> Cell:
        def cell(result: Result) -> Value:
            report = reports.get(result.indicator.pk)
            return say(report) if report else None

        return cell

    cells = (*(cell for _column, cell in CELLS), *(told(say) for _column, say in TOLD))
    return result_rows(scope, _wanting(scope), cells)


MISSED = Dataset(
    name="missed",
    title="未達標及落後項目",
    about=_(
        "What is behind, without its figures or, at the year's end, has no green light; with the reasons."
    ),
    columns=(*(column for column, _cell in (*CELLS, *TOLD)), *HEAD_COLUMNS),
    rows=_rows,
    demo=lambda scope: any(result.demo for result in _wanting(scope)),
    description="該季落後、資料未齊，或年度終了未得綠燈之績效指標，及主辦單位所提落後原因、因應對策與預定改善期限。",
)
