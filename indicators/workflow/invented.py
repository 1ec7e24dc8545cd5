"""The demonstration's figures: how they go again."""

from __future__ import annotations

from django.db import transaction
from django.db.models import ProtectedError, Q

from ledger.acting import acting
from objectives.models import Membership, Plan, Unit, WorkItem

from ..models import Indicator, PlannedValue, QuarterReport, Status, Variable
from .judging import Texts
from .periods import under_the_locks
from .refusals import Closed

DEMONSTRATION_REMARK = "（示範資料）本欄示範執行情形之填寫方式。"
DEMONSTRATION_CHECK = "（示範資料）本欄示範異常說明之填寫方式。"
DEMONSTRATION_LAG: Texts = {
    "lag_reason": "（示範資料）本欄示範落後原因之填寫方式。",
    "response": "（示範資料）本欄示範因應對策之填寫方式。",
}


def clear_demonstration() -> int:
    """Remove every demonstration figure and planned value, and return how many; nothing else is lost.

    A report that loses a figure becomes a draft again. What people wrote into it themselves stays. Raises
    Closed where one of them stands in a closed quarter or year.
    """
    with acting(reason="clear_demo"):
        planned = PlannedValue.objects.filter(demo=True)
        if frozen := Plan.objects.exclude(closed_at=None).filter(
            goals__indicators__planned_values__in=planned
        ):
            raise Closed(frozen[0].why_closed)
        removed = planned.delete()[0]
        invented = Q(demo=True) | Q(figures__demo=True) | Q(remark=DEMONSTRATION_REMARK)
        touched = set(QuarterReport.objects.filter(invented).values_list("pk", flat=True))
        for report in QuarterReport.objects.select_for_update().filter(pk__in=touched):
            removed += _clear(report)
        return removed


def _clear(report: QuarterReport) -> int:
    """Take the inventions out of one report. Its approval goes first: under it the database lets none go."""
    if report.demo or report.figures.filter(demo=True).exists():
        report.status = Status.DRAFT
        report.submitted_by = report.submitted_at = report.endorsed_by = report.endorsed_at = None
        report.approved_by = report.approved_at = report.returned_by = report.returned_at = None
        report.return_reason = ""
        report.save()
    if report.demo:
        report.not_applicable_reason = report.check_note = report.lag_reason = report.response = ""
        report.improve_by = report.changed_by = report.changed_at = None
        report.editors.clear()
        report.steps.all().delete()
    if report.demo or report.remark == DEMONSTRATION_REMARK:
        report.remark = ""
    report.demo = False
    report.version += 1
    with under_the_locks():
        report.save()
        return int(report.figures.filter(demo=True).delete()[0])


def clear_demonstration_units() -> tuple[list[Unit], list[Unit]]:
    """Remove the demonstration's units and the roles held for them; return those removed and those that stay.

    What they led is the agency's again. A unit stays, with all that it has, where people entered something
    for it that would go with it: a share of a figure, a unit below it.
    """
    removed, kept = [], []
    with acting(reason="clear_demo"):
        for unit in Unit.objects.filter(demo=True):
            try:
                with transaction.atomic():
                    _clear_unit(unit)
            except ProtectedError:
                kept.append(unit)
            else:
                removed.append(unit)
    return removed, kept


def _clear_unit(unit: Unit) -> None:
    for indicator in Indicator.objects.filter(lead_unit=unit).select_related("goal__plan"):
        indicator.lead_unit_id = indicator.goal.plan.unit_id
        indicator.save(update_fields=["lead_unit"])
    for indicator in Indicator.objects.filter(contributing_units=unit):
        indicator.contributing_units.remove(unit)
        if not indicator.contributing_units.exists():
            whole = Variable.objects.filter(indicator=indicator).exclude(figures__unit__isnull=False)
            whole.update(by_unit=False)  # where somebody gave a share, a whole beside it would count twice
    WorkItem.objects.filter(lead_unit=unit).update(lead_unit=None)
    Membership.objects.filter(unit=unit).delete()
    unit.delete()
