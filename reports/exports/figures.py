"""填報值: every figure behind the results, with its place in the formula; made for millions of them.

What a figure has in common with others of its variable and of its report is put together once; the database
is asked for keys, numbers and moments only, some indicators at a time, so that the first rows are there at
once and memory does not grow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import F, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from indicators.models import Figure, Indicator, Status, Variable
from objectives.models import Goal, Unit
from objectives.roc import taipei
from objectives.spreadsheets.tables import Column, Kind, Value

from . import columns
from .attainment import DEMONSTRATION, KINDS
from .dataset import OF_A_PLAN, Dataset, Row
from .places import Place, places
from .scope import Scope

YES = ("1", "true")  # as SQLite and PostgreSQL write it
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
    Column(
        "單位", Kind.TEXT, 18,
        "數值由各單位分別填報者，該筆數值所屬之單位；其餘空白。",
        source=columns.UNITS,
    ),
    Column(
        "數值", Kind.NUMBER, 14, "該季填報之數值；答「是／否」者以 1 表「是」、0 表「否」。",
        unit="依「計量單位」欄", source=columns.REPORT,
    ),
    columns.REPORT_STATUS,
    Column("資料性質", Kind.TEXT, 10, "「示範資料」為示範用之虛構數值；其餘空白。", source=columns.REPORT),
    Column("最後異動時間", Kind.MOMENT, 20, "該填報值最後一次異動之時間（臺北）。", source=columns.LEDGER),
)  # fmt: skip

Placed = dict[str, Place]
Beginning = tuple[Value, ...]  # of a row: what the figures of a variable in a quarter have in common


def figure_rows(scope: Scope) -> Iterator[Row]:
    """Yield the figures of the quarters up to the one asked for, by indicator, quarter, variable and unit."""
    reader = _Reader(scope)
    keys = list(_indicators(scope).values_list("pk", flat=True))
    for start in range(0, len(keys), AT_ONCE):
        yield from reader.rows(keys[start : start + AT_ONCE])


def _indicators(scope: Scope) -> QuerySet[Indicator]:
    found = Indicator.objects.filter(goal__plan=scope.plan)
    if code := scope.more.get("indicator"):
        found = found.filter(code=code)
    return found.order_by("goal__outline_number", "number", "pk")


def _figures(scope: Scope) -> QuerySet[Figure]:
    """The figures that count: of the quarters up to the one asked for, on the basis asked for."""
    return Figure.objects.filter(report__quarter__lte=scope.quarter, report__status__in=scope.basis.statuses)


class _Reader:
    """Reads the figures of some indicators at a time."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.quarters = range(1, scope.quarter + 1)
        self.units: dict[int | None, str] = dict(Unit.objects.values_list("pk", "name"))
        goals = Goal.objects.filter(plan=scope.plan)
        self.goals = {goal.pk: (KINDS[Goal.Kind(goal.kind)], goal.code) for goal in goals}
        with override("zh-hant"):
            self.statuses = {str(status): str(status.label) for status in Status}
            self.rollups = {str(rollup): str(rollup.label) for rollup in Variable.Rollup}

    def rows(self, keys: Sequence[int]) -> Iterator[Row]:
        """Yield the rows of the indicators of these keys, in that order."""
        order = {key: number for number, key in enumerate(keys)}
        found = sorted(self._figures(keys), key=lambda row: order[row[0]])  # otherwise they stay as they are
        beginnings, units, statuses = self._beginnings(keys), self.units, self.statuses
        moments = {text: _moment(text) for text in {row[-1] for row in found}}
        for _indicator, variable, quarter, unit, value, status, demo, moment in found:
            yield (
                *beginnings[variable, quarter], units.get(unit), Decimal(value), statuses[status],
                DEMONSTRATION if demo in YES else None, moments[moment],
            )  # fmt: skip

    def _figures(self, keys: Sequence[int]) -> QuerySet[Figure, tuple[Any, ...]]:
        """Return keys and texts: what Django makes of numbers and moments costs more than all the rest."""
        figures = _figures(self.scope).filter(report__indicator__in=keys)
        return figures.order_by(
            "report__quarter", "variable__position", "variable_id", F("unit__code").asc(nulls_first=True)
        ).values_list(
            "report__indicator_id", "variable_id", "report__quarter", "unit_id", Cast("value", TextField()),
            "report__status", Cast("demo", TextField()), Cast("changed_at", TextField()),
        )  # fmt: skip

    def _beginnings(self, keys: Sequence[int]) -> dict[tuple[int, int], Beginning]:
        """Return what rows begin with, by variable and quarter."""
        by_key = self._by_quarter(keys)
        variables = Variable.objects.filter(indicator__in=keys).values_list(
            "pk", "indicator_id", "name", "symbol", "rollup", "unit", "memo"
        )
        found: dict[tuple[int, int], Beginning] = {}
        for key, indicator, name, symbol, rollup, unit, memo in variables:
            for quarter, beginning, placed in by_key[indicator]:
                place = Place.MEMO if memo else placed.get(symbol, Place.MEMO)
                rolled = self.rollups[rollup]
                found[key, quarter] = (*beginning, name, symbol, place.value, rolled, unit or None)
        return found

    def _by_quarter(self, keys: Sequence[int]) -> dict[int, list[tuple[int, Beginning, Placed]]]:
        """Return, for each indicator and quarter, what is said of it, and the places in its formula."""
        revised = self._revised(keys)
        indicators = Indicator.objects.filter(pk__in=keys).values_list(
            "pk", "goal_id", "code", "title", "lead_unit_id", "formula"
        )
        found: dict[int, list[tuple[int, Beginning, Placed]]] = {}
        for key, goal, code, title, lead, formula in indicators:
            said, placed = (*self.goals[goal], code, title, self.units[lead]), places(formula)
            found[key] = [
                (quarter, (self.scope.plan.year, quarter, *said), revised.get((key, quarter), placed))
                for quarter in self.quarters
            ]
        return found

    def _revised(self, keys: Sequence[int]) -> dict[tuple[int, int], Placed]:
        """Return the places in the formulas in force of the few indicators that have revisions."""
        revised = Indicator.objects.filter(pk__in=keys, revisions__isnull=False).distinct()
        return {
            (indicator.pk, quarter): places(indicator.in_force(quarter).formula)
            for indicator in revised.prefetch_related("revisions", "variables")
            for quarter in self.quarters
        }


def _moment(text: str) -> datetime:
    """Read a moment as the database writes it: PostgreSQL with an offset, SQLite in UTC without one."""
    found = datetime.fromisoformat(text)
    return taipei(found if found.tzinfo else found.replace(tzinfo=UTC))


def _in_words(scope: Scope) -> list[tuple[str, str]]:
    """Name the one indicator asked for. Raises ValidationError where the plan has none of this code."""
    code = scope.more.get("indicator")
    if code is None:
        return []
    if not _indicators(scope).exists():
        raise ValidationError(
            _("The plan of ROC year %(year)s has no indicator with this code.") % {"year": scope.plan.year}
        )
    return [("指標代碼", code)]


def _demo(scope: Scope) -> bool:
    """Whether a figure is a demonstration; the table alone is asked first, which is fast where none is."""
    return Figure.objects.filter(demo=True).exists() and (
        _figures(scope).filter(report__indicator__in=_indicators(scope), demo=True).exists()
    )


FIGURES = Dataset(
    name="figures",
    title="填報值",
    about=gettext_lazy(
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
