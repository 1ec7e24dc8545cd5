"""The file of a million figures, on SQLite and PostgreSQL: `python -m bench.exports [FIGURES]`.

Measured as it is downloaded, and compared with the database's own dump of the same rows: COPY TO on
PostgreSQL, the sqlite3 shell (or, where there is none, a bare cursor and a csv.writer) on SQLite. Needs no
database of its own: both are made for it and thrown away.
"""

from __future__ import annotations

import csv
import io
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

FIGURES = 1_000_000
UNITS, VARIABLES = 5, 10  # shares of each figure; variables of an indicator
FIRST_BYTE, MEMORY, SHARE = 0.3, 150, 0.25  # seconds; MB; of the dump's speed

# The columns of the file, but for what it makes of the formula.
QUERY = """
    SELECT plan.year, report.quarter, goal.kind, goal.number, indicator.code, indicator.title, lead.name,
        variable.name, variable.symbol, variable.rollup, variable.unit, unit.name, figure.value,
        report.status, figure.demo, figure.changed_at
    FROM indicators_figure AS figure
    JOIN indicators_quarterreport AS report ON report.id = figure.report_id
    JOIN indicators_variable AS variable ON variable.id = figure.variable_id
    JOIN indicators_indicator AS indicator ON indicator.id = report.indicator_id
    JOIN objectives_goal AS goal ON goal.id = indicator.goal_id
    JOIN objectives_plan AS plan ON plan.id = goal.plan_id
    JOIN objectives_unit AS lead ON lead.id = indicator.lead_unit_id
    LEFT JOIN objectives_unit AS unit ON unit.id = figure.unit_id
    WHERE report.status = 'APPROVED'
    ORDER BY plan.id, goal.outline_number, indicator.number, indicator.id, report.quarter, variable.position,
        unit.code
"""


def main() -> None:
    from mofa_kpi.tests.postgres import cluster

    count = sys.argv[1] if len(sys.argv) > 1 else str(FIGURES)
    print("-- SQLite", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        on_database(f"sqlite:///{folder}/db.sqlite3", count)
    print("-- PostgreSQL", flush=True)
    with cluster() as url:
        on_database(url, count)


def on_database(url: str, count: str) -> None:
    """Fill a database, then measure in processes of their own: memory is a process's highest."""
    environment = {**os.environ, "DATABASE_URL": url, "SECRET_KEY": "bench"}
    environment["DJANGO_SETTINGS_MODULE"] = "mofa_kpi.settings"
    for step in ("fill", "export"):
        command = [sys.executable, "-m", "bench.exports", step, count]
        subprocess.run(command, env=environment, check=True)


def fill(count: int) -> None:
    """Make a plan with so many approved figures, and an auditor; the triggers rest meanwhile."""
    from django.core.management import call_command
    from django.db import connection, transaction

    from indicators import locks
    from ledger.acting import acting
    from ledger.audited import tables
    from ledger.triggers import dialect
    from objectives.models import Membership, Unit, User

    call_command("migrate", verbosity=0)
    call_command("loaddata", "fy99_plan", verbosity=0)
    with acting():
        auditor = User.objects.create_user("auditor", "unused")
        Membership.objects.create(user=auditor, unit=Unit.objects.get(parent=None), role="AUDITOR")
    with locks.dismantled(), transaction.atomic(), connection.cursor() as cursor:
        dialect().uninstall(cursor)
        lay_out(count // (UNITS * VARIABLES * 4), auditor)
        insert_figures(cursor, auditor)
        dialect().install(cursor, list(tables()))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def lay_out(indicators: int, auditor: Any) -> None:
    """Make indicators with their variables and approved reports, each with a formula of its own."""
    from django.utils import timezone

    from indicators.models import Indicator, QuarterReport, Variable
    from objectives.models import Goal, Unit

    goals, model, now = list(Goal.objects.all()), Indicator.objects.earliest("pk"), timezone.now()
    Unit.objects.bulk_create(
        Unit(code=f"B{number}", name=f"量測單位{number}", parent=model.lead_unit) for number in range(UNITS)
    )
    made = Indicator.objects.bulk_create(
        Indicator(
            goal=goals[number % len(goals)], code=f"B{number}", number=100 + number,
            title=f"量測指標{number}", scheme=1, method="統計數據", standard="件數", target=55, unit="%",
            lead_unit=model.lead_unit,
            formula=f"(v0 + v1 + v2) / (v3 + v4) * {100 + number}",
        )
        for number in range(indicators)
    )  # fmt: skip
    pairs = list(product(made, range(VARIABLES)))
    Variable.objects.bulk_create(
        (
            Variable(
                indicator=each, symbol=f"v{number}", name=f"第{number}項件數", rollup="SUM", kind="COUNT",
                unit="件", position=number, by_unit=True, memo=number > 4,
            )
            for each, number in pairs
        ),
        batch_size=2_000,
    )  # fmt: skip
    QuarterReport.objects.bulk_create(
        (
            QuarterReport(
                indicator=each, quarter=quarter, status="APPROVED", submitted_by=auditor, submitted_at=now,
                approved_by=auditor, approved_at=now - timedelta(seconds=each.number * 4 + quarter),
            )
            for each, quarter in product(made, (1, 2, 3, 4))
        ),
        batch_size=2_000,
    )  # fmt: skip


def insert_figures(cursor: Any, auditor: Any) -> None:
    """Give every unit's share of every variable in every report."""
    cursor.execute(
        """
        INSERT INTO indicators_figure
            (report_id, variable_id, unit_id, value, changed_by_id, changed_at, demo)
        SELECT report.id, variable.id, unit.id, (report.id * 7 + variable.id * 13 + unit.id) %% 100000,
            %s, report.approved_at, %s
        FROM indicators_quarterreport AS report
        JOIN indicators_variable AS variable ON variable.indicator_id = report.indicator_id
        JOIN objectives_unit AS unit ON unit.code LIKE 'B%%'
        WHERE report.approved_at IS NOT NULL
        """,
        [auditor.pk, False],
    )


class Nowhere(io.RawIOBase):
    """Counts what is written to it, and keeps nothing."""

    size = 0

    def write(self, data: Any) -> int:
        self.size += len(data)
        return len(data)


def dump() -> float:
    """Return how many rows a second the database itself writes as CSV."""
    from django.db import connection

    from indicators.models import Figure

    count = Figure.objects.count()
    began = time.perf_counter()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.cursor.copy_expert(f"COPY ({QUERY}) TO STDOUT WITH (FORMAT csv, HEADER)", Nowhere())
    elif shell := shutil.which("sqlite3"):
        command = [shell, "-readonly", "-csv", "-header", str(connection.settings_dict["NAME"]), QUERY]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    else:
        with connection.cursor() as cursor, Path(os.devnull).open("w", newline="") as file:
            csv.writer(file).writerows(cursor.connection.execute(QUERY))
    return count / (time.perf_counter() - began)


def download(client: Any) -> tuple[float, float, int]:
    """Return after how many seconds the first byte and the last one came, and how many there were."""
    began, first, size = time.perf_counter(), 0.0, 0
    for piece in client.get("/export/figures.csv?year=99&quarter=4"):
        first = first or time.perf_counter() - began
        size += len(piece)
    return first, time.perf_counter() - began, size


def export() -> None:
    """Download the file as an auditor does, and hold it to what is promised."""
    from django.conf import settings
    from django.test import Client

    from indicators.models import Figure
    from objectives.models import User

    count, dumped = Figure.objects.count(), max(dump() for _round in range(2))
    settings.ALLOWED_HOSTS.append("testserver")
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    client = Client()
    client.force_login(User.objects.get(username="auditor"))
    client.get("/export/roles.csv")  # whatever is loaded once
    first, seconds, size = min((download(client) for _round in range(2)), key=lambda found: found[1])
    rate = count / seconds
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"figures.csv {rate:>9,.0f} rows/s, {rate / dumped:.2f} of the dump's {dumped:,.0f}; first byte "
        f"after {first:.2f} s, {memory:.0f} MB memory, {count:,} rows, {size / 1_000_000:,.0f} MB"
    )
    if first > FIRST_BYTE or memory > MEMORY or rate < SHARE * dumped:
        sys.exit("This is less than is promised.")


def step() -> None:
    import django

    django.setup()
    name, count = sys.argv[1:]
    if name == "fill":
        fill(int(count))
    else:
        export()


if __name__ == "__main__":
    step() if len(sys.argv) > 2 else main()
