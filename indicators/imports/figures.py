"""Figures from a file: understood and compared row by row, then written all or none by the workflow's verbs.

A row of a downloaded workbook carries what it was made from (its stamp): only what somebody changed in it is
written, and only over what they saw. A row of any other file states its figure; it does not replace what
somebody else entered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

from django.core.exceptions import PermissionDenied, ValidationError
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from ledger import models as ledger
from ledger.acting import acting
from objectives.models import User
from objectives.roc import roc_date
from objectives.spreadsheets.reading import Sheet

from .. import workflow
from ..forms import shown
from ..models import Figure, Indicator, QuarterReport
from .entries import NOT_APPLICABLE, Entry, entries_of
from .lines import REASON, REMARK, STAMP, TEXTS, VALUE, ImportRefused, lines_of
from .preview import Change, Preview
from .stamps import Stamp

HEADER_OF = {"remark": REMARK, **{name: header for header, name in TEXTS.items()}}


@dataclass(frozen=True)
class Decisions:
    """Which steps the reports take after the figures are in, and who takes them.

    Without an endorser the approver passes the head's step too, and so must be entitled to both.
    """

    submit: bool = False
    endorser: User | None = None
    approver: User | None = None

    def take(self, report: QuarterReport, *, by: User, now: datetime) -> None:
        report = workflow.submit(report=report, by=by, now=now)
        endorser = self.endorser or self.approver
        if endorser and report.indicator.goal.plan.head_step:
            report = workflow.endorse(report=report, by=endorser, now=now)
        if self.approver:
            workflow.approve(report=report, by=self.approver, now=now)


@dataclass
class Group:
    """The rows of one report."""

    report: QuarterReport
    entries: list[Entry]
    figures: Sequence[Figure]  # that are stored

    @property
    def is_stamped(self) -> bool:
        return self.entries[0].stamp is not None

    @property
    def says_something(self) -> bool:
        """Whether the file gives any figure of the report, or declares it 不適用."""
        return any(entry.declared or entry.value is not None for entry in self.entries)

    @property
    def is_sound(self) -> bool:
        rows = [entry.row for entry in self.entries]
        return not any(row.problems or any(change.conflict for change in row.changes) for row in rows)


@dataclass
class Understood:
    """A file of figures beside what is stored."""

    preview: Preview
    groups: dict[int, Group] = field(default_factory=dict)  # by the report's id
    drafts: list[workflow.Draft] = field(default_factory=list)
    constants: list[Entry] = field(default_factory=list)

    def refuse(self, report: int, error: ValidationError | PermissionDenied) -> None:
        """Put what a verb has against a report to the first of its rows."""
        _refuse(self.groups[report].entries[0], error)

    @property
    def restates(self) -> bool:
        """Whether the file states each of its figures, where a workbook sends back what it showed."""
        return any(not group.is_stamped for group in self.groups.values())

    @property
    def figures(self) -> int:
        return sum(len(draft.figures) for draft in self.drafts)


def _refuse(entry: Entry, error: ValidationError | PermissionDenied) -> None:
    for message in error.messages if isinstance(error, ValidationError) else [str(error)]:
        entry.refuse(message)


def check_figures(
    sheets: Sequence[Sheet],
    *,
    by: User,
    now: datetime,
    agency: str | None = None,
    decide: Decisions | None = None,
) -> Understood:
    """Say what a file would do, and everything that is wrong with it; writes nothing.

    What the steps asked for would come to is only known once the figures are written.
    """
    decide = decide or Decisions()
    understood = _understood(sheets, by, agency, whole=decide.submit)
    refused = workflow.judge_drafts(drafts=understood.drafts, by=by, now=now, restate=understood.restates)
    for report, error in refused.items():
        understood.refuse(report, error)
    if understood.constants:
        _try_constants(understood.constants, by, decide.approver)
    return understood


class _Undone(Exception):
    """Ends a trial: nothing was to be written, so nothing was refused either."""


def _try_constants(constants: Iterable[Entry], by: User, approver: User | None) -> None:
    try:
        with acting(actor=by, source=ledger.Source.IMPORT):
            _set_constants(constants, by, approver)
            raise _Undone
    except _Undone:
        pass


def write_figures(
    sheets: Sequence[Sheet],
    *,
    by: User,
    now: datetime,
    agency: str | None = None,
    decide: Decisions | None = None,
) -> Understood:
    """Write a file's figures as by, and then let its reports take the steps that were asked for.

    agency is the code of the unit whose plans the file is about, needed where several have an indicator.
    Raises ImportRefused with everything that is wrong; then nothing has changed.
    """
    decide = decide or Decisions()
    with acting(actor=by, source=ledger.Source.IMPORT):
        understood = _understood(sheets, by, agency, whole=decide.submit)
        _set_constants(understood.constants, by, decide.approver)
        saved = _save(understood, by, now)
        if decide.submit and understood.preview.can_be_applied:
            _decide(understood, saved, decide, by, now)
        if not understood.preview.can_be_applied:
            raise ImportRefused([*understood.preview.all_problems, *_conflicts(understood)])
    return understood


def _conflicts(understood: Understood) -> list[Any]:
    """Name the cells that somebody else changed since the download."""
    words = _("somebody entered %(before)s since the download, the file has %(after)s.")
    return [
        entry.line.problem(f"{change.label}：" + words % vars(change))
        for group in understood.groups.values()
        for entry in group.entries
        for change in entry.row.changes
        if change.conflict
    ]


def try_figures(
    sheets: Sequence[Sheet],
    *,
    by: User,
    now: datetime,
    agency: str | None = None,
    decide: Decisions | None = None,
) -> Understood:
    """Do what `write_figures` does, and take all of it back."""
    refused: ImportRefused | None = None
    try:
        with acting(actor=by, source=ledger.Source.IMPORT):
            try:
                understood = write_figures(sheets, by=by, now=now, agency=agency, decide=decide)
            except ImportRefused as error:
                refused = error
            raise _Undone
    except _Undone:
        if refused:
            raise refused from None
        return understood


def _set_constants(constants: Iterable[Entry], by: User, approver: User | None) -> None:
    for entry in constants:
        try:
            with acting():
                workflow.set_constant(variable=entry.variable, value=entry.value, by=by, approver=approver)
        except (ValidationError, PermissionDenied) as error:
            _refuse(entry, error)


def _save(understood: Understood, by: User, now: datetime) -> dict[int, QuarterReport]:
    """Write every draft, or none and say of each what is against it."""
    try:
        with acting():
            saved = workflow.save_drafts(
                drafts=understood.drafts, by=by, now=now, restate=understood.restates
            )
    except workflow.DraftsRefused as refused:
        for report, error in refused.refusals.items():
            understood.refuse(report, error)
        return {}
    return {report.pk: report for report in saved}


def _decide(
    understood: Understood,
    saved: Mapping[int, QuarterReport],
    decide: Decisions,
    by: User,
    now: datetime,
) -> None:
    for group in understood.groups.values():
        if group.is_stamped and not (group.says_something and group.report.is_open_for_entry):
            continue  # a workbook has every report of the quarter, begun or not
        try:
            with acting():
                _require_seen(group)
                decide.take(saved.get(group.report.pk, group.report), by=by, now=now)
        except (ValidationError, PermissionDenied) as error:
            _refuse(group.entries[0], error)


def _require_seen(group: Group) -> None:
    """Whoever submits vouches for the whole report, so it must be the one that they saw."""
    stamp = group.entries[0].stamp
    if stamp and stamp.version != group.report.version:
        raise workflow.Conflict(
            _("Somebody changed this report since the download. Download the workbook anew to submit it.")
        )


# -- Comparing with what is stored -------------------------------------------------------------------------


def _understood(sheets: Sequence[Sheet], by: User, agency: str | None, whole: bool = False) -> Understood:
    """Read a file and compare it with what is stored; whole: its reports are to be submitted."""
    lines, problems = lines_of(sheets)
    rows, entries = entries_of(lines, by, agency)
    understood = Understood(Preview(rows, problems))
    by_report: dict[tuple[int, int], list[Entry]] = {}
    for entry in entries:
        if entry.quarter is None:
            understood.constants.append(entry)
            _compare_constant(entry)
        else:
            by_report.setdefault((entry.variable.indicator_id, entry.quarter), []).append(entry)
    reports = _reports(by_report)
    figures = _stored({report.pk for report in reports.values()})
    for key, group in by_report.items():
        report = reports[key]
        stored = figures.get(report.pk, ())
        understood.groups[report.pk] = Group(report, _of_the_only_unit(group, stored), stored)
    for each in understood.groups.values():
        draft = _draft(each, by, whole)
        if draft and each.is_sound:
            understood.drafts.append(draft)
    return understood


def _of_the_only_unit(entries: Iterable[Entry], stored: Iterable[Figure]) -> list[Entry]:
    """Give what names no unit to the only one whose share it can be, as the verbs do; refuse a second row."""
    wholes = {figure.variable_id for figure in stored if figure.unit_id is None}
    found: dict[tuple[int, int | None], Entry] = {}
    for entry in entries:
        variable = entry.variable
        if variable.by_unit and entry.unit is None and variable.pk not in wholes:
            only, *others = variable.indicator.participants
            entry = entry if others else replace(entry, unit=only)
        first = found.setdefault(entry.place, entry)
        if first is not entry:
            entry.refuse_repeated(first.line.number)
    return list(found.values())


def _reports(wanted: Mapping[tuple[int, int], Sequence[Entry]]) -> dict[tuple[int, int], QuarterReport]:
    """Return the reports by indicator and quarter, with what is entered in them."""
    indicators: dict[int, Indicator] = {}
    for (indicator, _quarter), entries in wanted.items():
        indicators[indicator] = entries[0].variable.indicator
    quarters = {quarter for _indicator, quarter in wanted}
    reports = _laid_out(indicators, quarters)
    if not wanted.keys() <= reports.keys():
        workflow.create_reports(indicators.values())
        reports = _laid_out(indicators, quarters)
    return reports


def _laid_out(
    indicators: Mapping[int, Indicator], quarters: Iterable[int]
) -> dict[tuple[int, int], QuarterReport]:
    found = QuarterReport.objects.filter(indicator__in=indicators.keys(), quarter__in=quarters)
    reports = {}
    for report in found.order_by():
        report.indicator = indicators[report.indicator_id]
        reports[report.indicator_id, report.quarter] = report
    return reports


def _stored(reports: Collection[int]) -> dict[int, list[Figure]]:
    figures: dict[int, list[Figure]] = {}
    for each in Figure.objects.filter(report__in=reports).order_by().prefetch_related("changed_by"):
        figures.setdefault(each.report_id, []).append(each)
    return figures


def _compare_constant(entry: Entry) -> None:
    there = entry.variable.constant
    if there != entry.value:
        before = shown(entry.variable, there)
        entry.row.changes.append(Change(_("constant"), before, shown(entry.variable, entry.value)))
        entry.row.is_new = there is None


def _draft(group: Group, by: User, whole: bool) -> workflow.Draft | None:
    """Say what a report's rows write, and show it in them; None where that is nothing."""
    _refuse_half_a_declaration(group)
    figures, seen = _figures(group)
    try:
        texts = _stamped_texts(group) if group.is_stamped else _stated_texts(group)
        if not group.is_stamped:
            _respect_others(group, figures, texts, by=by, whole=whole)
    except ValidationError as error:
        _refuse(group.entries[0], error)
        return None
    if group.is_stamped and not (figures or texts):
        return None
    return workflow.Draft(group.report, figures, texts, seen=seen or None)


def _refuse_half_a_declaration(group: Group) -> None:
    declared = [entry for entry in group.entries if entry.declared]
    given = [entry for entry in group.entries if entry.value is not None]
    if declared and given:
        for entry in declared:
            entry.refuse(_("A quarter is either not applicable or has figures, not both."), "數值")
    reasons = [entry for entry in group.entries if entry.texts.get("not_applicable_reason")]
    if declared and not reasons:
        words = _("Give the reason why it is not applicable in the column %(header)s.") % {"header": REASON}
        declared[0].refuse(words, REASON)
    if reasons and not declared:
        words = _("A reason is given, but no cell of this indicator says %(words)s: write that, or clear it.")
        reasons[0].refuse(words % {"words": NOT_APPLICABLE}, REASON)


def _figures(group: Group) -> tuple[dict[workflow.Key, Decimal | None], dict[workflow.Cell, Any]]:
    """Return the figures that the rows write, and what stood there when the workbook was made."""
    there = {(figure.variable_id, figure.unit_id): figure.value for figure in group.figures}
    label = _("value")
    figures: dict[workflow.Key, Decimal | None] = {}
    seen: dict[workflow.Cell, Any] = {}
    for entry in group.entries:
        stored = there.get(entry.place)
        if entry.stamp:
            _refuse_forged(entry, entry.stamp, stored, group.report.version)
            if entry.value in (entry.stamp.value, stored):
                continue  # left as it was, or as it is by now
            seen[entry.key] = entry.stamp.value
        elif entry.declared:
            continue
        figures[entry.key] = entry.value
        if stored != entry.value:
            conflict = entry.stamp is not None and stored != entry.stamp.value
            words = shown(entry.variable, stored), shown(entry.variable, entry.value)
            entry.row.changes.append(Change(label, *words, conflict, VALUE))
            entry.row.is_new = stored is None
    return figures, seen


def _refuse_forged(entry: Entry, stamp: Stamp, stored: Decimal | None, version: int) -> None:
    """Refuse a stamp that no download gave."""
    if stamp.version > version or (stamp.version == version and stamp.value != stored):
        words = _("The row's version is missing or was changed. Download the workbook anew.")
        entry.refuse(words, STAMP)


def _stamped_texts(group: Group) -> workflow.Texts:
    """Return the texts that somebody changed in the workbook, wherever among the report's rows."""
    held = Stamp(0, None, {k: v for e in group.entries if e.stamp for k, v in e.stamp.texts.items()})
    given = _joined_texts(group.entries)
    texts: dict[str, Any] = {}
    for name in workflow.LENGTHS:
        if HEADER_OF[name] not in group.entries[0].line.columns:
            continue
        after = given.get(name, None if name == "improve_by" else "")
        stored = getattr(group.report, name)
        if held.held(name, after) or after == stored:
            continue
        texts[name] = after
        _show_text(group, name, stored, after, conflict=not held.held(name, stored))
    return cast(workflow.Texts, texts)


def _stated_texts(group: Group) -> workflow.Texts:
    texts = _joined_texts(group.entries)
    for name, after in texts.items():
        stored = getattr(group.report, name)
        if after != stored:
            _show_text(group, name, stored, after)
    return cast(workflow.Texts, texts)


def _show_text(group: Group, name: str, before: Any, after: Any, conflict: bool = False) -> None:
    label = QuarterReport._meta.get_field(name).verbose_name  # type: ignore[union-attr]
    entry = next((each for each in group.entries if each.texts.get(name)), group.entries[0])
    words = _text_words(before), _text_words(after)
    entry.row.changes.append(Change(str(label), *words, conflict, HEADER_OF[name]))
    if not group.report.changed_at:
        entry.row.is_new = True


def _text_words(text: str | date | None) -> str:
    return roc_date(text) if isinstance(text, date) else text or ""


def _joined_texts(entries: Iterable[Entry]) -> dict[str, str | date]:
    """Put together what the rows of a report say for it; several texts follow each other, days must agree."""
    said: dict[str, list[str | date]] = {}
    for entry in entries:
        for name, text in entry.texts.items():
            said.setdefault(name, []).append(text)
    return {name: _joined(name, list(dict.fromkeys(each))) for name, each in said.items()}


def _joined(name: str, said: Sequence[str | date]) -> str | date:
    if name == "improve_by":
        if len(said) > 1:
            raise ValidationError(_("The rows of one report name different days for the improvement."))
        return said[0]
    text, most = "\n".join(str(each) for each in said), workflow.LENGTHS[name]
    if most and len(text) > most:
        label = QuarterReport._meta.get_field(name).verbose_name  # type: ignore[union-attr]
        raise ValidationError(
            _("The rows of one report make «%(name)s» longer than %(length)s characters together.")
            % {"name": label, "length": most}
        )
    return text


# -- A file without stamps respects what others entered ----------------------------------------------------


def _respect_others(
    group: Group, given: Mapping[Any, Decimal | None], texts: workflow.Texts, *, by: User, whole: bool
) -> None:
    """Refuse to replace, or to submit unseen, what somebody else entered: a form would have shown it.

    Another unit's share is what the lead unit is to submit.
    """
    places = {entry.place: entry.value for entry in group.entries}
    lead = group.report.indicator.lead_unit_id
    variables = {variable.pk: variable for variable in group.report.indicator.variables.all()}
    for figure in group.figures:
        if figure.demo or figure.changed_by_id == by.pk:
            continue
        key = figure.variable_id, figure.unit_id
        unseen = whole and figure.unit_id in (None, lead)
        if unseen if key not in places else places[key] != figure.value:
            variable = variables[figure.variable_id]
            raise _held_by_another(variable, shown(variable, figure.value), figure.changed_by)
    _respect_texts(group.report, texts, by=by, whole=whole)


def _respect_texts(report: QuarterReport, given: workflow.Texts, *, by: User, whole: bool) -> None:
    texts: Mapping[str, Any] = (
        {} if report.demo else {name: getattr(report, name) for name in workflow.LENGTHS}
    )
    for name, there in texts.items():
        refused = given[name] != there if name in given else whole  # type: ignore[literal-required]
        if not (there and refused):
            continue
        writer = _writer(report, name)
        if writer != by.username:
            label = QuarterReport._meta.get_field(name).verbose_name  # type: ignore[union-attr]
            words = Truncator(_text_words(there)).chars(40)
            raise _held_by_another(label, words, User.objects.filter(username=writer).first() or writer)


def _writer(report: QuarterReport, name: str) -> str:
    """Return the account that wrote a text of the report last: the report knows who wrote last, not what."""
    entries = ledger.Entry.objects.of(QuarterReport._meta.db_table, report.pk).order_by("-seq")
    return next((each.actor for each in entries.iterator() if each.old.get(name) != each.new.get(name)), "")


def _held_by_another(name: Any, value: str, person: User | str) -> ValidationError:
    return ValidationError(
        _("«%(name)s» holds %(value)s, entered by %(person)s. Compare and change it in the form.")
        % {"name": name, "value": value, "person": person}
    )
