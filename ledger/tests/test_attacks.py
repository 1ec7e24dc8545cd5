"""What somebody could do to the ledger or behind its back, and that it is refused or comes to light."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2  # type: ignore[import-untyped]
import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from ledger.acting import acting
from ledger.check_export import COLUMNS, Head, entry_hash
from ledger.models import Entry
from ledger.triggers import deviations
from ledger.verify import verify

pytestmark = pytest.mark.usefixtures("english")

Unseen = Callable[..., None]

on_postgresql = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="of PostgreSQL alone")
on_sqlite = pytest.mark.skipif("connection.vendor != 'sqlite'", reason="of SQLite alone")

ALL = ", ".join(f'"{column}"' for column in (*COLUMNS, "hash"))
AFTER_SEQ = ALL.partition('"seq", ')[2]
AFTER_AT = ALL.partition('"at", ')[2]


def execute(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@pytest.fixture
def group(plan: Any) -> Any:
    """A row that was changed twice, and others written before, between and after."""
    groups = apps.get_model("auth.Group").objects
    found = groups.create(name="one")
    groups.create(name="another")
    for name in ("two", "three"):
        found.name = name
        found.save()
    groups.create(name="a third")
    return found


def seq_of(name: str) -> int:
    """Return the number of the entry after which a group had this name."""
    [seq] = Entry.objects.filter(table="auth_group", after__contains=f'"{name}"').values_list(
        "seq", flat=True
    )
    return int(seq)


def columns(seq: int) -> dict[str, Any]:
    return Entry.objects.filter(seq=seq).values(*COLUMNS, "hash").get()


def rewritten_from(seq: int) -> list[str]:
    """Return the statements that give every entry from seq on the hash that it should have."""
    statements = []
    link = columns(seq)["prev"]
    for entry in Entry.objects.filter(seq__gte=seq).order_by("seq").values(*COLUMNS):
        entry["prev"], link = link, entry_hash(**{**entry, "prev": link})
        statements.append(
            f"UPDATE ledger_entry SET prev = '{entry['prev']}', hash = '{link}' WHERE seq = {entry['seq']}"
        )
    return statements


def test_an_honest_ledger_is_intact(group: Any) -> None:
    verdict = verify()
    assert verdict.problems == []
    assert verdict.entries == Entry.objects.count()
    assert verdict.head == Entry.objects.head()


# -- The ledger's own table ---------------------------------------------------------------------------------


INSERT = f"INSERT INTO ledger_entry ({ALL})"
REFUSED = {
    "update": "UPDATE ledger_entry SET actor = 'somebody' WHERE seq = 1",
    "an update of nothing": "UPDATE ledger_entry SET actor = actor WHERE seq = 1",
    "delete": "DELETE FROM ledger_entry WHERE seq = (SELECT max(seq) FROM ledger_entry)",
    "a copy of an old entry": f"{INSERT} SELECT {ALL} FROM ledger_entry WHERE seq = 1",
    "out of order": f"{INSERT} SELECT prev, seq + 1000000, {AFTER_SEQ} FROM ledger_entry WHERE seq = 1",
    "with a wrong prev": f"{INSERT} SELECT prev, (SELECT max(seq) + 1 FROM ledger_entry), {AFTER_SEQ}"
    " FROM ledger_entry WHERE seq = 2",
    "with an earlier time": f"{INSERT} SELECT hash, seq + 1, '2001-01-01T00:00:00.000Z', {AFTER_AT}"
    " FROM ledger_entry ORDER BY seq DESC LIMIT 1",
}


@pytest.mark.parametrize("way", REFUSED)
def test_the_ledger_is_append_only(way: str, group: Any) -> None:
    with pytest.raises(DatabaseError, match=r"append-only|in their order only|unique"), transaction.atomic():
        execute(REFUSED[way])
    assert verify().problems == []


@on_sqlite
@pytest.mark.parametrize("verb", ["INSERT OR REPLACE", "REPLACE", "INSERT OR IGNORE"])
def test_an_entry_cannot_be_replaced(verb: str, group: Any) -> None:
    with pytest.raises(DatabaseError, match="order"), transaction.atomic():
        execute(f"{verb} INTO ledger_entry ({ALL}) SELECT {ALL} FROM ledger_entry WHERE seq = 2")


@on_postgresql
def test_an_entry_cannot_be_replaced_on_conflict(group: Any) -> None:
    copied = f"{INSERT} SELECT {ALL} FROM ledger_entry WHERE seq = 2 ON CONFLICT"
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        execute(f"{copied} (seq) DO UPDATE SET actor = 'somebody'")
    execute(f"{copied} DO NOTHING")  # and it does nothing
    assert verify().problems == []


@on_postgresql
@pytest.mark.django_db
def test_the_ledger_cannot_be_truncated() -> None:
    for statement in ("TRUNCATE ledger_entry", "TRUNCATE ledger_entry CASCADE"):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            execute(statement)


@pytest.mark.parametrize("model", ["ledger.Entry"])
def test_the_orm_cannot_change_entries_either(model: str, group: Any) -> None:
    entry = Entry.objects.latest("seq")
    entry.actor = "somebody"
    for change in (entry.save, entry.delete, Entry.objects.all().delete):
        with pytest.raises(DatabaseError, match=r"append-only"), transaction.atomic():
            change()


# -- Entries changed by the owner ---------------------------------------------------------------------------


@pytest.mark.parametrize("column", [*COLUMNS[2:], "hash", "prev"])
def test_an_edited_entry_is_named(column: str, group: Any, unseen: Unseen) -> None:
    seq = seq_of("two")
    value = "2026-01-01T00:00:00.000Z" if column == "at" else "0" * 64
    unseen(f"""UPDATE ledger_entry SET "{column}" = '{value}' WHERE seq = {seq}""")
    assert any(f"entry {seq} " in problem for problem in verify().problems)


def test_a_null_that_became_empty_is_named(group: Any, unseen: Unseen) -> None:
    seq = seq_of("one")
    unseen(f"""UPDATE ledger_entry SET "before" = '' WHERE seq = {seq}""")
    assert verify().problems[0].startswith(f"The chain is broken: entry {seq} was changed")


def test_an_edited_entry_with_a_new_hash_no_longer_carries_the_next(group: Any, unseen: Unseen) -> None:
    seq = seq_of("two")
    entry = columns(seq) | {"actor": "somebody"}
    del entry["hash"]
    unseen(f"UPDATE ledger_entry SET actor = 'somebody', hash = '{entry_hash(**entry)}' WHERE seq = {seq}")
    [problem] = verify().problems
    assert problem.startswith(f"The chain is broken: entry {seq + 1} does not follow from entry {seq}")


def test_a_deleted_entry_is_named(group: Any, unseen: Unseen) -> None:
    seq = seq_of("two")
    unseen(f"DELETE FROM ledger_entry WHERE seq = {seq}")
    problems = verify().problems
    assert problems[0].startswith(
        f"The chain is broken: entry {seq + 1} follows entry {seq - 1}: 1 missing ({seq} to {seq})"
    )
    assert problems[1].startswith(
        f"Before entry {seq + 1} the row auth_group {group.pk} was changed unrecorded"
    )
    assert '"one" → "two"' in problems[1]


def test_a_ledger_that_begins_later_is_named(group: Any, unseen: Unseen) -> None:
    unseen("DELETE FROM ledger_entry WHERE seq = 1")
    assert verify().problems[0].startswith("The chain is broken: entry 2 follows entry 0: 1 missing (1 to 1)")


def test_an_empty_ledger_is_named(group: Any, unseen: Unseen) -> None:
    unseen("DELETE FROM ledger_entry")
    assert "The ledger has no entry." in verify().problems


def test_swapped_entries_are_named(group: Any, unseen: Unseen) -> None:
    one, other = seq_of("two"), seq_of("three")
    unseen(*(f"UPDATE ledger_entry SET seq = {new} WHERE seq = {old}"
             for old, new in ((one, -1), (other, one), (-1, other))))  # fmt: skip
    problems = verify().problems
    assert problems[0].startswith(f"The chain is broken: entry {one} does not follow from entry {one - 1}")


def test_an_inserted_entry_is_named(group: Any, unseen: Unseen) -> None:
    seq = seq_of("two")
    unseen(
        f"UPDATE ledger_entry SET seq = -seq WHERE seq >= {seq}",
        "UPDATE ledger_entry SET seq = -seq + 1 WHERE seq < 0",
        f"{INSERT} SELECT prev, {seq}, {AFTER_SEQ} FROM ledger_entry WHERE seq = {seq + 1}",
    )
    problem = verify().problems[0]
    assert problem.startswith(f"The chain is broken: entry {seq + 1} does not follow from entry {seq}")


@pytest.mark.parametrize("times", [1, 2])
def test_an_appended_entry_with_a_made_up_hash_is_named(times: int, group: Any) -> None:
    """In order, so that the database takes it; the next honest entry follows from it."""
    head = Entry.objects.head()
    rest = ", ".join(f'"{column}"' for column in COLUMNS[2:])
    execute(
        f"INSERT INTO ledger_entry ({ALL}) SELECT hash, seq + 1, {rest}, %s FROM ledger_entry WHERE seq = %s",
        "f" * 64, head.seq,
    )  # fmt: skip
    for _time in range(1, times):
        apps.get_model("auth.Group").objects.create(name="later")
    assert verify().problems[0].startswith(f"The chain is broken: entry {head.seq + 1} was changed")


def test_a_truncated_tail_is_seen_by_the_rows(group: Any, unseen: Unseen) -> None:
    seq = seq_of("three")
    unseen(f"DELETE FROM ledger_entry WHERE seq >= {seq}")
    assert f'The row auth_group {group.pk} was changed behind the ledger\'s back: name: "two" → "three".' in (
        verify().problems
    )


def test_a_truncated_tail_of_events_is_seen_by_a_kept_head(planner: Any, client: Any, unseen: Unseen) -> None:
    before = Entry.objects.head()
    client.force_login(planner)
    kept = Entry.objects.head()
    assert verify(kept=kept).problems == []
    unseen(f"DELETE FROM ledger_entry WHERE seq > {before.seq}")
    assert verify().problems == []
    assert verify(kept=kept).problems == [
        f"The head kept is entry {kept.seq}, and the ledger ends with entry {before.seq}: its end is missing."
    ]


def test_a_rewritten_ledger_is_seen_by_a_kept_head(group: Any, unseen: Unseen) -> None:
    seq, kept = seq_of("two"), Entry.objects.head()
    unseen(f"UPDATE ledger_entry SET actor = 'somebody' WHERE seq = {seq}")
    unseen(*rewritten_from(seq))
    assert verify().problems == []
    assert verify(kept=kept).problems == [
        f"Entry {kept.seq} has another hash than the one kept: it, or one before it, was rewritten."
    ]


def test_a_head_of_another_ledger_is_seen(group: Any) -> None:
    head = Entry.objects.head()
    assert verify(kept=Head(head.seq, "0" * 64, head.at)).problems
    assert verify(kept=Head(head.seq + 5, head.hash, head.at)).problems


# -- Rows changed behind the ledger's back ------------------------------------------------------------------


def changed(group: Any, was: str, now: str) -> str:
    return f'The row auth_group {group.pk} was changed behind the ledger\'s back: name: "{was}" → "{now}".'


def test_a_change_while_the_triggers_were_out_is_named(group: Any, unseen: Unseen) -> None:
    unseen(f"UPDATE auth_group SET name = 'false' WHERE id = {group.pk}")
    assert deviations() == []
    assert verify().problems == [changed(group, "three", "false")]


def test_the_same_followed_by_an_ordinary_change_is_named(group: Any, unseen: Unseen) -> None:
    unseen(f"UPDATE auth_group SET name = 'false' WHERE id = {group.pk}")
    group.name = "four"
    group.save()
    seq = seq_of("four")
    assert verify().problems == [
        f'Before entry {seq} the row auth_group {group.pk} was changed unrecorded: name: "three" → "false".'
    ]


def test_an_old_image_written_back_is_named(group: Any, unseen: Unseen) -> None:
    unseen(f"UPDATE auth_group SET name = 'two' WHERE id = {group.pk}")
    assert verify().problems == [changed(group, "three", "two")]


def test_a_row_that_vanished_or_appeared_is_named(group: Any, unseen: Unseen) -> None:
    unseen(
        f"DELETE FROM auth_group WHERE id = {group.pk}",
        f"INSERT INTO auth_group (id, name) VALUES ({group.pk + 1000}, 'new')",
    )
    assert set(verify().problems) == {
        f"The row auth_group {group.pk + 1000} was changed behind the ledger's back: it appeared.",
        f"The row auth_group {group.pk} was changed behind the ledger's back: it disappeared.",
    }


def test_a_vanished_row_that_was_written_anew_is_named(group: Any, unseen: Unseen) -> None:
    unseen(f"DELETE FROM auth_group WHERE id = {group.pk}")
    execute("INSERT INTO auth_group (id, name) VALUES (%s, 'four')", group.pk)
    assert verify().problems == [
        f"Before entry {seq_of('four')} the row auth_group {group.pk} was changed unrecorded: it disappeared."
    ]


def test_a_figure_is_named_with_its_columns(everything: None, unseen: Unseen) -> None:
    figure = apps.get_model("indicators.Figure").objects.earliest("pk")
    unseen(f"UPDATE indicators_figure SET value = 400, demo = true WHERE id = {figure.pk}")
    [problem] = verify().problems
    assert problem.startswith(f"The row indicators_figure {figure.pk} was changed behind the ledger's back: ")
    assert "value: 4" in problem
    assert "→ 400" in problem
    assert "demo: " in problem


def test_raw_sql_by_nobody_is_recorded_as_the_databases(everything: None) -> None:
    figure = apps.get_model("indicators.Figure").objects.earliest("pk")
    execute("UPDATE indicators_figure SET value = 400 WHERE id = %s", figure.pk)
    entry = Entry.objects.latest("seq")
    assert (entry.action, entry.table, entry.key, entry.source) == (
        "UPDATE", "indicators_figure", str(figure.pk), "database",
    )  # fmt: skip
    assert entry.actor.startswith("db:" if connection.vendor == "postgresql" else "os:")
    assert verify().problems == []


def test_the_ledger_is_intact_from_an_entry_on_although_what_lies_before_is_not(
    group: Any, unseen: Unseen
) -> None:
    seq = seq_of("two")
    unseen(f"UPDATE ledger_entry SET actor = 'somebody' WHERE seq = {seq}")
    assert verify(since=seq + 1).problems == []
    assert verify(since=seq).problems
    assert verify(since=10**6).problems == [f"There is no entry {10**6 - 1} to start after."]


@on_sqlite
def test_a_value_that_no_image_can_hold_is_named(group: Any, unseen: Unseen) -> None:
    unseen(f"UPDATE auth_group SET name = x'00ff' WHERE id = {group.pk}")
    [problem] = verify().problems
    assert problem.startswith("The table auth_group cannot be compared")


def test_a_migration_may_not_be_pretended(group: Any) -> None:
    """An entry about a row, written past the triggers of its table."""
    after = '{"id": 7, "name": "false"}'
    for action in ("INSERT", "UPDATE", "DELETE"):
        with pytest.raises(DatabaseError, match="written by the triggers"), acting(), transaction.atomic():
            execute(
                'INSERT INTO ledger_event (action, "table", "key", "after") VALUES (%s, %s, %s, %s)',
                action, "auth_group", str(group.pk), after,
            )  # fmt: skip
    assert verify().problems == []


@on_postgresql
def test_a_forged_entry_of_a_row_is_named(group: Any) -> None:
    """The owner of the database can say that a migration wrote it."""
    with transaction.atomic():
        execute("SELECT set_config('ledger.source', 'migration', true)")
        execute(
            'INSERT INTO ledger_event (action, "table", "key", "before", "after") SELECT %s, "table", "key",'
            ' "after", replace("after", %s, %s) FROM ledger_entry WHERE seq = %s',
            "UPDATE", "three", "forged", seq_of("three"),
        )  # fmt: skip
    assert verify().problems == [changed(group, "forged", "three")]


# -- Triggers and functions ---------------------------------------------------------------------------------

TAMPERED = {
    "sqlite": {
        "DROP TRIGGER ledger_auth_group_update": "ledger_auth_group_update",
        "DROP TRIGGER ledger_entry_update": "ledger_entry_update",
        "DROP VIEW ledger_event": "ledger_event",
        "CREATE TRIGGER quiet BEFORE INSERT ON ledger_entry BEGIN SELECT RAISE(IGNORE); END": "quiet",
    },
    "postgresql": {
        "DROP TRIGGER ledger_update ON auth_group": "trigger auth_group.ledger_update",
        "ALTER TABLE auth_group DISABLE TRIGGER ledger_update": "trigger auth_group.ledger_update",
        "ALTER TABLE auth_group DISABLE TRIGGER ALL": "trigger auth_group.ledger_insert",
        "ALTER TABLE auth_group ENABLE REPLICA TRIGGER ledger_update": "trigger auth_group.ledger_update",
        "ALTER TABLE ledger_entry DISABLE TRIGGER ledger_refuse": "trigger ledger_entry.ledger_refuse",
        "CREATE OR REPLACE FUNCTION ledger_lock() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RETURN NULL; END'": "function ledger_lock",
        "ALTER FUNCTION ledger_append SECURITY INVOKER": "function ledger_append",
        "ALTER FUNCTION ledger_updated SET timezone = 'Asia/Taipei'": "function ledger_updated",
        "CREATE FUNCTION ledger_append(text) RETURNS void LANGUAGE sql AS ''": "function ledger_append(text)",
        "DROP VIEW ledger_event": "view ledger_event",
        "CREATE OR REPLACE VIEW ledger_event AS SELECT action, \"table\", \"key\", parent, \"before\","
        " \"after\" FROM ledger_entry WHERE seq > 1": "view ledger_event",
        "CREATE FUNCTION quiet() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        "CREATE TRIGGER quiet BEFORE INSERT ON ledger_entry FOR EACH ROW EXECUTE FUNCTION quiet()":
            "trigger ledger_entry.quiet",
        "CREATE RULE quiet AS ON INSERT TO ledger_entry DO INSTEAD NOTHING": "rule ledger_entry.quiet",
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("vendor", "statement"), [(vendor, statement) for vendor in TAMPERED for statement in TAMPERED[vendor]]
)
def test_what_was_done_to_the_triggers_is_named(vendor: str, statement: str, db: None) -> None:
    if connection.vendor != vendor:
        pytest.skip(f"of {vendor} alone")
    assert deviations() == []
    execute(statement)
    name = TAMPERED[vendor][statement]
    assert any(found.startswith(name) for found in deviations())
    assert any(problem.startswith(f"«{name}") for problem in verify().problems)


@on_postgresql
def test_a_change_with_triggers_silenced_for_a_session_is_named(group: Any) -> None:
    execute("SET LOCAL session_replication_role = replica")
    execute("UPDATE auth_group SET name = 'false' WHERE id = %s", group.pk)
    execute("SET LOCAL session_replication_role = origin")
    assert verify().problems == [changed(group, "three", "false")]


# -- With the database's own client -------------------------------------------------------------------------


@contextmanager
def own_client() -> Iterator[Any]:
    """Give a cursor of a connection that is none of ours; what it did is committed."""
    settings = connection.get_connection_params()
    opened: Any = (
        sqlite3.connect(settings["database"])
        if connection.vendor == "sqlite"
        else psycopg2.connect(
            **{name: settings[name] for name in ("dbname", "user", "host") if name in settings}
        )
    )
    with closing(opened), opened:
        yield opened.cursor()


@pytest.fixture
def committed(transactional_db: None) -> Any:
    groups = apps.get_model("auth.Group").objects
    with acting():
        group = groups.create(name="one")
        group.name = "two"
        group.save()
    return group


def test_the_own_client_writes_nothing_unrecorded(committed: Any) -> None:
    head = Entry.objects.head()
    if connection.vendor == "sqlite":
        with pytest.raises(sqlite3.OperationalError, match="no such function"), own_client() as cursor:
            cursor.execute("UPDATE auth_group SET name = 'false'")
        assert Entry.objects.head() == head
    else:
        with own_client() as cursor:
            cursor.execute("UPDATE auth_group SET name = 'false'")
        entry = Entry.objects.latest("seq")
        assert (entry.seq, entry.source, entry.new["name"]) == (head.seq + 1, "database", "false")
        assert entry.actor.startswith("db:")
    assert verify().problems == []


def test_the_own_client_cannot_change_the_ledger(committed: Any) -> None:
    for statement in (REFUSED["update"], REFUSED["delete"], REFUSED["out of order"]):
        with (
            pytest.raises((sqlite3.Error, psycopg2.Error), match=r"append-only|order"),
            own_client() as cursor,
        ):
            cursor.execute(statement)
    assert verify().problems == []


def test_what_the_owner_does_with_the_own_client_is_named(committed: Any) -> None:
    figure = f"UPDATE auth_group SET name = 'false' WHERE id = {committed.pk}"
    with own_client() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT sql FROM sqlite_master WHERE name = 'ledger_auth_group_update'")
            ((definition,),) = cursor.fetchall()
            cursor.execute("DROP TRIGGER ledger_auth_group_update")
            cursor.execute(figure)
            cursor.execute(definition)
        else:
            cursor.execute("ALTER TABLE auth_group DISABLE TRIGGER USER")
            cursor.execute(figure)
            cursor.execute("ALTER TABLE auth_group ENABLE TRIGGER USER")
    assert verify().problems == [changed(committed, "two", "false")]
