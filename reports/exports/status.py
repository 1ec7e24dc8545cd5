"""填報進度: where each quarter report stands that the reader may follow, what it lacks and how late it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from indicators import workflow
from indicators.models import QuarterReport, ReportingPeriod
from indicators.my_work import Standing
from objectives.spreadsheets.tables import Column, Kind

from . import columns
from .dataset import Dataset, Row
from .scope import Scope

PERIODS = "填報期間（docs/reporting.md「When a quarter is open」）"
STEPS = "送審、核章、審核之紀錄（docs/reporting.md「The steps of a report」）"

AT_ONCE = 200  # reports whose figures are in memory together

COLUMNS = (
    columns.YEAR,
    Column("季別", Kind.WHOLE, 6, "季填報所屬之季，1 至 4。", source=columns.PLAN),
    Column("單位代碼", Kind.TEXT, 10, "主辦單位之代碼。", source=columns.UNITS),
    columns.LEAD,
    columns.CODE,
    columns.INDICATOR,
    Column(
        "填報狀態", Kind.TEXT, 12,
        "季填報現處之階段：未填、填報中、已送審、已核章、已通過或退回。", source=columns.REPORT,
    ),
    Column(
        "缺漏項目數", Kind.WHOLE, 10,
        "該季應填而尚無數值之項目數；由各單位分別填報者逐單位計。",
        unit="項", source=columns.REPORT,
    ),
    Column(
        "缺漏項目", Kind.TEXT, 40,
        "該季應填而尚無數值之項目名稱；由各單位分別填報者註明單位。",
        source=columns.REPORT,
    ),
    Column("填報開始日", Kind.DAY, 12, "該季開始受理填報之日。", source=PERIODS),
    Column("送審期限", Kind.DAY, 12, "承辦人應送審之期限。", source=PERIODS),
    Column("核章期限", Kind.DAY, 12, "單位主管應核章之期限。", source=PERIODS),
    Column("審核期限", Kind.DAY, 12, "研考人員應審核之期限。", source=PERIODS),
    Column("送審時間", Kind.MOMENT, 20, "最近一次送審之時間（臺北）；未送審或已退回者空白。", source=STEPS),
    Column("核章時間", Kind.MOMENT, 20, "單位主管核章之時間（臺北）。", source=STEPS),
    Column("審核通過時間", Kind.MOMENT, 20, "研考人員審核通過之時間（臺北）。", source=STEPS),
    Column("退回時間", Kind.MOMENT, 20, "最近一次退回補正之時間（臺北）。", source=STEPS),
    Column(
        "逾期日數", Kind.WHOLE, 10,
        "送審逾送審期限之日數；尚未送審者計至資料截至日。未逾期者為 0，未定填報期間者空白。",
        unit="日", source=PERIODS,
    ),
)  # fmt: skip


def _rows(scope: Scope) -> Iterator[Row]:
    periods = {period.quarter: period for period in ReportingPeriod.objects.filter(plan=scope.plan)}
    reports = (
        scope.reports.asked_for()
        .select_related("indicator__goal__plan", "indicator__lead_unit")
        .prefetch_related("figures", *(f"indicator__{name}" for name in workflow.DEFINED_BY))
        .order_by(
            "indicator__lead_unit__code", "quarter", "indicator__goal__outline_number", "indicator__number"
        )
    )  # fmt: skip
    with override("zh-hant"):
        found = [
            _row(report, periods.get(report.quarter), scope.at.now)
            for report in reports.iterator(chunk_size=AT_ONCE)
        ]
    yield from found


def _row(report: QuarterReport, period: ReportingPeriod | None, now: datetime) -> Row:
    indicator, missing = report.indicator, _missing(report)
    return (
        indicator.goal.plan.year, report.quarter, indicator.lead_unit.code, indicator.lead_unit.name,
        indicator.code, indicator.title,
        str(Standing.of(report.status, begun=report.changed_at is not None).label),
        len(missing), "、".join(missing) or None,
        *_days(period),
        report.submitted_at, report.endorsed_at, report.approved_at, report.returned_at,
        period.days_late(report.submitted_at, now) if period else None,
    )  # fmt: skip


def _days(period: ReportingPeriod | None) -> Row:
    if period is None:
        return (None,) * 4
    return period.opens_on, period.submit_by, period.endorse_by, period.approve_by


def _missing(report: QuarterReport) -> list[str]:
    """Name the figures that are due and not there; none is due where the report says 不適用."""
    if report.not_applicable_reason or report.indicator.not_applicable_reason:
        return []
    return [
        f"{variable.name}（{unit.name}）" if unit else variable.name
        for variable, unit in workflow.missing_figures(report)
    ]


STATUS = Dataset(
    name="status",
    title="填報進度",
    about=_(
        "Where each quarter report stands that you may follow: due dates, steps, days late, what is missing."
    ),
    columns=COLUMNS,
    rows=_rows,
    filters=("year", "agency", "quarter", "as_of"),
    demo=lambda scope: scope.reports.asked_for().filter(demo=True).exists(),
)
