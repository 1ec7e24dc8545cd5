from datetime import date
from typing import Any

from django.db import migrations


def lay_out(apps: Any, schema_editor: Any) -> None:
    """Give the plans that are there their four reporting periods, with the usual days."""
    period = apps.get_model("indicators", "ReportingPeriod")
    for plan in apps.get_model("objectives", "Plan").objects.all():
        for quarter in (1, 2, 3, 4):
            year = plan.year + 1911 + quarter // 4
            first = date(year, quarter * 3 % 12 + 1, 1)
            days = {
                "opens_on": first,
                "submit_by": first.replace(day=10),
                "endorse_by": first.replace(day=15),
                "approve_by": first.replace(day=20),
            }
            period.objects.get_or_create(plan=plan, quarter=quarter, defaults=days)


PARTS = {"K6-1": ("offering", "missions"), "C1-1": ("research", "budget"), "C1-2": ("revised", "regulations")}


def name_the_wholes(apps: Any, schema_editor: Any) -> None:
    """Say of the ROC 99 plan's shares what they are a part of, as its fixture does since."""
    variable = apps.get_model("indicators", "Variable")
    for code, (part, whole) in PARTS.items():
        of_the_plan = {"indicator__goal__plan__year": 99, "indicator__code": code}
        if variable.objects.filter(**of_the_plan, symbol=whole).exists():
            variable.objects.filter(**of_the_plan, symbol=part).update(not_above=whole)


class Migration(migrations.Migration):
    dependencies = [
        ("indicators", "0002_quarterly_reporting"),
    ]

    operations = [
        migrations.RunPython(lay_out, migrations.RunPython.noop),
        migrations.RunPython(name_the_wholes, migrations.RunPython.noop),
    ]
