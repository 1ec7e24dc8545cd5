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

ROWS = 20_000
ENTRIES = 200_000  # that a verification goes through
ROUNDS = 3


def main() -> None:
    from mofa_kpi.tests.postgres import cluster

    for name in ("SQLite", "PostgreSQL"):
        print(f"-- {name}", flush=True)
        if name == "SQLite":
            with tempfile.TemporaryDirectory() as folder:
                _in_its_own_process(f"sqlite:///{folder}/db.sqlite3")
        else:
            with cluster() as url:
                _in_its_own_process(url)


def _in_its_own_process(url: str) -> None:
    environment = {**os.environ, "DATABASE_URL": url, "SECRET_KEY": "bench", "MEASURE": "1"}
    environment["DJANGO_SETTINGS_MODULE"] = "mofa_kpi.settings"
    subprocess.run([sys.executable, "-m", "bench.ledger"], env=environment, check=True)


def measure() -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection, transaction
    from django.utils import timezone

    from indicators.models import Figure, Indicator, QuarterReport, Variable
    from ledger.acting import acting
    from ledger.verify import verify
    from objectives.models import User

    call_command("migrate", verbosity=0)
    call_command("loaddata", "fy99_plan", verbosity=0)
    person = User.objects.create_user("bench", "unused")
    indicator = Indicator.objects.earliest("pk")
    report = QuarterReport.objects.create(indicator=indicator, quarter=1)
    with acting():
        Variable.objects.bulk_create(
            Variable(
                indicator=indicator, symbol=f"v{number}", name=f"v{number}", rollup="SUM", kind="COUNT",
                position=number,
            )
            for number in range(ROWS)
        )  # fmt: skip
    variables = list(
        Variable.objects.filter(
            symbol__startswith="v", indicator=indicator, position__lt=ROWS, name__startswith="v"
        ).order_by("pk")[:ROWS]
    )
    now = timezone.now()
    table = Figure._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"CREATE TABLE bench_copy (LIKE {table} INCLUDING ALL)")
        else:
            cursor.execute(
                "SELECT sql FROM sqlite_master WHERE tbl_name = %s AND sql NOT NULL AND type IN "
                "('table', 'index')",
                [table],
            )
            for (sql,) in cursor.fetchall():
                cursor.execute(
                    sql.replace(table, "bench_copy")
                    .replace('"figure_once"', '"copy_once"')
                    .replace('"figure_in_range"', '"copy_in_range"')
                )

    def insert() -> None:
        with acting():
            Figure.objects.bulk_create(
                Figure(report=report, variable=variable, value=Decimal(7), changed_by=person, changed_at=now)
                for variable in variables
            )

    def into(name: str, action: Callable[[], None]) -> float:
        """Return the seconds of an action on the table of this name, emptied afterwards."""
        best = float("inf")
        for _round in range(ROUNDS):
            Figure._meta.db_table = name
            began = time.perf_counter()
            action()
            best = min(best, time.perf_counter() - began)
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"DELETE FROM {name}")
        Figure._meta.db_table = table
        return best

    for words, action in {"bulk_create": insert}.items():
        ledger, plain = into(table, action), into("bench_copy", action)
        print(
            f"{words:<12} {ROWS / ledger:>9,.0f} rows/s, without ledger {ROWS / plain:>9,.0f}, "
            f"ratio {ledger / plain:.1f}"
        )

    from ledger.models import Entry

    with acting():
        Figure.objects.bulk_create(
            Figure(report=report, variable=variable, value=Decimal(7), changed_by=person, changed_at=now)
            for variable in variables
        )
    value = 0
    while Entry.objects.head().seq < ENTRIES:
        value += 1
        with acting():
            Figure.objects.update(value=value)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    verdict = verify()
    seconds = time.perf_counter() - began
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert not verdict.problems, verdict.problems  # noqa: S101
    rate = verdict.entries / seconds
    print(f"verify       {rate:>9,.0f} entries/s ({verdict.entries:,}), +{grown / 1024:.0f} MB")


if __name__ == "__main__":
    measure() if os.environ.get("MEASURE") else main()
