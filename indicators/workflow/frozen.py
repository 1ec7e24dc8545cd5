"""What may no longer change because a result was approved, or is closed, with it; and why, in words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.utils.translation import gettext as _

from ..models import Indicator, QuarterReport, Variable
from .periods import Openings


def why_definition_stands(indicator: Indicator) -> str:
    """Say why what the indicator is computed with cannot be edited; empty where it can."""
    plan = indicator.goal.plan
    if plan.is_closed:
        return plan.why_closed
    if plan.is_adopted:
        return _("The plan is adopted (%(number)s): what stands in it changes by a revision only.") % {
            "number": plan.adopted_number
        }
    return why_approved_with(indicator)


def why_approved_with(indicator: Indicator) -> str:
    """Say which quarters were approved with the definition as it is; empty where none was."""
    approved = QuarterReport.objects.approved().filter(indicator=indicator).order_by("quarter")
    quarters = list(approved.values_list("quarter", flat=True))
    if not quarters:
        return ""
    return _(
        "Quarter %(quarters)s is approved already, and its result keeps the definition that it was approved "
        "under. Have these reports reopened first, or adopt the plan and enter a revision."
    ) % {"quarters": _(", ").join(map(str, quarters))}


def why_constant_stands(variable: Variable) -> str:
    """Say why a constant cannot be set; empty where it can, as one still unknown until the year is closed."""
    plan = variable.indicator.goal.plan
    if variable.is_constant and variable.constant is None:
        return plan.why_closed
    return why_definition_stands(variable.indicator)


def why_results_stand(indicator: Indicator, quarters: Iterable[int], now: datetime) -> dict[int, str]:
    """Say by quarter why its result, and so its planned value, stands; a quarter that may change is left out.

    It stands once the year or the quarter is closed (and not reopened for the lead unit), and while the
    quarter's report is approved.
    """
    plan = indicator.goal.plan
    if plan.is_closed:
        return dict.fromkeys(quarters, plan.why_closed)
    openings = Openings([plan], now)
    closed = {quarter: openings.over_because(plan, quarter, [indicator.lead_unit_id]) for quarter in quarters}
    approved = QuarterReport.objects.approved().filter(indicator=indicator, quarter__in=quarters)
    words = {
        quarter: _("Quarter %(quarter)s is approved already. Have its report reopened first.")
        % {"quarter": quarter}
        for quarter in approved.values_list("quarter", flat=True)
    }
    words |= {quarter: why for quarter, why in closed.items() if why}
    return dict(sorted(words.items()))
