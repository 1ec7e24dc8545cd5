"""What an applied file wrote, as the ledger has it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext as _

from ledger.audited import audited_models
from ledger.models import Action, Entry, EntryQuerySet
from objectives.models import Unit
from objectives.roc import roc_date

from .. import workflow
from ..forms import shown
from ..models import Figure, ImportBatch, Indicator, QuarterReport, Status, Variable
from .preview import Change

FIGURES, REPORTS, VARIABLES = (model._meta.db_table for model in (Figure, QuarterReport, Variable))
WRITES = (Action.INSERT, Action.UPDATE, Action.DELETE)


@dataclass
class Written:
    """What was written of one report, or, of constants, of an indicator in no single quarter."""

    indicator: Indicator
    report: QuarterReport | None
    changes: list[Change]

    @property
    def place(self) -> tuple[int, int, int]:
        """Where it stands in the order of the plan."""
        goal = self.indicator.goal
        quarter = self.report.quarter if self.report else 0
        return goal.outline_number, self.indicator.number, quarter


@dataclass(frozen=True)
class Span:
    """A row from before the file was applied until after it."""

    first: Entry
    last: Entry

    def before(self, column: str) -> Any:
        return self.first.old.get(column)

    def after(self, column: str) -> Any:
        return self.last.new.get(column)

    def either(self, column: str) -> Any:
        """Return what never changes of a row, such as what it belongs to."""
        return (self.last.new or self.last.old).get(column)


def entries_of(batch: ImportBatch) -> EntryQuerySet:
    """Return the entries of what applying a file wrote, its own excepted; none before it is applied."""
    about = Entry.objects.of(ImportBatch._meta.db_table, batch.pk)
    own = list(about.filter(action__in=WRITES).order_by("seq"))
    if batch.state != ImportBatch.State.APPLIED or len(own) < 2:
        return Entry.objects.none()
    uploaded, applied = own[0], own[-1]
    since = Entry.objects.filter(seq__gt=uploaded.seq, seq__lt=applied.seq, action__in=WRITES)
    return since.filter(actor=applied.actor, source=applied.source, reason=applied.reason)


def tally(batch: ImportBatch) -> list[tuple[str, str, int]]:
    """Count what was written: (kind of object, what was done, how many), in the order of the settings."""
    counted = entries_of(batch).order_by().values_list("table", "action").annotate(Count("seq"))
    found = {(table, action): number for table, action, number in counted}
    return [
        (str(model._meta.verbose_name), str(action.label), found[model._meta.db_table, action])
        for model in audited_models().values()
        if not model._meta.auto_created
        for action in WRITES
        if (model._meta.db_table, action) in found
    ]


@dataclass(frozen=True)
class Touched:
    """An object of a plan that was written, and what was done to it first."""

    model: Any
    key: int
    done: Action

    @property
    def kind(self) -> str:
        return str(self.model._meta.verbose_name)

    @property
    def label(self) -> str:
        """What the address of its history calls it."""
        return str(self.model._meta.label_lower)


def touched(batch: ImportBatch) -> list[Touched]:
    """Return every object that a plan's file wrote, once, in the order in which they were written."""
    models = {each._meta.db_table: each for each in audited_models().values() if not each._meta.auto_created}
    rows = entries_of(batch).order_by("seq").values_list("table", "key", "action")
    first: dict[tuple[str, str], str] = {}
    for table, key, action in rows.filter(table__in=models):
        first.setdefault((table, key), action)
    return [Touched(models[table], int(key), Action(action)) for (table, key), action in first.items()]


def named(things: Iterable[Touched]) -> list[tuple[Touched, Any]]:
    """Put each object beside what was written of it; None where it is no more."""
    things = list(things)
    found = {
        model: model._default_manager.in_bulk([each.key for each in things if each.model is model])
        for model in {each.model for each in things}
    }
    return [(each, found[each.model].get(each.key)) for each in things]


def written(batch: ImportBatch) -> list[Written]:
    """Return what a file of figures wrote, in the order of the plan."""
    spans: dict[tuple[str, str], Span] = {}
    for entry in entries_of(batch).filter(table__in=[FIGURES, REPORTS, VARIABLES]).order_by("seq"):
        known = spans.get((entry.table, entry.key))
        spans[entry.table, entry.key] = Span(known.first if known else entry, entry)
    found = {
        table: {int(key): span for (each, key), span in spans.items() if each == table}
        for table in (FIGURES, REPORTS, VARIABLES)
    }
    told = [*_of_reports(found[REPORTS], found[FIGURES]), *_of_constants(found[VARIABLES])]
    return sorted((each for each in told if each.changes), key=lambda each: each.place)


def _of_reports(reports: dict[int, Span], figures: dict[int, Span]) -> Iterator[Written]:
    by_report: dict[int, list[Span]] = {}
    for span in figures.values():
        by_report.setdefault(span.either("report_id"), []).append(span)
    variables = Variable.objects.in_bulk({span.either("variable_id") for span in figures.values()})
    units = Unit.objects.in_bulk({span.either("unit_id") for span in figures.values()} - {None})
    there = QuarterReport.objects.select_related("indicator__goal").in_bulk(by_report.keys() | reports.keys())
    for key, report in there.items():
        known = (span for span in by_report.get(key, []) if span.either("variable_id") in variables)
        changes = [_of_figure(span, variables, units) for span in known]
        if key in reports:
            changes += _of_texts(reports[key])
        yield Written(report.indicator, report, changes)


def _of_figure(span: Span, variables: dict[int, Variable], units: dict[int, Unit]) -> Change:
    variable, unit = variables[span.either("variable_id")], units.get(span.either("unit_id"))
    label = f"{variable.name} · {unit.name}" if unit else variable.name
    return Change(label, _number(variable, span.before("value")), _number(variable, span.after("value")))


def _number(variable: Variable, stored: Any) -> str:
    return "" if stored is None else shown(variable, Decimal(str(stored)))


def _of_texts(span: Span) -> Iterator[Change]:
    fields = QuarterReport._meta.get_field
    for name in (*workflow.LENGTHS, "status"):
        before, after = span.before(name) or "", span.after(name) or ""
        if before != after and not (name == "status" and not before):
            label = str(fields(name).verbose_name)  # type: ignore[union-attr]
            yield Change(label, _words(name, before), _words(name, after))


def _words(name: str, stored: str) -> str:
    if name == "status":
        return str(Status(stored).label)
    return roc_date(date.fromisoformat(stored)) if name == "improve_by" and stored else stored


def _of_constants(spans: dict[int, Span]) -> Iterable[Written]:
    variables = Variable.objects.select_related("indicator__goal").in_bulk(spans)
    for key, variable in variables.items():
        span = spans[key]
        before, after = _number(variable, span.before("constant")), _number(variable, span.after("constant"))
        label = _("%(name)s (constant)") % {"name": variable.name}
        yield Written(variable.indicator, None, [Change(label, before, after)] if before != after else [])
