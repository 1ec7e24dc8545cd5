from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from indicators.reminders import Letter, already_reminded, letters, moment_of, one_line, send


class Command(BaseCommand):
    help = (
        "Remind everybody of what is overdue, due within three days or returned: one mail a person and day. "
        "Run it once a day; another run on the same day sends nothing twice."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="show the letters and send nothing")
        parser.add_argument(
            "--day", type=date.fromisoformat, metavar="YYYY-MM-DD", help="as of this day instead of today"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        found = list(letters(moment_of(options["day"])))
        reminded = already_reminded(found)
        due = [letter for letter in found if letter.person.pk not in reminded]
        for letter in due:
            if not letter.person.email:
                self.stderr.write(_("%(person)s has no e-mail address.") % {"person": _name(letter)})
        if options["dry_run"]:
            self._show(due)
        else:
            self._send(due)

    def _show(self, due: list[Letter]) -> None:
        for letter in due:
            self.stdout.write(f"{_name(letter)} <{one_line(letter.person.email)}>: {letter.subject}")
            self.stdout.write(letter.body + "\n")
        self.stdout.write(_("Dry run: nothing was sent; %(number)s would be.") % {"number": len(due)})

    def _send(self, due: list[Letter]) -> None:
        kept, mailed, failed = 0, 0, []
        for letter in due:
            try:
                if send(letter):
                    kept += 1
                    mailed += bool(letter.person.email)
            except Exception as error:  # whatever a mail server answers: the others get theirs
                failed.append(_name(letter))
                self.stderr.write(f"{_name(letter)}: {one_line(str(error))}")
        numbers = {"number": kept, "mailed": mailed}
        self.stdout.write(_("%(number)s people were reminded on their page, %(mailed)s by mail.") % numbers)
        if failed:
            raise CommandError(_("Not reminded: %(names)s.") % {"names": _(", ").join(failed)})


def _name(letter: Letter) -> str:
    return letter.person.username
