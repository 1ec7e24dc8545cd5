"""各季預定值: how they are laid out over the year."""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, localcontext

from django.utils.translation import gettext as _

from ledger.acting import acting
from objectives.models import User
from objectives.permissions import require

from ..formula import WORKING
from ..models import QUARTERS, Indicator, PlannedValue, Variable
from .frozen import why_results_stand
from .refusals import Refusal

WHOLE, SMALLEST = Decimal(1), Decimal("0.000001")  # the latter is the last decimal that is stored


def why_not_spread(indicator: Indicator, now: datetime) -> str:
    """Say why the planned values cannot be spread evenly; empty where they can."""
    if not indicator.in_force(QUARTERS[-1]).rule.is_sum:
        return _("The value is no sum of what the quarters add, so it does not grow evenly over the year.")
    if indicator.planned_values.exists():
        return _("There are planned values already. Clear all four first; none of them is replaced.")
    return next(iter(why_results_stand(indicator, QUARTERS, now).values()), "")


def spread_planned_values(*, indicator: Indicator, by: User, now: datetime) -> list[PlannedValue]:
    """按季平均分配: plan a quarter, a half, three quarters and all of the target for the four quarters' ends.

    The target is the one in force at the year's end. Where everything is counted in whole numbers, a part
    that is none is rounded up: whoever is on its course then never ends below the target; only where that
    would be more than the target, it is rounded down. Raises PermissionDenied; Refusal where the value is no
    sum, where any planned value is there (nothing is replaced), or where a quarter's result stands already.
    """
    with acting(actor=by, about=indicator):
        require(by, "indicators.add_plannedvalue", indicator)
        indicator = Indicator.objects.select_for_update(of=("self",)).get(pk=indicator.pk)
        if why := why_not_spread(indicator, now):
            raise Refusal(why)
        return [
            PlannedValue.objects.create(indicator=indicator, quarter=quarter, value=_part(indicator, quarter))
            for quarter in QUARTERS
        ]


def _part(indicator: Indicator, quarter: int) -> Decimal:
    """Return the part of the target that is due by the end of quarter; the last is the target itself."""
    target = indicator.in_force(QUARTERS[-1]).target
    if quarter == QUARTERS[-1]:
        return target
    with localcontext(WORKING):
        part = target * quarter / len(QUARTERS)
    counted = all(each.memo or each.kind == Variable.Kind.COUNT for each in indicator.variables.all())
    if not counted:
        return part.quantize(SMALLEST, ROUND_HALF_UP)
    whole = part.quantize(WHOLE, ROUND_CEILING)
    # Of a target such as 0.5 no whole number is due before the year's end: what is planned never falls.
    return whole if whole <= target else part.quantize(WHOLE, ROUND_FLOOR)
