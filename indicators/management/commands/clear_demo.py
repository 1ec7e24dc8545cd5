from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from indicators.workflow import clear_demonstration


class Command(BaseCommand):
    help = "Remove the demonstration figures, and nothing else."

    def handle(self, *args: Any, **options: Any) -> None:
        removed = clear_demonstration()
        self.stdout.write(_("%(removed)s demonstration figures were removed.") % {"removed": removed})
