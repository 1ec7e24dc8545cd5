from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from indicators.management.plans import the_plan
from indicators.models import QUARTERS
from indicators.readings import Basis
from reports.exporters import FORMATS, record_export
from reports.moments import data_at, read_moment
from reports.results import plan_results


class Command(BaseCommand):
    help = "Write the attainment table of a plan at a quarter to a file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--year", type=int, required=True, help="ROC year of the plan, such as 99")
        parser.add_argument("--quarter", type=int, required=True, choices=QUARTERS)
        parser.add_argument("--agency", metavar="CODE", help="code of the agency, where several have a plan")
        parser.add_argument("--basis", choices=("official", "provisional"), default="official")
        parser.add_argument(
            "--as-of",
            metavar="MOMENT",
            help="the data as they stood then, such as 2026-05-19T12:00 (Taipei's time)",
        )
        parser.add_argument("--format", choices=FORMATS, required=True)
        parser.add_argument("--output", type=Path, required=True, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["output"]
        try:
            moment = read_moment(options["as_of"]) if options["as_of"] else None
            with data_at(moment) as at:
                plan = the_plan(options["year"], options["agency"])
                results = plan_results(plan, quarter=options["quarter"], at=at, basis=Basis(options["basis"]))
                content = FORMATS[options["format"]].write(results)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        try:
            file.write_bytes(content)
        except OSError as error:
            raise CommandError(_("The file cannot be written: %(error)s") % {"error": error}) from error
        record_export(results, file.name, content)
        self.stdout.write(
            _("%(count)s indicators were written to %(file)s; ledger %(seq)s %(hash)s.")
            % {"count": len(results.results), "file": file, "seq": at.head.seq, "hash": at.head.hash}
        )
