from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from indicators.workflow import Closed, clear_demonstration


class Command(BaseCommand):
    help = "Remove the demonstration figures, and nothing else."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            removed = clear_demonstration()
        except Closed as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(_("%(removed)s demonstration figures were removed.") % {"removed": removed})
