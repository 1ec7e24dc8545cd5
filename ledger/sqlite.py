"""The ledger's triggers on SQLite: one entry for each row, as it is written.

The functions that they call live in our connections (see `triggers.prepare`): any other client that writes an
audited table fails on them, and writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .acting import current, operating_system_user
from .audited import Table
from .check_export import entry_hash
from .models import Source

ROW = '"table", "key"'  # what tells rows apart, as an index has it
NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"  # the same throughout one statement
_HEAD = "SELECT seq, hash, at FROM ledger_entry ORDER BY seq DESC LIMIT 1"


def _append(action: str, table: str, key: str, parent: str, before: str, after: str) -> str:
    """Return the statement that writes an entry; the arguments are SQL expressions.

    It names who writes, takes the next number and continues the chain.
    """
    return f"""\
INSERT INTO ledger_entry
    (prev, seq, at, actor, source, reason, action, "table", "key", parent, "before", "after", hash)
SELECT prev, seq, at, actor, source, reason, action, "table", "key", parent, "before", "after",
    ledger_hash(prev, seq, at, actor, source, reason, action, "table", "key", parent, "before", "after")
FROM (
    SELECT head.hash AS prev, head.seq + 1 AS seq, max(head.at, {NOW}) AS at,
        ledger_actor() AS actor, ledger_source() AS source, ledger_reason() AS reason,
        {action} AS action, {table} AS "table", {key} AS "key", {parent} AS parent,
        {before} AS "before", {after} AS "after"
    FROM ({_HEAD}) AS head
);"""


_EVENT = _append(
    "NEW.action", """coalesce(NEW."table", '')""", """coalesce(NEW."key", '')""", "NEW.parent",
    'NEW."before"', 'NEW."after"',
)  # fmt: skip

_OWN = {
    "ledger_event": 'CREATE VIEW ledger_event AS SELECT action, "table", "key", parent, "before", "after" '
    "FROM ledger_entry",
    "ledger_event_insert": f"""\
CREATE TRIGGER ledger_event_insert INSTEAD OF INSERT ON ledger_event BEGIN
SELECT RAISE(ABORT, 'Entries about rows are written by the triggers of their tables.')
WHERE NEW.action IN ('INSERT', 'UPDATE', 'DELETE') AND ledger_source() <> 'migration';
{_EVENT}
END""",
    # INSERT OR REPLACE of an old entry is out of order too.
    "ledger_entry_insert": f"""\
CREATE TRIGGER ledger_entry_insert BEFORE INSERT ON ledger_entry
WHEN NOT EXISTS (
    SELECT 1 FROM ({_HEAD}) AS head
    WHERE NEW.seq = head.seq + 1 AND NEW.prev = head.hash AND NEW.at >= head.at
)
BEGIN SELECT RAISE(ABORT, 'The ledger takes entries in their order only.'); END""",
    "ledger_entry_update": """\
CREATE TRIGGER ledger_entry_update BEFORE UPDATE ON ledger_entry
BEGIN SELECT RAISE(ABORT, 'The ledger is append-only.'); END""",
    "ledger_entry_delete": """\
CREATE TRIGGER ledger_entry_delete BEFORE DELETE ON ledger_entry
BEGIN SELECT RAISE(ABORT, 'The ledger is append-only.'); END""",
}  # fmt: skip


def image(table: Table, row: str) -> str:
    """Return the expression for a row as JSON text; row is NEW, OLD or a table's name."""
    columns = ", ".join(f"""'{column}', {row}."{column}\"""" for column in table.columns)
    return f"json_object({columns})"


def key(table: Table, row: str) -> str:
    """Return the expression for a row's key as text."""
    return f'CAST({row}."{table.key}" AS TEXT)'


def parent(table: Table, row: str) -> str:
    """Return the expression for the key of the object that a row belongs to."""
    return f'CAST({row}."{table.parent}" AS TEXT)' if table.parent else "NULL"


def bytewise(expression: str) -> str:
    """Return the expression for a text that is compared by its bytes, as SQLite does anyway."""
    return expression


def definitions(tables: Iterable[Table]) -> dict[str, str]:
    """Return everything that must be in the database, by name."""
    found = dict(_OWN)
    for table in tables:
        old, new = image(table, "OLD"), image(table, "NEW")
        differs = " OR ".join(f'NEW."{column}" IS NOT OLD."{column}"' for column in table.columns)
        for purpose, event, body in (
            ("insert", "AFTER INSERT", _row("INSERT", table, "NEW", "NULL", new)),
            ("update", "AFTER UPDATE", _row("UPDATE", table, "NEW", old, new)),
            ("delete", "AFTER DELETE", _row("DELETE", table, "OLD", old, "NULL")),
            ("key", "BEFORE UPDATE", "SELECT RAISE(ABORT, 'A row of an audited table keeps its key.');"),
        ):
            when = {"update": differs, "key": f'NEW."{table.key}" IS NOT OLD."{table.key}"'}.get(purpose)
            name = f"ledger_{table.name}_{purpose}"
            found[name] = (
                f'CREATE TRIGGER "{name}" {event} ON "{table.name}"\n'
                f"{f'WHEN {when}' if when else ''} BEGIN\n{body}\nEND"
            )
    return found


def _row(action: str, table: Table, row: str, before: str, after: str) -> str:
    return _append(f"'{action}'", f"'{table.name}'", key(table, row), parent(table, row), before, after)


def installed(cursor: Any) -> dict[str, str]:
    """Return what there is of the ledger's in the database, by name, and every trigger of its table."""
    cursor.execute(
        "SELECT name, sql FROM sqlite_master WHERE type IN ('trigger', 'view')"
        " AND (name LIKE 'ledger~_%' ESCAPE '~' OR tbl_name = 'ledger_entry')"
    )
    return dict(cursor.fetchall())


def install(cursor: Any, tables: Iterable[Table]) -> None:
    for statement in definitions(tables).values():
        cursor.execute(statement)


def uninstall(cursor: Any) -> None:
    for name, statement in installed(cursor).items():
        # A view takes its trigger along.
        kind = "VIEW" if statement.startswith("CREATE VIEW") else "TRIGGER"
        cursor.execute(f'DROP {kind} IF EXISTS "{name}"')


def take_lock(cursor: Any) -> None:
    """Nothing to do: transactions begin IMMEDIATE, and SQLite has one writer at a time."""


def prepare(connection: Any) -> None:
    """Give a new connection the functions that the triggers call."""
    connection.create_function("ledger_hash", 12, entry_hash, deterministic=True)
    connection.create_function("ledger_actor", 0, _actor)
    connection.create_function("ledger_source", 0, _source)
    connection.create_function("ledger_reason", 0, _reason)
    # Without it INSERT OR REPLACE would delete the old row unseen.
    connection.execute("PRAGMA recursive_triggers = ON")


def _actor() -> str:
    frame = current()
    return frame.actor if frame else operating_system_user()


def _source() -> str:
    frame = current()
    return str(frame.source if frame else Source.DATABASE.value)


def _reason() -> str:
    frame = current()
    return frame.reason if frame else ""
