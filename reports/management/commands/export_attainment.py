from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from indicators.models import QUARTERS
from indicators.readings import Basis
from objectives.models import Plan
from reports.exporters import FORMATS
from reports.results import plan_results


class Command(BaseCommand):
    help = "Write the attainment table of a plan at a quarter to a file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--year", type=int, required=True, help="ROC year of the plan, such as 99")
        parser.add_argument("--quarter", type=int, required=True, choices=QUARTERS)
        parser.add_argument("--agency", metavar="CODE", help="code of the agency, where several have a plan")
        parser.add_argument("--basis", choices=("official", "provisional"), default="official")
        parser.add_argument("--format", choices=FORMATS, required=True)
        parser.add_argument("--output", type=Path, required=True, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        plans = Plan.objects.filter(year=options["year"]).select_related("unit")
        if options["agency"]:
            plans = plans.filter(unit__code=options["agency"])
        if not plans:
            raise CommandError(_("There is no plan for ROC year %(year)s.") % {"year": options["year"]})
        if len(plans) > 1:
            codes = ", ".join(plan.unit.code for plan in plans)
            raise CommandError(
                _("Several agencies have a plan; name one with --agency: %(codes)s") % {"codes": codes}
            )
        results = plan_results(
            plans[0], quarter=options["quarter"], now=timezone.now(), basis=Basis(options["basis"])
        )
        try:
            options["output"].write_bytes(FORMATS[options["format"]].write(results))
        except OSError as error:
            raise CommandError(_("The file cannot be written: %(error)s") % {"error": error}) from error
        self.stdout.write(
            _("%(count)s indicators were written to %(file)s.")
            % {"count": len(results.results), "file": options["output"]}
        )
