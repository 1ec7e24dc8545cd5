from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from indicators.imports.plan_files import CONTENT_TYPES, plan_workbook
from indicators.management.plans import the_plan
from indicators.plan_file_admin import record_plan_file


class Command(BaseCommand):
    help = "Write the workbook of a plan's definitions, which can be changed and uploaded, to a file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--year", type=int, required=True, help="ROC year of the plan, such as 99")
        parser.add_argument("--agency", metavar="CODE", help="code of the agency, where several have a plan")
        parser.add_argument("--format", choices=CONTENT_TYPES, required=True)
        parser.add_argument("--output", type=Path, required=True, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["output"]
        plan = the_plan(options["year"], options["agency"])
        content = plan_workbook(plan, options["format"], by=None, now=timezone.now())
        try:
            file.write_bytes(content)
        except OSError as error:
            raise CommandError(_("The file cannot be written: %(error)s") % {"error": error}) from error
        record_plan_file(plan, file.name, content)
        self.stdout.write(_("The plan was written to %(file)s: %(plan)s.") % {"file": file, "plan": plan})
