"""How a command is told which plan it is about."""

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from objectives.models import Plan


def the_plan(year: int, agency: str | None) -> Plan:
    """Return the plan of an ROC year, of the agency with that code where several have one.

    Raises CommandError where there is none, or no telling which one.
    """
    plans = Plan.objects.filter(year=year).select_related("unit")
    if agency:
        plans = plans.filter(unit__code=agency)
    if not plans:
        raise CommandError(_("There is no plan for ROC year %(year)s.") % {"year": year})
    if len(plans) > 1:
        codes = ", ".join(plan.unit.code for plan in plans)
        raise CommandError(
            _("Several agencies have a plan; name one with --agency: %(codes)s") % {"codes": codes}
        )
    return plans[0]
