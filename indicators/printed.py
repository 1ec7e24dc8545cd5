"""The printable 季填報表: what stands in it. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

from django.db.models import Prefetch, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from objectives.models import Plan, Unit, User, WorkItem

from . import workflow
from .forms import shown
from .formula import WORKING
from .models import (
    QUARTERS,
    Definition,
    Evidence,
    Indicator,
    ItemProgress,
    PlannedValue,
    QuarterReport,
    ReportStep,
    Status,
    TargetRevision,
    Variable,
)
from .numbers import format_number, format_towards
from .readings import Basis, Reading, readings
from .value import Rollup, State, Value, VariableRule, rolled_up, value_at
from .wording import STATES, why_no_value

DECIMALS = 2


@dataclass(frozen=True)
class Line:
    """A row of the figures: a variable, or one unit's share of it; cells are the quarters so far."""

    name: str
    unit: str
    cells: Sequence[str]
    total: str  # 累計
    is_share: bool = False


@dataclass(frozen=True)
class Form:
    """One indicator's part of the form, at the end of the report's quarter."""

    report: QuarterReport
    definition: Definition
    reading: Reading  # up to the quarter, drafts included
    units: Mapping[int, str]  # names of the units that gave a share, by id

    @property
    def indicator(self) -> Indicator:
        return self.report.indicator

    @property
    def is_approved(self) -> bool:
        return self.report.status == Status.APPROVED

    @property
    def others(self) -> list[Unit]:
        """The contributing units."""
        return self.indicator.participants[1:]

    @property
    def quarters(self) -> list[int]:
        return [quarter for quarter in QUARTERS if quarter <= self.report.quarter]

    @property
    def original_target(self) -> str:
        return format_number(self.indicator.target)

    @property
    def target_revisions(self) -> list[tuple[str, TargetRevision]]:
        """The revised targets in force by the quarter, each with its revision."""
        return [
            (format_number(each.target), each)
            for each in self.definition.revisions
            if each.target is not None
        ]

    @property
    def value(self) -> Value:
        """The value so far, as entered."""
        return value_at(
            self.definition.rule,
            self.report.quarter,
            self.reading.figures,
            self.reading.not_applicable,
            bool(self.indicator.not_applicable_reason),
            self.reading.partial,
        )

    @property
    def value_shown(self) -> str:
        value = self.value
        if value.amount is None:
            nothing_due = value.state is State.EMPTY and not value.missing
            return _("Not due yet") if nothing_due else str(STATES[value.state])
        number = format_towards(value.amount, self.definition.target, DECIMALS)
        if value.state is State.COMPLETE:
            return number
        return _("%(value)s (%(state)s)") % {"value": number, "state": STATES[value.state]}

    @property
    def why(self) -> str:
        """Why there is no value, or a partial one only."""
        names = {variable.symbol: variable.name for variable in self.indicator.variables.all()}
        return self.indicator.not_applicable_reason or why_no_value(self.value, names)

    @property
    def planned(self) -> Decimal | None:
        """The 預定值 of the quarter."""
        values: Iterable[PlannedValue] = self.indicator.planned_values.all()
        return {each.quarter: each.value for each in values}.get(self.report.quarter)

    @property
    def planned_shown(self) -> str:
        return "" if self.planned is None else format_number(self.planned)

    @property
    def difference(self) -> str:
        """The value less the planned one, with its sign; empty where one of them is missing."""
        amount, planned = self.value.amount, self.planned
        if amount is None or planned is None:
            return ""
        with localcontext(WORKING):
            difference = amount - planned
        sign = "＋" if difference > 0 else "－" if difference < 0 else ""
        return sign + format_towards(abs(difference), Decimal(0), DECIMALS)

    @property
    def lines(self) -> Iterator[Line]:
        """The variables with their quarters; under each that is given by unit, the units' shares."""
        rules = {each.symbol: each for each in self.definition.rule.variables}
        for variable in self.indicator.variables.all():
            rule = rules[variable.symbol]
            if variable.is_constant:
                cells = [""] * len(self.quarters)
            else:
                cells = [self._cell(variable, quarter) for quarter in self.quarters]
            figures = self.reading.figures
            rolled = rolled_up(rule, self.report.quarter, figures, self.reading.not_applicable)
            yield Line(variable.name, variable.unit, cells, _total(variable, rolled))
            for unit in self._sharing(variable):
                yield self._share(variable, rule, unit)

    def _sharing(self, variable: Variable) -> list[int]:
        """Return the units with a share of the variable, the participants first, missing ones included."""
        if not variable.by_unit:
            return []
        given = {
            unit
            for (_quarter, symbol), shares in self.reading.shares.items()
            if symbol == variable.symbol
            for unit in shares
        }
        participants = [unit.pk for unit in self.indicator.participants]
        return [*participants, *sorted(given.difference(participants))]

    def _share(self, variable: Variable, rule: VariableRule, unit: int) -> Line:
        theirs = {key: shares[unit] for key, shares in self.reading.shares.items() if unit in shares}
        cells = [shown(variable, theirs.get((quarter, variable.symbol))) for quarter in self.quarters]
        rolled = rolled_up(rule, self.report.quarter, theirs, self.reading.not_applicable)
        return Line(self.units[unit], variable.unit, cells, _total(variable, rolled), is_share=True)

    def _cell(self, variable: Variable, quarter: int) -> str:
        """Zero, not applicable and not reported are three different things, and not due is a fourth."""
        figure = self.reading.figures.get((quarter, variable.symbol))
        if figure is not None:
            return shown(variable, figure)
        if quarter in self.reading.not_applicable:
            return str(STATES[State.NOT_APPLICABLE])
        return str(STATES[State.EMPTY]) if quarter in variable.due else "－"

    @property
    def steps(self) -> list[tuple[Promise, ReportStep]]:
        """Every step that the report took, in all its rounds, with its name."""
        return [(workflow.Step(each.step).label, each) for each in self.report.steps.all()]

    @property
    def evidence(self) -> list[Evidence]:
        return [each for each in self.report.evidence.all() if each.removed_at is None]


def _total(variable: Variable, rolled: Decimal | None) -> str:
    if rolled is None:
        return ""
    counts = variable.rollup == Rollup.COUNT.value
    return format_number(rolled) if counts else shown(variable, rolled)


def printable(reports: QuerySet[QuarterReport]) -> list[Form]:
    """Return the forms of reports in the plan's order; a constant number of queries."""
    related = ["indicator__goal__plan__unit", "indicator__lead_unit"]
    people = ["submitted_by", "endorsed_by", "approved_by", "followed_up_by"]
    found = list(
        reports.select_related(*related, *people)
        .prefetch_related(
            Prefetch("indicator__variables", Variable.objects.order_by("position")),
            "indicator__planned_values",
            "indicator__revisions",
            "indicator__contributing_units",
            "evidence",
            Prefetch("steps", ReportStep.objects.select_related("by")),
        )
        .order_by("indicator__goal__plan", "indicator__goal__outline_number", "indicator__number")
    )
    read = readings([report.indicator for report in found], Basis.ENTERED)
    units = _unit_names(found, read.values())
    return [
        Form(
            report,
            report.indicator.in_force(report.quarter),
            read[report.indicator_id].until(report.quarter),
            units,
        )
        for report in found
    ]


def _unit_names(reports: Iterable[QuarterReport], read: Iterable[Reading]) -> dict[int, str]:
    """Name the units that take part, and those that gave a share and take part no more."""
    names = {unit.pk: unit.name for report in reports for unit in report.indicator.participants}
    gave = {unit for reading in read for shares in reading.shares.values() for unit in shares}
    gone = Unit.objects.filter(pk__in=gave.difference(names))
    return names | dict(gone.values_list("pk", "name"))


def written_items(user: User, unit: Unit, year: int, quarter: int) -> list[tuple[WorkItem, str]]:
    """Return the unit's work items with their 辦理情形 of the quarter, where user may read those."""
    readable = user.rights.units("indicators.view_quarterreport")
    items = list(
        WorkItem.objects.led_by({unit.pk} & readable)
        .filter(work_plan__plan__year=year)
        .select_related("work_plan__plan__unit")
    )
    progress = ItemProgress.objects.filter(item__in=items, quarter=quarter)
    texts = dict(progress.values_list("item", "text"))
    return [(item, texts.get(item.pk, "")) for item in items]


def reports_of_unit(user: User, unit: Unit, year: int, quarter: int) -> QuerySet[QuarterReport]:
    """Return the reports that unit leads and is asked for in a quarter, where user may read them."""
    reports = QuarterReport.objects.visible_to(user).asked_for()
    return reports.filter(indicator__lead_unit=unit, indicator__goal__plan__year=year, quarter=quarter)


def plan_of(forms: Sequence[Form], items: Sequence[tuple[WorkItem, str]]) -> Plan:
    """Return the plan that a printed form is about; there is at least one thing in it."""
    return forms[0].indicator.goal.plan if forms else items[0][0].work_plan.plan
