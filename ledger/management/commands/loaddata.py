from typing import Any

from django.core.management.commands import loaddata

from ledger.acting import acting


class Command(loaddata.Command):
    """Django's command; its rows go into the ledger as what this command wrote."""

    def handle(self, *fixture_labels: str, **options: Any) -> None:
        with acting(reason=f"loaddata {' '.join(fixture_labels)}"):
            super().handle(*fixture_labels, **options)
