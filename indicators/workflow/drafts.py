"""What is written while a report is being filled in: figures, shares of units, texts, constants, progress."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import chain
from typing import Any, Unpack

from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Expression, F, Manager
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from ledger.acting import acting
from objectives.fields import refuse_control_characters, trimmed
from objectives.models import Unit, User, WorkItem
from objectives.permissions import can, require

from ..models import QUARTERS, Figure, Indicator, ItemProgress, QuarterReport, Variable
from .frozen import why_constant_stands
from .judging import CHANGE, Cell, Changes, Draft, Figures, Texts, batches, judge, refuse_stale
from .periods import create_periods, require_open, under_the_locks
from .refusals import Conflict, DraftsRefused, Refusal


def create_reports(indicators: Iterable[Indicator]) -> None:
    """Lay out the quarter reports of new indicators, and their plans' periods; those that exist stay."""
    with acting():
        indicators = list(indicators)
        for plan in {indicator.goal.plan for indicator in indicators}:
            create_periods(plan)
        QuarterReport.objects.bulk_create(
            [
                QuarterReport(indicator=indicator, quarter=quarter)
                for indicator in indicators
                for quarter in QUARTERS
            ],
            ignore_conflicts=True,
        )


def locked(report: QuarterReport, version: int | None) -> QuarterReport:
    """Read the report anew under a lock, and refuse one that is no longer as it was seen."""
    found = (
        QuarterReport.objects.select_for_update(of=("self",))
        .select_related("indicator__goal__plan__closed_by", "indicator__lead_unit")
        .get(pk=report.pk)
    )
    refuse_stale(found, version)
    return found


def save_draft(
    *,
    report: QuarterReport,
    by: User,
    now: datetime,
    figures: Figures,
    version: int | None = None,
    seen: Mapping[Cell, Any] | None = None,
    demo: bool = False,
    restate: bool = False,
    **texts: Unpack[Texts],
) -> QuarterReport:
    """Write figures by key, and texts, into a draft or returned report; None takes a figure back.

    Figures and texts that are not given stay as they are. Whoever enters for the lead unit may write all of
    it, whoever enters for a contributing unit that unit's shares. A figure keeps its author, and its mark as
    a demonstration, while its value does not change; with restate a demonstration becomes the writer's own
    even then, since a file states each of its figures where a form sends back what it showed. version is the
    one that the writer saw; seen is finer, what stood in each cell that is written.
    Raises PermissionDenied; Conflict (the report, or a cell, has moved on since it was seen); Closed; Refusal
    (it is not open for entry); ValidationError (a figure that its variable cannot have, figures beside a
    declaration of 不適用).
    """
    draft = Draft(report, figures, texts, version, seen)
    with acting(actor=by, about=report):
        changes, refusals = judge([draft], by=by, now=now, restate=restate, lock=True)
        for refusal in refusals.values():
            raise refusal
        [saved] = _write(changes, by=by, now=now, demo=demo)
        return saved


def save_drafts(
    *, drafts: Sequence[Draft], by: User, now: datetime, demo: bool = False, restate: bool = False
) -> list[QuarterReport]:
    """Write many drafts, each of another report, by the rules of `save_draft`: all of them or none.

    Returns the reports in the order of the drafts. Raises DraftsRefused, which says of every draft that is
    refused why it is; Closed where the database refuses one that the rules let pass.
    """
    with acting(actor=by):
        changes, refusals = judge(drafts, by=by, now=now, restate=restate, lock=True)
        if refusals:
            raise DraftsRefused(refusals)
        return _write(changes, by=by, now=now, demo=demo)


def judge_drafts(
    *, drafts: Sequence[Draft], by: User, now: datetime, restate: bool = False
) -> Mapping[int, ValidationError | PermissionDenied]:
    """Return by the report's id what `save_drafts` would refuse as things stand; nothing is locked."""
    _changes, refusals = judge(drafts, by=by, now=now, restate=restate, lock=False)
    return {report.pk: refusal for report, refusal in refusals.items()}


def _write(changes: Sequence[Changes], *, by: User, now: datetime, demo: bool) -> list[QuarterReport]:
    """Write figures, then who had a hand in the reports, then the reports; return all of these."""
    changed = [each for each in changes if each]
    with under_the_locks():
        _write_figures(changed, changed_by_id=by.pk, changed_at=now, demo=demo)
        _count_as_editor([each.found.report for each in changed], by)
        _write_reports(changed, changed_by=by, changed_at=now, demo=demo)
    return [each.found.report for each in changes]


def _write_figures(changes: Iterable[Changes], **marks: Any) -> None:
    cleared: list[int] = []
    altered: dict[int, dict[str, Any]] = {}
    added: list[Figure] = []
    for each in changes:
        report, stored = each.found.report, each.found.stored
        for (symbol, unit), value in each.values.items():
            if value is None:
                cleared.append(stored[symbol, unit].pk)
            elif (symbol, unit) in stored:
                altered[stored[symbol, unit].pk] = {"value": value}
            else:
                variable = each.found.variables[symbol]
                added.append(
                    Figure(report_id=report.pk, variable_id=variable.pk, unit_id=unit, value=value, **marks)
                )
    for batch in batches(cleared):
        Figure.objects.filter(pk__in=batch).delete()
    _update(Figure.objects, altered, **marks)
    Figure.objects.bulk_create(added)


def _write_reports(changes: Iterable[Changes], **marks: Any) -> None:
    rows = {}
    for each in changes:
        report = each.found.report
        rows[report.pk] = each.columns
        for name, value in {**each.columns, **marks, "version": report.version + 1}.items():
            setattr(report, name, value)
    _update(QuarterReport.objects, rows, version=F("version") + 1, **marks)


def _update(objects: Manager[Any], rows: Mapping[int, Mapping[str, Any]], **common: Any) -> None:
    """Give each row, by its id, columns of its own, and all of them the common ones.

    A row is written, and recorded, once; those that have the same columns share a statement.
    """
    alike: dict[tuple[str, ...], list[int]] = {}
    for key, columns in rows.items():
        alike.setdefault(tuple(sorted(columns)), []).append(key)
    for names, keys in alike.items():
        for batch in batches(keys):
            own = {name: _by_key(objects, name, {key: rows[key][name] for key in batch}) for name in names}
            objects.filter(pk__in=batch).update(**own, **common)


def _by_key(objects: Manager[Any], name: str, values: Mapping[int, Any]) -> Expression:
    column = objects.model._meta.get_field(name)
    return Cast(ByKey(values, column), output_field=column)


class ByKey(Expression):
    """A column's value in each row, by the row's id; a large Case of Django's takes seconds to compile."""

    def __init__(self, values: Mapping[int, Any], column: Any) -> None:
        super().__init__(output_field=column)
        self.values = values

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        stored = self.output_field.get_db_prep_save
        pairs = ((key, stored(value, connection)) for key, value in self.values.items())
        return f"CASE id {'WHEN %s THEN %s ' * len(self.values)}END", tuple(chain.from_iterable(pairs))


def _count_as_editor(reports: Sequence[QuarterReport], by: User) -> None:
    """Four eyes: whoever changes what reports come to decides about none of them; what is known stays."""
    Hand = QuarterReport.editors.through
    known: set[int] = set()
    for batch in batches([report.pk for report in reports]):
        known.update(
            Hand.objects.filter(user=by, quarterreport__in=batch).values_list("quarterreport", flat=True)
        )
    Hand.objects.bulk_create(
        Hand(quarterreport=report, user=by) for report in reports if report.pk not in known
    )


def due_variables(report: QuarterReport) -> list[Variable]:
    """Return the variables whose figure the report must have; a memo may stay empty."""
    return [
        variable
        for variable in report.indicator.variables.all()
        if report.quarter in variable.due and not variable.memo
    ]


def missing_figures(report: QuarterReport) -> Iterator[tuple[Variable, Unit | None]]:
    """Yield each due variable without a figure, and the unit whose share is missing (None: no shares)."""
    there = {(figure.variable_id, figure.unit_id) for figure in report.figures.all()}
    participants = report.indicator.participants
    for variable in due_variables(report):
        if not variable.by_unit:
            if (variable.pk, None) not in there:
                yield variable, None
            continue
        for unit in participants:
            if (variable.pk, unit.pk) not in there and (variable.pk, None) not in there:
                yield variable, unit


def set_constant(
    *, variable: Variable, value: Decimal | None, by: User, approver: User | None = None
) -> Variable:
    """Fill in a constant of the plan, such as a baseline that the plan left out; None makes it unknown again.

    It takes effect at once, so it needs an administrator, or a planner of the lead unit together with another
    person who may approve. Raises PermissionDenied; Refusal where the year is closed, or a known constant
    stands fast because the plan is adopted or a report was approved with it.
    """
    with acting(actor=by, about=variable):
        indicator = variable.indicator
        if not can(by, "indicators.change_variable", variable):
            require(by, CHANGE, indicator.lead_unit)
            if approver is None or approver == by:
                message = _(
                    "A constant takes effect at once: an administrator sets it, or a second person approves."
                )
                raise Refusal(message)
            require(approver, "indicators.approve_quarterreport", indicator.lead_unit)
        variable = Variable.objects.select_for_update().get(pk=variable.pk)
        if not variable.is_constant:
            raise Refusal(_("«%(name)s» is reported by quarter; name the quarter.") % {"name": variable})
        if variable.constant == value:
            return variable
        if why := why_constant_stands(variable):
            raise Refusal(why)
        variable.constant = value
        variable.full_clean()
        variable.save(update_fields=["constant"])
        _count_as_editor(list(indicator.reports.all()), by)
        return variable


def save_progress(
    *, item: WorkItem, quarter: int, text: str, by: User, now: datetime, seen: str | None = None
) -> ItemProgress | None:
    """Write what was done about a work item in a quarter; seen is the text that the writer saw.

    Returns None where there was and is nothing to say. Raises PermissionDenied, Conflict, Closed.
    """
    with acting(actor=by, about=item):
        item = WorkItem.objects.select_related("work_plan__plan__closed_by").get(pk=item.pk)
        unit = Unit.objects.get(pk=item.responsible_unit_id)
        require(by, CHANGE, unit)
        require_open(item.work_plan.plan, quarter, [unit.pk], now)
        refuse_control_characters(text)
        text = trimmed(text)
        found = ItemProgress.objects.select_for_update().filter(item=item, quarter=quarter).first()
        there = found.text if found else ""
        if text == there:
            return found
        if seen is not None and there != seen:
            raise Conflict(
                _("Somebody changed this text in the meantime. Compare both and save again."), ["text"]
            )
        found = found or ItemProgress(item=item, quarter=quarter)
        found.text, found.changed_by, found.changed_at = text, by, now
        found.version += 1
        found.save()
        return found
