from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from indicators.models import QUARTERS
from objectives.models import User
from reports.publishing import publish

from .export import plan_of


class Command(BaseCommand):
    help = "Publish a plan's quarterly report, as ODT and PDF."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--year", type=int, required=True, help="ROC year of the plan, such as 99")
        parser.add_argument("--quarter", type=int, choices=QUARTERS, required=True)
        parser.add_argument("--agency", metavar="CODE", help="code of the agency, where several have a plan")
        parser.add_argument("--as", dest="user", required=True, metavar="USER", help="who publishes")
        parser.add_argument("--reason", default="", help="of a correction: what was wrong")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"], is_active=True).first()
        if user is None:
            raise CommandError(_("There is no active person «%(username)s».") % {"username": options["user"]})
        plan = plan_of(options["year"], options["agency"])
        try:
            done = publish(
                plan=plan,
                quarter=options["quarter"],
                by=user,
                now=timezone.now(),
                reason=options["reason"],
            )
        except ValidationError as refused:
            raise CommandError("\n".join(refused.messages)) from refused
        except PermissionDenied as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(_("Published as %(number)s.") % {"number": done.number})
        for file in done.files.defer("content"):
            self.stdout.write(f"{file.sha256}  {file.name}")
