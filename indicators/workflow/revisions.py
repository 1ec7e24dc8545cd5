"""The verbs of 目標值修正: the only way in which an adopted plan's target, formula or constant changes."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.utils.translation import gettext as _

from ledger.acting import acting
from objectives.fields import trimmed
from objectives.models import User
from objectives.permissions import require

from ..fields import read_number
from ..formula import FormulaError, check_names, compile_formula
from ..models import QUARTERS, Indicator, Status, TargetRevision, Variable
from ..wording import formula_problem
from .frozen import why_results_stand
from .refusals import Closed, Refusal

ADD = "indicators.add_targetrevision"
APPROVE = "indicators.approve_targetrevision"


def propose_revision(
    *,
    indicator: Indicator,
    from_quarter: int,
    target: Decimal | None = None,
    formula: str = "",
    variable: Variable | None = None,
    constant: Decimal | None = None,
    reason: str,
    authority: str,
    decided_on: date,
    number: str,
    by: User,
    now: datetime,
) -> TargetRevision:
    """Enter what the authority's letter (authority, decided_on, number) revises; another person approves it.

    What is left open, or is as it stands already, stays so; constant is the corrected one of variable.
    Raises PermissionDenied; Closed in a closed year, or where a quarter from which it would apply is closed;
    Refusal before the plan's adoption, from a quarter that is approved already or before one from which the
    same is revised already, where nothing would change or the new definition cannot be computed;
    ValidationError (a field is empty, or a constant that its variable cannot have).
    """
    with acting(actor=by, reason=trimmed(reason), about=indicator):
        require(by, ADD, indicator)
        revision = TargetRevision(
            indicator=_locked(indicator), from_quarter=from_quarter, target=target, formula=trimmed(formula),
            variable=variable, constant=constant, reason=trimmed(reason), authority=trimmed(authority),
            decided_on=decided_on, number=trimmed(number), proposed_by=by, proposed_at=now,
        )  # fmt: skip
        _refuse_unfit(revision, now)
        revision.old_target, revision.old_formula, revision.old_constant = _before(revision)
        _leave_out_what_stays(revision)
        _refuse_before_a_later_one(revision)
        revision.full_clean()
        revision.save()
        return revision


def withdraw_revision(*, revision: TargetRevision, by: User) -> None:
    """Delete a revision that nobody has approved; the ledger keeps it. Raises PermissionDenied, Refusal."""
    with acting(actor=by, about=revision):
        require(by, ADD, revision)
        _open(revision).delete()


def approve_revision(*, revision: TargetRevision, by: User, now: datetime) -> TargetRevision:
    """Put a revision in force: results from its quarter on are computed with it at once.

    Raises PermissionDenied, also for whoever entered it; Closed; Refusal where it is approved or withdrawn
    already, where a quarter from which it would apply has been approved since, where something else is in
    force by now than when it was entered, or where the same is revised from a later quarter on by now.
    """
    with acting(actor=by, reason=revision.number, about=revision):
        require(by, APPROVE, revision)
        revision = _open(revision)
        if revision.proposed_by_id == by.pk:
            raise PermissionDenied(
                _("Whoever entered a revision cannot approve it. Ask another reviewer of the agency.")
            )
        _refuse_unfit(revision, now)
        if _before(revision) != (revision.old_target, revision.old_formula, revision.old_constant):
            raise Refusal(
                _(
                    "What is in force has changed since this revision was entered. Withdraw it and enter it "
                    "anew."
                )
            )
        _refuse_before_a_later_one(revision)
        revision.approved_by, revision.approved_at = by, now
        revision.save(update_fields=["approved_by", "approved_at"])
        _let_reviewers_look_again(revision)
        return revision


def _locked(indicator: Indicator) -> Indicator:
    locked = Indicator.objects.select_for_update(of=("self",), no_key=True)
    return locked.select_related("goal__plan__closed_by").get(pk=indicator.pk)


def _open(revision: TargetRevision) -> TargetRevision:
    """Read a revision anew under a lock, and refuse one that was decided in the meantime."""
    found = TargetRevision.objects.select_for_update(of=("self",)).filter(pk=revision.pk).first()
    if found is None:
        raise Refusal(_("This revision was withdrawn in the meantime."))
    if found.is_approved:
        raise Refusal(_("This revision is approved already; only a further one can change it."))
    found.indicator = _locked(found.indicator)
    return found


def _refuse_unfit(revision: TargetRevision, now: datetime) -> None:
    """Refuse what cannot be in force from the revision's quarter on."""
    plan = revision.indicator.goal.plan
    if not plan.is_adopted:
        raise Refusal(_("The plan is not adopted yet: change the indicator itself."))
    if plan.is_closed:
        raise Closed(plan.why_closed)
    _refuse_approved_quarters(revision)
    _refuse_closed_quarters(revision, now)
    if revision.target is not None:
        read_number(f"{revision.target:f}")
    if revision.formula:
        _refuse_bad_formula(revision)
    _refuse_bad_constant(revision)


def _refuse_approved_quarters(revision: TargetRevision) -> None:
    approved = revision.indicator.reports.filter(status=Status.APPROVED, quarter__gte=revision.from_quarter)
    if quarters := list(approved.order_by("quarter").values_list("quarter", flat=True)):
        raise Refusal(
            _(
                "Quarter %(quarters)s is approved already, and its result keeps the definition that it was "
                "approved under. Choose a later quarter, or have the report reopened first."
            )
            % {"quarters": _(", ").join(map(str, quarters))}
        )


def _refuse_closed_quarters(revision: TargetRevision, now: datetime) -> None:
    quarters = range(revision.from_quarter, QUARTERS[-1] + 1)
    for why in why_results_stand(revision.indicator, quarters, now).values():
        raise Closed(_("%(why)s Or choose a later quarter.") % {"why": why})


def _refuse_bad_formula(revision: TargetRevision) -> None:
    variables = list(revision.indicator.variables.all())
    try:
        check_names(compile_formula(revision.formula), {each.symbol for each in variables if not each.memo})
    except FormulaError as error:
        raise Refusal(
            _("Formula «%(formula)s»: %(problem)s")
            % {
                "formula": revision.formula,
                "problem": formula_problem(error, {each.symbol for each in variables if each.memo}),
            }
        ) from error


def _refuse_bad_constant(revision: TargetRevision) -> None:
    variable, constant = revision.variable, revision.constant
    if variable is None and constant is None:
        return
    if variable is None or constant is None:
        raise Refusal(_("To correct a constant, choose it and give its value."))
    if variable.indicator_id != revision.indicator_id:
        raise Refusal(_("«%(name)s» belongs to another indicator.") % {"name": variable})
    if not variable.is_constant:
        raise Refusal(
            _("«%(name)s» is reported by quarter and no constant of the plan.") % {"name": variable}
        )
    read_number(f"{constant:f}")
    variable.check_value(constant)


def _before(revision: TargetRevision) -> tuple[Decimal, str, Decimal | None]:
    """Return target, formula and constant as they are in force at the revision's quarter without it."""
    definition = revision.indicator.in_force(revision.from_quarter)
    symbol = revision.variable.symbol if revision.variable else None
    constants = {each.symbol: each.constant for each in definition.rule.variables}
    return definition.target, definition.formula, constants.get(symbol) if symbol else None


def _leave_out_what_stays(revision: TargetRevision) -> None:
    if revision.target == revision.old_target:
        revision.target = None
    if revision.formula == revision.old_formula:
        revision.formula = ""
    if revision.constant == revision.old_constant:
        revision.variable = revision.constant = revision.old_constant = None
    if revision.target is None and not revision.formula and revision.constant is None:
        raise Refusal(
            _("Nothing would change: give a target, a formula or a constant unlike those in force.")
        )


def _refuse_before_a_later_one(revision: TargetRevision) -> None:
    """Refuse what a revision in force would end: it would not last to the year's end, as people expect."""
    in_force = revision.indicator.revisions.exclude(approved_at=None)
    later = in_force.filter(from_quarter__gt=revision.from_quarter).order_by("from_quarter", "pk")
    other = next((each for each in later if _revise_the_same(each, revision)), None)
    if other:
        raise Refusal(
            _(
                "The same is revised from quarter %(quarter)s on already (%(number)s), so this revision "
                "would end there. Choose quarter %(quarter)s or a later one."
            )
            % {"quarter": other.from_quarter, "number": other.number}
        )


def _revise_the_same(one: TargetRevision, other: TargetRevision) -> bool:
    """Say whether both revise the target, the formula, or the same constant."""
    targets = one.target is not None and other.target is not None
    constants = one.variable_id is not None and one.variable_id == other.variable_id
    return targets or bool(one.formula and other.formula) or constants


def _let_reviewers_look_again(revision: TargetRevision) -> None:
    """Whoever is about to decide about a report saw it by the old definition: that is a conflict now."""
    under_way = revision.indicator.reports.filter(status__in=(Status.SUBMITTED, Status.ENDORSED))
    under_way.filter(quarter__gte=revision.from_quarter).update(version=F("version") + 1)
