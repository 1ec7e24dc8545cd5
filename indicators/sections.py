"""What stands on the worksheet: indicators with rows and texts, and work items, as stored and as typed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from objectives.forms import RocDateField
from objectives.models import Plan, Unit, WorkItem
from objectives.roc import roc_moment

from . import workflow
from .cells import Cell, LongTextField, figure_field
from .forms import period, shown
from .models import Figure, ItemProgress, QuarterReport, Status, Variable
from .readings import Reading
from .report_admin import status_pill, value_words
from .value import Direction, Rule, rolled_up, side, value_at
from .wording import finding_words

# The most characters of a work item's 辦理情形.
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
        self.texts = {name: self._text(name) for name in workflow.LENGTHS} if self.leads else {}

    # -- Its cells

    def _places(self) -> Iterator[tuple[Variable, Place]]:
        """Yield what can be entered: each variable, or each unit's share; and whatever else is stored."""
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
            reader=figure_field(variable),
            stored=found.value if found else None,
            editable=self.report.is_open_for_entry and self.scope.may_enter(owner),
            stored_by=_by(found or self.report),
        )

    def _text(self, name: str) -> Cell:
        length = workflow.LENGTHS[name]
        reader: forms.Field = LongTextField(max_length=length) if length else RocDateField(required=False)
        label = QuarterReport._meta.get_field(name).verbose_name  # type: ignore[union-attr]
        return Cell(
            name=f"t{self.report.pk}-{name}",
            label=f"{self.indicator.code} {label}",
            short_label=capfirst(str(label)),
            reader=reader,
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
        """Whether anything is due this quarter; nothing is of what is not applicable all year."""
        due = any(self.quarter in variable.due for variable in self.variables)
        return due and not self.indicator.not_applicable_reason

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
    def rule(self) -> Rule:
        return self.indicator.in_force(self.quarter).rule

    @property
    def is_not_applicable(self) -> bool:
        cell = self.texts.get("not_applicable_reason")
        return bool(cell.value if cell else self.report.not_applicable_reason)

    @cached_property
    def reading(self) -> Reading:
        """The year's figures as they would be with what was typed."""
        reading = self.stored.without(self.quarter)
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
        """Whether the value is worse than the quarter's 預定值, once all that is due is there."""
        planned = {each.quarter: each.value for each in self.indicator.planned_values.all()}
        if self.quarter not in planned or self.lacks_figures:
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
        return [finding_words(each, names) for each in workflow.notices(self.report, self.reading)]

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
        words = [] if self.asks else [*self.texts.values()]
        rows = [row.cell for row in self.idle_rows if row.cell]
        return any(cell.shown or cell.errors for cell in [*rows, *words])

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
    return f"{written.changed_by} {roc_moment(written.changed_at)}"


# -- Part 肆 -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ItemRow:
    """A work item with its 辦理情形."""

    item: WorkItem
    cell: Cell
    earlier: list[ItemProgress]


def item_row(item: WorkItem, progress: Iterable[ItemProgress], scope: Scope) -> ItemRow:
    by_quarter = {each.quarter: each for each in progress}
    found = by_quarter.pop(scope.quarter, None)
    cell = Cell(
        name=f"w{item.pk}",
        label=f"{item.work_plan.name} {item.name}",
        short_label=item.name,
        reader=LongTextField(max_length=PROGRESS_LENGTH),
        stored=found.text if found else "",
        editable=scope.may_enter(item.responsible_unit_id),
        stored_by=_by(found) if found else "",
    )
    return ItemRow(item, cell, [by_quarter[quarter] for quarter in sorted(by_quarter)])
