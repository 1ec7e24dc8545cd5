from typing import Any

from django.core.management.commands import shell
from django.db import connection

from ledger.acting import current, one_statement

WRITES = ("INSERT", "UPDATE", "DELETE")


class Command(shell.Command):
    """Django's shell; what is written in it goes into the ledger as written there, and by whom."""

    def handle(self, **options: Any) -> None:
        with connection.execute_wrapper(on_behalf_of_the_shell):
            super().handle(**options)


def on_behalf_of_the_shell(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    """Say of a statement that writes outside `acting` who writes it."""
    if current() or not sql.lstrip().upper().startswith(WRITES):
        return execute(sql, params, many, context)
    with one_statement():
        return execute(sql, params, many, context)
