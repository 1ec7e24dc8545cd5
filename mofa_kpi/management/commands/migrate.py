from typing import Any

from indicators.locks import after_migrations
from ledger.management.commands import migrate


class Command(migrate.Command):
    """The ledger's, after which the locks on figures too are back even where a migration failed."""

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            super().handle(*args, **options)
        except BaseException:
            after_migrations()
            raise
