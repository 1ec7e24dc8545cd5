"""Writes to plans that change their standing."""

from __future__ import annotations

from datetime import date

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from ledger.acting import acting

from .fields import trimmed
from .models import Plan, User
from .permissions import require


def adopt_plan(*, plan: Plan, by: User, on: date, number: str) -> Plan:
    """核定: put the plan in force as of its adoption's date and document number.

    From then on targets, formulas and variables stand fast. Raises PermissionDenied without the right, and
    ValidationError where the plan is adopted already or the number is missing.
    """
    number = trimmed(number)
    with acting(actor=by, reason=number, about=plan):
        require(by, "objectives.adopt_plan", plan)
        plan = Plan.objects.select_for_update(of=("self",)).get(pk=plan.pk)
        if plan.is_adopted:
            raise ValidationError(
                _("The plan was adopted already, by document %(number)s.") % {"number": plan.adopted_number}
            )
        plan.adopted_on, plan.adopted_number = on, number
        plan.full_clean()
        plan.save(update_fields=["adopted_on", "adopted_number"])
        return plan
