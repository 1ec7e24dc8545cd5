"""Every way of writing an audited row leaves exactly one entry, with the row before and after."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, models, transaction
from django.utils import timezone

from ledger.acting import acting, operating_system_user
from ledger.audited import tables
from ledger.models import Entry

from .conftest import as_text

Written = Callable[[], Any]

every_table = pytest.mark.parametrize("label", settings.LEDGER_AUDITED)
on_postgresql = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="of PostgreSQL alone")


def execute(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def sole_row(label: str) -> Any:
    return apps.get_model(label)._default_manager.order_by("-pk").first()


def by_hand() -> str:
    """Say who writes where nobody acts: the role on PostgreSQL, the account running this on SQLite."""
    if connection.vendor == "sqlite":
        return operating_system_user()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 'db:' || session_user")
        return str(cursor.fetchone()[0])


@pytest.mark.django_db
def test_every_model_is_audited_or_deliberately_not() -> None:
    every = [model._meta.label for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    assert sorted([*settings.LEDGER_AUDITED, *settings.LEDGER_NOT_AUDITED]) == sorted(every)


def test_what_settings_say_of_audited_models_fits_them() -> None:
    for label, options in settings.LEDGER_AUDITED.items():
        assert set(options) <= {"exclude", "parent"}
        for field in [*options.get("exclude", ()), *([options["parent"]] if "parent" in options else [])]:
            apps.get_model(label)._meta.get_field(field)


@every_table
def test_raw_statements_leave_one_entry_each(
    label: str, everything: None, written: Written, row: Callable[..., dict[str, Any]]
) -> None:
    """A row deleted, put back, changed and changed back, past everything but the database."""
    found = sole_row(label)
    table, key = found._meta.db_table, found.pk
    parent = settings.LEDGER_AUDITED[label].get("parent")
    parent = parent and getattr(found, found._meta.get_field(parent).attname)
    column, value, other = something_to_change(found)
    was = row(table, key)
    changed = was | {column: str(other)}
    with written() as entries:
        execute(f'CREATE TEMPORARY TABLE kept AS SELECT * FROM "{table}" WHERE id = %s', key)
        execute(f'DELETE FROM "{table}" WHERE id = %s', key)
        execute(f'INSERT INTO "{table}" SELECT * FROM kept')
        execute(f'UPDATE "{table}" SET "{column}" = %s WHERE id = %s', other, key)
        execute(f'UPDATE "{table}" SET "{column}" = %s WHERE id = %s', value, key)
        execute("DROP TABLE kept")
    assert [(entry.action, as_text(entry.before), as_text(entry.after)) for entry in entries] == [
        ("DELETE", was, None),
        ("INSERT", None, was),
        ("UPDATE", was, changed),
        ("UPDATE", changed, was),
    ]
    for entry in entries:
        assert (entry.table, entry.key, entry.actor, entry.source, entry.reason) == (
            table, str(key), by_hand(), "database", "",
        )  # fmt: skip
    assert entries[0].parent == (str(parent) if parent else None)


def something_to_change(found: models.Model) -> tuple[str, Any, Any]:
    """Return a column, its value and another; a text, or else a reference (checked when all is done)."""
    fields: list[Any] = [field for field in found._meta.concrete_fields if not field.primary_key]
    if found._meta.label == "indicators.ReportingPeriod":
        return "closes_on", None, date(2099, 1, 1)  # its text and its person are those of a closing
    for field in fields:
        text = isinstance(field, models.CharField | models.TextField) and not field.choices
        if text and field.attname != "password":
            return field.column, getattr(found, field.attname), "其他'\\ \"\n"
    # The last one: the first is what a row belongs to, and by that its lock is judged.
    field = next(field for field in reversed(fields) if field.is_relation)
    value = getattr(found, field.attname)
    return field.column, value, value + 1_000_000


@every_table
def test_an_update_that_changes_nothing_writes_no_entry(
    label: str, everything: None, written: Written
) -> None:
    found = sole_row(label)
    column, _value, _other = something_to_change(found)
    with written() as entries:
        execute(f'UPDATE "{found._meta.db_table}" SET "{column}" = "{column}"')
        found.save()
    assert entries == []


@every_table
def test_a_row_keeps_its_key(label: str, everything: None, written: Written) -> None:
    found = sole_row(label)
    with (
        written() as entries,
        pytest.raises(DatabaseError, match="keeps its key"),
        transaction.atomic(),
    ):
        execute(f'UPDATE "{found._meta.db_table}" SET id = id + 1000000 WHERE id = %s', found.pk)
    assert entries == []


@every_table
@on_postgresql
@pytest.mark.django_db
def test_an_audited_table_cannot_be_truncated(label: str) -> None:
    table = apps.get_model(label)._meta.db_table
    with pytest.raises(DatabaseError, match="cannot be truncated"), transaction.atomic():
        execute(f'TRUNCATE "{table}" CASCADE')


@pytest.fixture
def groups(db: None) -> Any:
    return apps.get_model("auth.Group").objects


@pytest.fixture
def figures(everything: None) -> Any:
    return apps.get_model("indicators.Figure").objects


def brief(entries: list[Entry], column: str) -> list[tuple[str, Any, Any]]:
    return [(entry.action, entry.old.get(column), entry.new.get(column)) for entry in entries]


def test_save_and_delete(groups: Any, written: Written) -> None:
    with written() as entries:
        group = groups.create(name="a")
        group.name = "b"
        group.save()
        group.delete()
    assert brief(entries, "name") == [("INSERT", None, "a"), ("UPDATE", "a", "b"), ("DELETE", "b", None)]
    assert {(entry.source, entry.table) for entry in entries} == {("database", "auth_group")}


def test_bulk_create_and_bulk_update(groups: Any, written: Written) -> None:
    with written() as entries:
        made = groups.bulk_create([groups.model(name=name) for name in "abc"])
        made = list(groups.order_by("pk"))
        for group in made[:2]:
            group.name += "!"
        groups.bulk_update(made, ["name"])
    assert brief(entries, "name") == [
        ("INSERT", None, "a"), ("INSERT", None, "b"), ("INSERT", None, "c"),
        ("UPDATE", "a", "a!"), ("UPDATE", "b", "b!"),
    ]  # fmt: skip
    assert [entry.key for entry in entries] == [str(made[place].pk) for place in (0, 1, 2, 0, 1)]


def test_the_update_and_the_delete_of_a_queryset(figures: Any, written: Written) -> None:
    count = figures.count()
    assert count > 1
    with written() as entries:
        figures.update(value=Decimal("12.5"))
        figures.all().delete()
    assert [entry.action for entry in entries] == ["UPDATE"] * count + ["DELETE"] * count
    assert {entry.new["value"] for entry in entries[:count]} == {12.5}


def test_a_deletion_takes_its_dependants_along(everything: None, written: Written) -> None:
    user = apps.get_model("objectives.User").objects.get(username="auditor")
    with written() as entries:
        user.delete()
    assert [(entry.action, entry.table) for entry in entries] == [
        ("DELETE", "objectives_membership"),
        ("DELETE", "objectives_user"),
    ]


def test_many_to_many(everything: None, written: Written) -> None:
    indicator = apps.get_model("indicators.Indicator").objects.earliest("pk")
    one, other = apps.get_model("objectives.Strategy").objects.all()[:2]
    indicator.strategies.set([one])
    with written() as entries:
        indicator.strategies.add(one, other)
        indicator.strategies.remove(one)
        indicator.strategies.set([])
    assert brief(entries, "strategy_id") == [
        ("INSERT", None, other.pk), ("DELETE", one.pk, None), ("DELETE", other.pk, None),
    ]  # fmt: skip
    assert {entry.parent for entry in entries} == {str(indicator.pk)}


def test_a_fixture(groups: Any, written: Written, tmp_path: Path) -> None:
    group = groups.create(name="a")
    file = tmp_path / "groups.json"
    fields = [
        {"model": "auth.group", "pk": group.pk + more, "fields": {"name": "b" * more}} for more in (0, 1)
    ]
    file.write_text(json.dumps([{**fields[0], "fields": {"name": "changed"}}, fields[1]]))
    with written() as entries:
        call_command("loaddata", file, verbosity=0)
    assert brief(entries, "name") == [("UPDATE", "a", "changed"), ("INSERT", None, "b")]


def test_bulk_create_that_updates_what_is_there(groups: Any, written: Written) -> None:
    there = groups.create(name="a")
    rows = [groups.model(pk=there.pk, name="b"), groups.model(pk=there.pk + 1, name="c")]
    with written() as entries:
        groups.bulk_create(rows, update_conflicts=True, unique_fields=["id"], update_fields=["name"])
    assert sorted(brief(entries, "name"), key=str) == [("INSERT", None, "c"), ("UPDATE", "a", "b")]


def test_on_conflict(groups: Any, written: Written) -> None:
    there = groups.create(name="a")
    with written() as entries:
        insert = "INSERT INTO auth_group (id, name) VALUES (%s, %s) ON CONFLICT "
        execute(f"{insert} DO NOTHING", there.pk, "b")
        execute(f"{insert} (name) DO UPDATE SET name = excluded.name || '!'", there.pk + 1, "a")
        execute(f"{insert} (id) DO UPDATE SET name = excluded.name", there.pk, "a!")
    assert brief(entries, "name") == [("UPDATE", "a", "a!")]


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="of SQLite alone")
@pytest.mark.parametrize("statement", ["INSERT OR REPLACE INTO", "REPLACE INTO"])
def test_a_replacement_tells_of_the_row_that_it_replaced(
    statement: str, groups: Any, written: Written
) -> None:
    one, other = groups.create(name="a"), groups.create(name="b")
    with written() as entries:
        execute(f"{statement} auth_group (id, name) VALUES (%s, %s)", one.pk, "b")  # it replaces both
    assert sorted(brief(entries[:2], "name")) == [("DELETE", "a", None), ("DELETE", "b", None)]
    assert brief(entries[2:], "name") == [("INSERT", None, "b")]
    assert [entry.key for entry in entries[2:]] == [str(one.pk)]
    assert other.pk not in groups.values_list("pk", flat=True)


@on_postgresql
def test_a_merge(groups: Any, written: Written) -> None:
    one, other = groups.create(name="a"), groups.create(name="b")
    with written() as entries:
        execute(
            "MERGE INTO auth_group AS g USING (VALUES (%s, 'x'), (%s, NULL), (%s, 'z')) AS v (id, name)"
            " ON g.id = v.id WHEN MATCHED AND v.name IS NULL THEN DELETE"
            " WHEN MATCHED THEN UPDATE SET name = v.name WHEN NOT MATCHED THEN INSERT VALUES (v.id, v.name)",
            one.pk, other.pk, other.pk + 1,
        )  # fmt: skip
    assert sorted(brief(entries, "name"), key=str) == [
        ("DELETE", "b", None), ("INSERT", None, "z"), ("UPDATE", "a", "x"),
    ]  # fmt: skip


@on_postgresql
def test_several_writes_in_one_statement(groups: Any, written: Written) -> None:
    one = groups.create(name="a")
    with written() as entries:
        execute(
            "WITH changed AS (UPDATE auth_group SET name = 'b' WHERE id = %s RETURNING id),"
            " made AS (INSERT INTO auth_group (name) VALUES ('c'), ('d') RETURNING id)"
            " SELECT * FROM changed, made",
            one.pk,
        )
    assert sorted(brief(entries, "name"), key=str) == [
        ("INSERT", None, "c"), ("INSERT", None, "d"), ("UPDATE", "a", "b"),
    ]  # fmt: skip


def test_a_null_and_an_empty_text_differ(plan: Any, written: Written) -> None:
    goal = apps.get_model("objectives.Unit").objects.earliest("pk")
    child = apps.get_model("objectives.Unit").objects.create(code="X", name="x", parent=goal)
    with written() as entries:
        child.parent = None
        child.save()
    assert brief(entries, "parent_id") == [("UPDATE", goal.pk, None)]


def test_passwords_and_sign_in_times_are_never_recorded(everything: None, written: Written) -> None:
    user = apps.get_model("objectives.User").objects.get(username="auditor")
    with written() as entries:
        user.set_password("another secret of theirs 7")
        user.last_login = timezone.now()
        user.save()
    assert entries == []
    user.name = "審計人員"
    user.save()
    user.delete()
    execute("UPDATE objectives_user SET last_login = '2001-02-03 04:05:06+00'")
    secrets = list(apps.get_model("objectives.User").objects.values_list("password", flat=True))
    text = "\n".join(
        f"{entry.before} {entry.after} {entry.reason}" for entry in Entry.objects.order_by("seq")
    )
    assert "審計人員" in text
    for secret in (*secrets, user.password, "another secret", "2001-02-03", '"password"', '"last_login"'):
        assert secret not in text


def test_a_password_alone_may_change_with_other_columns(everything: None, written: Written) -> None:
    user = apps.get_model("objectives.User").objects.get(username="auditor")
    with written() as entries:
        user.set_password("another secret of theirs 7")
        user.email = "a@example.org"
        user.save()
    [entry] = entries
    assert {column for column in entry.new if entry.new[column] != entry.old[column]} == {"email"}


def test_who_acts_is_recorded_with_source_and_reason(groups: Any, auditor: Any, written: Written) -> None:
    with written() as entries, acting(actor=auditor, reason="因為「更正」\n第二行"):
        groups.create(name="a")
    [entry] = entries
    assert (entry.actor, entry.source, entry.reason) == ("auditor", "command", "因為「更正」\n第二行")


def test_a_rolled_back_transaction_leaves_no_entry_and_no_gap(groups: Any, written: Written) -> None:
    def written_and_undone(name: str, block: AbstractContextManager[Any]) -> None:
        with suppress(ZeroDivisionError), block:
            groups.create(name=name)
            raise ZeroDivisionError

    with written() as entries:
        groups.create(name="a")
        written_and_undone("b", transaction.atomic())
        with acting():
            groups.create(name="c")
            written_and_undone("d", acting())
            groups.create(name="e")
    assert [entry.new["name"] for entry in entries] == ["a", "c", "e"]
    assert [entry.seq - entries[0].seq for entry in entries] == [0, 1, 2]
    assert [entry.prev for entry in entries[1:]] == [entry.hash for entry in entries[:-1]]


@pytest.mark.django_db
def test_the_columns_of_every_table_are_recorded_but_for_those_excluded() -> None:
    for table in tables():
        [model] = [model for model in apps.get_models(include_auto_created=True)
                   if model._meta.db_table == table.name]  # fmt: skip
        columns = {field.column for field in model._meta.concrete_fields}
        left_out = {"objectives.User": {"password", "last_login"}, "reports.PublishedFile": {"content"}}
        excluded = left_out.get(model._meta.label, set())
        assert set(table.columns) == columns - excluded
        assert set(table.excluded) == excluded


def test_time_never_runs_back(groups: Any, written: Written) -> None:
    with written() as entries:
        for name in "abc":
            groups.create(name=name)
    assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)
    assert abs((timezone.now() - entries[0].moment).total_seconds()) < 60
