"""Results of a plan at a quarter: what pages, exports, commands and API all show.

The numbers come from `attainment` alone; this module reads the plan and the figures for it, in a constant
number of queries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from django.db.models import Exists, Max, OuterRef, Prefetch, Q, QuerySet

from indicators.formula import substitute
from indicators.models import QUARTERS, Definition, Figure, Indicator, PlannedValue, QuarterReport, Variable
from indicators.readings import Basis, Reading, readings
from indicators.value import Assessed, Direction, Rule, estimate, needed_per_quarter, side, value_at
from indicators.wording import why_no_value
from objectives.models import Goal, Plan, Unit
from objectives.roc import gregorian_year, taipei

from .attainment import Attainment, Light, Mean, Progress, attain, mean_attainment
from .moments import At


@dataclass(frozen=True)
class Result:
    """One indicator at a quarter."""

    indicator: Indicator
    rule: Rule
    reading: Reading
    attainment: Attainment
    definition: Definition
    quarter: int
    planned: Decimal | None
    planned_demo: bool  # whether the planned value is a demonstration
    estimate: Decimal | None  # 全年推估; None where it would mean nothing
    needed: Decimal | None  # what each remaining quarter must still bring; None where that cannot be said

    @property
    def names(self) -> dict[str, str]:
        """The variables' names by symbol."""
        return {variable.symbol: variable.name for variable in self.indicator.variables.all()}

    @property
    def why(self) -> str:
        """Why there is no value, or only a partial one; empty otherwise."""
        return self.indicator.not_applicable_reason or why_no_value(self.attainment.value, self.names)

    @property
    def substitution(self) -> str:
        """The worked arithmetic without its result, such as (1,200 + 300 + 80) ÷ 2,000 × 100."""
        return substitute(self.rule.formula, self.attainment.value.operands)

    @property
    def estimated_to_miss(self) -> bool:
        """Whether the year is estimated to end short of the target."""
        if self.estimate is None:
            return False
        return side(self.estimate, self.attainment.target, Direction(self.indicator.direction)) < 0

    @property
    def demo(self) -> bool:
        """Whether an invented number is among those that count, or the one that progress was judged by."""
        return bool(self.reading.demo or (self.planned_demo and self.attainment.progress))

    @property
    def provisional(self) -> bool:
        """Whether something that counts has not been approved yet (含未審核)."""
        return bool(self.reading.unapproved)


@dataclass(frozen=True)
class GoalResults:
    """A goal with its indicators' results."""

    goal: Goal
    results: Sequence[Result]
    mean: Mean


@dataclass(frozen=True)
class Supposed:
    """Numbers that an indicator might have: figures by quarter and symbol, constants by symbol, a target."""

    figures: Mapping[tuple[int, str], Decimal] = field(default_factory=dict)
    constants: Mapping[str, Decimal] = field(default_factory=dict)
    target: Decimal | None = None  # None: its own


@dataclass(frozen=True)
class PlanResults:
    """A plan at a quarter."""

    plan: Plan
    quarter: int
    basis: Basis
    at: At
    year_over: bool
    results: Sequence[Result]
    mean: Mean

    @cached_property
    def before(self) -> PlanResults | None:
        """The same plan a quarter earlier, by what its reports say now; None in the first quarter."""
        if self.quarter == QUARTERS[0]:
            return None
        quarter = self.quarter - 1
        results = [
            _result(self.plan, each.indicator, each.reading, quarter, self.year_over) for each in self.results
        ]
        return replace(self, quarter=quarter, results=results, mean=_mean(results))

    def supposing(self, indicator: Indicator, supposed: Supposed) -> PlanResults:
        """The same plan, had one indicator other numbers; nothing is stored."""
        results = [
            _result(self.plan, each.indicator, each.reading, self.quarter, self.year_over, supposed)
            if each.indicator == indicator
            else each
            for each in self.results
        ]
        return replace(self, results=results, mean=_mean(results))

    @property
    def trend(self) -> list[PlanResults]:
        """The plan at every quarter up to this one, the first before."""
        return [*(self.before.trend if self.before else ()), self]

    @property
    def at_year_end(self) -> bool:
        """Whether lights are given instead of progress."""
        return self.quarter == QUARTERS[-1] and self.year_over

    @property
    def goals(self) -> list[GoalResults]:
        """The results by goal, in the order of part I."""
        by_goal: dict[Goal, list[Result]] = {}
        for result in self.results:
            by_goal.setdefault(result.indicator.goal, []).append(result)
        return [GoalResults(goal, results, _mean(results)) for goal, results in by_goal.items()]

    @property
    def progress_counts(self) -> dict[Progress, int]:
        """How many indicators are in each progress, every one named."""
        counts = Counter(result.attainment.progress for result in self.results)
        return {progress: counts[progress] for progress in Progress}

    @property
    def light_counts(self) -> dict[Light, int]:
        """How many indicators have each light, every one named."""
        counts = Counter(result.attainment.light for result in self.results)
        return {light: counts[light] for light in Light}

    @property
    def demo(self) -> bool:
        return any(result.demo for result in self.results)


def plan_results(
    plan: Plan, *, quarter: int, at: At, basis: Basis = Basis.OFFICIAL, also: Collection[int] = ()
) -> PlanResults:
    """Return the results of every indicator of plan at quarter; at says of when the data are.

    also are ids of reports that count whatever their status: the effect that approving them would have.
    """
    [found] = results_of_plans([plan], quarter=quarter, at=at, basis=basis, also=also)
    return found


def results_of_plans(
    plans: Sequence[Plan], *, quarter: int, at: At, basis: Basis, also: Collection[int] = ()
) -> list[PlanResults]:
    """Return `plan_results` of each of plans, in as many queries as of one."""
    indicators = list(plan_indicators(*plans))
    read = readings(indicators, basis, also)
    found = []
    for plan in plans:
        year_over = plan.year_is_over(at.now)
        results = [
            _result(plan, each, read[each.pk], quarter, year_over)
            for each in indicators
            if each.goal.plan_id == plan.pk
        ]
        found.append(PlanResults(plan, quarter, basis, at, year_over, results, _mean(results)))
    return found


def plan_indicators(*plans: Plan) -> QuerySet[Indicator]:
    """Return the plans' indicators with everything that a result needs besides the figures."""
    return (
        Indicator.objects.filter(goal__plan__in=plans)
        .select_related("goal__plan", "lead_unit")
        .prefetch_related(
            Prefetch("variables", Variable.objects.order_by("position")),
            Prefetch("planned_values", PlannedValue.objects.order_by("quarter")),
            "revisions",
        )
    )


def indicator_results(
    plan: Plan,
    indicators: Iterable[Indicator],
    *,
    quarter: int,
    year_over: bool,
    basis: Basis,
    also: Collection[int] = (),
) -> list[Result]:
    """Return one result for each of indicators (as `plan_indicators` gives them)."""
    indicators = list(indicators)
    read = readings(indicators, basis, also)
    return [_result(plan, indicator, read[indicator.pk], quarter, year_over) for indicator in indicators]


def results_by_quarter(plan: Plan, indicator: Indicator, *, year_over: bool, basis: Basis) -> list[Result]:
    """Return one indicator's results at the end of each quarter, from one reading."""
    reading = readings([indicator], basis)[indicator.pk]
    return [_result(plan, indicator, reading, quarter, year_over) for quarter in QUARTERS]


def contributors(results: Iterable[Result]) -> dict[int, str]:
    """Return the names, by id, of the units that gave shares of figures: the lead unit, then by code."""
    results = list(results)
    found = {unit for result in results for shares in result.reading.shares.values() for unit in shares}
    if not found:
        return {}
    lead = {result.indicator.lead_unit_id for result in results}
    units = sorted(Unit.objects.filter(pk__in=found), key=lambda unit: (unit.pk not in lead, unit.code))
    return {unit.pk: unit.name for unit in units}


def _result(
    plan: Plan,
    indicator: Indicator,
    reading: Reading,
    quarter: int,
    year_over: bool,
    supposed: Supposed = Supposed(),
) -> Result:
    reading = reading.supposing(supposed.figures).until(quarter)
    definition = indicator.in_force(quarter)
    rule = definition.rule.supposing(supposed.constants)
    target = definition.target if supposed.target is None else supposed.target
    row = {planned.quarter: planned for planned in indicator.planned_values.all()}.get(quarter)
    planned, planned_demo = (row.value, row.demo) if row else (None, False)
    assessed = Assessed(indicator.assessed)
    value = value_at(
        rule,
        quarter,
        reading.figures,
        not_applicable=reading.not_applicable,
        not_applicable_year=bool(indicator.not_applicable_reason),
        partial=reading.partial,
    )
    attainment = attain(
        value,
        rule,
        quarter=quarter,
        year_over=year_over,
        target=target,
        direction=Direction(indicator.direction),
        assessed=assessed,
        planned=planned,
        green=plan.green_threshold,
        amber=plan.amber_threshold,
    )
    means_something = assessed is Assessed.QUARTERLY and quarter < QUARTERS[-1] and value.amount is not None
    estimated = estimate(rule, quarter, reading.figures, reading.not_applicable) if means_something else None
    is_floor = indicator.direction == Indicator.Direction.AT_LEAST
    needed = needed_per_quarter(rule, quarter, value, target) if means_something and is_floor else None
    return Result(
        indicator, rule, reading, attainment, definition, quarter, planned, planned_demo, estimated, needed
    )


def _mean(results: Iterable[Result]) -> Mean:
    return mean_attainment((result.attainment, result.indicator.weight) for result in results)


def current_quarter(plan: Plan, now: datetime) -> int:
    """Return the quarter to show first: the last one with approved figures, else the one that now is in.

    A quarter declared 不適用 is as good as one with figures; one approved with a remark alone is not.
    """
    approved = QuarterReport.objects.approved().filter(indicator__goal__plan=plan)
    told = approved.filter(
        Exists(Figure.objects.filter(report=OuterRef("pk"))) | ~Q(not_applicable_reason="")
    )
    reported = told.aggregate(last=Max("quarter"))
    if reported["last"]:
        return reported["last"]
    local = taipei(now)
    first_year = gregorian_year(plan.year)
    if local.year != first_year:
        return QUARTERS[-1] if local.year > first_year else QUARTERS[0]
    return (local.month + 2) // 3
