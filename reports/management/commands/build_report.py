from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from indicators.models import QUARTERS
from indicators.readings import Basis
from reports.documents.build import WRITERS, build
from reports.documents.drafts import recorded
from reports.moments import data_at, read_moment

from .export import plan_of


class Command(BaseCommand):
    help = "Write a plan's quarterly report as a draft, ODT or PDF (publish_report publishes it)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--year", type=int, required=True, help="ROC year of the plan, such as 99")
        parser.add_argument("--quarter", type=int, choices=QUARTERS, required=True)
        parser.add_argument("--agency", metavar="CODE", help="code of the agency, where several have a plan")
        parser.add_argument("--basis", choices=("official", "provisional"), default="official")
        parser.add_argument(
            "--as-of",
            metavar="MOMENT",
            help="the data as they stood then, such as 2026-05-19T12:00 (Taipei's time)",
        )
        parser.add_argument("--format", choices=sorted(WRITERS), required=True)
        parser.add_argument("--output", type=Path, required=True, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        quarter, basis, kind = options["quarter"], Basis(options["basis"]), options["format"]
        try:
            with data_at(read_moment(options["as_of"]) if options["as_of"] else None) as at:
                plan = plan_of(options["year"], options["agency"])
                content = build(plan, quarter=quarter, at=at, basis=basis, format=kind)
            options["output"].write_bytes(content)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except OSError as error:
            raise CommandError(_("The file cannot be written: %(error)s") % {"error": error}) from error
        digest = recorded(plan, quarter, at, basis, options["output"].name, content)
        self.stdout.write(f"{digest}  {options['output']}")
