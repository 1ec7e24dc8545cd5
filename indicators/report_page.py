"""What the page of one quarter report shows: its value, the year so far, its way, what is left to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from objectives.models import Unit, User
from objectives.permissions import can
from objectives.roc import taipei
from objectives.scoped import shortened

from . import workflow
from .filters import quarter_words
from .forms import shown
from .models import QUARTERS, Indicator, QuarterReport, Status, Variable
from .numbers import format_number, format_towards
from .readings import Reading
from .report_form import CHANGE, FollowUpForm
from .value import State, Value, brought_by, value_at
from .wording import STATES, finding_words, why_no_value

DECIMALS = 2
STATUS_SYMBOLS: dict[str, str] = {
    Status.DRAFT: "○",
    Status.SUBMITTED: "→",
    Status.ENDORSED: "◐",
    Status.APPROVED: "✓",
    Status.RETURNED: "↩",
}


def address(report: QuarterReport) -> str:
    return reverse("admin:indicators_quarterreport_change", args=[report.pk])


def status_pill(report: QuarterReport) -> str:
    """Show where a report stands, in symbol and word."""
    return format_html(
        '<span class="pill status-{}">{} {}</span>',
        report.status.lower(),
        STATUS_SYMBOLS[report.status],
        report.get_status_display(),
    )


def target_words(indicator: Indicator, quarter: int) -> str:
    """Show the target in force at quarter, beside it the plan's own where that was revised.

    With direction and unit: 至少 60 次數（原訂 55）.
    """
    definition = indicator.in_force(quarter)
    words = _("%(direction)s %(target)s %(unit)s") % {
        "direction": indicator.get_direction_display(),
        "target": format_number(definition.target),
        "unit": indicator.unit,
    }
    if definition.revised_target is None:
        return words
    original = format_number(indicator.target)
    return _("%(target)s (originally %(original)s)") % {"target": words, "original": original}


# -- The value ---------------------------------------------------------------------------------------------


def entered_value(report: QuarterReport, reading: Reading) -> Value:
    """Return the value that the entered figures give at the end of the report's quarter."""
    reading = reading.until(report.quarter)
    return value_at(
        report.indicator.in_force(report.quarter).rule,
        report.quarter,
        reading.figures,
        reading.not_applicable,
        bool(report.indicator.not_applicable_reason),
        reading.partial,
    )


def signed(number: Decimal) -> str:
    """Show a difference with its sign; one that is not nothing never looks like nothing."""
    size = format_towards(abs(number), Decimal(0), DECIMALS)
    return f"{'＋' if number > 0 else '－' if number < 0 else ''}{size}"


def value_words(report: QuarterReport, reading: Reading, unreadable: Iterable[str] = ()) -> dict[str, Any]:
    """Say what value the figures give, against target and planned value, and what is noticed about them."""
    indicator = report.indicator
    definition = indicator.in_force(report.quarter)
    value = entered_value(report, reading)
    planned = {each.quarter: each.value for each in indicator.planned_values.all()}.get(report.quarter)
    amount, target = value.amount, definition.target
    alone = brought_by(definition.rule, report.quarter, reading.figures, reading.not_applicable)
    names = {variable.symbol: variable.name for variable in indicator.variables.all()}
    applies = report.quarter not in reading.not_applicable and not indicator.not_applicable_reason
    return {
        "quarter": report.quarter,
        "unit": indicator.unit,
        "state": STATES[value.state],
        "state_name": value.state.name.lower(),
        "is_sum": definition.rule.is_sum,
        "alone": None if alone is None else format_number(alone),
        "amount": None if amount is None else format_towards(amount, target, DECIMALS),
        "target": target_words(indicator, report.quarter),
        "to_target": None if amount is None else signed(amount - target),
        "planned": None if planned is None else format_number(planned),
        "to_planned": None if planned is None or amount is None else signed(amount - planned),
        "why": indicator.not_applicable_reason or why_no_value(value, names),
        "behind": applies and workflow.is_behind(report, reading),
        "notices": [finding_words(each, names) for each in workflow.notices(report, reading)],
        "unreadable": list(unreadable),
    }


# -- The year so far ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cell:
    """What was reported for a quarter: a figure, 不適用, 未填, or nothing that was asked for (—)."""

    quarter: int
    kind: str  # figure, not-applicable, missing, idle
    words: str


@dataclass(frozen=True)
class Row:
    """A variable's quarters; with a unit, that unit's shares."""

    variable: Variable
    unit: Unit | None
    cells: list[Cell]


def history(report: QuarterReport, reading: Reading) -> Iterator[Row]:
    """Lay the year's figures out by variable, unit and quarter."""
    units = {unit.pk: unit for unit in report.indicator.participants}
    given = {unit for shares in reading.shares.values() for unit in shares}
    units |= {unit.pk: unit for unit in Unit.objects.filter(pk__in=given - set(units))}  # contributed once
    for variable in report.indicator.variables.all():
        if variable.is_constant:
            continue
        yield Row(variable, None, [_cell(report, variable, quarter, reading) for quarter in QUARTERS])
        for unit in units.values() if variable.by_unit else ():
            yield Row(
                variable, unit, [_cell(report, variable, quarter, reading, unit) for quarter in QUARTERS]
            )


def _cell(
    report: QuarterReport, variable: Variable, quarter: int, reading: Reading, unit: Unit | None = None
) -> Cell:
    place = quarter, variable.symbol
    figures = reading.figures if unit is None else {place: reading.shares.get(place, {}).get(unit.pk)}
    if quarter in reading.not_applicable:
        return Cell(quarter, "not-applicable", str(STATES[State.NOT_APPLICABLE]))
    if (figure := figures.get(place)) is not None:
        return Cell(quarter, "figure", shown(variable, figure))
    asked = unit is None or unit in report.indicator.participants
    if asked and quarter in variable.due and quarter <= report.quarter and not variable.memo:
        return Cell(quarter, "missing", str(STATES[State.EMPTY]))
    return Cell(quarter, "idle", "—")


# -- What happened so far ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Event:
    """Something that happened to a report."""

    words: str | Promise
    person: User
    moment: datetime
    comment: str = ""


def trail(report: QuarterReport) -> list[Event]:
    """Return what is known of the report's way so far, the oldest first.

    Reports that moved before their steps were kept know the last step of each kind only.
    """
    taken = list(report.steps.select_related("by"))
    events = [Event(workflow.Step(each.step).label, each.by, each.at, each.comment) for each in taken]
    kept = {(each.by_id, each.at) for each in taken}
    old = [
        Event(words, person, moment, comment)
        for words, person, moment, comment in _last_of_each_kind(report)
        if person and moment and (person.pk, moment) not in kept
    ]
    if report.changed_by and report.changed_at:
        old.insert(0, Event(gettext_lazy("Last changed"), report.changed_by, report.changed_at))
    return sorted([*old, *events], key=lambda event: event.moment)


def _last_of_each_kind(report: QuarterReport) -> list[tuple[Promise, User | None, datetime | None, str]]:
    step = workflow.Step
    return [
        (step.RETURN.label, report.returned_by, report.returned_at, report.return_reason),
        (step.SUBMIT.label, report.submitted_by, report.submitted_at, ""),
        (step.ENDORSE.label, report.endorsed_by, report.endorsed_at, ""),
        (step.APPROVE.label, report.approved_by, report.approved_at, ""),
    ]


def return_heading(report: QuarterReport) -> str | Promise:
    """Say in which way a returned report came back: from its review, or after approval."""
    last = report.steps.last()
    reopened = last is not None and last.step == workflow.Step.REOPEN.value
    return (workflow.Step.REOPEN if reopened else workflow.Step.RETURN).label


# -- Responses to a lag, until they are done ---------------------------------------------------------------


@dataclass(frozen=True)
class FollowUp:
    """A 因應對策 with where it stands; form is None where the person cannot mark it done."""

    report: QuarterReport
    quarter_name: str
    is_overdue: bool
    form: FollowUpForm | None


def follow_ups(
    report: QuarterReport, user: User, now: datetime, posted: tuple[int, FollowUpForm] | None = None
) -> list[FollowUp]:
    """Return the open responses of earlier quarters, and the report's own once it is on its way.

    posted is a form that came back, with the id of its report.
    """
    own = [report] if report.response and not report.is_open_for_entry else []
    may = can(user, CHANGE, report) and not report.indicator.goal.plan.is_closed
    found = []
    for each in [*workflow.open_responses(report), *own]:
        form = FollowUpForm(auto_id=f"id_follow_up_{each.pk}_%s")
        if posted and posted[0] == each.pk:
            form = posted[1]
        deadline = each.improve_by
        overdue = each.has_open_response and deadline is not None and deadline < taipei(now).date()
        can_end = each.has_open_response and each.status != Status.DRAFT
        form_if_open = form if may and can_end else None
        found.append(FollowUp(each, quarter_words(each.quarter), overdue, form_if_open))
    return found


# -- Around it ---------------------------------------------------------------------------------------------


def notes(indicator: Indicator) -> list[str]:
    """Collect the provenance notes that matter to whoever fills the report in."""
    found = [indicator.note, *(variable.note for variable in indicator.variables.all())]
    return list(dict.fromkeys(line for note in found for line in note.splitlines() if line))


def constants(indicator: Indicator) -> list[tuple[Variable, str | None]]:
    """Return the constants of the plan with their values, None where the plan leaves one out."""
    return [
        (variable, None if variable.constant is None else format_number(variable.constant))
        for variable in indicator.variables.all()
        if variable.is_constant
    ]


def neighbours(report: QuarterReport, user: User) -> dict[str, Any]:
    """Find the reports before and after this one in the same quarter, to go through them one by one."""
    same = QuarterReport.objects.visible_to(user).filter(
        quarter=report.quarter, indicator__goal__plan=report.indicator.goal.plan_id
    )
    ordered = list(
        same.select_related("indicator").order_by("indicator__goal__outline_number", "indicator__number")
    )
    here = ordered.index(report)
    around = {"before": ordered[here - 1] if here else None, "after": next(iter(ordered[here + 1 :]), None)}
    return {
        name: found and (address(found), found.indicator.code, shortened(found.indicator.title, 20))
        for name, found in around.items()
    }
