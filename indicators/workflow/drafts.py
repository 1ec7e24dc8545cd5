"""What is written while a report is being filled in: figures, shares of units, texts, constants, progress."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypedDict, Unpack

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from ledger.acting import acting
from objectives.fields import refuse_control_characters, trimmed
from objectives.models import Unit, User, WorkItem
from objectives.permissions import can, require

from ..models import QUARTERS, Figure, Indicator, ItemProgress, QuarterReport, Variable
from ..numbers import format_number
from .frozen import why_constant_stands
from .periods import create_periods, require_open, under_the_locks
from .refusals import Conflict, Refusal

CHANGE = "indicators.change_quarterreport"

Key = str | tuple[str, int]
"""A figure within a report: its variable's symbol, and for a share the unit's id."""

Figures = Mapping[Any, Decimal | None]
"""Figures by `Key`, which a mapping's type cannot say: str is no str | tuple to it."""

Cell = Key
"""What can be changed in a report: a figure by its key, or a text by its field's name."""


class Texts(TypedDict, total=False):
    """The words of a report; what is left out stays as it is."""

    remark: str
    not_applicable_reason: str
    lag_reason: str
    response: str
    improve_by: date | None
    coordination: str
    check_note: str


LENGTHS: Mapping[str, int | None] = {
    "remark": 5000,
    "not_applicable_reason": 1000,
    "lag_reason": 2000,
    "response": 2000,
    "improve_by": None,
    "coordination": 2000,
    "check_note": 2000,
}
"""How long each of `Texts` may be, in characters, in the order in which forms show them; None for the day."""


def create_reports(indicators: Iterable[Indicator]) -> None:
    """Lay out the quarter reports of new indicators, and their plans' periods; those that exist stay."""
    with acting():
        indicators = list(indicators)
        for plan in {indicator.goal.plan for indicator in indicators}:
            create_periods(plan)
        QuarterReport.objects.bulk_create(
            [
                QuarterReport(indicator=indicator, quarter=quarter)
                for indicator in indicators
                for quarter in QUARTERS
            ],
            ignore_conflicts=True,
        )


def locked(report: QuarterReport, version: int | None) -> QuarterReport:
    """Read the report anew under a lock, and refuse one that is no longer as it was seen."""
    found = (
        QuarterReport.objects.select_for_update(of=("self",))
        .select_related("indicator__goal__plan__closed_by", "indicator__lead_unit")
        .get(pk=report.pk)
    )
    if version is not None and version != found.version:
        raise Conflict(_("Somebody changed this report in the meantime. Compare both values and save again."))
    return found


def save_draft(
    *,
    report: QuarterReport,
    by: User,
    now: datetime,
    figures: Figures,
    version: int | None = None,
    seen: Mapping[Cell, Any] | None = None,
    demo: bool = False,
    restate: bool = False,
    **texts: Unpack[Texts],
) -> QuarterReport:
    """Write figures by key, and texts, into a draft or returned report; None takes a figure back.

    Figures and texts that are not given stay as they are. Whoever enters for the lead unit may write all of
    it, whoever enters for a contributing unit that unit's shares. A figure keeps its author, and its mark as
    a demonstration, while its value does not change; with restate a demonstration becomes the writer's own
    even then, since a file states each of its figures where a form sends back what it showed. version is the
    one that the writer saw; seen is finer, what stood in each cell that is written.
    Raises PermissionDenied; Conflict (the report, or a cell, has moved on since it was seen); Closed; Refusal
    (it is not open for entry); ValidationError (a figure that its variable cannot have, figures beside a
    declaration of 不適用).
    """
    texts = _trimmed(texts)
    with acting(actor=by, about=report):
        report = locked(report, version)
        units = {unit.pk: unit for unit in report.indicator.participants}
        if not any(can(by, CHANGE, unit) for unit in units.values()):
            require(by, CHANGE, report)
        variables = {variable.symbol: variable for variable in report.indicator.variables.all()}
        stored = _stored(report)
        given = {_key(key, variables, units, stored): value for key, value in figures.items()}
        _require_rights(report, by, given, texts, units)
        require_open(report.indicator.goal.plan, report.quarter, _units_of(report, given, texts), now)
        if not report.is_open_for_entry:
            raise Refusal(
                _("This report is «%(status)s»; figures can be changed only in a draft or a returned report.")
                % {"status": report.get_status_display()}
            )
        if seen is not None:
            _refuse_unseen(report, given, texts, seen, stored)
        changed = False
        with under_the_locks():
            for key, value in given.items():
                changed |= _write_figure(
                    report, variables, stored, key, value, by=by, now=now, demo=demo, restate=restate
                )
        changed |= _write_texts(report, texts)
        _refuse_wholes_beside_shares(report, given, variables)
        _refuse_figures_beside_a_reason(report)
        if changed:
            report.editors.add(by)
            report.changed_by, report.changed_at = by, now
            report.version += 1
            report.demo = demo
            report.save()
        return report


Place = tuple[str, int | None]


def _trimmed(texts: Texts) -> Texts:
    """Return the texts as they are stored, so that nothing is written for what nobody sees."""
    written: Any = {name: trimmed(text) if isinstance(text, str) else text for name, text in texts.items()}
    return written


def _stored(report: QuarterReport) -> dict[Place, Figure]:
    figures = report.figures.select_related("variable", "unit")
    return {(figure.variable.symbol, figure.unit_id): figure for figure in figures}


def _key(
    key: Key, variables: Mapping[str, Variable], units: Mapping[int, Unit], stored: Mapping[Place, Figure]
) -> Place:
    """Return symbol and unit; the only unit of a variable that is given by unit need not be named."""
    symbol, unit = key if isinstance(key, tuple) else (key, None)
    variable = variables[symbol]
    if (symbol, unit) in stored:
        return symbol, unit  # whatever is there can be changed or taken back
    if not variable.by_unit and unit is not None:
        raise ValidationError(_("«%(name)s» is not given by unit.") % {"name": variable})
    if variable.by_unit and unit is None:
        if len(units) > 1:
            raise ValidationError(
                _("«%(name)s» is given by unit; say which: %(units)s.")
                % {"name": variable, "units": _(", ").join(each.name for each in units.values())}
            )
        [unit] = units
    if unit is not None and unit not in units:
        raise ValidationError(
            _("«%(name)s»: this unit does not contribute. The units are: %(units)s.")
            % {"name": variable, "units": _(", ").join(each.name for each in units.values())}
        )
    return symbol, unit


def _require_rights(
    report: QuarterReport, by: User, given: Mapping[Place, Any], texts: Texts, units: Mapping[int, Unit]
) -> None:
    """Let the lead unit's planner write everything that is not another unit's share."""
    shares = {unit for _symbol, unit in given if unit is not None}
    if texts or not shares or any(unit is None for _symbol, unit in given):
        require(by, CHANGE, report)
    for unit in shares:
        if unit in units:
            require(by, CHANGE, units[unit])
        else:
            require(
                by, CHANGE, report
            )  # a unit that contributes no more: its share is the lead unit's to clear


def _units_of(report: QuarterReport, given: Mapping[Place, Any], texts: Texts) -> set[int]:
    """Return the units for which the quarter must be open."""
    lead = report.indicator.lead_unit_id
    units = {lead if unit is None else unit for _symbol, unit in given}
    return units | {lead} if texts or not units else units


def _refuse_unseen(
    report: QuarterReport,
    given: Mapping[Place, Decimal | None],
    texts: Texts,
    seen: Mapping[Cell, Any],
    stored: Mapping[Place, Figure],
) -> None:
    """Refuse to replace what the writer has not seen, unless it is what they write."""
    unlike: list[Cell] = []
    for (symbol, unit), value in given.items():
        key: Key = symbol if unit is None else (symbol, unit)
        figure = stored.get((symbol, unit))
        there = figure.value if figure else None
        if key in seen and there != seen[key] and there != value:
            unlike.append(key)
    for name, text in texts.items():
        there = getattr(report, name)
        if name in seen and there != seen[name] and there != text:
            unlike.append(name)
    if unlike:
        raise Conflict(
            _("Somebody changed this report in the meantime. Compare both values and save again."), unlike
        )


def _refuse_wholes_beside_shares(
    report: QuarterReport, given: Mapping[Place, Decimal | None], variables: Mapping[str, Variable]
) -> None:
    """Refuse to add a whole to shares, or a share to a whole: their sum would count a figure twice."""
    there = _stored(report)
    for symbol in {symbol for (symbol, _unit), value in given.items() if value is not None}:
        shares = [figure for (each, unit), figure in there.items() if each == symbol and unit is not None]
        if shares and (symbol, None) in there:
            units = _(", ").join(_figure_words(share) for share in shares)
            raise ValidationError(
                _("«%(name)s» is given whole or by unit. Clear the one to enter the other: %(units)s.")
                % {"name": variables[symbol], "units": units}
            )


def _refuse_figures_beside_a_reason(report: QuarterReport) -> None:
    """Refuse to declare a report with figures 不適用, and name what whoever gave it has to clear first."""
    if not report.not_applicable_reason:
        return
    if there := report.figures.select_related("variable", "unit"):
        both = _("A report is either not applicable or has figures. Clear the figures, or clear the reason.")
        clear = _("To be cleared: %(figures)s. A unit's share is cleared by that unit.")
        figures = _(", ").join(_figure_words(each) for each in there)
        raise ValidationError([both, clear % {"figures": figures}])


def _figure_words(figure: Figure) -> str:
    """Name a figure by its variable, with the unit whose share it is, and its value."""
    name = figure.variable.name
    if figure.unit:
        name = _("%(name)s (%(unit)s)") % {"name": name, "unit": figure.unit}
    return _("%(name)s: %(value)s") % {"name": name, "value": format_number(figure.value)}


def _write_figure(
    report: QuarterReport,
    variables: Mapping[str, Variable],
    stored: Mapping[Place, Figure],
    place: Place,
    value: Decimal | None,
    *,
    by: User,
    now: datetime,
    demo: bool,
    restate: bool,
) -> bool:
    """Write or take back one figure, and say whether anything changed."""
    symbol, unit = place
    figure = stored.get(place)
    if value is None:
        if figure:
            figure.delete()
        return figure is not None
    check_figure(variables[symbol], value)
    if figure and figure.value == value and not (restate and figure.demo):
        return False
    figure = figure or Figure(report=report, variable=variables[symbol], unit_id=unit)
    figure.value, figure.changed_by, figure.changed_at, figure.demo = value, by, now, demo
    figure.save()
    return True


def _write_texts(report: QuarterReport, texts: Texts) -> bool:
    changed, answered = False, report.response
    for name, text in texts.items():
        if text == getattr(report, name):
            continue
        if isinstance(text, str):
            refuse_control_characters(text)
        setattr(report, name, text)
        changed = True
    if report.response != answered and report.followed_up_by_id:  # what was done is not what it says now
        report.followed_up_by = report.followed_up_at = None
        report.followed_up_note = ""
    return changed


def check_figure(variable: Variable, value: Decimal) -> None:
    """Raise ValidationError for a value that the variable cannot have."""
    if variable.is_constant:
        raise ValidationError(_("«%(name)s» is given with the plan and not reported.") % {"name": variable})
    variable.check_value(value)


def due_variables(report: QuarterReport) -> list[Variable]:
    """Return the variables whose figure the report must have; a memo may stay empty."""
    return [
        variable
        for variable in report.indicator.variables.all()
        if report.quarter in variable.due and not variable.memo
    ]


def missing_figures(report: QuarterReport) -> Iterator[tuple[Variable, Unit | None]]:
    """Yield each due variable without a figure, and the unit whose share is missing (None: no shares)."""
    there = {(figure.variable_id, figure.unit_id) for figure in report.figures.all()}
    participants = report.indicator.participants
    for variable in due_variables(report):
        if not variable.by_unit:
            if (variable.pk, None) not in there:
                yield variable, None
            continue
        for unit in participants:
            if (variable.pk, unit.pk) not in there and (variable.pk, None) not in there:
                yield variable, unit


def set_constant(
    *, variable: Variable, value: Decimal | None, by: User, approver: User | None = None
) -> Variable:
    """Fill in a constant of the plan, such as a baseline that the plan left out; None makes it unknown again.

    It takes effect at once, so it needs an administrator, or a planner of the lead unit together with another
    person who may approve. Raises PermissionDenied; Refusal where the year is closed, or a known constant
    stands fast because the plan is adopted or a report was approved with it.
    """
    with acting(actor=by, about=variable):
        indicator = variable.indicator
        if not can(by, "indicators.change_variable", variable):
            require(by, CHANGE, indicator.lead_unit)
            if approver is None or approver == by:
                message = _(
                    "A constant takes effect at once: an administrator sets it, or a second person approves."
                )
                raise Refusal(message)
            require(approver, "indicators.approve_quarterreport", indicator.lead_unit)
        variable = Variable.objects.select_for_update().get(pk=variable.pk)
        if not variable.is_constant:
            raise Refusal(_("«%(name)s» is reported by quarter; name the quarter.") % {"name": variable})
        if variable.constant == value:
            return variable
        if why := why_constant_stands(variable):
            raise Refusal(why)
        variable.constant = value
        variable.full_clean()
        variable.save(update_fields=["constant"])
        count_as_editor(indicator, by)
        return variable


def count_as_editor(indicator: Indicator, by: User) -> None:
    """Four eyes: whoever changes what the indicator's reports come to decides about none of them."""
    Hand = QuarterReport.editors.through
    Hand.objects.bulk_create(
        [Hand(quarterreport=report, user=by) for report in indicator.reports.all()], ignore_conflicts=True
    )


def save_progress(
    *, item: WorkItem, quarter: int, text: str, by: User, now: datetime, seen: str | None = None
) -> ItemProgress | None:
    """Write what was done about a work item in a quarter; seen is the text that the writer saw.

    Returns None where there was and is nothing to say. Raises PermissionDenied, Conflict, Closed.
    """
    with acting(actor=by, about=item):
        item = WorkItem.objects.select_related("work_plan__plan__closed_by").get(pk=item.pk)
        unit = Unit.objects.get(pk=item.responsible_unit_id)
        require(by, CHANGE, unit)
        require_open(item.work_plan.plan, quarter, [unit.pk], now)
        refuse_control_characters(text)
        text = trimmed(text)
        found = ItemProgress.objects.select_for_update().filter(item=item, quarter=quarter).first()
        there = found.text if found else ""
        if text == there:
            return found
        if seen is not None and there != seen:
            raise Conflict(
                _("Somebody changed this text in the meantime. Compare both and save again."), ["text"]
            )
        found = found or ItemProgress(item=item, quarter=quarter)
        found.text, found.changed_by, found.changed_at = text, by, now
        found.version += 1
        found.save()
        return found
