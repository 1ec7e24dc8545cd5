"""編製次年度計畫: a plan is copied to the next ROC year, every part linked to the one it was made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any, TypeVar

from django.db import models
from django.utils.translation import gettext as _

from ledger.acting import acting
from objectives.models import Goal, Plan, Strategy, User, WorkItem, WorkPlan
from objectives.permissions import require
from objectives.roc import a_year_on

from .fields import LIMIT
from .formula import WORKING
from .models import QUARTERS, Indicator, Variable
from .readings import Basis, readings
from .value import State, Value, offered_baseline
from .workflow import Refusal, create_periods, create_reports

STORED = Decimal("0.000001")  # the decimals that a stored number has

Part = TypeVar("Part", Plan, Goal, Strategy, WorkPlan, WorkItem, Indicator, Variable)


@dataclass(frozen=True)
class Offer:
    """What the year's approved figures offer as a constant of the next year's plan."""

    variable: Variable
    value: Value | None  # None where the formula subtracts the constant from nothing
    demo: bool  # whether an invented figure is among those that count

    @property
    def amount(self) -> Decimal | None:
        """The offered value as it can be stored; None where there is none, or it is too large."""
        if self.value is None or self.value.amount is None or self.is_too_large:
            return None
        with localcontext(WORKING):
            return self.value.amount.quantize(STORED, ROUND_HALF_UP)

    @property
    def is_too_large(self) -> bool:
        """Whether the year's value has more digits than can be stored."""
        amount = self.value.amount if self.value else None
        return amount is not None and abs(amount) >= LIMIT

    @property
    def is_sound(self) -> bool:
        """Whether the year's data are complete, none of them invented, and what they offer can be taken."""
        complete = self.value is not None and self.value.state is State.COMPLETE
        return complete and self.amount is not None and not self.demo


def indicators_of(plan: Plan) -> models.QuerySet[Indicator]:
    return (
        Indicator.objects.filter(goal__plan=plan)
        .select_related("goal__plan")
        .prefetch_related("variables__indicator__goal__plan", "revisions", "strategies", "contributing_units")
    )


def offers(plan: Plan) -> list[Offer]:
    """Return an offer for each constant of the plan's indicators, from officially approved figures only."""
    indicators = list(indicators_of(plan))
    read = readings(indicators, Basis.OFFICIAL)
    found = []
    for indicator in indicators:
        rule, reading = indicator.in_force(QUARTERS[-1]).rule, read[indicator.pk]
        for variable in indicator.variables.all():
            if variable.is_constant:
                value = offered_baseline(
                    rule,
                    variable.symbol,
                    reading.figures,
                    reading.not_applicable,
                    bool(indicator.not_applicable_reason),
                    reading.partial,
                )
                found.append(Offer(variable, value, bool(reading.demo)))
    return found


def next_plan(plan: Plan) -> Plan | None:
    """Return the agency's plan for the year after, if there is one."""
    return Plan.objects.filter(unit=plan.unit_id, year=plan.year + 1).first()


def copy_plan(*, plan: Plan, by: User, now: datetime, baselines: Mapping[int, Decimal]) -> Plan:
    """Make the next ROC year's plan of this one, in preparation, with its quarter reports laid out.

    Goals, strategies, work plans and items, indicators and variables are copied as they are in force at the
    year's end, with units and predecessors. The title, and the names of variables, have their years a year
    later; all other wording is the plan's, to be gone over before the adoption. What belongs to the year
    stays behind: figures, planned values, the adoption, reasons for 不適用, provenance notes. baselines are
    the constants of the new year by the id of this year's variable; a constant without one is unknown.
    Raises PermissionDenied; Refusal where that year has a plan; ValidationError for a constant that its
    variable cannot have.
    """
    with acting(actor=by, about=plan):
        require(by, "objectives.copy_plan", plan)
        plan = Plan.objects.select_for_update(of=("self",)).select_related("unit").get(pk=plan.pk)
        if next_plan(plan):
            raise Refusal(_("There is a plan for ROC year %(year)s already.") % {"year": plan.year + 1})
        made = _copy_of(
            plan, year=plan.year + 1, title=_later(plan, "title", plan.year), adopted_on=None,
            adopted_number="", closed_at=None, closed_by_id=None,
        )  # fmt: skip
        made.full_clean()
        made.save()
        goals = _copied(Goal.objects.filter(plan=plan), plan_id=made.pk)
        strategies = _copy_strategies(goals)
        _copy_work(plan, made)
        indicators = _copy_indicators(plan, goals, strategies, baselines)
        create_periods(made)
        create_reports(indicators)
        return made


def _copy_of(row: Part, **changes: Any) -> Part:
    """Return an unsaved copy, linked to the row that it was made from."""
    fields = [field.attname for field in row._meta.concrete_fields if not field.primary_key]
    values = {name: getattr(row, name) for name in fields}
    return type(row)(**{**values, "predecessor_id": row.pk, "note": "", **changes})


def _later(row: Plan | Variable, field: str, year: int) -> str:
    """Return the row's words with their years a year later; as they are where that is too long to be stored.

    An adopted plan's wording cannot be shortened any more, the new plan's is gone over before its adoption.
    """
    words: str = getattr(row, field)
    later, longest = a_year_on(words, year), getattr(row._meta.get_field(field), "max_length", None)
    return later if longest is None or len(later) <= longest else words


def _copied(rows: Iterable[Part], **changes: Any) -> dict[int, Part]:
    """Save a copy of every row, and return the copies by the ids of the rows."""
    found = {}
    for row in rows:
        copy = found[row.pk] = _copy_of(row, **changes)
        copy.save()
    return found


def _copy_strategies(goals: Mapping[int, Goal]) -> dict[int, Strategy]:
    """Copy the outlines from the top down."""
    below: dict[int | None, list[Strategy]] = {}
    for strategy in Strategy.objects.filter(goal__in=goals).order_by("goal__outline_number", "position"):
        below.setdefault(strategy.parent_id, []).append(strategy)
    made: dict[int, Strategy] = {}

    def copy_below(parent: int | None) -> None:
        for strategy in below.get(parent, ()):
            above = made[parent].pk if parent else None
            made.update(_copied([strategy], goal_id=goals[strategy.goal_id].pk, parent_id=above))
            copy_below(strategy.pk)

    copy_below(None)
    return made


def _copy_work(plan: Plan, made: Plan) -> None:
    for work_plan, copy in _copied(WorkPlan.objects.filter(plan=plan), plan_id=made.pk).items():
        _copied(WorkItem.objects.filter(work_plan=work_plan), work_plan_id=copy.pk)


def _copy_indicators(
    plan: Plan,
    goals: Mapping[int, Goal],
    strategies: Mapping[int, Strategy],
    baselines: Mapping[int, Decimal],
) -> list[Indicator]:
    made, given = [], dict(baselines)
    for indicator in indicators_of(plan):
        in_force = indicator.in_force(QUARTERS[-1])
        [copy] = _copied(
            [indicator], goal_id=goals[indicator.goal_id].pk, target=in_force.target,
            formula=in_force.formula, not_applicable_reason="",
        ).values()  # fmt: skip
        copy.strategies.set(strategies[each.pk] for each in indicator.strategies.all())
        copy.contributing_units.set(indicator.contributing_units.all())
        for variable in indicator.variables.all():
            baseline = given.pop(variable.pk, None)
            _copy_variable(variable, copy, baseline)
        made.append(copy)
    if given:
        raise Refusal(_("A baseline was given for something that is no constant of this plan."))
    return made


def _copy_variable(variable: Variable, indicator: Indicator, baseline: Decimal | None) -> None:
    year = variable.indicator.goal.plan.year
    copy = _copy_of(
        variable, indicator_id=indicator.pk, constant=baseline, name=_later(variable, "name", year),
        help=_later(variable, "help", year),
    )  # fmt: skip
    if baseline is not None:
        if not variable.is_constant:
            raise Refusal(_("A baseline was given for something that is no constant of this plan."))
        copy.full_clean()
    copy.save()
