"""指標定義: parts II and III of the plan as a table, with what each indicator is computed from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from indicators.models import Indicator, Variable
from indicators.numbers import format_number
from objectives.models import Goal
from objectives.spreadsheets.tables import Column, Kind, Value

from ..results import plan_indicators
from . import columns
from .attainment import KINDS
from .dataset import Dataset, Row
from .scope import Scope

Cell = Callable[[Indicator, int], Value]


def _revised_target(indicator: Indicator, quarter: int) -> Decimal | None:
    return indicator.in_force(quarter).revised_target


def _revised_formula(indicator: Indicator, quarter: int) -> str | None:
    return indicator.in_force(quarter).revised_formula or None


def _items(indicator: Indicator, quarter: int) -> str:
    """List the variables with what stands for them in the formula: symbol＝name（unit）."""
    return "；".join(_item(variable) for variable in indicator.variables.all())


def _item(variable: Variable) -> str:
    said = [words for words in (variable.unit, "備查" if variable.memo else "") if words]
    if variable.is_constant:
        said.append("常數，未定" if variable.constant is None else f"常數 {format_number(variable.constant)}")
    return f"{variable.symbol}＝{variable.name}{'（' + '，'.join(said) + '）' if said else ''}"


CELLS: tuple[tuple[Column, Cell], ...] = (
    (columns.YEAR, lambda i, q: i.goal.plan.year),
    (columns.KIND, lambda i, q: KINDS[Goal.Kind(i.goal.kind)]),
    (columns.GOAL_CODE, lambda i, q: i.goal.code),
    (columns.GOAL, lambda i, q: i.goal.title),
    (columns.CODE, lambda i, q: i.code),
    (columns.INDICATOR, lambda i, q: i.title),
    (
        Column(
            "評估體制", Kind.WHOLE, 9,
            "計畫所定評估體制之代號，1 至 5，意義見計畫該部分之說明。",
            source=columns.INDICATORS,
        ),
        lambda i, q: i.scheme,
    ),
    (
        Column("評估方式", Kind.TEXT, 12, "計畫所定之評估方式，如統計數據。", source=columns.INDICATORS),
        lambda i, q: i.method,
    ),
    (
        Column("衡量標準", Kind.TEXT, 48, "計畫所定之衡量標準，依計畫原文。", source=columns.INDICATORS),
        lambda i, q: i.standard,
    ),
    (
        Column(
            "年度目標值", Kind.NUMBER, 12,
            "計畫原訂之年度目標值。",
            unit="依「計量單位」欄", source=columns.INDICATORS,
        ),
        lambda i, q: i.target,
    ),
    (
        Column(
            "修正後目標值", Kind.NUMBER, 13, "自該季或先前季別起生效之修正目標值；未經修正者空白。",
            unit="依「計量單位」欄", source=columns.REVISION,
        ),
        _revised_target,
    ),
    (columns.MEASURE, lambda i, q: i.unit),
    (
        Column(
            "目標方向", Kind.TEXT, 9,
            "至少：實際值達目標值以上為達成；至多：實際值不逾目標值為達成。",
            source="指標定義",
        ),
        lambda i, q: str(i.get_direction_display()),
    ),
    (
        Column("評估時點", Kind.TEXT, 9, "每季：各季均評估；年度終了：僅於年度終了評估。", source="指標定義"),
        lambda i, q: str(i.get_assessed_display()),
    ),
    (
        Column("計算式", Kind.TEXT, 48, "計畫原訂之計算式，以填報項目之符號表示。", source="指標定義"),
        lambda i, q: i.formula,
    ),
    (
        Column(
            "修正後計算式", Kind.TEXT, 48,
            "自該季或先前季別起生效之修正計算式；未經修正者空白。",
            source=columns.REVISION,
        ),
        _revised_formula,
    ),
    (
        Column(
            "填報項目", Kind.TEXT, 60,
            "各填報項目之符號、名稱及計量單位；備查項目及計畫所定常數並予註明。",
            source="指標定義",
        ),
        _items,
    ),
    (
        Column("權數", Kind.NUMBER, 8, "計算平均達成度之權數；未另訂者為 1。", source="指標定義"),
        lambda i, q: i.weight,
    ),
    (columns.LEAD, lambda i, q: i.lead_unit.name),
    (
        Column("協辦單位", Kind.TEXT, 24, "分別填報所屬數值之協辦單位。", source=columns.UNITS),
        lambda i, q: "、".join(unit.name for unit in i.participants[1:]) or None,
    ),
    (
        Column("本年度不適用原因", Kind.TEXT, 24, "全年度不適用之原因；適用者空白。", source="指標定義"),
        lambda i, q: i.not_applicable_reason or None,
    ),
    (
        Column(
            "附註", Kind.TEXT, 40,
            "計畫原文有疑義、缺漏或誤植處之說明，原文未予更動。",
            source="計畫原文考訂",
        ),
        lambda i, q: i.note or None,
    ),
)  # fmt: skip


def _rows(scope: Scope) -> Iterator[Row]:
    indicators = plan_indicators(scope.plan).prefetch_related("contributing_units")
    with override("zh-hant"):
        found = [tuple(cell(each, scope.quarter) for _column, cell in CELLS) for each in indicators]
    yield from found


DEFINITIONS = Dataset(
    name="definitions",
    title="指標定義",
    about=_(
        "Targets, official standards and formulas as the annual plan has them, and as they were revised."
    ),
    columns=tuple(column for column, _cell in CELLS),
    rows=_rows,
    filters=("year", "agency", "quarter", "as_of"),
    description="年度施政計畫各績效指標之衡量標準、年度目標值、計算式與填報項目，及經核定之修正。",
)
