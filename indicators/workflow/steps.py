"""The verbs that move a report from one status to the next, and what is asked before each.

Each verb is atomic, takes the ledger's lock and then the report's, and judges the report as it then stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from django.core.exceptions import PermissionDenied
from django.db.models import prefetch_related_objects
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ledger.acting import acting
from objectives.fields import refuse_control_characters, trimmed
from objectives.models import User
from objectives.permissions import can, require

from ..checks import Finding, findings, later_findings
from ..models import QuarterReport, ReportStep, Status
from ..readings import Basis, Reading, readings
from ..value import Direction, side, value_at
from ..wording import finding_words
from .drafts import due_variables, locked, missing_figures
from .judging import CHANGE
from .periods import require_open
from .refusals import Refusal

# What a report must say before it is submitted where its value is behind the planned one.
EXPLAINS_A_LAG = ("lag_reason", "response", "improve_by")

# What `obstacles` reads of an indicator.
DEFINED_BY = ("variables", "planned_values", "revisions", "contributing_units")

# The texts of a report that make it worth submitting where no figure is due.
WORDS = ("remark", "lag_reason", "response", "coordination", "check_note")


class Step(Enum):
    """A move of a report from one status to another."""

    SUBMIT = "SUBMIT"
    WITHDRAW = "WITHDRAW"
    ENDORSE = "ENDORSE"
    APPROVE = "APPROVE"
    RETURN = "RETURN"
    REOPEN = "REOPEN"

    @property
    def label(self) -> Promise:
        return LABELS[self]


LABELS: dict[Step, Promise] = {
    Step.SUBMIT: gettext_lazy("Submitted"),
    Step.WITHDRAW: gettext_lazy("Submission withdrawn"),
    Step.ENDORSE: gettext_lazy("Endorsed by the head of unit"),
    Step.APPROVE: gettext_lazy("Approved"),
    Step.RETURN: gettext_lazy("Returned for correction"),
    Step.REOPEN: gettext_lazy("Reopened after approval"),
}


@dataclass(frozen=True)
class Transition:
    """Where a step leads from and to, and the permission it takes."""

    origins: frozenset[Status]
    target: Status
    permission: str


# The one table of legal moves. Approval starts from SUBMITTED only where the plan has no head's step, and
# there nobody endorses.
TRANSITIONS: dict[Step, Transition] = {
    Step.SUBMIT: Transition(
        frozenset({Status.DRAFT, Status.RETURNED}), Status.SUBMITTED, "indicators.submit_quarterreport"
    ),
    Step.WITHDRAW: Transition(frozenset({Status.SUBMITTED}), Status.DRAFT, "indicators.submit_quarterreport"),
    Step.ENDORSE: Transition(
        frozenset({Status.SUBMITTED}), Status.ENDORSED, "indicators.endorse_quarterreport"
    ),
    Step.APPROVE: Transition(
        frozenset({Status.SUBMITTED, Status.ENDORSED}), Status.APPROVED, "indicators.approve_quarterreport"
    ),
    Step.RETURN: Transition(
        frozenset({Status.SUBMITTED, Status.ENDORSED}), Status.RETURNED, "indicators.return_quarterreport"
    ),
    Step.REOPEN: Transition(frozenset({Status.APPROVED}), Status.RETURNED, "indicators.reopen_quarterreport"),
}
FOUR_EYES = (Step.ENDORSE, Step.APPROVE)


def origins(step: Step, report: QuarterReport) -> frozenset[Status]:
    """Return the statuses from which the report's plan lets step start."""
    head_step = report.indicator.goal.plan.head_step
    if step is Step.ENDORSE and not head_step:
        return frozenset()
    if step is Step.APPROVE and head_step:
        return frozenset({Status.ENDORSED})
    return TRANSITIONS[step].origins


def possible_steps(report: QuarterReport, user: User) -> list[Step]:
    """Return the steps that user may take with the report as it stands, in an open quarter."""
    return [
        step
        for step, transition in TRANSITIONS.items()
        if report.status in origins(step, report)
        and can(user, transition.permission, report)
        and not (step in FOUR_EYES and had_a_hand_in(report, user))
    ]


def had_a_hand_in(report: QuarterReport, user: User) -> bool:
    """Four eyes: whoever submitted the report or changed it, in an earlier round too."""
    return not QuarterReport.objects.filter(pk=report.pk).not_the_work_of(user).exists()


def submit(*, report: QuarterReport, by: User, now: datetime, version: int | None = None) -> QuarterReport:
    """送審. Raises PermissionDenied, Conflict, Closed; Refusal from another status, or while something is
    lacking that `obstacles` names."""
    with acting(actor=by, about=report):
        report = _begin(Step.SUBMIT, report, by, now, version)
        if lacking := _lacking(report):
            raise Refusal(lacking)
        report.submitted_by, report.submitted_at = by, now
        return _finish(Step.SUBMIT, report, by, now)


def _lacking(report: QuarterReport) -> list[str]:
    """Return the `obstacles` of a report that was read alone, its definition read once."""
    prefetch_related_objects([report], "figures", *(f"indicator__{name}" for name in DEFINED_BY))
    return list(obstacles(report, entered(report)))


def obstacles(report: QuarterReport, reading: Reading | None = None) -> Iterator[str]:
    """Yield what keeps the report from being submitted, in sentences for its planner.

    reading is what was entered, where it is known already; with the report's figures and its indicator's
    variables, planned values, revisions and contributing units prefetched nothing is asked of the database.
    """
    if report.indicator.not_applicable_reason:
        return
    names = {variable.symbol: variable.name for variable in report.indicator.variables.all()}
    noticed = notices(report, reading)
    if not report.not_applicable_reason:
        yield from _missing(report)
        if _is_empty(report):
            yield _("Nothing is due in this quarter and nothing was entered, so there is nothing to submit.")
    yield from (finding_words(finding, names) for finding in noticed if finding.must_be_mended)
    if not report.not_applicable_reason:
        yield from _unexplained(report, noticed, names)
        yield from _unexplained_lag(report, reading)


def _missing(report: QuarterReport) -> Iterator[str]:
    missing = [
        variable.name if unit is None else _("%(name)s (%(unit)s)") % {"name": variable.name, "unit": unit}
        for variable, unit in missing_figures(report)
    ]
    if missing:
        yield _("Before submitting, fill in: %(names)s.") % {"names": _(", ").join(missing)}


def _is_empty(report: QuarterReport) -> bool:
    """Whether nothing is asked for and nothing was written."""
    written = any(getattr(report, name) for name in WORDS) or report.figures.all()
    return not written and not due_variables(report)


def _unexplained(
    report: QuarterReport, noticed: Iterable[Finding], names: Mapping[str, str]
) -> Iterator[str]:
    open_questions = [finding for finding in noticed if not finding.must_be_mended]
    if open_questions and not report.check_note:
        yield from (finding_words(finding, names) for finding in open_questions)
        yield _("If this is right, explain it under «%(field)s» and submit again.") % {
            "field": _("explanation of what was noticed")
        }


def _unexplained_lag(report: QuarterReport, reading: Reading | None) -> Iterator[str]:
    if is_behind(report, reading):
        labels = {field.name: field.verbose_name for field in QuarterReport._meta.fields}
        empty = [str(labels[name]) for name in EXPLAINS_A_LAG if not getattr(report, name)]
        if empty:
            yield _("The value is behind its planned value. Before submitting, fill in: %(names)s.") % {
                "names": _(", ").join(empty)
            }


def notices(report: QuarterReport, reading: Reading | None = None) -> list[Finding]:
    """Return what looks wrong with the report's figures as entered, or as they are in reading.

    What they make of later quarters is part of it, of those on their way: a draft is looked at when it is
    submitted itself.
    """
    reading = reading or entered(report)
    indicator, known = report.indicator, (reading.figures, reading.not_applicable)
    reported = {quarter for quarter, _symbol in reading.figures} - reading.drafts
    rules = {quarter: indicator.in_force(quarter).rule for quarter in reported if quarter > report.quarter}
    own = findings(indicator.in_force(report.quarter).rule, report.quarter, *known)
    return [*own, *later_findings(rules, report.quarter, *known)]


def is_behind(report: QuarterReport, reading: Reading | None = None) -> bool:
    """Say whether the value as entered, or that of reading, is worse than the quarter's 預定值."""
    indicator = report.indicator
    planned = {each.quarter: each for each in indicator.planned_values.all()}.get(report.quarter)
    if planned is None:
        return False
    reading = reading or entered(report)
    rule = indicator.in_force(report.quarter).rule
    value = value_at(rule, report.quarter, reading.figures, reading.not_applicable)
    return value.amount is not None and side(value.amount, planned.value, Direction(indicator.direction)) < 0


def entered(report: QuarterReport) -> Reading:
    """Return what was entered for the report's indicator, as `obstacles` and the like take it."""
    return readings([report.indicator], Basis.ENTERED)[report.indicator_id]


def withdraw(*, report: QuarterReport, by: User, now: datetime, version: int | None = None) -> QuarterReport:
    """撤回送審, while nobody has taken the report up. Raises PermissionDenied, Conflict, Closed, Refusal."""
    with acting(actor=by, about=report):
        report = _begin(Step.WITHDRAW, report, by, now, version)
        report.submitted_by = report.submitted_at = None
        return _finish(Step.WITHDRAW, report, by, now)


def endorse(*, report: QuarterReport, by: User, now: datetime, version: int | None = None) -> QuarterReport:
    """單位主管核章. Raises PermissionDenied, also for whoever ever submitted or changed the report; Conflict,
    Closed; Refusal from another status, where the plan has no such step, or for what `obstacles` names."""
    with acting(actor=by, about=report):
        report = _begin(Step.ENDORSE, report, by, now, version)
        _require_still_complete(report)
        report.endorsed_by, report.endorsed_at = by, now
        return _finish(Step.ENDORSE, report, by, now)


def approve(*, report: QuarterReport, by: User, now: datetime, version: int | None = None) -> QuarterReport:
    """審核通過: from now on the figures count in official results.

    Raises PermissionDenied, also for whoever ever submitted the report or changed it; Conflict where it is no
    longer the version that the reviewer saw; Closed; Refusal from another status, or for what `obstacles`
    names.
    """
    with acting(actor=by, about=report):
        report = _begin(Step.APPROVE, report, by, now, version)
        _require_still_complete(report)
        report.approved_by, report.approved_at = by, now
        return _finish(Step.APPROVE, report, by, now)


def _require_still_complete(report: QuarterReport) -> None:
    """Refuse what could not be submitted any more: the plan and the other quarters have moved on since."""
    if lacking := _lacking(report):
        raise Refusal(
            [_("The report cannot be taken further as it stands. Return it for correction."), *lacking]
        )


def approve_all(
    *, reports: Iterable[tuple[QuarterReport, int]], by: User, now: datetime
) -> list[QuarterReport]:
    """Approve reports, each at the version that the reviewer saw: all of them or none.

    Raises Refusal with a sentence for each one that stands in the way.
    """
    done: list[QuarterReport] = []
    blocked: list[str] = []
    with acting(actor=by):
        for report, version in reports:
            try:
                with acting(about=report):
                    done.append(approve(report=report, by=by, now=now, version=version))
            except (Refusal, PermissionDenied) as error:
                why = " ".join(error.messages) if isinstance(error, Refusal) else str(error)
                blocked.append(_("%(code)s: %(why)s") % {"code": report.indicator.code, "why": why})
        if blocked:
            raise Refusal([*blocked, _("Nothing was approved.")])
    return done


def return_for_correction(
    *, report: QuarterReport, by: User, now: datetime, reason: str, version: int | None = None
) -> QuarterReport:
    """退回補正, with a reason that the planner will read.

    Raises PermissionDenied, Conflict, Closed; Refusal from another status or without a reason.
    """
    return _send_back(Step.RETURN, report, by, now, reason, version)


def reopen(
    *, report: QuarterReport, by: User, now: datetime, reason: str, version: int | None = None
) -> QuarterReport:
    """Take an approval back, so that the report can be corrected; its figures count no more until then.

    Raises PermissionDenied, Conflict, Closed; Refusal from another status or without a reason.
    """
    return _send_back(Step.REOPEN, report, by, now, reason, version)


def _send_back(
    step: Step, report: QuarterReport, by: User, now: datetime, reason: str, version: int | None
) -> QuarterReport:
    reason = trimmed(reason)
    with acting(actor=by, reason=reason, about=report):
        report = _begin(step, report, by, now, version)
        refuse_control_characters(reason)
        if not reason:
            raise Refusal(_("Give a reason for the return, so that the planner knows what to correct."))
        report.returned_by, report.returned_at, report.return_reason = by, now, reason
        report.submitted_by = report.submitted_at = report.endorsed_by = report.endorsed_at = None
        report.approved_by = report.approved_at = None
        return _finish(step, report, by, now, comment=reason)


def follow_up(*, report: QuarterReport, by: User, now: datetime, note: str) -> QuarterReport:
    """Mark the report's 因應對策 done, with how it ended. Until then later quarters carry it along.

    Raises PermissionDenied; Refusal in a draft, without a response or a note, or where it is done already.
    """
    with acting(actor=by, about=report):
        require(by, CHANGE, report)
        report = locked(report, None)
        refuse_control_characters(note)
        note = trimmed(note)
        if report.indicator.goal.plan.is_closed:
            require_open(report.indicator.goal.plan, report.quarter, [], now)
        if report.status == Status.DRAFT:
            raise Refusal(_("A response that is still being written cannot be marked done. Submit it first."))
        if not report.has_open_response:
            raise Refusal(_("There is no open response in this report."))
        if not note:
            raise Refusal(_("Say how the response ended."))
        report.followed_up_by, report.followed_up_at, report.followed_up_note = by, now, note
        report.editors.add(by)
        report.save()
        return report


def open_responses(report: QuarterReport) -> list[QuarterReport]:
    """Return the reports of earlier quarters whose 因應對策 is still open, the oldest first."""
    earlier = report.indicator.reports.filter(quarter__lt=report.quarter, followed_up_at=None)
    return list(earlier.exclude(response="").order_by("quarter"))


def _begin(step: Step, report: QuarterReport, by: User, now: datetime, version: int | None) -> QuarterReport:
    require(by, TRANSITIONS[step].permission, report)
    report = locked(report, version)
    indicator = report.indicator
    require_open(indicator.goal.plan, report.quarter, [indicator.lead_unit_id], now)
    if report.status not in origins(step, report):
        raise Refusal(_why_not(step, report))
    if step in FOUR_EYES and had_a_hand_in(report, by):
        raise PermissionDenied(
            _("Whoever filled in or submitted a report cannot approve it. Ask another reviewer.")
        )
    return report


def _why_not(step: Step, report: QuarterReport) -> str:
    if step is Step.APPROVE and report.status == Status.SUBMITTED:
        return _("The head of the unit has not endorsed this report yet.")
    if step is Step.ENDORSE and report.status == Status.SUBMITTED:
        return _("In this plan reports are approved without the endorsement of a head of unit.")
    return _("This report is «%(status)s» by now, so this step is not possible.") % {
        "status": report.get_status_display()
    }


def _finish(step: Step, report: QuarterReport, by: User, now: datetime, comment: str = "") -> QuarterReport:
    ReportStep.objects.create(report=report, step=step.value, by=by, at=now, comment=comment)
    report.status = TRANSITIONS[step].target
    report.version += 1
    report.save()
    return report
