from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from ledger.models import Entry
from reports.ledger_files import FORMATS, Extract, write


class Command(BaseCommand):
    help = "Write the ledger to a file; ledger/check_export.py checks JSON lines without this system."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=FORMATS, required=True)
        parser.add_argument("--output", type=Path, required=True, metavar="FILE")
        parser.add_argument("--since", type=int, default=1, metavar="SEQ", help="leave out what is before it")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["since"] < 1:
            raise CommandError(_("--since takes the number of an entry, from 1 on."))
        extract = Extract.of(Entry.objects.filter(seq__gte=options["since"]))
        asked = {"since": options["since"]} if options["since"] > 1 else {}
        try:
            with options["output"].open("wb") as file:
                extract.record(options["format"], asked)
                write(extract.rows(), options["format"], file)
        except OSError as error:
            raise CommandError(_("The file cannot be written: %(error)s") % {"error": error}) from error
        self.stdout.write(
            _("%(count)s entries were written to %(file)s.")
            % {"count": f"{extract.count:,}", "file": options["output"]}
        )
