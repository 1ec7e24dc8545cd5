"""Production on PostgreSQL: the site's role owns nothing, and can do nothing to the ledger but add to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2  # type: ignore[import-untyped]
import pytest
from django.conf import settings

BASE_DIR = Path(__file__).resolve().parents[2]
ROLES = (BASE_DIR / "deploy" / "postgresql-roles.sql").read_text(encoding="utf-8")
DATABASE = "kpi_roles"

pytestmark = [
    pytest.mark.database,  # one of its own
    pytest.mark.skipif(
        "postgresql" not in settings.DATABASES["default"]["ENGINE"], reason="of PostgreSQL alone"
    ),
]


def address(role: str) -> str:
    """Return the URL of the database as the role enters it."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    server = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}@{server}", path=f"/{DATABASE}"))


def execute(url: str, statement: str, *values: Any) -> None:
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement, values or None)


def python(role: str, *arguments: str) -> str:
    environment = {"DATABASE_URL": address(role), "DJANGO_SETTINGS_MODULE": "mofa_kpi.settings"}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=BASE_DIR,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def site() -> Iterator[None]:
    """A migrated database with the two roles; trusted without passwords, as our own server does."""
    server = os.environ["DATABASE_URL"]
    execute(server, f"CREATE DATABASE {DATABASE}")
    try:
        execute(urlunsplit(urlsplit(server)._replace(path=f"/{DATABASE}")), ROLES)
        python("kpi_owner", "manage.py", "migrate", "--verbosity=0")
        yield
    finally:
        execute(server, f"DROP DATABASE {DATABASE} WITH (FORCE)")
        for role in ("kpi_app", "kpi_owner"):
            execute(server, f"DROP ROLE {role}")


WRITES = """
import json, django; django.setup()
from django.contrib.auth.models import Group
from django.db import connection
from ledger.acting import acting, record
from ledger.models import Action, Entry, Source
from ledger.verify import verify
from objectives.models import User
person = User.objects.create_user("a-person", "a long enough password 7")
seq = Entry.objects.head().seq
with acting(actor=person, source=Source.PAGE, reason="因為"):
    group = Group.objects.create(name="one")
    Group.objects.update(name="two")
with connection.cursor() as cursor:
    cursor.execute("UPDATE auth_group SET name = 'three'")
    cursor.execute("CREATE TEMPORARY TABLE past (id int)")
record(Action.EXPORT, actor=person)
group.delete()
entries = Entry.objects.filter(seq__gt=seq).order_by("seq").values_list("action", "actor", "source", "reason")
print(json.dumps([verify().problems, list(entries)]))
"""


def test_what_the_site_writes_is_recorded(site: None) -> None:
    problems, entries = json.loads(python("kpi_app", "-c", WRITES))
    assert problems == []
    assert [tuple(entry) for entry in entries[:3]] == [
        ("INSERT", "a-person", "page", "因為"),
        ("UPDATE", "a-person", "page", "因為"),
        ("UPDATE", "db:kpi_app", "database", ""),
    ]
    assert [entry[0] for entry in entries[3:]] == ["EXPORT", "DELETE"]


def test_the_site_verifies_and_finds_nothing_to_migrate(site: None) -> None:
    python("kpi_app", "manage.py", "verify_ledger")
    python("kpi_app", "manage.py", "migrate", "--verbosity=0")


COLUMNS = 'prev, seq, at, actor, source, reason, action, "table", "key", parent, "before", "after", hash'
EVENT = """INSERT INTO ledger_event (action, "table", "key", "before", "after") VALUES """
ROW = """'auth_group', '1', NULL, '{"id": 1, "name": "false"}')"""
DENIED = (
    f"INSERT INTO ledger_entry ({COLUMNS}) SELECT {COLUMNS} FROM ledger_entry LIMIT 1",
    f"INSERT INTO ledger_entry ({COLUMNS}) SELECT hash, seq + 1, at, actor, source, reason, action, "
    '"table", "key", parent, "before", "after", hash FROM ledger_entry ORDER BY seq DESC LIMIT 1',
    "UPDATE ledger_entry SET actor = 'somebody'",
    "DELETE FROM ledger_entry",
    "TRUNCATE ledger_entry",
    "SELECT * FROM ledger_entry FOR UPDATE",
    "UPDATE ledger_event SET action = 'x'",
    "DELETE FROM ledger_event",
    "DROP TABLE ledger_entry",
    "DROP VIEW ledger_event",
    "ALTER TABLE ledger_entry DISABLE TRIGGER ALL",
    "ALTER TABLE auth_group DISABLE TRIGGER ledger_update",
    "DROP TRIGGER ledger_update ON auth_group",
    "DROP TRIGGER ledger_refuse ON ledger_entry",
    "CREATE TRIGGER quiet BEFORE INSERT ON ledger_entry EXECUTE FUNCTION ledger_lock()",
    "CREATE RULE quiet AS ON INSERT TO auth_group DO INSTEAD NOTHING",
    "TRUNCATE auth_group CASCADE",
    "SELECT ledger_append('UPDATE', 'auth_group', '{1}', '{NULL}', '{NULL}', '{NULL}', '{x}')",
    "CREATE OR REPLACE FUNCTION ledger_lock() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "DROP FUNCTION ledger_updated() CASCADE",
    "CREATE FUNCTION public.quiet() RETURNS void LANGUAGE sql AS ''",
    "CREATE TABLE public.mine (id int)",
    "SET session_replication_role = replica",
    "SET ROLE kpi_owner",
    "ALTER ROLE kpi_app SUPERUSER",
    f"{EVENT} ('INSERT', {ROW}",
    f"{EVENT} ('UPDATE', {ROW}",
    f"{EVENT} ('DELETE', {ROW}",
    f"SELECT set_config('ledger.source', 'migration', false); {EVENT} ('UPDATE', {ROW}",
)


@pytest.mark.parametrize("statement", DENIED)
def test_the_site_cannot_touch_the_ledger(statement: str, site: None) -> None:
    with pytest.raises(
        psycopg2.Error, match=r"permission denied|must be (owner|superuser)|written by the triggers"
    ):
        execute(address("kpi_app"), statement)


def test_a_table_of_the_sites_own_cannot_take_the_ledgers_place(site: None) -> None:
    """Temporary tables come first in a search path, but not in that of the ledger's functions."""
    with closing(psycopg2.connect(address("kpi_app"))) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE ledger_entry (LIKE public.ledger_entry)")
        cursor.execute("INSERT INTO auth_group (name) VALUES ('hidden')")
        cursor.execute("SELECT count(*) FROM pg_temp.ledger_entry")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT actor, action FROM public.ledger_entry ORDER BY seq DESC LIMIT 1")
        assert cursor.fetchone() == ("db:kpi_app", "INSERT")
        connection.rollback()


def test_the_roles_can_be_given_again_and_the_owner_can_migrate_again(site: None) -> None:
    execute(urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{DATABASE}")), ROLES)
    python("kpi_owner", "manage.py", "migrate", "auth", "0011", "--verbosity=0")
    python("kpi_owner", "manage.py", "migrate", "--verbosity=0")
    with pytest.raises(psycopg2.Error, match="permission denied"):
        execute(address("kpi_app"), DENIED[1])
    problems, _entries = json.loads(python("kpi_app", "-c", WRITES.replace("a-person", "another")))
    assert problems == []
