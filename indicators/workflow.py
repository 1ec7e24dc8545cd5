"""The verbs of quarterly reporting: the only code that writes figures or moves a report's status.

Admin, pages, imports and commands all call these. Each verb is atomic, takes the ledger's lock and then the
report's, and judges the report as it then stands. What a verb refuses for a reason that the caller can mend
is a `Refusal`; what the person may not do at all is a PermissionDenied.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum

from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from ledger.acting import acting
from objectives.fields import refuse_control_characters
from objectives.models import User
from objectives.permissions import can, require

from .models import QUARTERS, Figure, Indicator, PlannedValue, QuarterReport, Status, Variable

DEMONSTRATION_REMARK = "（示範資料）本欄示範執行情形之填寫方式。"


class Refusal(ValidationError):
    """The report does not allow this as it stands; the message says why and what to do."""


class Conflict(Refusal):
    """Somebody else changed the report since it was read."""


class Step(Enum):
    """A move of a report from one status to another; the value names its permission."""

    SUBMIT = "submit"
    APPROVE = "approve"
    RETURN = "return"

    @property
    def permission(self) -> str:
        return f"indicators.{self.value}_quarterreport"


# Where each step leads from and to. The head's endorsement (ENDORSED) is a status that approval and return
# already start from.
TRANSITIONS: dict[Step, tuple[frozenset[Status], Status]] = {
    Step.SUBMIT: (frozenset({Status.DRAFT, Status.RETURNED}), Status.SUBMITTED),
    Step.APPROVE: (frozenset({Status.SUBMITTED, Status.ENDORSED}), Status.APPROVED),
    Step.RETURN: (frozenset({Status.SUBMITTED, Status.ENDORSED}), Status.RETURNED),
}


def possible_steps(report: QuarterReport, user: User) -> list[Step]:
    """Return the steps that user may take with the report as it stands."""
    return [
        step
        for step, (origins, _target) in TRANSITIONS.items()
        if report.status in origins
        and can(user, step.permission, report)
        and not (step is Step.APPROVE and _had_a_hand_in(report, user))
    ]


def create_reports(indicators: Iterable[Indicator]) -> None:
    """Lay out the quarter reports of new indicators; those that exist stay as they are."""
    with acting():
        QuarterReport.objects.bulk_create(
            [
                QuarterReport(indicator=indicator, quarter=quarter)
                for indicator in indicators
                for quarter in QUARTERS
            ],
            ignore_conflicts=True,
        )


def save_draft(
    *,
    report: QuarterReport,
    by: User,
    now: datetime,
    figures: Mapping[str, Decimal | None],
    remark: str | None = None,
    not_applicable_reason: str | None = None,
    version: int | None = None,
    demo: bool = False,
    restate: bool = False,
) -> QuarterReport:
    """Write figures by symbol into a draft or returned report; None takes a figure back.

    Symbols and texts that are not given stay as they are. A figure keeps its author, and its mark as a
    demonstration, while its value does not change; with restate a demonstration becomes the writer's own even
    then, since a file states each of its figures where a form sends back what it showed. version is the one
    that the writer saw.
    Raises PermissionDenied; Conflict (the report has moved on since that version); Refusal (it is not open
    for entry); ValidationError (a figure that its variable cannot have, figures beside a declaration of
    不適用).
    """
    with acting(actor=by, about=report):
        require(by, "indicators.change_quarterreport", report)
        report = _locked(report, version)
        if not report.is_open_for_entry:
            raise Refusal(
                _("This report is «%(status)s»; figures can be changed only in a draft or a returned report.")
                % {"status": report.get_status_display()}
            )
        variables = {variable.symbol: variable for variable in report.indicator.variables.all()}
        stored = {figure.variable.symbol: figure for figure in report.figures.select_related("variable")}
        changed = False
        for symbol, value in figures.items():
            figure = stored.get(symbol)
            if value is None:
                if figure:
                    figure.delete()
                    changed = True
                continue
            check_figure(variables[symbol], value)
            if figure and figure.value == value and not (restate and figure.demo):
                continue
            figure = figure or Figure(report=report, variable=variables[symbol])
            figure.value, figure.changed_by, figure.changed_at, figure.demo = value, by, now, demo
            figure.save()
            changed = True
        for name, text in {"remark": remark, "not_applicable_reason": not_applicable_reason}.items():
            if text is not None and text != getattr(report, name):
                refuse_control_characters(text)
                setattr(report, name, text)
                changed = True
        if report.not_applicable_reason and report.figures.exists():
            raise ValidationError(
                _("A report is either not applicable or has figures. Clear the figures, or clear the reason.")
            )
        if changed:
            report.editors.add(by)
            report.changed_by, report.changed_at = by, now
            report.version += 1
            report.demo = demo
            report.save()
        return report


def check_figure(variable: Variable, value: Decimal) -> None:
    """Raise ValidationError for a value that the variable cannot have."""
    if variable.is_constant:
        raise ValidationError(_("«%(name)s» is given with the plan and not reported.") % {"name": variable})
    variable.check_value(value)


def submit(*, report: QuarterReport, by: User, now: datetime, version: int | None = None) -> QuarterReport:
    """送審. Raises PermissionDenied, Conflict; Refusal from another status or without all due figures."""
    with acting(actor=by, about=report):
        report = _begin(Step.SUBMIT, report, by, version)
        missing = due_variables(report).exclude(figures__report=report)
        if missing and not report.not_applicable_reason:
            names = _(", ").join(variable.name for variable in missing)
            raise Refusal(
                _("Before submitting, fill in: %(names)s. Where there was nothing, enter 0.")
                % {"names": names}
            )
        report.submitted_by, report.submitted_at = by, now
        return _finish(Step.SUBMIT, report)


def due_variables(report: QuarterReport) -> QuerySet[Variable]:
    """Return the variables whose figure the report must have; a memo may stay empty."""
    return report.indicator.variables.filter(due_quarters__contains=str(report.quarter), memo=False)


def approve(*, report: QuarterReport, by: User, now: datetime, version: int | None = None) -> QuarterReport:
    """審核通過: from now on the figures count in official results.

    Raises PermissionDenied, also for whoever submitted the report or ever changed it; Conflict where it is no
    longer the version that the reviewer saw; Refusal from another status.
    """
    with acting(actor=by, about=report):
        report = _begin(Step.APPROVE, report, by, version)
        if _had_a_hand_in(report, by):
            raise PermissionDenied(
                _("Whoever filled in or submitted a report cannot approve it. Ask another reviewer.")
            )
        report.approved_by, report.approved_at = by, now
        return _finish(Step.APPROVE, report)


def return_for_correction(
    *, report: QuarterReport, by: User, now: datetime, reason: str, version: int | None = None
) -> QuarterReport:
    """退回補正, with a reason that the planner will read. Raises PermissionDenied, Conflict, Refusal."""
    with acting(actor=by, reason=reason.strip(), about=report):
        report = _begin(Step.RETURN, report, by, version)
        refuse_control_characters(reason)
        if not reason.strip():
            raise Refusal(_("Give a reason for the return, so that the planner knows what to correct."))
        report.returned_by, report.returned_at, report.return_reason = by, now, reason.strip()
        report.submitted_by = report.submitted_at = report.endorsed_by = report.endorsed_at = None
        return _finish(Step.RETURN, report)


def set_constant(*, variable: Variable, value: Decimal, by: User, approver: User | None = None) -> Variable:
    """Fill in a constant of the plan, such as a baseline that the plan left out.

    It takes effect at once, so it needs an administrator, or a planner of the lead unit together with another
    person who may approve. Raises PermissionDenied; Refusal once an adopted plan has the constant.
    """
    with acting(actor=by, about=variable):
        indicator = variable.indicator
        if not can(by, "indicators.change_variable", variable):
            require(by, "indicators.change_quarterreport", indicator.lead_unit)
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
        if variable.constant is not None and indicator.goal.plan.is_adopted:
            raise Refusal(_("The plan is adopted, and «%(name)s» is set in it.") % {"name": variable})
        variable.constant = value
        variable.full_clean()
        variable.save(update_fields=["constant"])
        return variable


def clear_demonstration() -> int:
    """Remove every demonstration figure and planned value, and return how many; nothing else is lost.

    A report that loses a figure becomes a draft again. What people wrote into it themselves stays.
    """
    with acting(reason="clear_demo"):
        removed = PlannedValue.objects.filter(demo=True).delete()[0]
        invented = Q(demo=True) | Q(figures__demo=True) | Q(remark=DEMONSTRATION_REMARK)
        touched = set(QuarterReport.objects.filter(invented).values_list("pk", flat=True))
        for report in QuarterReport.objects.select_for_update().filter(pk__in=touched):
            gone = report.figures.filter(demo=True).delete()[0]
            removed += gone
            if gone or report.demo:
                report.status = Status.DRAFT
                report.submitted_by = report.submitted_at = report.endorsed_by = report.endorsed_at = None
                report.approved_by = report.approved_at = report.returned_by = report.returned_at = None
                report.return_reason = ""
            if report.demo:
                report.not_applicable_reason = ""
                report.editors.clear()
                report.changed_by = report.changed_at = None
            if report.demo or report.remark == DEMONSTRATION_REMARK:
                report.remark = ""
            report.demo = False
            report.version += 1
            report.save()
        return removed


def _locked(report: QuarterReport, version: int | None) -> QuarterReport:
    """Read the report anew under a lock, and refuse one that is no longer as it was seen."""
    found = (
        QuarterReport.objects.select_for_update(of=("self",))
        .select_related("indicator__goal__plan", "indicator__lead_unit")
        .get(pk=report.pk)
    )
    if version is not None and version != found.version:
        raise Conflict(_("Somebody changed this report in the meantime. Compare both values and save again."))
    return found


def _begin(step: Step, report: QuarterReport, by: User, version: int | None) -> QuarterReport:
    require(by, step.permission, report)
    report = _locked(report, version)
    if report.status not in TRANSITIONS[step][0]:
        raise Refusal(
            _("This report is «%(status)s» by now, so this step is not possible.")
            % {"status": report.get_status_display()}
        )
    return report


def _finish(step: Step, report: QuarterReport) -> QuarterReport:
    report.status = TRANSITIONS[step][1]
    report.version += 1
    report.save()
    return report


def _had_a_hand_in(report: QuarterReport, user: User) -> bool:
    """Four eyes: the submitter and whoever changed the report, in an earlier round too."""
    return report.submitted_by_id == user.pk or report.editors.filter(pk=user.pk).exists()
