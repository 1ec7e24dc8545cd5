"""The ledger's pages and files at a million entries: `python -m bench.ledger_export [ENTRIES]`.

On SQLite and PostgreSQL, each with a database made for it and thrown away.
"""

from __future__ import annotations

import csv
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

ENTRIES = 1_000_000
LIMIT = 200  # MB
ROWS = 50_000  # that the entries are about
FORMATS = ("jsonl", "csv", "xlsx")
ADDRESSES = (
    "/ledger/",
    "/ledger/?before=500000",
    "/ledger/?person=person7",
    "/ledger/?first=115.1.1&last=115.12.31",
    "/ledger/?kind=indicators_figure",
    "/ledger/?kind=objectives_goal",
    "/ledger/?action=SIGN_IN",
    "/ledger/?way=migration",
    "/ledger/?object=K1-1",
    "/ledger/?object=政要互訪",
    "/ledger/?object=nowhere",
    "/history/indicators.indicator/1/",
    "/history/objectives.goal/1/",
    "/indicators/K1-1/",
)


def main() -> None:
    from mofa_kpi.tests.postgres import cluster

    count = sys.argv[1] if len(sys.argv) > 1 else str(ENTRIES)
    print("-- SQLite", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        on_database(f"sqlite:///{folder}/db.sqlite3", count)
    print("-- PostgreSQL", flush=True)
    with cluster() as url:
        on_database(url, count)


def on_database(url: str, count: str) -> None:
    """Fill a database, then measure each format in a process of its own: memory is a process's highest."""
    environment = {**os.environ, "DATABASE_URL": url, "SECRET_KEY": "bench"}
    environment["DJANGO_SETTINGS_MODULE"] = "mofa_kpi.settings"
    for step in ("fill", *FORMATS, "pages"):
        command = [sys.executable, "-m", "bench.ledger_export", step, count]
        subprocess.run(command, env=environment, check=True)


def entries(count: int, last: Any) -> Iterator[tuple[Any, ...]]:
    """Yield entries such as people make, each following from the one before and a second later."""
    from ledger.check_export import entry_hash
    from ledger.models import moment_text

    link, start = last.hash, last.moment
    for number in range(last.seq + 1, count + 1):
        key = number % ROWS
        image = {
            "id": key, "report_id": key % 80 + 1, "variable_id": key % 40 + 1, "value": number,
            "changed_by_id": 1, "changed_at": "2026-05-19 06:05:09", "demo": 0,
        }  # fmt: skip
        before = json.dumps(image | {"value": number - ROWS}) if number - ROWS > last.seq else None
        values = (
            link, number, moment_text(start + timedelta(seconds=number)), f"person{number % 50}", "admin",
            "依月報更正", "UPDATE" if before else "INSERT", "indicators_figure", str(key),
            str(image["report_id"]), before, json.dumps(image),
        )  # fmt: skip
        link = entry_hash(*values)
        yield (*values, link)


def fill(count: int) -> None:
    from django.core.management import call_command
    from django.db import connection, transaction

    from ledger.audited import tables
    from ledger.check_export import COLUMNS
    from ledger.models import Entry
    from ledger.triggers import dialect

    call_command("migrate", verbosity=0)
    call_command("loaddata", "fy99_plan", verbosity=0)
    names = [f'"{name}"' for name in (*COLUMNS, "hash")]
    rows = entries(count, Entry.objects.latest("seq"))
    with transaction.atomic(), connection.cursor() as cursor:
        dialect().uninstall(cursor)  # it takes no entries that it did not make
        while part := list(islice(rows, 50_000)):
            if connection.vendor == "postgresql":
                text = io.StringIO()
                csv.writer(text).writerows(part)
                text.seek(0)
                columns = ", ".join(names)
                cursor.cursor.copy_expert(f"COPY ledger_entry ({columns}) FROM STDIN WITH (FORMAT csv)", text)
            else:
                places = ", ".join(["?"] * len(names))
                statement = f"INSERT INTO ledger_entry ({', '.join(names)}) VALUES ({places})"
                connection.connection.executemany(statement, part)
        dialect().install(cursor, list(tables()))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def export(file_format: str) -> None:
    """Write the whole ledger; JSON lines are then checked by the standalone verifier."""
    from django.core.management import call_command

    from ledger import check_export
    from ledger.models import Entry

    count = Entry.objects.head().seq
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"ledger.{file_format}")
        began = time.perf_counter()
        call_command("export_ledger", format=file_format, output=file, stdout=io.StringIO())
        seconds = time.perf_counter() - began
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        size = file.stat().st_size / 1_000_000
        print(
            f"{file_format:<6} {count / seconds:>9,.0f} rows/s, {memory:.0f} MB memory, {size:,.0f} MB file"
        )
        if file_format == "jsonl":
            subprocess.run([sys.executable, check_export.__file__, str(file)], check=True)
    if memory > LIMIT:
        sys.exit(f"{file_format}: {memory:.0f} MB of memory are more than {LIMIT}")


def pages() -> None:
    from django.conf import settings
    from django.test import Client

    from ledger.acting import acting
    from objectives.models import Membership, Unit, User

    settings.ALLOWED_HOSTS.append("testserver")
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    with acting():
        auditor = User.objects.create_user("auditor", "unused")
        Membership.objects.create(user=auditor, unit=Unit.objects.get(parent=None), role="AUDITOR")
    client = Client()
    client.force_login(auditor)
    client.get("/ledger/")
    for address in ADDRESSES:
        began = time.perf_counter()
        response = client.get(address)
        assert response.status_code == 200, address  # noqa: S101
        print(f"{time.perf_counter() - began:6.2f} s  {address}", flush=True)


def step() -> None:
    import django

    django.setup()
    name, count = sys.argv[1:]
    if name == "fill":
        fill(int(count))
    elif name == "pages":
        pages()
    else:
        export(name)


if __name__ == "__main__":
    step() if len(sys.argv) > 2 else main()
