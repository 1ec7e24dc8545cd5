"""填報值: every figure behind the results, with its place in the formula; made for millions of them.

What a figure has in common with others of its variable and of its report is put together once; the database
is asked for keys, numbers and moments only, some indicators at a time, so that the first rows are there at
once and memory does not grow.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import F, Prefetch, QuerySet
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from indicators.formula import compile_formula
from indicators.models import Figure, Indicator, Status, Variable
from objectives.models import Goal, Unit
from objectives.roc import TAIPEI
from objectives.spreadsheets.tables import Column, Kind, Value

from . import columns
from .attainment import KINDS
from .dataset import OF_A_PLAN, Dataset, Row
from .places import Place, places
from .scope import Scope

AT_ONCE = 20  # indicators whose figures are in memory together

COLUMNS = (
    columns.YEAR,
    Column("季別", Kind.WHOLE, 6, "該填報值所屬之季，1 至 4。", source=columns.PLAN),
    columns.KIND,
    columns.GOAL_CODE,
    columns.CODE,
    columns.INDICATOR,
    columns.LEAD,
    Column("填報項目", Kind.TEXT, 30, "計算式之輸入項目或備查項目之名稱。", source="指標定義"),
    Column("符號", Kind.TEXT, 16, "填報項目於計算式中之符號。", source="指標定義"),
    Column(
        "於計算式之位置", Kind.TEXT, 14,
        "依該季適用之計算式判定：分子、分母、分子及分母；計算式無除法者為構成項；未列入計算式者為備查。",
        source="指標定義及目標值修正",
    ),
    Column(
        "彙計方式", Kind.TEXT, 16, "各季數值如何彙計：各季加總、取最近一季，或計填「是」之季數。",
        source="指標定義",
    ),
    Column("計量單位", Kind.TEXT, 10, "填報值之計量單位。", source="指標定義"),
    Column("單位", Kind.TEXT, 18, "數值由各單位分別填報者，該筆數值所屬之單位；其餘空白。", source=columns.UNITS),
    Column(
        "數值", Kind.NUMBER, 14, "該季填報之數值；答「是／否」者以 1 表「是」、0 表「否」。",
        unit="依「計量單位」欄", source=columns.REPORT,
    ),
    columns.REPORT_STATUS,
    Column("資料性質", Kind.TEXT, 10, "「示範資料」為示範用之虛構數值；其餘空白。", source=columns.REPORT),
    Column("最後異動時間", Kind.MOMENT, 20, "該填報值最後一次異動之時間（臺北）。", source=columns.LEDGER),
)  # fmt: skip

Known = dict[tuple[int, int], tuple[Value, ...]]  # what a row begins with, by variable and quarter


def figure_rows(scope: Scope) -> Iterator[Row]:
    """Yield the figures of the quarters up to the one asked for, by indicator, quarter, variable and unit."""
    with override("zh-hant"):
        statuses = {str(status): str(status.label) for status in Status}
        rollups = {str(rollup): str(rollup.label) for rollup in Variable.Rollup}
    units = dict(Unit.objects.values_list("pk", "name"))
    keys = list(_indicators(scope).values_list("pk", flat=True))
    for start in range(0, len(keys), AT_ONCE):
        part = keys[start : start + AT_ONCE]
        yield from _part(scope, part, statuses, rollups, units)


def _indicators(scope: Scope) -> QuerySet[Indicator]:
    found = Indicator.objects.filter(goal__plan=scope.plan)
    if code := scope.more.get("indicator"):
        found = found.filter(code=code)
    return found.order_by("goal__outline_number", "number", "pk")


def _figures(scope: Scope) -> QuerySet[Figure]:
    """The figures that count: of the plan's quarters up to the one asked for, on the basis asked for."""
    found = Figure.objects.filter(
        report__indicator__in=_indicators(scope),
        report__quarter__lte=scope.quarter,
        report__status__in=scope.basis.statuses,
    )
    return found


def _part(
    scope: Scope,
    keys: Sequence[int],
    statuses: dict[str, str],
    rollups: dict[str, str],
    units: dict[Any, str],
) -> Iterator[Row]:
    """Yield the figures of some indicators, which are given in their order."""
    order = {key: number for number, key in enumerate(keys)}
    known = _known(Indicator.objects.filter(pk__in=keys), range(1, scope.quarter + 1), rollups)
    rows = list(
        _figures(scope)
        .filter(report__indicator__in=keys)
        .order_by("report__quarter", "variable__position", "variable_id", F("unit__code").asc(nulls_first=True))
        .values_list(
            "report__indicator_id", "variable_id", "report__quarter", "unit_id", "value", "report__status",
            "demo", "changed_at",
        )
    )  # fmt: skip
    rows.sort(key=lambda row: order[row[0]])  # stable: within an indicator they stay as they are
    for _indicator, variable, quarter, unit, value, status, demo, moment in rows:
        yield (
            *known[variable, quarter], units.get(unit), value, statuses[status],
            "示範資料" if demo else None, moment.astimezone(TAIPEI),
        )  # fmt: skip


def _known(indicators: Any, quarters: Iterable[int], rollups: dict[str, str]) -> Known:
    quarters = list(quarters)
    found: Known = {}
    prefetched = indicators.select_related("goal__plan", "lead_unit").prefetch_related(
        Prefetch("variables", Variable.objects.order_by("position")), "revisions"
    )
    for indicator in prefetched:
        for quarter in quarters:
            placed = places(compile_formula(indicator.in_force(quarter).formula))
            for variable in indicator.variables.all():
                place = Place.MEMO if variable.memo else placed.get(variable.symbol, Place.MEMO)
                found[variable.pk, quarter] = _beginning(indicator, variable, quarter, place, rollups)
    return found


def _beginning(
    indicator: Indicator, variable: Variable, quarter: int, place: Place, rollups: dict[str, str]
) -> tuple[Value, ...]:
    goal = indicator.goal
    return (
        goal.plan.year, quarter, KINDS[Goal.Kind(goal.kind)], goal.code, indicator.code, indicator.title,
        indicator.lead_unit.name, variable.name, variable.symbol, place.value, rollups[variable.rollup],
        variable.unit or None,
    )  # fmt: skip


def _in_words(scope: Scope) -> list[tuple[str, str]]:
    """Name the one indicator that is asked for. Raises ValidationError where the plan has none of this code."""
    code = scope.more.get("indicator")
    if code is None:
        return []
    if not _indicators(scope).exists():
        raise ValidationError(
            _now("The plan of ROC year %(year)s has no indicator with this code.") % {"year": scope.plan.year}
        )
    return [("指標代碼", code)]


def _demo(scope: Scope) -> bool:
    """Whether a figure is a demonstration; the table alone is asked first, which is fast where none is."""
    return Figure.objects.filter(demo=True).exists() and _figures(scope).filter(demo=True).exists()


FIGURES = Dataset(
    name="figures",
    title="填報值",
    about=_(
        "Every figure of the quarters up to this one: numerators, denominators and memos, share by share."
    ),
    columns=COLUMNS,
    rows=figure_rows,
    filters=(*OF_A_PLAN, "indicator"),
    description="各績效指標各季之填報值，含分子、分母、構成項及備查項目，由各單位分別填報者逐單位列示。",
    is_long=True,
    in_words=_in_words,
    demo=_demo,
)
