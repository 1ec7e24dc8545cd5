"""The import of a workbook of 10,000 figures, on SQLite and PostgreSQL: `python -m bench.imports`.

It is compared with what django-import-export's own resource does with the same file on the same database: its
dry run with our upload (check and keep) and with our page that shows what the file would do, its import with
ours. The ledger follows both. Needs no database of its own: both are made for it and thrown away.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

GOALS, INDICATORS, VARIABLES = 50, 50, 4  # indicators of each goal, variables of each indicator
YEAR, QUARTER = 99, 1
NOW = datetime(2010, 4, 2, 1, 30, tzinfo=UTC)
HEADERS = ("年度", "季別", "指標代碼", "填報項目", "數值", "備註")
SYMBOLS = [f"v{number}" for number in range(1, VARIABLES + 1)]


def main() -> None:
    from mofa_kpi.tests.postgres import cluster

    with tempfile.TemporaryDirectory() as folder:
        measure_on("SQLite", f"sqlite:///{folder}/db.sqlite3")
    with cluster() as url:
        measure_on("PostgreSQL", url)


def measure_on(name: str, url: str) -> None:
    """Measure each way in a process of its own: Django has its database, and a process its peak, for life."""
    print(f"-- {name}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder, "figures.xlsx"))
        in_a_process("lay_out", url, file)
        ours, stock = in_a_process("ours", url, file), in_a_process("stock", url, file)
    for step, theirs in (("upload", "preview"), ("preview", "preview"), ("import", "import")):
        print(
            f"{step:<12} {ours[step]:>6.1f} s, django-import-export's {theirs} {stock[theirs]:>6.1f} s, "
            f"ratio {stock[theirs] / ours[step]:.0f}"
        )
    print(f"peak         {ours['peak']:>6.0f} MB, django-import-export {stock['peak']:>6.0f} MB")


def in_a_process(step: str, url: str, file: str) -> dict[str, float]:
    environment = {"DATABASE_URL": url, "SECRET_KEY": "bench", "DJANGO_SETTINGS_MODULE": "mofa_kpi.settings"}
    done = subprocess.run(
        [sys.executable, "-m", "bench.imports", step, file],
        env={**os.environ, **environment},
        check=True,
        stdout=subprocess.PIPE,
    )
    measured: dict[str, float] = json.loads(done.stdout or "{}")
    return measured


def lay_out(path: str) -> dict[str, float]:
    """Make a site with a large plan and a planner, and the file."""
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
    write_file(path)
    return {}


def write_file(path: str) -> None:
    """Write the file: a row for every variable."""
    import xlsxwriter

    from indicators.models import Variable

    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet("填報")
        sheet.write_row(0, 0, HEADERS)
        variables = Variable.objects.select_related("indicator").order_by("pk")
        for number, variable in enumerate(variables, 1):
            row = (YEAR, QUARTER, variable.indicator.code, variable.name, number % 1000, "")
            sheet.write_row(number, 0, row)


def ours(path: str) -> dict[str, float]:
    """Upload the file, look at what it would do, and apply it."""
    from indicators.imports import batches
    from objectives.models import User

    content, name = Path(path).read_bytes(), Path(path).name
    by = User.objects.get()
    batch: Any = None

    def upload() -> None:
        nonlocal batch
        batch = batches.upload(content=content, name=name, by=by, now=NOW)

    def preview() -> None:
        if not batches.preview(batch, by=by, now=NOW).can_be_applied:
            sys.exit(batch.refusal)

    def apply() -> None:
        batches.apply(batch=batch, by=by, now=NOW)

    return measured({"upload": upload, "preview": preview, "import": apply})


def stock(path: str) -> dict[str, float]:
    """Do what django-import-export's admin does: a dry run, then the import, each from the file."""
    from import_export.fields import Field
    from import_export.formats.base_formats import XLSX
    from import_export.resources import ModelResource
    from import_export.widgets import DecimalWidget, ForeignKeyWidget

    from indicators.models import Figure, QuarterReport, Variable
    from objectives.models import User

    class OfIndicator(ForeignKeyWidget):
        """Finds what belongs to the row's indicator."""

        def get_queryset(self, value: Any, row: Any, *args: Any, **kwargs: Any) -> Any:
            found = super().get_queryset(value, row, *args, **kwargs)
            return found.filter(indicator__goal__plan__year=row["年度"], indicator__code=row["指標代碼"])

    class FigureResource(ModelResource):
        report = Field("report", "季別", OfIndicator(QuarterReport, "quarter"))
        variable = Field("variable", "填報項目", OfIndicator(Variable, "name"))
        value = Field("value", "數值", DecimalWidget())

        class Meta:
            model = Figure
            fields = ("report", "variable", "value")
            import_id_fields = ("report", "variable")

        def before_save_instance(self, instance: Any, row: Any, **kwargs: Any) -> None:
            instance.changed_by, instance.changed_at = by, NOW

    content = Path(path).read_bytes()
    by = User.objects.get()

    def run(*, dry_run: bool) -> None:
        result = FigureResource().import_data(XLSX().create_dataset(content), dry_run=dry_run)
        if result.has_errors() or result.totals["new"] != GOALS * INDICATORS * VARIABLES:
            sys.exit(f"{result.totals} {[error.error for error in result.base_errors]}")

    return measured({"preview": lambda: run(dry_run=True), "import": lambda: run(dry_run=False)})


def measured(steps: Mapping[str, Callable[[], None]]) -> dict[str, float]:
    """Time each step, the reports empty before, and see how much memory the process took at most."""
    empty()
    times = {name: seconds(step) for name, step in steps.items()}
    return {**times, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def seconds(action: Callable[[], None]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def empty() -> None:
    from indicators.models import Figure
    from ledger.acting import acting

    with acting():
        Figure.objects.all().delete()


if __name__ == "__main__":
    if sys.argv[1:]:
        import django

        django.setup()
        print(json.dumps({"lay_out": lay_out, "ours": ours, "stock": stock}[sys.argv[1]](sys.argv[2])))
    else:
        main()
