from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from indicators.workflow import Closed, clear_demonstration, clear_demonstration_units
from ledger.acting import acting
from objectives.models import Unit


class Command(BaseCommand):
    help = "Remove the demonstration's figures and units, and nothing else."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with acting():
                removed = clear_demonstration()
                units, kept = clear_demonstration_units()
        except Closed as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(_("%(removed)s demonstration figures were removed.") % {"removed": removed})
        self._list(_("Demonstration units that were removed, with the roles held for them:"), units)
        self._list(_("Demonstration units that stay, since people entered something for them:"), kept)

    def _list(self, heading: str, units: list[Unit]) -> None:
        if units:
            self.stdout.write("\n".join([heading, *(f"  {unit.code}  {unit.name}" for unit in units)]))
