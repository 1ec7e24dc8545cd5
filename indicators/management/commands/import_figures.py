from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from indicators.imports import batches
from indicators.imports.figures import Decisions, Understood
from indicators.imports.lines import HEADERS, OPTIONAL
from indicators.models import ImportBatch
from objectives.models import User


class Command(BaseCommand):
    help = (
        "Import figures from a downloaded workbook (XLSX, ODS), or a file (CSV, XLSX, ODS) with the columns "
        f"{', '.join(HEADERS)}, and if needed {', '.join(OPTIONAL)}: all rows or none. "
        "An empty 季別 sets a constant of the plan; 數值 不適用 declares the quarter, its reason in "
        "不適用理由 or, without that column, in 備註."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
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
        decide = Decisions(options["submit"], endorser, approver)
        take = self._try if options["dry_run"] else self._import
        try:
            written = take(content, options["file"].name, user, options["agency"], decide)
        except ValidationError as refused:
            raise CommandError("\n".join([*refused.messages, _("Nothing was imported.")])) from refused
        except PermissionDenied as refused:
            raise CommandError(f"{refused}\n" + _("Nothing was imported.")) from refused
        self._tell(written)
        if options["dry_run"]:
            self.stdout.write(_("Dry run: nothing was changed."))

    def _import(
        self, content: bytes, name: str, user: User, agency: str | None, decide: Decisions
    ) -> Understood | None:
        self._progress(_("Checking %(name)s …") % {"name": name})
        now = timezone.now()
        batch = batches.upload(content=content, name=name, by=user, now=now, agency=agency, decide=decide)
        if batch.state == ImportBatch.State.REFUSED:
            raise ValidationError(batch.refusal.split("\n"))
        self._progress(_("Writing %(number)s rows …") % {"number": batch.rows})
        try:
            return batches.apply(batch=batch, by=user, now=now, agency=agency, decide=decide)[1]
        except (ValidationError, PermissionDenied):
            batches.withdraw(batch=batch, by=user, now=now)  # nobody is to confirm it later, as drafts
            raise

    def _try(
        self, content: bytes, name: str, user: User, agency: str | None, decide: Decisions
    ) -> Understood | None:
        self._progress(_("Checking %(name)s …") % {"name": name})
        now = timezone.now()
        return batches.rehearse(content=content, name=name, by=user, now=now, agency=agency, decide=decide)

    def _tell(self, written: Understood | None) -> None:
        if written is None:
            self.stdout.write(_("The content of the plan was imported."))
            return
        self.stdout.write(
            _("%(figures)s figures in %(reports)s quarter reports, %(constants)s constants.")
            % {
                "figures": written.figures,
                "reports": len(written.drafts),
                "constants": len(written.constants),
            }
        )

    def _progress(self, words: str) -> None:
        """Say what is going on, for it may take seconds."""
        self.stderr.write(words)
        self.stderr.flush()


def _person(username: str) -> User:
    person = User.objects.filter(username=username, is_active=True).first()
    if person is None:
        raise CommandError(_("There is no active person «%(username)s».") % {"username": username})
    return person
