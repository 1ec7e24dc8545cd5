from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from ledger.models import Entry
from reports.exports.files import extensions
from reports.exports.ledger import LEDGER, ledger_export
from reports.management.progress import told_on


class Command(BaseCommand):
    help = "Write the ledger to a file; ledger/check_export.py checks JSON lines without this system."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=extensions(LEDGER), required=True)
        parser.add_argument("--output", type=Path, required=True, metavar="FILE")
        parser.add_argument("--since", type=int, default=1, metavar="SEQ", help="leave out what is before it")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["since"] < 1:
            raise CommandError(_("--since takes the number of an entry, from 1 on."))
        asked = {"since": options["since"]} if options["since"] > 1 else {}
        entries = Entry.objects.filter(seq__gte=options["since"])
        taken = ledger_export(entries, options["format"], reader=None, asked=asked)
        try:
            with options["output"].open("wb") as file:
                taken.record()
                count = taken.write(file, told_on(self.stderr))
        except OSError as error:
            raise CommandError(_("The file cannot be written: %(error)s") % {"error": error}) from error
        self.stdout.write(
            _("%(count)s entries were written to %(file)s.")
            % {"count": f"{count:,}", "file": options["output"]}
        )
