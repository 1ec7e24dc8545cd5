"""The past: audited tables as they stood at a moment, for the ordinary querysets to read."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models, transaction
from django.utils.translation import gettext as _

from .audited import Table, audited_models, tables
from .check_export import Head
from .models import moment_text
from .triggers import dialect

_shadowed: ContextVar[bool] = ContextVar("shadowed", default=False)


def refuse_writing() -> None:
    """Raise RuntimeError inside `as_of`."""
    if _shadowed.get():
        raise RuntimeError("The past is being shown here (as_of); nothing can be written.")


def head_at(moment: datetime) -> Head:
    """Return the last entry at an aware moment (to the millisecond); it is the same whenever one asks.

    Raises ValidationError for a moment that is not over yet, or before the ledger's beginning.
    """
    build, text = dialect(), moment_text(moment)
    # Under the lock: whoever is writing now may have an entry of that moment that nobody sees yet.
    with transaction.atomic(), connection.cursor() as cursor:
        build.take_lock(cursor)
        cursor.execute(
            f"SELECT seq, hash, at, {build.NOW} FROM ledger_entry WHERE at <= %s ORDER BY seq DESC LIMIT 1",
            [text],
        )
        found = cursor.fetchone()
    if not found:
        raise ValidationError(_("The ledger does not reach back to that moment."))
    *head, now = found
    if text >= now:
        raise ValidationError(_("That moment is not over yet."))
    return Head(*head)


@contextmanager
def as_of(moment: datetime, *, present: Collection[str] | None = None) -> Iterator[Head]:
    """Show the audited tables as they stood at an aware moment, and give the ledger's head at that moment.

    Within it every query of this thread finds the rows of then: temporary tables of the same names hide the
    real ones. The models of `present` (settings.LEDGER_PRESENT: people and their roles) stay as they are now:
    rights are today's. A column that a row did not have yet has its field's default. Nothing can be written
    inside: `acting` raises RuntimeError. Raises ValidationError as `head_at` does.
    """
    refuse_writing()
    head = head_at(moment)
    staying = {model for label, model in audited_models().items() if label in _or_settings(present)}
    kept = {model._meta.db_table for model in staying}
    past = [table for table in tables() if table.name not in kept]
    token = _shadowed.set(True)
    try:
        with _shadows(past, head):
            yield head
    finally:
        _shadowed.reset(token)


def _or_settings(present: Collection[str] | None) -> Collection[str]:
    return settings.LEDGER_PRESENT if present is None else present


@contextmanager
def _shadows(past: list[Table], head: Head) -> Iterator[None]:
    """Create the temporary tables, and drop them in the end."""
    if connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            for table in past:
                _shadow_on_postgresql(cursor, table, head)
            yield
            _drop(cursor, past, "pg_temp")  # after an error the rollback does it
        return
    # No transaction: it would begin IMMEDIATE and keep every writer out while somebody reads.
    with connection.cursor() as cursor:
        try:
            for table in past:
                _shadow_on_sqlite(cursor, table, head)
            yield
        finally:
            _drop(cursor, past, "temp")


def _drop(cursor: Any, past: list[Table], schema: str) -> None:
    for table in past:
        cursor.execute(f'DROP TABLE IF EXISTS {schema}."{table.name}"')


_IMAGES = """
    SELECT "after" AS image FROM ledger_entry WHERE "after" IS NOT NULL AND seq IN (
        SELECT max(seq) FROM ledger_entry
        WHERE "table" = %s AND seq <= %s AND action IN ('INSERT', 'UPDATE', 'DELETE') GROUP BY "key"
    )"""


def _shadow_on_postgresql(cursor: Any, table: Table, head: Head) -> None:
    cursor.execute("SELECT current_schema()")
    (schema,) = cursor.fetchone()
    real = f'"{schema}"."{table.name}"'
    defaults = json.dumps(_defaults(table), cls=DjangoJSONEncoder)
    cursor.execute(
        f'CREATE TEMPORARY TABLE "{table.name}" ON COMMIT DROP AS'
        f" SELECT entry.* FROM ({_IMAGES}) AS past,"
        f" jsonb_populate_record(NULL::{real}, %s::jsonb || past.image::jsonb) AS entry",
        [table.name, head.seq, defaults],
    )
    cursor.execute(f'ALTER TABLE pg_temp."{table.name}" ADD PRIMARY KEY ("{table.key}")')
    cursor.execute(f'ANALYZE pg_temp."{table.name}"')


def _shadow_on_sqlite(cursor: Any, table: Table, head: Head) -> None:
    cursor.execute(f'PRAGMA main.table_info("{table.name}")')
    types = {name: kind for _number, name, kind, *_rest in cursor.fetchall()}
    definition = ", ".join(
        f'"{name}" {kind}{" PRIMARY KEY" if name == table.key else ""}' for name, kind in types.items()
    )
    cursor.execute(f'CREATE TEMPORARY TABLE "{table.name}" ({definition})')
    defaults = _defaults(table)
    # What is null in an image is either missing there or null in a column without a default.
    values = ", ".join(f"""coalesce(json_extract(image, '$."{name}"'), %s)""" for name in types)
    cursor.execute(
        f'INSERT INTO temp."{table.name}" SELECT {values} FROM ({_IMAGES})',
        [*(defaults.get(name) for name in types), table.name, head.seq],
    )


def _defaults(table: Table) -> Mapping[str, Any]:
    """Return what a row that was written before a column existed has in it, by column that takes no null.

    Bytes are in no image, so there are none to stand in for.
    """
    model = next(model for model in audited_models().values() if model._meta.db_table == table.name)
    fields = [
        field
        for field in model._meta.concrete_fields
        if not (field.primary_key or field.null or isinstance(field, models.BinaryField))
    ]
    return {field.column: field.get_db_prep_save(field.get_default(), connection) for field in fields}
