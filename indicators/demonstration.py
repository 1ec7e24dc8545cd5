"""Invented figures that show the system at work; every row of them is marked as a demonstration.

They go in through the workflow's verbs like anybody's, and `workflow.clear_demonstration` takes them out.
Baselines that the plan does not give stay unknown: what cannot be computed shows that too.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db.models import prefetch_related_objects

from ledger.acting import acting
from objectives.models import Plan, Unit, User, WorkItem

from . import workflow
from .models import QUARTERS, Figure, Indicator, PlannedValue, QuarterReport
from .models.periods import month_after

# By indicator and variable, the figures of quarters 1, 2, 3 and perhaps 4; None is left out.
FIGURES: Mapping[str, Mapping[str, tuple[int | None, ...]]] = {
    "K1-1": {"outbound": (4, 6, 5, 3), "inbound": (9, 12, 12, 7)},
    "K1-2": {"projects": (92, 95, 94)},
    "K2-1": {"contacts": (14, 15, 13, 11), "agreements": (1, 2, 1, 1), "meetings": (2, 3, 2, 2)},
    "K2-2": {"meetings": (1, 0, 1)},
    "K3-1": {"meetings": (8, 7, 9), "projects": (1, 1, 2), "visits": (3, 2, 2)},
    "K3-2": {"meetings": (16, 18, 15), "projects": (2, 1, 2), "visits": (5, 6, 4), "hosted": (3, 4, 3)},
    "K4-1": {"cooperation": (3, 3, 2), "relief": (2, 2, 3)},
    "K4-2": {
        "participated": (62, 71, 66),
        "hosted": (12, 15, 14),
        "posts": (6, 4, 5),
        "sent_to_ly": (1, 1, 1),
        "posted_online": (1, 1, 1),
    },
    "K5-1": {"seminars": (1, 1, 1), "visits": (0, 2, 1)},
    "K5-2": {"projects": (3, 4, 2)},
    "K6-1": {"offering": (28, 31, 35), "missions": (122, 122, 122)},
    "K7-1": {"remitted": (1_150_000, 2_480_000, 4_184_000), "budget": (8_000_000, None, None)},
    "K8-1": {"rotations": (0, 1, 0)},
    "C1-2": {"revised": (2, 4, 3), "regulations": (42, None, None)},
    "C2-1": {
        "paid": (182_000, 517_000, 903_000),
        "original": (1_500_000, None, None),
        "supplementary": (0, None, None),
        "carried_over": (420_000, None, None),
    },
}
PLANNED: Mapping[str, tuple[int, int, int, int]] = {
    "K1-1": (14, 28, 41, 55),
    "K1-2": (90, 95, 97, 100),
    "K2-2": (1, 2, 4, 5),
    "K4-1": (5, 10, 15, 20),
    "K5-2": (3, 6, 9, 12),
    "K6-1": (23, 25, 28, 30),
    "K7-1": (20, 45, 68, 90),
    "C2-1": (8, 26, 50, 80),
}
FINISHED_QUARTERS = (1, 2, 3)

# The plan names no unit, so these are invented too, and their names say so.
UNITS: Mapping[str, str] = {
    "DEMO-AFR": "非洲司（示範）",
    "DEMO-CSA": "中南美司（示範）",
    "DEMO-EAP": "亞東太平洋司（示範）",
    "DEMO-HR": "人事處（示範）",
    "DEMO-IO": "國際組織司（示範）",
    "DEMO-NA": "北美司（示範）",
}
LEAD_UNITS: Mapping[str, str] = {
    "K1-1": "DEMO-CSA",
    "K2-1": "DEMO-NA",
    "K3-1": "DEMO-IO",
    "K3-2": "DEMO-IO",
    "K5-2": "DEMO-AFR",
    "K8-1": "DEMO-HR",
    "K8-2": "DEMO-HR",
    "C3-1": "DEMO-HR",
    "C3-2": "DEMO-HR",
}
LEAD_UNITS_OF_WORK_ITEMS: Mapping[str, str] = {
    "外交領事人員進修": "DEMO-HR",
    "參與國際組織活動": "DEMO-IO",
}
# Of this indicator two units give every figure: a third of it, rounded down, is the contributing unit's.
SHARED, CONTRIBUTING_UNIT = "K1-1", "DEMO-EAP"


def add_units(plan: Plan) -> None:
    """Add demonstration units to a plan without figures, and give them indicators and work items."""
    with acting(reason="bootstrap --demo"):
        for code, name in UNITS.items():
            Unit.objects.create(code=code, name=name, parent=plan.unit, demo=True)
        units = Unit.objects.in_bulk(UNITS, field_name="code")
        for code, lead in LEAD_UNITS.items():
            Indicator.objects.filter(goal__plan=plan, code=code).update(lead_unit=units[lead])
        for name, lead in LEAD_UNITS_OF_WORK_ITEMS.items():
            WorkItem.objects.filter(work_plan__plan=plan, name=name).update(lead_unit=units[lead])
        shared = Indicator.objects.get(goal__plan=plan, code=SHARED)
        shared.contributing_units.add(units[CONTRIBUTING_UNIT])
        shared.variables.update(by_unit=True)


def add_demonstration(*, plan: Plan, planner: User, head: User, reviewer: User, now: datetime) -> int:
    """Add approved figures for quarters 1–3 and a few drafts for quarter 4; return how many figures.

    Only for a plan without figures: whatever somebody has entered already is never mixed with inventions.
    """
    with acting(reason="bootstrap --demo"):
        indicators = Indicator.objects.filter(goal__plan=plan).select_related("lead_unit", "goal__plan")
        PlannedValue.objects.bulk_create(
            PlannedValue(indicator=indicator, quarter=quarter, value=value, demo=True)
            for indicator in indicators
            for quarter, value in enumerate(PLANNED.get(indicator.code, ()), start=1)
        )
        for indicator in indicators:
            for report in indicator.reports.select_related("indicator__lead_unit").order_by("quarter"):
                report = _enter(report, planner=planner, now=now)
                if report.demo and report.quarter in FINISHED_QUARTERS:
                    report = workflow.submit(report=report, by=planner, now=now)
                    report = workflow.endorse(report=report, by=head, now=now)
                    workflow.approve(report=report, by=reviewer, now=now)
        return Figure.objects.filter(report__indicator__goal__plan=plan, demo=True).count()


def _enter(report: QuarterReport, *, planner: User, now: datetime) -> QuarterReport:
    """Write the report's invented figures, and the texts that they make necessary."""
    figures = {
        symbol: Decimal(value)
        for symbol, values in FIGURES.get(report.indicator.code, {}).items()
        if report.quarter <= len(values) and (value := values[report.quarter - 1]) is not None
    }
    if not figures:
        return report
    texts: workflow.Texts = {"remark": workflow.DEMONSTRATION_REMARK}
    with acting():
        shares = _by_unit(report, figures)
        report = workflow.save_draft(report=report, by=planner, now=now, figures=shares, demo=True, **texts)
        prefetch_related_objects([report.indicator], *workflow.DEFINED_BY)
        reading = workflow.entered(report)
        if workflow.notices(report, reading):
            texts["check_note"] = workflow.DEMONSTRATION_CHECK
        if workflow.is_behind(report, reading):
            texts |= workflow.DEMONSTRATION_LAG
            texts["improve_by"] = month_after(report.indicator.goal.plan.year, QUARTERS[-1])
        return workflow.save_draft(report=report, by=planner, now=now, figures={}, demo=True, **texts)


def _by_unit(report: QuarterReport, figures: Mapping[str, Decimal]) -> workflow.Figures:
    """Share the figures out between the units that give them; in the last quarter one is still awaited."""
    contributing = report.indicator.contributing_units.first()
    if contributing is None:
        return figures
    shares: dict[workflow.Key, Decimal] = {}
    for symbol, value in figures.items():
        shares[symbol, report.indicator.lead_unit_id] = value - value // 3
        if report.quarter in FINISHED_QUARTERS:
            shares[symbol, contributing.pk] = value // 3
    return shares
