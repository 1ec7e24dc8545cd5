from typing import Any

from django.core.management.commands import migrate

from ledger.triggers import after_migrations


class Command(migrate.Command):
    """Django's own, after which the ledger's triggers are back even where a migration failed."""

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            super().handle(*args, **options)
        except BaseException:
            after_migrations()
            raise
