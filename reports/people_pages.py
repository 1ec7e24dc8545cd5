"""Who may do what: the people of an organisation by unit and role, and what each role allows."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date

from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from objectives.models import Deputy, Membership, Unit, User
from objectives.roc import taipei
from objectives.roles import DEPUTISED, PERMISSIONS, READABLE_BY_ALL_ROLES, Role, Tree

from .selection import reader


def _said(words: Promise, *permissions: str) -> dict[str, Promise]:
    return dict.fromkeys(permissions, words)


def _written(app: str, *models: str) -> list[str]:
    return [f"{app}.{verb}_{model}" for model in models for verb in ("add", "change", "delete")]


# Every permission in words, in the order in which they are listed; those with the same words go together.
WORDS: dict[str, Promise] = {
    **_said(
        _("Read the annual plan and the units"),
        "objectives.view_unit",
        "objectives.view_plan",
        "objectives.view_goal",
        "objectives.view_strategy",
        "objectives.view_workplan",
        "objectives.view_workitem",
    ),
    **_said(
        _("Read indicators, planned values and target revisions"),
        "indicators.view_indicator",
        "indicators.view_variable",
        "indicators.view_plannedvalue",
        "indicators.view_targetrevision",
    ),
    "indicators.view_reportingperiod": _("See the reporting periods"),
    "reports.view_attainment": _("See approved results and attainment"),
    "reports.view_publication": _("Read published reports"),
    **_said(
        _("Read quarter reports and figures, drafts included"),
        "indicators.view_quarterreport",
        "indicators.view_figure",
    ),
    "indicators.change_quarterreport": _("Fill in quarter reports and attach evidence"),
    "indicators.submit_quarterreport": _("Submit quarter reports"),
    "indicators.endorse_quarterreport": _("Endorse quarter reports"),
    "indicators.approve_quarterreport": _("Approve quarter reports"),
    "indicators.return_quarterreport": _("Return quarter reports for correction"),
    "indicators.reopen_quarterreport": _("Reopen approved quarter reports"),
    "indicators.approve_targetrevision": _("Approve target revisions"),
    "reports.add_publication": _("Publish reports"),
    "indicators.view_importbatch": _("Look through imported files"),
    "ledger.view_entry": _("Read and verify the ledger"),
    **_said(_("Manage units"), *_written("objectives", "unit")),
    **_said(
        _("Manage accounts, roles and deputies"),
        "objectives.view_user",
        "objectives.view_membership",
        "objectives.view_deputy",
        *_written("objectives", "user", "membership", "deputy"),
    ),
    **_said(
        _("Draw up the annual plan"),
        *_written("objectives", "plan", "goal", "strategy", "workplan", "workitem"),
    ),
    **_said(
        _("Define indicators, variables and planned values"),
        *_written("indicators", "indicator", "variable", "plannedvalue"),
    ),
    "objectives.adopt_plan": _("Adopt the plan"),
    "objectives.copy_plan": _("Prepare next year's plan"),
    "objectives.close_plan": _("Close the year"),
    "indicators.add_targetrevision": _("Propose target revisions"),
    "indicators.change_reportingperiod": _("Open and close reporting periods"),
}


def in_words(permissions: Collection[str]) -> list[Promise]:
    """Say what the permissions allow, each thing once."""
    return list(dict.fromkeys(words for permission, words in WORDS.items() if permission in permissions))


def allowed() -> list[tuple[Role, list[Promise]]]:
    """List the roles with what each allows beyond what all of them do."""
    return [(role, in_words(PERMISSIONS[role] - READABLE_BY_ALL_ROLES)) for role in Role]


@require_safe
@never_cache
@login_required
def people(request: HttpRequest) -> HttpResponse:
    """Show the organisation's people by unit and role, and what the roles allow."""
    user = reader(request)
    context = {
        "rows": rows(user, taipei(timezone.now()).date()),
        "roles": Role,
        "deputised": DEPUTISED,
        "everybody": in_words(READABLE_BY_ALL_ROLES),
        "allowed": allowed(),
    }
    return render(request, "reports/people.html", context)


def rows(user: User, today: date) -> Iterator[tuple[Unit, list[tuple[Role, list[Membership]]]]]:
    """Yield each unit of user's organisation, a unit before those below it, with its people by role."""
    held: dict[tuple[int, str], list[Membership]] = {}
    for membership in _memberships(user, today):
        held.setdefault((membership.unit_id, membership.role), []).append(membership)
    units = {unit.pk: unit for unit in Unit.objects.visible_to(user).select_related("parent")}
    tree = Tree({unit.pk: unit.parent_id for unit in units.values()})

    def place(unit: Unit) -> list[str]:
        return [units[above].code for above in tree.above(unit.pk)][::-1]

    for unit in sorted(units.values(), key=place):
        yield unit, [(role, held.get((unit.pk, role), [])) for role in Role]


def _memberships(user: User, today: date) -> QuerySet[Membership]:
    """Return the roles of people with an account, those that pass to a deputy with the deputyships."""
    here = Membership.objects.filter(unit__in=user.rights.organisation)
    effective = Deputy.objects.not_over(today).filter(deputy__is_active=True, deputy__in=here.values("user"))
    deputies = Prefetch("user__deputies", effective.select_related("deputy"))
    found = here.filter(user__is_active=True).select_related("user").prefetch_related(deputies)
    return found.order_by("user__name", "user__username")
