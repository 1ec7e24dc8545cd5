"""季報: what a plan's indicators came to by a quarter, as a document with boxes for the seals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from indicators.models import QUARTERS, QuarterReport
from indicators.readings import Basis
from objectives.models import Plan, User
from objectives.numerals import chinese_numeral
from objectives.roc import roc_date, roc_moment

from ..attention import wanting
from ..moments import At
from ..presentation import (
    AttentionRow,
    Dashboard,
    Row,
    VariableRow,
    attainment_arithmetic,
    dashboard_of,
    value_arithmetic,
    variable_rows,
)
from ..reporting import reporting
from ..results import PlanResults, Result, contributors, plan_results
from .tree import Bar, Block, Chart, Document, Facts, Heading, Paragraph, Seals, Table

NOTHING = "－"
SEALS = ("承辦人", "單位主管", "研考", "機關首長")
TEXTS = (
    ("執行情形", "remark"),
    ("落後原因", "lag_reason"),
    ("因應對策", "response"),
    ("預定改善期限", "improve_by"),
    ("需協調事項", "coordination"),
)


def quarterly(
    plan: Plan, quarter: int, *, at: At, basis: Basis, number: str = "", reader: User | None = None
) -> Document:
    """Return the report of a quarter; reader None may read what every unit wrote."""
    results = plan_results(plan, quarter=quarter, at=at, basis=basis)
    reports = QuarterReport.objects.visible_to(reader) if reader else QuarterReport.objects.all()
    followed = reporting(plan, until=quarter, reports=reports, now=at.now)
    shown = dashboard_of(results, wanting(results, followed))
    counted = {
        report.indicator_id: report for report in followed.of(quarter) if report.status in basis.statuses
    }
    return Document(
        title=f"{plan.unit.name} {plan.year} 年度施政績效第 {quarter} 季季報",
        subtitle=plan.title,
        number=number,
        proof=f"資料截至 {roc_moment(at.now)}　異動紀錄第 {at.head.seq} 筆　{at.head.hash}",
        blocks=[*_summary(results, shown), *_indicators(results, shown, counted), *_seals()],
    )


def _summary(results: PlanResults, shown: Dashboard) -> Iterator[Block]:
    yield Heading("壹、總說")
    covered = f"{results.mean.total} 項中 {results.mean.covered} 項已有達成度"
    official = results.basis is Basis.OFFICIAL
    mean = f"{shown.mean.number.shown}%" if shown.mean.number else NOTHING
    yield Facts(
        [
            ("資料範圍", "審核通過之填報值" if official else "含未審核之填報值"),
            *([("資料性質", "示範資料，非機關公布之實績")] if results.demo else []),
            ("平均達成度（系統試算）", f"{mean}（{covered}）"),
            (
                "系統試算燈號" if results.at_year_end else "進度",
                "　".join(f"{standing.symbol} {standing.word} {count} 項" for standing, count in shown.tally),
            ),
        ]
    )
    yield Chart("各項指標達成度（%）", [_bar(row) for section in shown.goals for row in section.rows])
    yield Heading("落後及待處理項目", 2)
    if shown.attention:
        yield Table(
            ("指標", "主辦單位", "列入原因", "累計實際值／目標值", "達成度"),
            [_wanting(row) for row in shown.attention],
            (38, 16, 18, 16, 12),
            frozenset({3, 4}),
        )
    else:
        yield Paragraph("無。")


def _bar(row: Row) -> Bar:
    found = row.result.attainment.attainment
    said = f"{row.attainment.shown}%" if row.attainment else NOTHING
    return Bar(row.indicator.code, None if found is None else f"{found:.2f}", f"{said}　{row.standing.word}")


def _wanting(row: AttentionRow) -> list[str]:
    return [
        str(row.indicator),
        str(row.indicator.lead_unit),
        "、".join(str(reason.word) for reason in row.reasons),
        f"{_value(row)}／{row.target}",
        f"{row.attainment.shown}%" if row.attainment else NOTHING,
    ]


def _value(row: Row) -> str:
    return row.value.shown if row.value else NOTHING


def _indicators(results: PlanResults, shown: Dashboard, reports: dict[int, QuarterReport]) -> Iterator[Block]:
    units = contributors(results.results)
    history: dict[int, list[Result]] = {}
    for each in results.trend:
        for result in each.results:
            history.setdefault(result.indicator.pk, []).append(result)
    yield Heading("貳、各項指標執行情形", new_page=True)
    for number, section in enumerate(shown.goals, start=1):
        yield Heading(f"{chinese_numeral(number)}、{section.goal.outline_title or section.goal.title}", 2)
        for row in section.rows:
            yield Heading(f"{row.indicator.code}　{row.indicator.title}", 3)
            yield Facts(list(_facts(row, reports.get(row.indicator.pk))))
            yield _figures(row, history[row.indicator.pk], units)


def _facts(row: Row, report: QuarterReport | None) -> Iterator[tuple[str, str]]:
    indicator, result = row.indicator, row.result
    original = f"（原訂 {row.original_target}）" if row.original_target else ""
    yield "主辦單位", str(indicator.lead_unit)
    yield "衡量標準", indicator.standard
    yield "年度目標值", f"{row.target} {indicator.unit}{original}"
    yield "本季預定值", row.planned or "未訂"
    marks = "（含未審核）" * result.provisional + "（示範資料）" * result.demo
    state = "" if row.is_complete else f"　{row.state}{'：' + result.why if result.why else ''}"
    yield "累計實際值", f"{_value(row)} {indicator.unit}{marks}{state}"
    yield "達成度", f"{row.attainment.shown}%" if row.attainment else NOTHING
    yield "燈號" if result.attainment.light else "進度", f"{row.standing.symbol} {row.standing.word}"
    if row.estimate:
        needed = f"；其餘各季每季尚需 {row.needed}" if row.needed else ""
        yield "全年推估", f"約 {row.estimate}{needed}"
    yield "計算", "\n".join(filter(None, [value_arithmetic(result), *attainment_arithmetic(result)]))
    if report:
        yield from _texts(report)


def _texts(report: QuarterReport) -> Iterator[tuple[str, str]]:
    if report.not_applicable_reason:
        yield "不適用理由", report.not_applicable_reason
    for label, name in TEXTS:
        found: Any = getattr(report, name)
        if found:
            yield label, found if isinstance(found, str) else roc_date(found)


def _figures(row: Row, history: Sequence[Result], units: dict[int, str]) -> Table:
    quarters = QUARTERS[: row.result.quarter]
    share = 44 // len(quarters)
    return Table(
        ("填報項目", *(f"第 {quarter} 季" for quarter in quarters), "計入"),
        [_line(each) for each in variable_rows(history, row.result, units)],
        (100 - 16 - share * len(quarters), *[share] * len(quarters), 16),
        frozenset(range(1, len(quarters) + 2)),
    )


def _line(item: VariableRow) -> Sequence[str]:
    unit = f"（{item.variable.unit}）" if item.variable.unit else ""
    cells = [each.number.shown if each.number else str(each.words) or NOTHING for each in item.cells]
    return [item.variable.name + unit, *cells, item.operand.shown if item.operand else NOTHING]


def _seals() -> Iterator[Block]:
    yield Heading("參、核章")
    yield Seals(SEALS)
