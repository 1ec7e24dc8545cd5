import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from ledger.check_export import Head
from ledger.verify import verify


class Command(BaseCommand):
    help = (
        "Verify the ledger: recompute its chain, follow every row from change to change, compare with the "
        "data. Exit status 1 where anything does not fit."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--since", type=int, default=1, metavar="SEQ", help="recompute the chain from this entry on only"
        )
        parser.add_argument("--head", type=Path, metavar="FILE", help="a head kept earlier, to compare with")
        parser.add_argument(
            "--export-head", type=Path, metavar="FILE", help="write the head, to be kept elsewhere"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["since"] < 1:
            raise CommandError(_("--since takes the number of an entry, from 1 on."))
        verdict = verify(since=options["since"], kept=_read(options["head"]) if options["head"] else None)
        if verdict.problems:
            raise CommandError("\n".join([_("NOT INTACT"), *verdict.problems]))
        if verdict.head:
            self.stdout.write(
                _("intact, %(entries)s entries, head %(seq)s %(hash)s (%(at)s)")
                % {"entries": f"{verdict.entries:,}", **verdict.head._asdict()}
            )
        if options["export_head"] and verdict.head:
            _write(options["export_head"], verdict.head)
            self.stdout.write(_("The head was written to %(file)s.") % {"file": options["export_head"]})


def _read(file: Path) -> Head:
    try:
        return Head.read(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(_("The kept head cannot be read: %(error)s") % {"error": error}) from error


def _write(file: Path, head: Head) -> None:
    try:
        file.write_text(json.dumps(head._asdict()) + "\n", encoding="utf-8")
    except OSError as error:
        raise CommandError(_("The file cannot be written: %(error)s") % {"error": error}) from error
