"""季填報工作表: one unit's quarter on one sheet, and how it is saved.

A sheet takes the same number of queries however many indicators it has. What stands in its cells is judged
by the workflow's verbs when it is saved: all of it, or nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Count, Exists, OuterRef, Prefetch, Q
from django.utils.translation import gettext as _

from ledger.acting import acting
from objectives.models import Plan, Unit, User, WorkItem
from objectives.roc import roc_date, taipei
from objectives.roles import Tree

from . import workflow
from .cells import Cell, Held, encoded
from .models import Figure, Indicator, ItemProgress, QuarterReport, Reopening, ReportingPeriod
from .readings import Basis, Reading, readings
from .sections import ItemRow, Scope, Section, item_row
from .workflow.judging import CHANGE

CHOICE = "choice-"  # before the name of a cell in conflict
OTHER_INPUTS = {"csrfmiddlewaretoken", "action", "state", "draft"}


@dataclass
class Sheet:
    """A unit's quarter: its indicators, those that it contributes to, and its work items."""

    scope: Scope
    unit: Unit
    period: ReportingPeriod | None
    now: datetime
    sections: list[Section]
    items: list[ItemRow]
    problems: list[str] = field(default_factory=list)
    foreign: dict[str, str] = field(default_factory=dict)  # what was posted and does not belong here
    held: Held = field(default_factory=Held)

    @cached_property
    def cells(self) -> dict[str, Cell]:
        cells = [cell for section in self.sections for cell in section.cells]
        return {cell.name: cell for cell in [*cells, *(row.cell for row in self.items)]}

    @property
    def may_enter(self) -> bool:
        return any(cell.editable for cell in self.cells.values())

    @property
    def may_submit(self) -> bool:
        return any(section.can_be_submitted for section in self.sections)

    # -- What was posted

    def read(self, data: Mapping[str, str], *, live: bool = False) -> None:
        """Take in what was typed; live: only to see what it would come to."""
        if not live:
            self._read_state(data)
        for name, cell in self.cells.items():
            if name in data:
                self._read_cell(cell, data)
        known = OTHER_INPUTS | set(self.cells) | {CHOICE + name for name in self.cells}
        self.foreign = {name: value for name, value in data.items() if name not in known}

    def _read_state(self, data: Mapping[str, str]) -> None:
        try:
            self.held = Held.read(data.get("state", ""))
        except ValidationError as error:
            self.problems += error.messages

    def _read_cell(self, cell: Cell, data: Mapping[str, str]) -> None:
        try:
            cell.read(data[cell.name], self.held, data.get(CHOICE + cell.name, ""))
        except ValidationError as error:
            self.problems += [message for message in error.messages if message not in self.problems]
        if cell.is_changed and not cell.editable:
            cell.errors = [_("This cannot be changed here; what was typed was not saved.")]

    @property
    def conflicts(self) -> list[Cell]:
        return [cell for cell in self.cells.values() if cell.in_conflict and cell.editable]

    @property
    def wrong_cells(self) -> list[Cell]:
        return [cell for cell in self.cells.values() if cell.errors]

    @property
    def can_be_saved(self) -> bool:
        return not (self.problems or self.foreign or self.conflicts or self.wrong_cells)

    @property
    def refused_sections(self) -> list[Section]:
        return [section for section in self.sections if section.problems]

    @property
    def state(self) -> str:
        """What the page holds; a cell in conflict keeps what it was until somebody chooses."""
        cells = [cell for cell in self.cells.values() if cell.editable]
        return Held(
            {cell.name: encoded(cell.was if cell.in_conflict else cell.stored) for cell in cells},
            {cell.name: encoded(cell.stored) for cell in cells if cell.in_conflict},
            {str(section.report.pk): section.report.version for section in self.sections},
        ).written()

    # -- How far it is

    @property
    def progress(self) -> dict[str, int]:
        """Of the indicators with something due: how many are submitted, and how many lack figures."""
        asked = [section for section in self.sections if section.leads and section.asks]
        return {
            "total": len(asked),
            "submitted": sum(section.is_settled for section in asked),
            "missing": sum(not section.is_settled and section.lacks_figures for section in asked),
        }

    @property
    def days_left(self) -> int | None:
        """Days until submission is due, negative once it should have happened; None without a period."""
        return (self.period.submit_by - taipei(self.now).date()).days if self.period else None

    @property
    def due_day(self) -> str:
        return roc_date(self.period.submit_by) if self.period else ""

    @property
    def is_done(self) -> bool:
        """Whether everything that is due is submitted."""
        progress = self.progress
        return progress["total"] == progress["submitted"]

    @property
    def submittable(self) -> list[Section]:
        """What «submit all» submits: whatever is open and has something due, or something in it."""
        return [
            section
            for section in self.sections
            if section.can_be_submitted
            and (section.asks or section.is_not_applicable or any(c.value for c in section.figures.values()))
        ]


def sheet_for(
    *, plan: Plan, unit: Unit, units: Collection[int], quarter: int, user: User, now: datetime
) -> Sheet:
    """Assemble the sheet of units (ids; unit is the one they are called by) as user sees it now."""
    names = Unit.objects.in_bulk()
    indicators = _indicators(plan, units)
    items = list(
        WorkItem.objects.led_by(units)
        .filter(work_plan__plan=plan)
        .select_related("work_plan__plan")
        .prefetch_related(_progress(quarter))
    )
    involved = {each.pk for indicator in indicators for each in indicator.participants}
    involved |= {item.responsible_unit_id for item in items}
    scope = Scope(
        plan,
        quarter,
        frozenset(units),
        user.rights.units(CHANGE),
        closures(plan, quarter, involved, now),
        names,
    )
    reports = _reports(indicators, quarter)
    stored = readings(indicators, Basis.ENTERED)
    return Sheet(
        scope=scope,
        unit=unit,
        period=ReportingPeriod.objects.filter(plan=plan, quarter=quarter).first(),
        now=now,
        sections=[_section(each, reports, stored, scope) for each in indicators if each.pk in reports],
        items=[item_row(item, item.progress.all(), scope) for item in items],
    )


def _section(
    indicator: Indicator, reports: Mapping[int, QuarterReport], stored: Mapping[int, Reading], scope: Scope
) -> Section:
    report = reports[indicator.pk]
    report.indicator = indicator  # with its variables and revisions, which were read for all at once
    return Section(report, stored[indicator.pk], scope)


def _indicators(plan: Plan, units: Collection[int]) -> list[Indicator]:
    """Return what units lead, and what they contribute shares to."""
    contributed = Q(contributing_units__in=units, variables__by_unit=True)
    return list(
        Indicator.objects.filter(goal__plan=plan)
        .filter(Q(lead_unit__in=units) | contributed)
        .distinct()
        .order_by("goal__outline_number", "number")
        .select_related("goal__plan", "lead_unit")
        .prefetch_related("variables", "revisions", "planned_values", "contributing_units")
    )


def _reports(indicators: Iterable[Indicator], quarter: int) -> dict[int, QuarterReport]:
    found = (
        QuarterReport.objects.order_by()
        .filter(indicator__in=indicators, quarter=quarter)
        .annotate(pieces=Count("evidence", filter=Q(evidence__removed_at=None)))
        .select_related("changed_by", "returned_by")
        .prefetch_related(Prefetch("figures", Figure.objects.order_by("pk").select_related("changed_by")))
    )
    return {report.indicator_id: report for report in found}


def _progress(quarter: int) -> Prefetch:
    return Prefetch(
        "progress", ItemProgress.objects.filter(quarter__lte=quarter).select_related("changed_by")
    )


def closures(plan: Plan, quarter: int, units: Collection[int], now: datetime) -> dict[int, str]:
    """Say, by unit, why the quarter is closed for it; empty where it is open."""
    reopened = set(
        Reopening.objects.in_force(now)
        .filter(period__plan=plan, period__quarter=quarter)
        .values_list("unit", flat=True)
    )
    closed: dict[int, str] = {}
    for group in (set(units) & reopened, set(units) - reopened):
        why = workflow.closed_because(plan, quarter, group, now) if group else ""
        closed |= dict.fromkeys(group, why)
    return closed


def plan_of(unit: Unit, year: int, user: User) -> Plan | None:
    """Return the plan of the year into which unit reports; None where user sees none.

    It is the plan of the indicators and work items that are unit's own work: an agency below another may have
    a plan of its own, and a unit may have moved since the plan was made. Its place decides only where it has
    no work itself: the nearest agency above in whose plan units below it have some, or the nearest of all.
    """
    tree: Tree = Unit.objects.tree()
    above = list(tree.above(unit.pk))
    plans = Plan.objects.visible_to(user).filter(year=year).select_related("unit", "closed_by")
    found = [
        plan
        for plan in plans.annotate(own=_has_work([unit.pk]), below=_has_work(tree.below(unit.pk)))
        if plan.own or plan.unit_id in above
    ]
    far = len(above)
    distance = {agency: steps for steps, agency in enumerate(above)}
    return min(
        found,
        key=lambda plan: (not plan.own, not plan.below, distance.get(plan.unit_id, far)),
        default=None,
    )


def _has_work(units: Collection[int]) -> Q:
    """Say that a plan has an indicator or a work item on which one of units reports."""
    theirs = Q(lead_unit__in=units) | Q(contributing_units__in=units)
    items = WorkItem.objects.led_by(units).filter(work_plan__plan=OuterRef("pk"))
    return Q(Exists(Indicator.objects.filter(theirs, goal__plan=OuterRef("pk")))) | Q(Exists(items))


# -- Saving ------------------------------------------------------------------------------------------------


def save_sheet(*, sheet: Sheet, by: User, now: datetime, submit: Collection[Section] = ()) -> int:
    """Write what was typed, and then submit the reports of some sections: all of it or nothing.

    Returns how many cells were written. Raises Refusal, after naming in each section's `problems` what stands
    in the way; PermissionDenied.
    """
    done = 0
    with acting(actor=by, about=sheet.scope.plan):
        for section in sheet.sections:
            try:
                with acting(about=section.report):
                    done += _save_section(section, by, now, submit=section in submit, held=sheet.held)
            except ValidationError as error:
                section.problems += error.messages
        for row in sheet.items:
            try:
                done += _save_item(row, sheet.scope.quarter, by, now)
            except ValidationError as error:
                row.cell.errors += error.messages
        if sheet.refused_sections or sheet.wrong_cells:
            raise workflow.Refusal(_("Nothing of this sheet was saved."))
    return done


def _save_section(section: Section, by: User, now: datetime, *, submit: bool, held: Held) -> int:
    figures = {place: cell for place, cell in section.figures.items() if cell.is_changed}
    texts = {name: cell for name, cell in section.texts.items() if cell.is_changed}
    if not (figures or texts or submit):
        return 0
    keyed: dict[workflow.Key, Cell] = {
        symbol if unit is None else (symbol, unit): cell for (symbol, unit), cell in figures.items()
    }
    seen: dict[workflow.Cell, Any] = {key: cell.was for key, cell in keyed.items()}
    seen |= {name: cell.was for name, cell in texts.items()}
    words: Any = {name: cell.value for name, cell in texts.items()}
    # Whoever submits vouches for the whole report, so it must be the one that they saw.
    version = held.versions.get(str(section.report.pk), -1) if submit else None
    saved = workflow.save_draft(
        report=section.report,
        by=by,
        now=now,
        figures={key: cell.value for key, cell in keyed.items()},
        seen=seen,
        version=version,
        **words,
    )
    if submit:
        workflow.submit(report=saved, by=by, now=now)
    return len(figures) + len(texts)


def _save_item(row: ItemRow, quarter: int, by: User, now: datetime) -> int:
    if not row.cell.is_changed:
        return 0
    workflow.save_progress(
        item=row.item, quarter=quarter, text=row.cell.value, by=by, now=now, seen=row.cell.was
    )
    return 1
