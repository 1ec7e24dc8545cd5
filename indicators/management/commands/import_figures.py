from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from indicators.imports.figures import HEADERS, OPTIONAL, ImportRefused, import_figures
from objectives.models import User


class Command(BaseCommand):
    help = (
        f"Import figures from a CSV file with the columns {', '.join(HEADERS)}, and if needed "
        f"{', '.join(OPTIONAL)}: all rows or none. "
        "An empty 季別 sets a constant of the plan; 數值 不適用 declares the quarter, its reason in 備註."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.csv")
        parser.add_argument("--as", dest="user", required=True, metavar="USER", help="who enters the figures")
        parser.add_argument("--submit", action="store_true", help="submit the reports as well")
        parser.add_argument("--endorse-as", metavar="HEAD", help="endorse them as this other person")
        parser.add_argument(
            "--approve-as",
            metavar="REVIEWER",
            help="approve them as this other person, who endorses them too unless --endorse-as names a head",
        )
        parser.add_argument(
            "--agency", metavar="CODE", help="code of the agency, where several have the indicator"
        )
        parser.add_argument("--dry-run", action="store_true", help="check everything and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        user = _person(options["user"])
        endorser = _person(options["endorse_as"]) if options["endorse_as"] else None
        approver = _person(options["approve_as"]) if options["approve_as"] else None
        if (approver or endorser) and not options["submit"]:
            raise CommandError(
                _("--endorse-as and --approve-as need --submit: only what was submitted can be decided.")
            )
        if user in (endorser, approver):
            raise CommandError(_("--as and --approve-as must be two different people."))
        try:
            content = options["file"].read_bytes()
        except OSError as error:
            raise CommandError(_("The file cannot be read: %(error)s") % {"error": error}) from error
        try:
            outcome = import_figures(
                content,
                by=user,
                now=timezone.now(),
                agency=options["agency"],
                submit=options["submit"],
                endorser=endorser,
                approver=approver,
                dry_run=options["dry_run"],
            )
        except ImportRefused as refused:
            raise CommandError("\n".join([*refused.messages, _("Nothing was imported.")])) from refused
        self.stdout.write(
            _("%(figures)s figures in %(reports)s quarter reports, %(constants)s constants.")
            % {"figures": outcome.figures, "reports": len(outcome.reports), "constants": outcome.constants}
        )
        if options["dry_run"]:
            self.stdout.write(_("Dry run: nothing was changed."))


def _person(username: str) -> User:
    person = User.objects.filter(username=username, is_active=True).first()
    if person is None:
        raise CommandError(_("There is no active person «%(username)s».") % {"username": username})
    return person
