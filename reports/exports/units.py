"""單位填報情形: how punctually each unit reported, side by side; attainment is no part of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.utils.translation import gettext_lazy as _

from objectives.spreadsheets.tables import Column, Kind, Value

from ..reporting import UnitReporting
from . import columns
from .dataset import Dataset, Row
from .scope import Scope
from .status import PERIODS, STEPS

CELLS: tuple[tuple[Column, Callable[[UnitReporting], Value]], ...] = (
    (Column("單位代碼", Kind.TEXT, 10, "主辦單位之代碼。", source=columns.UNITS), lambda u: u.unit.code),
    (columns.LEAD, lambda u: u.unit.name),
    (
        Column("應填報件數", Kind.WHOLE, 11, "至該季止應填報之季填報件數。", unit="件", source=PERIODS),
        lambda u: u.asked,
    ),
    (
        Column("如期送審件數", Kind.WHOLE, 13, "於送審期限內送審之件數。", unit="件", source=STEPS),
        lambda u: u.in_time,
    ),
    (
        Column("逾期送審件數", Kind.WHOLE, 13, "逾送審期限始送審之件數。", unit="件", source=STEPS),
        lambda u: u.late,
    ),
    (
        Column("逾期未送審件數", Kind.WHOLE, 15, "已逾送審期限而尚未送審之件數。", unit="件", source=STEPS),
        lambda u: u.overdue,
    ),
    (
        Column("未屆期件數", Kind.WHOLE, 11, "尚未送審而未逾期限之件數。", unit="件", source=STEPS),
        lambda u: u.due,
    ),
    (
        Column(
            "逾期日數中位數", Kind.WHOLE, 15,
            "逾期送審及逾期未送審各件逾期日數之中位數；無逾期者為 0。", unit="日", source=STEPS,
        ),
        lambda u: u.median_late,
    ),
    (
        Column("退回次數", Kind.WHOLE, 9, "季填報經退回補正之次數。", unit="次", source=STEPS),
        lambda u: u.returned,
    ),
)  # fmt: skip


def _rows(scope: Scope) -> Iterator[Row]:
    for unit in scope.reporting.units:
        yield (scope.plan.year, scope.quarter, *(cell(unit) for _column, cell in CELLS))


UNITS = Dataset(
    name="units",
    title="單位填報情形",
    about=_("How punctually each unit reported up to the quarter, of those whose reports you may follow."),
    columns=(columns.YEAR, columns.QUARTER, *(column for column, _cell in CELLS)),
    rows=_rows,
    filters=("year", "agency", "quarter", "as_of"),
    demo=lambda scope: any(report.demo for report in scope.reporting.reports),
)
