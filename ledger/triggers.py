"""The ledger's triggers: taken out before migrations, put in after, compared with what they should be."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from . import postgresql, sqlite
from .acting import acting
from .audited import Table, tables
from .check_export import entry_hash
from .models import Action, Source, moment_text


def dialect() -> ModuleType:
    """Return the module for the database at hand."""
    return postgresql if connection.vendor == "postgresql" else sqlite


def prepare(connection: Any, **kwargs: Any) -> None:
    """Make a new connection ready for the triggers."""
    if connection.vendor == "sqlite":
        sqlite.prepare(connection.connection)


def before_migrations(plan: Any = (), **kwargs: Any) -> None:
    """Take the triggers out where a migration follows: tables named in triggers cannot be rebuilt."""
    if plan:
        with transaction.atomic(), connection.cursor() as cursor:
            dialect().uninstall(cursor)


def after_migrations(plan: Any = (), **kwargs: Any) -> None:
    """Put the triggers in, as the tables are now; whatever the migrations changed becomes entries.

    Does nothing while the ledger's own table does not exist.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        if "ledger_entry" not in connection.introspection.table_names(cursor) or not deviations():
            return
        dialect().take_lock(cursor)
        dialect().uninstall(cursor)
        _begin(cursor)
        dialect().install(cursor, list(tables()))
        _catch_up(cursor, ", ".join(str(migration) for migration, _backwards in plan))


def deviations() -> list[str]:
    """Name what of the ledger's in the database is missing, disabled, superfluous or altered."""
    with connection.cursor() as cursor:
        wanted = definitions(cursor)
        found = dialect().installed(cursor)
    return sorted(name for name in {**wanted, **found} if wanted.get(name) != found.get(name))


def definitions(cursor: Any) -> dict[str, str]:
    there = list(tables())
    if connection.vendor == "postgresql":
        return postgresql.definitions(cursor, there)
    return sqlite.definitions(there)


def _begin(cursor: Any) -> None:
    """Write the first entry of a new ledger. It holds a random number: no two ledgers share a head."""
    cursor.execute("SELECT count(*) FROM ledger_entry")
    if cursor.fetchone()[0]:
        return
    after = json.dumps({"ledger": secrets.token_hex(16)})
    values = (
        "", 1, moment_text(timezone.now()), "", Source.MIGRATION.value, "", Action.BEGIN.value, "", "", None,
        None, after,
    )  # fmt: skip
    cursor.execute(
        'INSERT INTO ledger_entry (prev, seq, at, actor, source, reason, action, "table", "key", parent,'
        ' "before", "after", hash) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)',
        [*values, entry_hash(*values)],
    )


def _catch_up(cursor: Any, reason: str) -> None:
    """Write an entry for every row that is not as its last image says."""
    for table in tables():
        for key, before, after, parent in differences(cursor, table):
            action = Action.UPDATE if before and after else Action.INSERT if after else Action.DELETE
            with acting(source=Source.MIGRATION, reason=reason):
                cursor.execute(
                    'INSERT INTO ledger_event (action, "table", "key", parent, "before", "after")'
                    " VALUES (%s, %s, %s, %s, %s, %s)",
                    [action.value, table.name, key, parent, before, after],
                )


def differences(cursor: Any, table: Table) -> list[tuple[str, str | None, str | None, str | None]]:
    """Return the rows that are not as their last image: key, image, row as it is, its parent."""
    build = dialect()
    cursor.execute(
        f"""
        WITH last AS MATERIALIZED (
            SELECT "key", "after" AS image FROM ledger_entry WHERE "after" IS NOT NULL AND seq IN (
                SELECT max(seq) FROM ledger_entry
                WHERE "table" = %s AND action IN ('INSERT', 'UPDATE', 'DELETE') GROUP BY "key"
            )
        ), live AS MATERIALIZED (
            SELECT {build.key(table, "r")} AS "key", {build.image(table, "r")} AS image,
                {build.parent(table, "r")} AS parent
            FROM "{table.name}" AS r
        )
        SELECT live."key", last.image, live.image, live.parent
        FROM live LEFT JOIN last ON last."key" = live."key"
        WHERE last.image IS NULL OR last.image <> live.image
        UNION ALL
        SELECT last."key", last.image, NULL, NULL
        FROM last LEFT JOIN live ON live."key" = last."key"
        WHERE live."key" IS NULL
        """,
        [table.name],
    )
    return [row for row in cursor.fetchall() if not _alike(row[1], row[2])]


def _alike(image: str | None, other: str | None) -> bool:
    """Say whether two images differ in their wording at most, such as in the order of the columns."""
    if image is None or other is None:
        return False
    try:
        return bool(json.loads(image) == json.loads(other))
    except ValueError:  # an edited image
        return False


@contextmanager
def dismantled() -> Iterator[None]:
    """Take the triggers out for a while: for tests, which empty every table between them."""
    with transaction.atomic(), connection.cursor() as cursor:
        dialect().uninstall(cursor)
    try:
        yield
    finally:
        after_migrations()
