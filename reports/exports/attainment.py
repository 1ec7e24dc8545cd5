"""達成情形: every indicator's value, attainment and standing at a quarter, as the dashboard shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from indicators.wording import STATES
from objectives.models import Goal
from objectives.spreadsheets.tables import Column, Kind, Value

from ..facets import KEYS, in_words, kept
from ..presentation import value_arithmetic
from ..results import Result
from ..wording import LIGHT_SYMBOLS, PROGRESS
from . import columns
from .dataset import OF_A_PLAN, Dataset, Row
from .scope import Scope

KINDS = {Goal.Kind.KEY: "關鍵", Goal.Kind.COMMON: "共同性"}
UNAPPROVED = "含未審核"
DEMONSTRATION = "示範資料"

Cell = Callable[[Result], Value]


def state(result: Result) -> str:
    """The state of the value; neither a demonstration nor what awaits approval is ever shown as official."""
    marks = [UNAPPROVED] * result.provisional + [DEMONSTRATION] * result.demo
    return f"{STATES[result.attainment.value.state]}{'（' + '、'.join(marks) + '）' if marks else ''}"


def progress(result: Result) -> Value:
    found = result.attainment.progress
    return str(PROGRESS[found]) if found else None


def light(result: Result) -> Value:
    found = result.attainment.light
    return LIGHT_SYMBOLS[found] if found else None


def estimate(result: Result) -> Value:
    return result.estimate


ESTIMATE = Column(
    "全年推估", Kind.NUMBER, 14, "按已填報季數推估之全年實際值，僅供參考；第 4 季及不宜推估者空白。",
    unit="依「計量單位」欄", source=columns.RULES,
)  # fmt: skip
# What an indicator is, at the beginning of every row about its results.
NAMED: tuple[tuple[Column, Cell], ...] = (
    (columns.YEAR, lambda r: r.indicator.goal.plan.year),
    (columns.QUARTER, lambda r: r.quarter),
    (columns.KIND, lambda r: KINDS[Goal.Kind(r.indicator.goal.kind)]),
    (columns.GOAL_CODE, lambda r: r.indicator.goal.code),
    (columns.GOAL, lambda r: r.indicator.goal.title),
    (columns.CODE, lambda r: r.indicator.code),
    (columns.INDICATOR, lambda r: r.indicator.title),
    (columns.LEAD, lambda r: r.indicator.lead_unit.name),
)
CELLS: tuple[tuple[Column, Cell], ...] = (
    *NAMED,
    (
        Column("衡量標準", Kind.TEXT, 48, "計畫所定之衡量標準，依計畫原文。", source=columns.INDICATORS),
        lambda r: r.indicator.standard,
    ),
    (columns.MEASURE, lambda r: r.indicator.unit),
    (
        Column(
            "年度目標值", Kind.NUMBER, 12, "計畫原訂之年度目標值；經修正者另見「修正後目標值」。",
            unit="依「計量單位」欄", source=columns.INDICATORS,
        ),
        lambda r: r.indicator.target,
    ),
    (
        Column(
            "修正後目標值", Kind.NUMBER, 13, "自本季或先前季別起生效之修正目標值；未經修正者空白。",
            unit="依「計量單位」欄", source=columns.REVISION,
        ),
        lambda r: r.definition.revised_target,
    ),
    (columns.PLANNED, lambda r: r.planned),
    (columns.VALUE, lambda r: r.attainment.value.amount),
    (columns.STATE, state),
    (columns.WHY, lambda r: r.why or None),
    (
        Column(
            "代入算式", Kind.TEXT, 48,
            "以填報值代入計算式之算式及其結果，如 (1,200 + 300) ÷ 2,000 × 100 = 75；「？」為尚無數值者。",
            source=columns.RULES,
        ),
        lambda r: value_arithmetic(r) or None,
    ),
    (
        Column(
            "達成度（未設上限）", Kind.NUMBER, 18,
            "未設上下限之達成度：望大者為實際值除以目標值，望小者為目標值除以實際值（未逾目標值者為 100）；"
            "未四捨五入。",
            unit="%", source=columns.RULES,
        ),
        lambda r: r.attainment.raw,
    ),
    (columns.ATTAINMENT, lambda r: r.attainment.attainment),
    (columns.PROGRESS, progress),
    (columns.LIGHT, light),
    (ESTIMATE, estimate),
    (
        Column("計算式", Kind.TEXT, 48, "計畫原訂之計算式，以填報項目之符號表示。", source="指標定義"),
        lambda r: r.indicator.formula,
    ),
    (
        Column(
            "修正後計算式", Kind.TEXT, 48, "自本季或先前季別起生效之修正計算式；未經修正者空白。",
            source=columns.REVISION,
        ),
        lambda r: r.definition.revised_formula or None,
    ),
)  # fmt: skip
# The ledger's last entry when these numbers stood: whoever keeps the file holds the ledger to it.
HEAD_COLUMNS = (columns.HEAD_SEQ, columns.HEAD_HASH)


def result_rows(scope: Scope, results: Iterable[Result], cells: Iterable[Cell]) -> Iterator[Row]:
    """Yield a row of cells for each result, the ledger's head at its end."""
    cells, head = tuple(cells), (scope.at.head.seq, scope.at.head.hash)
    with override("zh-hant"):
        found = [(*(cell(result) for cell in cells), *head) for result in results]
    yield from found


NARROWED = (*OF_A_PLAN, *KEYS)


def narrowed_in_words(scope: Scope) -> list[tuple[str, str]]:
    """Say what narrows the rows. Raises ValidationError for what there is not in the plan."""
    with override("zh-hant"):
        return in_words(scope.results, scope.more)


def _rows(scope: Scope) -> Iterator[Row]:
    return result_rows(scope, kept(scope.results.results, scope.more), (cell for _column, cell in CELLS))


ATTAINMENT = Dataset(
    name="attainment",
    title="達成情形",
    about=_("Value, attainment and standing of every indicator at the quarter, with the worked arithmetic."),
    columns=(*(column for column, _cell in CELLS), *HEAD_COLUMNS),
    rows=_rows,
    filters=NARROWED,
    demo=lambda scope: scope.results.demo,
    in_words=narrowed_in_words,
    description="各績效指標於該季之目標值、預定值、累計實際值、達成度、進度或系統試算燈號，以及計算式與代入算式。",
)
