"""The import of a workbook of 10,000 rows, on SQLite and PostgreSQL: `python -m bench.imports`.

Each is compared with what django-import-export does with the same file on the same database, as its admin has
it from the start: a dry run for the preview, and the import. The ledger follows both. Needs no database of
its own: both are made for it and thrown away.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

GOALS, INDICATORS, VARIABLES = 50, 50, 4  # indicators of each goal, variables of each indicator
YEAR, QUARTER = 99, 1
NOW = datetime(2010, 4, 2, 1, 30, tzinfo=UTC)
HEADERS = ("年度", "季別", "指標代碼", "填報項目", "數值", "備註")
SYMBOLS = [f"v{number}" for number in range(1, VARIABLES + 1)]

Row = Sequence[Any]


def main() -> None:
    from mofa_kpi.tests.postgres import cluster

    with tempfile.TemporaryDirectory() as folder:
        measure_on("SQLite", f"sqlite:///{folder}/db.sqlite3", folder)
    with cluster() as url, tempfile.TemporaryDirectory() as folder:
        measure_on("PostgreSQL", url, folder)


def measure_on(name: str, url: str, folder: str) -> None:
    """Measure each way in a process of its own: Django has its database, and a process its peak, for life."""
    print(f"-- {name}", flush=True)
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "SECRET_KEY": "bench",
        "DJANGO_SETTINGS_MODULE": "mofa_kpi.settings",
        "BENCH_FOLDER": folder,
    }
    for step in ("lay_out", "ours", "stock"):
        subprocess.run([sys.executable, "-m", "bench.imports", step], env=environment, check=True)


def lay_out() -> None:
    """Make a site with a large plan, a planner, and the file."""
    from django.core.management import call_command

    from indicators.models import Indicator, Variable
    from indicators.workflow import create_reports
    from ledger.acting import acting
    from objectives.models import Goal, Membership, Plan, Unit, User
    from objectives.roles import Role

    call_command("migrate", verbosity=0)
    with acting():
        unit = Unit.objects.create(code="MOFA", name="外交部")
        person = User.objects.create_user("bench", "unused")
        Membership.objects.create(user=person, role=Role.PLANNER, unit=unit)
        plan = Plan.objects.create(unit=unit, year=YEAR, title="施政計畫")
        goals = Goal.objects.bulk_create(
            Goal(
                plan=plan, kind="KEY", number=number, title=f"目標{number}", outline_number=number,
                outline_title=f"目標{number}",
            )
            for number in range(1, GOALS + 1)
        )  # fmt: skip
        indicators = Indicator.objects.bulk_create(
            Indicator(
                goal=goal, code=f"K{goal.number}-{number}", number=number, title=f"指標{number}", scheme=1,
                method="統計數據", standard="次數", target=100, unit="次", formula=" + ".join(SYMBOLS),
                lead_unit=unit,
            )
            for goal in goals for number in range(1, INDICATORS + 1)
        )  # fmt: skip
        Variable.objects.bulk_create(
            Variable(
                indicator=indicator, symbol=symbol, name=f"項目{symbol}", rollup="SUM", kind="COUNT",
                unit="次", position=position,
            )
            for indicator in indicators for position, symbol in enumerate(SYMBOLS)
        )  # fmt: skip
        create_reports(indicators)
