"""The ledger's triggers on PostgreSQL: the entries of a statement's rows together, when it ends."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from .acting import LOCK
from .audited import Table

# What tells rows apart, the most telling first: PostgreSQL sorts by it, which is most of the work.
ROW = '"key" COLLATE "C", "table" COLLATE "C"'
NOW = """to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""


def _field(expression: str) -> str:
    """Write a value as it is hashed: its length, a colon and itself, or a hyphen for null."""
    return f"coalesce(length({expression})::text || ':' || {expression}, '-')"


def _fields(*expressions: str) -> str:
    return " || ".join(_field(expression) for expression in expressions)


# Every entry goes through here: it names who writes, takes the next numbers and continues the chain. The
# caller holds the lock, so that the last entry is known. contents is what is hashed of key, parent, before
# and after; a null among the keys is a row that its statement gave another key.
_APPEND = f"""
DECLARE
    head ledger_entry;
    moment text;
    whence text := current_setting('ledger.source', true);
    who text := current_setting('ledger.actor', true);
    why text := current_setting('ledger.reason', true);
    common text;
    link text;
    hashes text[] := '{{}}';
BEGIN
    IF keys IS NULL THEN
        RETURN;
    END IF;
    IF array_position(keys, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'A row of an audited table keeps its key.';
    END IF;
    IF coalesce(whence, '') = '' THEN
        whence := 'database';
        who := 'db:' || session_user;
        why := '';
    END IF;
    SELECT * INTO head FROM ledger_entry ORDER BY seq DESC LIMIT 1;
    moment := greatest(head.at COLLATE "C", {NOW} COLLATE "C");
    common := {_fields("moment", "who", "whence", "why", "act", "relation")};
    link := head.hash;
    FOR i IN 1 .. cardinality(keys) LOOP
        link := encode(sha256(convert_to('64:' || link || {_field("(head.seq + i)::text")} || common
            || contents[i], 'UTF8')), 'hex');
        hashes[i] := link;
    END LOOP;
    INSERT INTO ledger_entry
        (prev, seq, at, actor, source, reason, action, "table", "key", parent, "before", "after", hash)
    SELECT CASE i WHEN 1 THEN head.hash ELSE hashes[i - 1] END, head.seq + i, moment, who, whence, why, act,
        relation, each."key", each.parent, each."before", each."after", each.hash
    FROM unnest(keys, parents, befores, afters, hashes) WITH ORDINALITY
        AS each("key", parent, "before", "after", hash, i);
END
"""


def _rows(action: str, images: str, key: str) -> str:
    """Return the body of a trigger that hands the rows of a statement over, as images was and is.

    The trigger's arguments are the columns left out, the parent's column, and the key's.
    """
    return f"""
BEGIN
    PERFORM ledger_append('{action}', TG_TABLE_NAME, array_agg(k), array_agg(p), array_agg(b), array_agg(a),
        array_agg({_fields("k", "p", "b", "a")}))
    FROM (
        SELECT {key} AS k, coalesce("is", was) ->> TG_ARGV[1] AS p,
            was::text AS b, "is"::text AS a
        FROM {images} AS images
        WHERE was IS DISTINCT FROM "is"
        ORDER BY coalesce("is", was) -> TG_ARGV[2]
    ) AS changed;
    RETURN NULL;
END
"""


_WAS = "SELECT to_jsonb(o) - TG_ARGV[0]::text[] AS was FROM old_rows AS o"
_IS = 'SELECT to_jsonb(n) - TG_ARGV[0]::text[] AS "is" FROM new_rows AS n'
_BOTH = f"""(
            SELECT was, "is" FROM ({_WAS}) AS before FULL JOIN ({_IS}) AS after
            ON was -> TG_ARGV[2] = "is" -> TG_ARGV[2]
        )"""

_FUNCTIONS = {
    "ledger_append(act text, relation text, keys text[], parents text[], befores text[], afters text[], "
    "contents text[]) RETURNS void": _APPEND,
    "ledger_lock() RETURNS trigger": f"""
BEGIN
    PERFORM pg_advisory_xact_lock({LOCK});
    RETURN NULL;
END
""",
    "ledger_inserted() RETURNS trigger": _rows(
        "INSERT", f'(SELECT NULL::jsonb AS was, "is" FROM ({_IS}) AS after)', '"is" ->> TG_ARGV[2]'
    ),
    "ledger_updated() RETURNS trigger": _rows(
        "UPDATE", _BOTH, 'CASE WHEN was IS NOT NULL THEN "is" ->> TG_ARGV[2] END'
    ),
    "ledger_deleted() RETURNS trigger": _rows(
        "DELETE", f'(SELECT was, NULL::jsonb AS "is" FROM ({_WAS}) AS before)', "was ->> TG_ARGV[2]"
    ),
    "ledger_recorded() RETURNS trigger": f"""
BEGIN
    IF NEW.action IN ('INSERT', 'UPDATE', 'DELETE') AND NOT (
        coalesce(current_setting('ledger.source', true), '') = 'migration' AND pg_has_role(
            session_user, (SELECT relowner FROM pg_class WHERE oid = 'ledger_entry'::regclass), 'MEMBER'
        )
    ) THEN
        RAISE EXCEPTION 'Entries about rows are written by the triggers of their tables.';
    END IF;
    PERFORM pg_advisory_xact_lock({LOCK});
    NEW."table" := coalesce(NEW."table", '');
    NEW."key" := coalesce(NEW."key", '');
    PERFORM ledger_append(NEW.action, NEW."table", ARRAY[NEW."key"], ARRAY[NEW.parent], ARRAY[NEW."before"],
        ARRAY[NEW."after"], ARRAY[{_fields('NEW."key"', "NEW.parent", 'NEW."before"', 'NEW."after"')}]);
    RETURN NEW;
END
""",
    "ledger_refuse() RETURNS trigger": """
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0];
END
""",
    "ledger_in_order() RETURNS trigger": """
BEGIN
    IF EXISTS (
        SELECT FROM (
            SELECT seq, prev, at, lag(seq) OVER written AS last, lag(hash) OVER written AS link,
                lag(at) OVER written AS moment
            FROM fresh WINDOW written AS (ORDER BY seq)
        ) AS entry
        WHERE CASE
            WHEN last IS NULL THEN NOT EXISTS (
                SELECT FROM ledger_entry AS head WHERE head.seq = entry.seq - 1 AND head.hash = entry.prev
                    AND head.at COLLATE "C" <= entry.at COLLATE "C"
            )
            ELSE seq <> last + 1 OR prev <> link OR at COLLATE "C" < moment COLLATE "C"
        END
    ) THEN
        RAISE EXCEPTION 'The ledger takes entries in their order only.';
    END IF;
    RETURN NULL;
END
""",
}  # fmt: skip

_APPEND_ONLY = "ledger_refuse('The ledger is append-only.')"


def image(table: Table, row: str) -> str:
    """Return the expression for a row as JSON text; row is the name of a table in the query."""
    excluded = ",".join(table.excluded)
    return f"(to_jsonb({row}) - '{{{excluded}}}'::text[])::text"


def key(table: Table, row: str) -> str:
    """Return the expression for a row's key as text."""
    return f'{row}."{table.key}"::text'


def parent(table: Table, row: str) -> str:
    """Return the expression for the key of the object that a row belongs to."""
    return f'{row}."{table.parent}"::text' if table.parent else "NULL"


def bytewise(expression: str) -> str:
    """Return the expression for a text that is compared by its bytes, quicker than by a language's order."""
    return f'{expression} COLLATE "C"'


def _schema(cursor: Any) -> str:
    cursor.execute("SELECT current_schema()")
    return str(cursor.fetchone()[0])


_VIEW = 'SELECT action, "table", "key", parent, "before", "after" FROM ledger_entry'
# PostgreSQL gives a view's definition back in words of its own, which differ between versions in these.
_DECORATION = r'ledger_entry\.|["\s;]'


def _functions(schema: str) -> Iterator[tuple[str, str, str]]:
    """Yield each function's signature, its definition, and what of it the catalogue should have."""
    for declared, body in _FUNCTIONS.items():
        signature = declared.partition(" RETURNS")[0]
        definition = (
            f"CREATE FUNCTION {declared} LANGUAGE plpgsql SECURITY DEFINER "
            f"SET search_path = {schema}, pg_temp SET timezone = 'UTC' AS $ledger${body}$ledger$"
        )
        yield signature, definition, f"{body} t search_path={schema}, pg_temp TimeZone=UTC"


def _triggers(schema: str, tables: Iterable[Table]) -> dict[str, str]:
    """Return the triggers by name, as PostgreSQL itself writes them."""
    triggers = [
        ("ledger_event", "insert", "INSTEAD OF INSERT", "FOR EACH ROW", "ledger_recorded()"),
        (
            "ledger_entry",
            "insert",
            "AFTER INSERT",
            "REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT",
            "ledger_in_order()",
        ),
        (
            "ledger_entry",
            "refuse",
            "BEFORE DELETE OR UPDATE OR TRUNCATE",
            "FOR EACH STATEMENT",
            _APPEND_ONLY,
        ),
    ]
    for table in tables:
        arguments = f"('{{{','.join(table.excluded)}}}', '{table.parent}', '{table.key}')"
        new, old = "NEW TABLE AS new_rows", "OLD TABLE AS old_rows"
        statement = "FOR EACH STATEMENT"
        triggers += [
            (table.name, "lock", "BEFORE INSERT OR DELETE OR UPDATE", statement, "ledger_lock()"),
            (
                table.name,
                "truncate",
                "BEFORE TRUNCATE",
                statement,
                "ledger_refuse('An audited table cannot be truncated; delete its rows.')",
            ),
            (
                table.name,
                "insert",
                "AFTER INSERT",
                f"REFERENCING {new} {statement}",
                f"ledger_inserted{arguments}",
            ),
            (
                table.name,
                "update",
                "AFTER UPDATE",
                f"REFERENCING {old} {new} {statement}",
                f"ledger_updated{arguments}",
            ),
            (
                table.name,
                "delete",
                "AFTER DELETE",
                f"REFERENCING {old} {statement}",
                f"ledger_deleted{arguments}",
            ),
        ]
    return {
        f"trigger {name}.ledger_{purpose}": f"CREATE TRIGGER ledger_{purpose} {event} ON {schema}.{name} "
        f"{how} EXECUTE FUNCTION {function}"
        for name, purpose, event, how, function in triggers
    }


def definitions(cursor: Any, tables: Iterable[Table]) -> dict[str, str]:
    """Return everything that must be in the database, by name."""
    schema = _schema(cursor)
    return {
        **{f"function {signature}": catalogued for signature, _definition, catalogued in _functions(schema)},
        "view ledger_event": re.sub(_DECORATION, "", _VIEW),
        **_triggers(schema, tables),
    }


def installed(cursor: Any) -> dict[str, str]:
    """Return what there is of the ledger's in the database, by name, and all that is tied to its table.

    A disabled trigger is not there.
    """
    cursor.execute(
        """
        SELECT format('function %%s(%%s)', proname, pg_get_function_identity_arguments(oid)),
            concat_ws(' ', prosrc, prosecdef, array_to_string(proconfig, ' '))
        FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'ledger\\_%%'
        UNION ALL
        SELECT 'view ' || viewname, regexp_replace(definition, %s, '', 'g')
        FROM pg_views WHERE schemaname = current_schema() AND viewname = 'ledger_event'
        UNION ALL
        SELECT format('trigger %%s.%%s', relname, tgname), pg_get_triggerdef(pg_trigger.oid)
        FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE relnamespace = current_schema()::regnamespace AND NOT tgisinternal AND tgenabled = 'O'
            AND (tgname LIKE 'ledger\\_%%' OR relname IN ('ledger_entry', 'ledger_event'))
        UNION ALL
        SELECT format('rule %%s.%%s', tablename, rulename), definition
        FROM pg_rules WHERE schemaname = current_schema() AND tablename = 'ledger_entry'
        """,
        [_DECORATION],
    )
    return dict(cursor.fetchall())


# A role that default privileges let write every table may only read the ledger's, and add events.
_GRANTS = """
DO $grants$
DECLARE
    role text;
BEGIN
    FOR role IN
        SELECT DISTINCT acl.grantee::regrole::text FROM pg_class, aclexplode(relacl) AS acl
        WHERE relnamespace = current_schema()::regnamespace AND relname IN ('ledger_entry', 'ledger_event')
            AND acl.grantee NOT IN (0, relowner)
    LOOP
        EXECUTE 'REVOKE INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER ON ledger_entry FROM ' || role;
        EXECUTE 'REVOKE SELECT, UPDATE, DELETE, TRUNCATE, TRIGGER ON ledger_event FROM ' || role;
    END LOOP;
END
$grants$
"""


def install(cursor: Any, tables: Iterable[Table]) -> None:
    schema = _schema(cursor)
    for signature, definition, _catalogued in _functions(schema):
        cursor.execute(definition)
        cursor.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
    cursor.execute(f"CREATE VIEW ledger_event AS {_VIEW}")
    for statement in _triggers(schema, tables).values():
        cursor.execute(statement)
    cursor.execute(_GRANTS)


def uninstall(cursor: Any) -> None:
    cursor.execute(
        "SELECT format('DROP TRIGGER %%I ON %%I', tgname, relname) FROM pg_trigger"
        " JOIN pg_class ON pg_class.oid = tgrelid WHERE relnamespace = current_schema()::regnamespace"
        r" AND NOT tgisinternal AND tgname LIKE 'ledger\_%%'",
        [],
    )
    for (statement,) in cursor.fetchall():
        cursor.execute(statement)
    cursor.execute("DROP VIEW IF EXISTS ledger_event")
    cursor.execute(
        "SELECT format('DROP FUNCTION %%s', oid::regprocedure) FROM pg_proc"
        r" WHERE pronamespace = current_schema()::regnamespace AND proname LIKE 'ledger\_%%'",
        [],
    )
    for (statement,) in cursor.fetchall():
        cursor.execute(statement)


def take_lock(cursor: Any) -> None:
    """Take the ledger's lock for the rest of the transaction."""
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def prepare(connection: Any) -> None:
    """Nothing to do: everything is in the database."""
