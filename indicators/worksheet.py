"""季填報工作表: one unit's quarter on one sheet, as it is stored and as somebody typed it, and how it is saved.

A sheet takes the same number of queries however many indicators it has. What stands in its cells is judged
by the workflow's verbs when it is saved: all of it, or nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Prefetch, Q
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ledger.acting import acting
from objectives.forms import RocDateField
from objectives.models import Plan, Unit, User, WorkItem
from objectives.roc import roc_date, roc_moment, taipei
from objectives.roles import Tree

from . import workflow
from .cells import Cell, Held, LongTextField, encoded, figure_field
from .checks import findings
from .forms import period, shown
from .models import (
    Figure,
    Indicator,
    ItemProgress,
    QuarterReport,
    Reopening,
    ReportingPeriod,
    Status,
    Variable,
)
from .readings import Basis, Reading, readings
from .report_admin import status_pill, value_words
from .value import Direction, rolled_up, side, value_at
from .wording import finding_words
from .workflow.drafts import CHANGE

# The most characters of each text of a report; the 改善期限 is a day.
TEXTS: Mapping[str, int | None] = {
    "remark": 5000,
    "not_applicable_reason": 1000,
    "lag_reason": 2000,
    "response": 2000,
    "improve_by": None,
    "coordination": 2000,
    "check_note": 2000,
}
PROGRESS_LENGTH = 5000

Place = tuple[str, int | None]
"""A figure in a report: its variable's symbol, and the unit whose share it is."""


@dataclass(frozen=True)
class Scope:
    """What a sheet is about, and what the person who reads it may do there."""

    plan: Plan
    quarter: int
    units: frozenset[int]  # whose work is on the sheet
    entering: frozenset[int]  # for which units the person enters
    closed: Mapping[int, str]  # by unit, why its quarter is closed; empty where it is open
    names: Mapping[int, Unit]

    def may_enter(self, unit: int) -> bool:
        return unit in self.entering and not self.closed.get(unit)


# -- What is shown of a figure -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Mark:
    """A figure in words, or why there is none; zero, 不適用 and 未填 never look alike."""

    kind: str
    words: str | Promise

    @property
    def symbol(self) -> str:
        return SYMBOLS.get(self.kind, "")


SYMBOLS = {"zero": "0", "none": "－", "missing": "○"}
NOT_APPLICABLE = Mark("none", gettext_lazy("Not applicable"))
MISSING = Mark("missing", gettext_lazy("Not reported"))
NOT_DUE = Mark("idle", gettext_lazy("Not due"))
ZERO = Mark("zero", gettext_lazy("Zero"))


def mark_of(variable: Variable, quarter: int, value: Decimal | None, not_applicable: bool) -> Mark:
    """Say what there is of a variable in a quarter."""
    if value is not None:
        return Mark("figure", shown(variable, value))
    if not_applicable:
        return NOT_APPLICABLE
    return MISSING if quarter in variable.due and not variable.memo else NOT_DUE


@dataclass(frozen=True)
class Row:
    """A line of the grid: a variable, the sum of its shares, or one unit's share."""

    section: Section
    variable: Variable
    unit: Unit | None  # whose share it is
    cell: Cell | None  # None where it is a sum

    @property
    def id(self) -> str:
        place = f"{self.section.report.pk}-{self.variable.symbol}"
        return f"{place}-{self.unit.pk}" if self.unit else place if self.cell else f"{place}-sum"

    @property
    def title(self) -> str:
        if not self.is_share:
            return self.variable.name
        return self.unit.name if self.unit else _("Not divided by unit")

    @property
    def is_share(self) -> bool:
        return self.cell is not None and self.variable.symbol in self.section.shared

    @property
    def is_sum(self) -> bool:
        return self.cell is None

    @property
    def period(self) -> str:
        """What the figure covers, unless the variable's name says so already."""
        words = period(self.variable)
        return "" if self.is_share or words in self.variable.name else words

    @property
    def is_due(self) -> bool:
        return self.section.quarter in self.variable.due

    def _figures(self) -> dict[tuple[int, str], Decimal]:
        reading = self.section.reading
        if not self.is_share:
            return reading.figures
        if self.unit is None:
            there = reading.figures.items()
            return {key: value - sum(reading.shares.get(key, {}).values()) for key, value in there}
        unit = self.unit.pk
        return {key: shares[unit] for key, shares in reading.shares.items() if unit in shares}

    @property
    def earlier(self) -> list[tuple[int, Mark]]:
        """The quarters before, each with what was reported."""
        figures, reading = self._figures(), self.section.reading
        return [
            (
                quarter,
                mark_of(
                    self.variable,
                    quarter,
                    figures.get((quarter, self.variable.symbol)),
                    quarter in reading.not_applicable,
                ),
            )
            for quarter in range(1, self.section.quarter)
        ]

    @property
    def now(self) -> Mark:
        """This quarter's figure as it would be with what was typed."""
        figure = self._figures().get((self.section.quarter, self.variable.symbol))
        return mark_of(self.variable, self.section.quarter, figure, self.section.is_not_applicable)

    @property
    def badge(self) -> Mark | None:
        """What stands beside the input, so that nothing, zero and 不適用 are told apart."""
        if self.cell and self.cell.errors:
            return None
        is_number = self.variable.kind != Variable.Kind.YES_NO
        if self.now.kind == "figure":
            return ZERO if is_number and self.now.words == "0" else None
        return self.now

    @property
    def total(self) -> str:
        """The variable rolled up to this quarter, or this unit's part of it."""
        rule = next(each for each in self.section.rule.variables if each.symbol == self.variable.symbol)
        reading = self.section.reading
        value = rolled_up(rule, self.section.quarter, self._figures(), reading.not_applicable)
        counts_yes = self.variable.rollup == Variable.Rollup.COUNT
        return (f"{value:f}" if value is not None else "") if counts_yes else shown(self.variable, value)


# -- One indicator -----------------------------------------------------------------------------------------


class Section:
    """One indicator on the sheet: its report of the quarter, the cells of it, and what they come to."""

    def __init__(self, report: QuarterReport, stored: Reading, scope: Scope) -> None:
        self.report, self.indicator, self.quarter = report, report.indicator, scope.quarter
        self.stored, self.scope = stored, scope
        self.problems: list[str] = []  # what a verb had against saving it
        self.leads = self.indicator.lead_unit_id in scope.units
        self.participants = {unit.pk: unit for unit in self.indicator.participants}
        self.variables = [each for each in self.indicator.variables.all() if not each.is_constant]
        known = {each.pk: each.symbol for each in self.variables}
        self._there = {
            (known[figure.variable_id], figure.unit_id): figure
            for figure in report.figures.all()
            if figure.variable_id in known
        }
        places = list(self._places())
        symbols = [symbol for _variable, (symbol, _unit) in places]
        several = len(self.participants) > 1
        self.shared = {  # the symbols whose figure is a sum of shares
            each.symbol
            for each in self.variables
            if symbols.count(each.symbol) > 1 or (each.by_unit and several)
        }
        self.figures = {place: self._figure(variable, place) for variable, place in places}
        self.texts = {name: self._text(name) for name in TEXTS} if self.leads else {}

    # -- Its cells

    def _places(self) -> Iterator[tuple[Variable, Place]]:
        """Yield what can be entered: each variable, or its share of each unit; and whatever else is stored."""
        for variable in self.variables:
            usual: list[int | None] = [*self.participants] if variable.by_unit else [None]
            others = [unit for symbol, unit in self._there if symbol == variable.symbol and unit not in usual]
            for unit in [*usual, *others]:
                if self.leads or unit in self.scope.units:
                    yield variable, (variable.symbol, unit)

    def _figure(self, variable: Variable, place: Place) -> Cell:
        _symbol, unit = place
        found = self._there.get(place)
        owner = unit if unit is not None and unit in self.participants else self.indicator.lead_unit_id
        whose = f" ({self.scope.names[unit].name})" if unit and variable.symbol in self.shared else ""
        return Cell(
            name=f"f{self.report.pk}-{variable.symbol}" + (f"-{unit}" if unit else ""),
            label=f"{self.indicator.code} {variable.name}{whose}",
            field=figure_field(variable),
            stored=found.value if found else None,
            editable=self.report.is_open_for_entry and self.scope.may_enter(owner),
            stored_by=_by(found or self.report),
        )

    def _text(self, name: str) -> Cell:
        length = TEXTS[name]
        reader: forms.Field = LongTextField(max_length=length) if length else RocDateField(required=False)
        label = QuarterReport._meta.get_field(name).verbose_name  # type: ignore[union-attr]
        return Cell(
            name=f"t{self.report.pk}-{name}",
            label=f"{self.indicator.code} {label}",
            short_label=capfirst(str(label)),
            field=reader,
            stored=getattr(self.report, name),
            editable=self.may_enter,
            stored_by=_by(self.report),
        )

    @property
    def cells(self) -> Iterator[Cell]:
        yield from self.figures.values()
        yield from self.texts.values()

    # -- What may be done with it

    @property
    def may_enter(self) -> bool:
        """Whether the person enters for the lead unit here and now."""
        return self.report.is_open_for_entry and self.scope.may_enter(self.indicator.lead_unit_id)

    @property
    def can_be_submitted(self) -> bool:
        return self.leads and self.may_enter

    @property
    def why_fixed(self) -> str:
        """Why somebody who enters for one of its units can write nothing here; empty where they can."""
        if any(cell.editable for cell in self.cells):
            return ""
        mine = self.scope.entering.intersection(self.participants)
        if not mine:
            return ""
        if not self.report.is_open_for_entry:
            return _("This report is «%(status)s», so nothing in it can be changed.") % {
                "status": self.report.get_status_display()
            }
        return next(filter(None, (self.scope.closed.get(unit) for unit in mine)), "")

    @property
    def asks(self) -> bool:
        """Whether anything is due this quarter."""
        return any(self.quarter in variable.due for variable in self.variables)

    @property
    def is_settled(self) -> bool:
        return self.report.status in (Status.SUBMITTED, Status.ENDORSED, Status.APPROVED)

    @property
    def lacks_figures(self) -> bool:
        """Whether a figure that is due is neither there nor typed."""
        if self.is_not_applicable or self.indicator.not_applicable_reason:
            return False
        wholes = {symbol for symbol, unit in self.figures if unit is None}
        return any(
            cell.value is None and not (unit is not None and symbol in wholes)
            for variable in self.variables
            if self.quarter in variable.due and not variable.memo
            for (symbol, unit), cell in self.figures.items()
            if symbol == variable.symbol
        )

    # -- What it comes to, with what was typed

    @cached_property
    def rule(self) -> Any:
        return self.indicator.in_force(self.quarter).rule

    @property
    def is_not_applicable(self) -> bool:
        cell = self.texts.get("not_applicable_reason")
        return bool(cell.value if cell else self.report.not_applicable_reason)

    @cached_property
    def reading(self) -> Reading:
        """The year's figures up to this quarter as they would be with what was typed."""
        reading = self.stored.until(self.quarter - 1)
        figures = {place: figure.value for place, figure in self._there.items()}
        figures |= {place: cell.value for place, cell in self.figures.items()}
        for (symbol, unit), value in figures.items():
            if value is not None:
                reading.add(self.quarter, symbol, value, unit)
        if self.is_not_applicable:
            reading.not_applicable.add(self.quarter)
        return reading

    @cached_property
    def value(self) -> dict[str, Any]:
        """The value against target and planned value, in words."""
        return value_words(self.report, self.reading)

    @property
    def is_behind(self) -> bool:
        """Whether the value is worse than the quarter's 預定值."""
        planned = {each.quarter: each.value for each in self.indicator.planned_values.all()}
        if self.quarter not in planned:
            return False
        gone = bool(self.indicator.not_applicable_reason)
        amount = value_at(
            self.rule, self.quarter, self.reading.figures, self.reading.not_applicable, gone
        ).amount
        direction = Direction(self.indicator.direction)
        return amount is not None and side(amount, planned[self.quarter], direction) < 0

    @property
    def notices(self) -> list[str]:
        """What looks wrong with the figures, in words."""
        names = {variable.symbol: variable.name for variable in self.indicator.variables.all()}
        found = findings(self.rule, self.quarter, self.reading.figures, self.reading.not_applicable)
        return [finding_words(each, names) for each in found]

    # -- How it is laid out

    @cached_property
    def rows(self) -> list[Row]:
        return [row for variable in self.variables for row in self._rows(variable)]

    def _rows(self, variable: Variable) -> Iterator[Row]:
        if variable.symbol in self.shared:
            yield Row(self, variable, None, None)
        for (symbol, unit), cell in self.figures.items():
            if symbol == variable.symbol:
                yield Row(self, variable, self.scope.names[unit] if unit else None, cell)

    @property
    def due_rows(self) -> list[Row]:
        return [row for row in self.rows if row.is_due]

    @property
    def idle_rows(self) -> list[Row]:
        return [row for row in self.rows if not row.is_due]

    @property
    def idle_is_open(self) -> bool:
        """Whether there is something to see though nothing is due."""
        return any(row.cell and row.cell.shown for row in self.idle_rows)

    @property
    def constants(self) -> list[tuple[Variable, str]]:
        """What is given with the plan, as in force this quarter; empty while it is unknown."""
        given = {each.symbol: each.constant for each in self.rule.variables}
        variables = [each for each in self.indicator.variables.all() if each.is_constant]
        return [(each, shown(each, given[each.symbol])) for each in variables]

    @property
    def remark(self) -> Cell | None:
        return self.texts.get("remark")

    def text(self, name: str) -> Cell | None:
        return self.texts.get(name)

    @property
    def explanations(self) -> list[Cell]:
        """The texts that a value behind its plan needs, and those that others may."""
        return [self.texts[name] for name in ("lag_reason", "response", "improve_by") if name in self.texts]

    @property
    def further_texts(self) -> list[Cell]:
        return [
            cell for name, cell in self.texts.items() if name in ("coordination", "not_applicable_reason")
        ]

    @property
    def lag_is_open(self) -> bool:
        return self.is_behind or any(cell.shown or cell.errors for cell in self.explanations)

    @property
    def further_is_open(self) -> bool:
        return any(cell.shown or cell.errors for cell in self.further_texts)

    @property
    def note_is_open(self) -> bool:
        note = self.texts.get("check_note")
        return bool(self.notices or (note and (note.shown or note.errors)))

    @property
    def pill(self) -> str:
        return status_pill(self.report)


def _by(written: Figure | QuarterReport | ItemProgress) -> str:
    """Say who wrote it last, and when."""
    if written.changed_by is None or written.changed_at is None:
        return ""
    return f"{written.changed_by}, {roc_moment(written.changed_at)}"


# -- Part 肆 -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ItemRow:
    """A work item with its 辦理情形."""

    item: WorkItem
    cell: Cell
    earlier: list[ItemProgress]


def _item_row(item: WorkItem, progress: Iterable[ItemProgress], scope: Scope) -> ItemRow:
    by_quarter = {each.quarter: each for each in progress}
    found = by_quarter.pop(scope.quarter, None)
    cell = Cell(
        name=f"w{item.pk}",
        label=f"{item.work_plan.name} {item.name}",
        short_label=item.name,
        field=LongTextField(max_length=PROGRESS_LENGTH),
        stored=found.text if found else "",
        editable=scope.may_enter(item.responsible_unit_id),
        stored_by=_by(found) if found else "",
    )
    return ItemRow(item, cell, [by_quarter[quarter] for quarter in sorted(by_quarter)])


# -- The sheet ---------------------------------------------------------------------------------------------

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
        items=[_item_row(item, item.progress.all(), scope) for item in items],
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
    closed = {}
    for group in (set(units) & reopened, set(units) - reopened):
        why = workflow.closed_because(plan, quarter, group, now) if group else ""
        closed |= dict.fromkeys(group, why)
    return closed


def plan_of(unit: Unit, year: int, user: User) -> Plan | None:
    """Return the plan of the year that unit works for: of the topmost agency, unit itself or one above it."""
    tree: Tree = Unit.objects.tree()
    plans = Plan.objects.visible_to(user).filter(year=year).select_related("unit", "closed_by")
    above = [plan for plan in plans if unit.pk in tree.below(plan.unit_id)]
    return max(above, key=lambda plan: len(tree.below(plan.unit_id)), default=None)


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
            raise workflow.Refusal(_("Nothing was saved. What you typed is still here."))
    return done


def _save_section(section: Section, by: User, now: datetime, *, submit: bool, held: Held) -> int:
    figures = {place: cell for place, cell in section.figures.items() if cell.is_changed}
    texts = {name: cell for name, cell in section.texts.items() if cell.is_changed}
    if not (figures or texts or submit):
        return 0
    keyed: dict[workflow.Key, Cell] = {
        symbol if unit is None else (symbol, unit): cell for (symbol, unit), cell in figures.items()
    }
    words: Any = {name: cell.value for name, cell in texts.items()}
    # Whoever submits vouches for the whole report, so it must be the one that they saw.
    version = held.versions.get(str(section.report.pk), -1) if submit else None
    saved = workflow.save_draft(
        report=section.report,
        by=by,
        now=now,
        figures={key: cell.value for key, cell in keyed.items()},
        seen={key: cell.was for key, cell in {**keyed, **texts}.items()},
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
