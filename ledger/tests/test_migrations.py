"""Migrations take the triggers out, change what they like, and put them back; the ledger tells of it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, transaction

from ledger import triggers
from ledger.acting import acting
from ledger.models import Entry
from ledger.triggers import deviations
from ledger.verify import verify

PACKAGE = "migrations_of_a_test"
BEGINNING = """
from django.db import migrations, models

def change(apps, schema_editor):
    units = apps.get_model("objectives", "Unit").objects
    units.filter(code="A").update(name="改名")
    units.filter(code="B").delete()
    units.create(code="C", name="新設")

def fail(apps, schema_editor):
    raise ZeroDivisionError
"""
# SQLite copies a table into a new one to alter it, and the triggers of the old one are gone.
ALTERS = [
    'migrations.AlterField("unit", "name", models.CharField(max_length=120))',
    'migrations.AddField("unit", "short", models.CharField(max_length=10, default="簡"))',
]
CHANGES = "migrations.RunPython(change, migrations.RunPython.noop)"
FAILS = "migrations.RunPython(fail, migrations.RunPython.noop)"


@pytest.fixture
def units(transactional_db: None) -> Any:
    found = apps.get_model("objectives.Unit").objects
    with acting():
        found.create(code="A", name="a")
        found.create(code="B", name="b")
    return found


@pytest.fixture
def migration(units: Any, tmp_path: Path, settings: Any) -> Iterator[Callable[..., str]]:
    """Add a migration to those of objectives: migration(operation, …); undone in the end."""
    real = importlib.import_module("objectives.migrations").__path__[0]
    last = max(file.stem for file in Path(real).glob("[0-9]*.py"))

    def write(*operations: str) -> str:
        folder = tmp_path / PACKAGE
        folder.mkdir()
        (folder / "__init__.py").write_text(f"__path__.append({real!r})", encoding="utf-8")
        (folder / "9001_of_a_test.py").write_text(
            f"{BEGINNING}\nclass Migration(migrations.Migration):\n"
            f"    dependencies = [('objectives', {last!r})]\n    operations = [{', '.join(operations)}]",
            encoding="utf-8",
        )
        settings.MIGRATION_MODULES = {"objectives": PACKAGE}
        return last

    sys.path.insert(0, str(tmp_path))
    yield write
    migrate(last)
    sys.path.remove(str(tmp_path))
    for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
        del sys.modules[name]


def migrate(*to: str) -> None:
    call_command("migrate", "objectives", *to, verbosity=0)


def test_triggers_are_back_after_a_table_was_altered(migration: Callable[..., str], units: Any) -> None:
    migration(*ALTERS)
    migrate()
    assert deviations() == []
    head = Entry.objects.head()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE objectives_unit SET short = 'x' WHERE code = 'A'")
    [entry] = Entry.objects.filter(seq__gt=head.seq)
    assert (entry.source, entry.old["short"], entry.new["short"]) == ("database", "簡", "x")
    assert verify().problems == []


def test_what_a_migration_changed_is_recorded_as_its_work(migration: Callable[..., str], units: Any) -> None:
    head, gone = Entry.objects.head(), units.get(code="B").pk
    last = migration(*ALTERS, CHANGES)
    migrate()
    entries = Entry.objects.filter(seq__gt=head.seq, table="objectives_unit")
    found = {(entry.action, entry.key): entry for entry in entries}
    assert {entry.source for entry in entries} == {"migration"}
    assert {entry.reason for entry in entries} == {"objectives.9001_of_a_test"}
    a, c = units.get(code="A").pk, units.get(code="C").pk
    assert set(found) == {("UPDATE", str(a)), ("DELETE", str(gone)), ("INSERT", str(c))}
    assert (found["UPDATE", str(a)].old["name"], found["UPDATE", str(a)].new["name"]) == ("a", "改名")
    assert "short" not in found["UPDATE", str(a)].old
    assert found["UPDATE", str(a)].new["short"] == "簡"
    assert found["DELETE", str(gone)].old["name"] == "b"
    assert verify().problems == []

    migrate(last)  # back again
    assert deviations() == []
    assert "short" not in Entry.objects.latest("seq").new
    assert verify().problems == []


def test_triggers_are_back_after_a_migration_that_failed(migration: Callable[..., str], units: Any) -> None:
    migration(ALTERS[0], FAILS)
    with pytest.raises(ZeroDivisionError):
        migrate()
    assert deviations() == []
    assert verify().problems == []


def test_the_tables_are_as_before_without_an_entry_for_what_is_the_same(
    migration: Callable[..., str], units: Any
) -> None:
    head = Entry.objects.head()
    migration(ALTERS[0])  # a wider column: no value differs
    migrate()
    assert not Entry.objects.filter(seq__gt=head.seq, table="objectives_unit").exists()


@pytest.mark.django_db
def test_migrating_with_nothing_to_do_leaves_the_triggers_in(monkeypatch: pytest.MonkeyPatch) -> None:
    taken_out: list[Any] = []
    monkeypatch.setattr(triggers.dialect(), "uninstall", taken_out.append)
    call_command("migrate", verbosity=0)
    assert taken_out == []
    assert deviations() == []


@pytest.mark.django_db
def test_migrating_puts_back_what_is_missing() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        triggers.dialect().uninstall(cursor)
    assert deviations()
    call_command("migrate", verbosity=0)
    assert deviations() == []


@pytest.mark.django_db
def test_a_ledger_begins_with_an_entry_of_its_own() -> None:
    """It holds a random number, so that no two ledgers have a head in common."""
    first = Entry.objects.earliest("seq")
    assert (first.seq, first.action, first.source, first.prev) == (1, "BEGIN", "migration", "")
    assert len(first.new["ledger"]) == 32
