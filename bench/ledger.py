"""The ledger's cost, on SQLite and PostgreSQL: `python -m bench.ledger`.

Each is compared with the same statements on a copy of the table that the ledger does not follow, in the same
run. Needs no database of its own: both are made for it and thrown away.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

ROWS = 20_000
ENTRIES = 200_000  # that a verification goes through
ROUNDS = 3
COPY = "bench_copy"


def main() -> None:
    from mofa_kpi.tests.postgres import cluster

    with tempfile.TemporaryDirectory() as folder:
        measure_apart("SQLite", f"sqlite:///{folder}/db.sqlite3")
    with cluster() as url:
        measure_apart("PostgreSQL", url)


def measure_apart(name: str, url: str) -> None:
    """Measure in a process of its own: Django has its database for life."""
    print(f"-- {name}", flush=True)
    environment = {"DATABASE_URL": url, "SECRET_KEY": "bench", "DJANGO_SETTINGS_MODULE": "mofa_kpi.settings"}
    subprocess.run(
        [sys.executable, "-m", "bench.ledger", "measure"], env={**os.environ, **environment}, check=True
    )


def measure() -> None:
    import django

    django.setup()
    figures = lay_out()
    copy_the_table()
    compare("bulk insert", figures)
    verify_many(figures)


def lay_out() -> Callable[[], list[Any]]:
    """Make a site with the plan and a variable for every row; return what makes unsaved figures."""
    from django.core.management import call_command
    from django.utils import timezone

    from indicators.models import Figure, Indicator, QuarterReport, Variable
    from ledger.acting import acting
    from objectives.models import User

    call_command("migrate", verbosity=0)
    call_command("loaddata", "fy99_plan", verbosity=0)
    with acting():
        person = User.objects.create_user("bench", "unused")
        indicator = Indicator.objects.earliest("pk")
        report = QuarterReport.objects.create(indicator=indicator, quarter=1)
        last = Variable.objects.latest("pk").pk
        Variable.objects.bulk_create(
            Variable(
                indicator=indicator, symbol=f"v{number}", name=f"v{number}", rollup="SUM", kind="COUNT",
                position=number,
            )
            for number in range(ROWS)
        )  # fmt: skip
    variables = list(Variable.objects.filter(pk__gt=last))
    now = timezone.now()
    return lambda: [
        Figure(report=report, variable=variable, value=Decimal(7), changed_by=person, changed_at=now)
        for variable in variables
    ]


def copy_the_table() -> None:
    """Make a table like that of the figures, indexes and constraints included, without triggers."""
    from django.db import connection

    from indicators.models import Figure

    table = Figure._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"CREATE TABLE {COPY} (LIKE {table} INCLUDING ALL)")
            return
        cursor.execute(
            "SELECT sql FROM sqlite_master WHERE tbl_name = %s AND sql NOT NULL AND type IN ('table', 'index')",
            [table],
        )
        for (definition,) in cursor.fetchall():
            cursor.execute(definition.replace(table, COPY).replace('"figure_', '"copied_figure_'))


def compare(name: str, figures: Callable[[], list[Any]]) -> None:
    """Time the insertion of all figures with the ledger and without it, the best of some rounds each."""
    from indicators.models import Figure

    table = Figure._meta.db_table
    with_ledger, without = (
        min(insertion(into, figures) for _round in range(ROUNDS)) for into in (table, COPY)
    )
    print(
        f"{name:<12} {ROWS / with_ledger:>9,.0f} rows/s, without ledger {ROWS / without:>9,.0f}, "
        f"ratio {with_ledger / without:.1f}"
    )


def insertion(into: str, figures: Callable[[], list[Any]]) -> float:
    """Return the seconds that inserting all figures into the table of this name takes; it is emptied again."""
    from django.db import connection, transaction

    from indicators.models import Figure
    from ledger.acting import acting

    rows, real = figures(), Figure._meta.db_table
    Figure._meta.db_table = into
    try:
        began = time.perf_counter()
        with acting():
            Figure.objects.bulk_create(rows)
        seconds = time.perf_counter() - began
    finally:
        Figure._meta.db_table = real
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {into}")
    return seconds


def verify_many(figures: Callable[[], list[Any]]) -> None:
    """Time the verification of a long ledger, and see how much memory it takes."""
    from indicators.models import Figure
    from ledger.acting import acting
    from ledger.models import Entry
    from ledger.verify import verify

    with acting():
        Figure.objects.bulk_create(figures())
    while Entry.objects.head().seq < ENTRIES:
        with acting():
            Figure.objects.update(value=Entry.objects.head().seq % 1_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    verdict = verify()
    seconds = time.perf_counter() - began
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    if verdict.problems:
        sys.exit("\n".join(verdict.problems))
    rate = verdict.entries / seconds
    print(f"verify       {rate:>9,.0f} entries/s ({verdict.entries:,}), +{grown / 1024:.0f} MB")


if __name__ == "__main__":
    measure() if sys.argv[1:] == ["measure"] else main()
