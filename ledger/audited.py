"""Which tables the ledger follows: settings.LEDGER_AUDITED, and how they look in the database now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection


@dataclass(frozen=True)
class Table:
    """An audited table as it is in the database."""

    name: str
    key: str  # the primary key's column
    columns: tuple[str, ...]  # those that are recorded
    excluded: tuple[str, ...]
    parent: str  # the column of the object that a row belongs to; empty: none


def audited_models() -> dict[str, Any]:
    """Return the audited models by their label, as settings name them."""
    return {label: apps.get_model(label) for label in settings.LEDGER_AUDITED}


def tables() -> Iterator[Table]:
    """Yield the audited tables that exist, with the columns that they have now.

    While an old migration is the last one applied, that is not what the models say.
    """
    with connection.cursor() as cursor:
        existing = set(connection.introspection.table_names(cursor))
        for label, model in audited_models().items():
            if model._meta.db_table in existing:
                yield _table(cursor, model, settings.LEDGER_AUDITED[label])


def _table(cursor: Any, model: Any, options: dict[str, Any]) -> Table:
    name = model._meta.db_table
    cursor.execute(f'SELECT * FROM "{name}" LIMIT 0')  # Django's introspection parses SQL for it, slowly
    there = [column[0] for column in cursor.description]
    excluded = {model._meta.get_field(field).column for field in options.get("exclude", ())}
    parent = model._meta.get_field(options["parent"]).column if "parent" in options else ""
    return Table(
        name=name,
        key=model._meta.pk.column,
        columns=tuple(column for column in there if column not in excluded),
        excluded=tuple(sorted(excluded)),
        parent=parent if parent in there else "",
    )
