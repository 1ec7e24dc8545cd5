"""Figures from a CSV file: read and checked whole, written all or none through the workflow's verbs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

from django.core.exceptions import PermissionDenied, ValidationError
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from ledger import models as ledger
from ledger.acting import acting
from objectives.fields import nfc, refuse_control_characters
from objectives.forms import RocDateField
from objectives.models import Unit, User
from objectives.roc import roc_date

from .. import workflow
from ..fields import read_number
from ..models import QUARTERS, Indicator, QuarterReport, Variable
from ..numbers import NumberError, format_number, parse_number
from .preview import Problem

# The columns of the file, whatever the language of the screen.
HEADERS = ("年度", "季別", "指標代碼", "填報項目", "數值", "備註")
UNIT = "單位"
# Columns that a file may have besides, and what of a report they fill in.
TEXTS = {
    "落後原因": "lag_reason",
    "因應對策": "response",
    "預定改善期限": "improve_by",
    "需協調事項": "coordination",
    "異常說明": "check_note",
}
OPTIONAL = (UNIT, *TEXTS)
NOT_APPLICABLE = "不適用"
REMARK_LENGTH = 1000
YES_NO = {"是": Decimal(1), "否": Decimal(0)}


class ImportRefused(ValidationError):
    """The file was not taken; nothing was written."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems, key=lambda problem: problem.row)
        super().__init__([_("Row %(row)s: %(reason)s") % vars(problem) for problem in self.problems])


@dataclass(frozen=True)
class Entry:
    """A row that was understood; value None declares the quarter 不適用, with remark as the reason."""

    row: int
    variable: Variable
    quarter: int | None  # None for a constant of the plan
    value: Decimal | None
    remark: str
    unit: Unit | None = None  # whose share it is
    texts: Mapping[str, str | date] = field(default_factory=dict)

    @property
    def key(self) -> workflow.Key:
        return (self.variable.symbol, self.unit.pk) if self.unit else self.variable.symbol


@dataclass
class Outcome:
    """What an import did."""

    figures: int = 0
    constants: int = 0
    reports: list[QuarterReport] = field(default_factory=list)


@dataclass(frozen=True)
class _Decisions:
    """Which steps the reports take after the figures are in, and who takes them."""

    submit: bool
    endorser: User | None
    approver: User | None

    def take(self, report: QuarterReport, *, by: User, now: datetime) -> QuarterReport:
        if not self.submit:
            return report
        report = workflow.submit(report=report, by=by, now=now)
        if self.endorser and report.indicator.goal.plan.head_step:
            report = workflow.endorse(report=report, by=self.endorser, now=now)
        if self.approver:
            report = workflow.approve(report=report, by=self.approver, now=now)
        return report


class _DryRun(Exception):
    """Ends a dry run: nothing was to be written, so nothing was refused either."""


def import_figures(
    content: bytes,
    *,
    by: User,
    now: datetime,
    agency: str | None = None,
    submit: bool = False,
    endorser: User | None = None,
    approver: User | None = None,
    dry_run: bool = False,
) -> Outcome:
    """Write the file's figures as by, then submit, endorse and approve the reports where asked.

    Without an endorser the approver passes the head's step too, and so must be entitled to both. agency is
    the code of the unit whose plans the file is about, needed where several have an indicator.
    Raises ImportRefused with every bad row; then, and in a dry run, nothing has changed.
    """
    entries, problems = read_entries(content, by, agency)
    outcome = Outcome()
    try:
        with acting(actor=by, source=ledger.Source.IMPORT):
            # Rows that cannot be read leave their reports unfinished, so those are not submitted; they are
            # still tried as drafts, for one run to name everything.
            submit = submit and not problems
            decide = _Decisions(submit, endorser or approver, approver)
            problems += _write(entries, outcome, by=by, now=now, decide=decide)
            if dry_run:
                raise _DryRun
            if problems:
                raise ImportRefused(problems)
    except _DryRun:
        if problems:
            raise ImportRefused(problems) from None
    return outcome


def read_entries(content: bytes, by: User, agency: str | None = None) -> tuple[list[Entry], list[Problem]]:
    """Understand the file row by row. Raises ImportRefused where it is no such file at all."""
    rows, problems = _rows(content)
    visible = Indicator.objects.visible_to(by)
    if agency:
        visible = visible.filter(goal__plan__unit__code=agency)
    indicators: dict[tuple[int, str], list[Indicator]] = {}
    related = visible.select_related("goal__plan__unit", "lead_unit")
    for indicator in related.prefetch_related("variables", "contributing_units"):
        indicators.setdefault((indicator.goal.plan.year, indicator.code), []).append(indicator)
    entries: list[Entry] = []
    seen: dict[tuple[int, int | None, int | None], int] = {}
    for number, row in rows:
        try:
            entry = _entry(number, row, indicators)
        except ValidationError as error:
            problems += [Problem(number, message) for message in error.messages]
            continue
        unit = entry.unit.pk if entry.unit else None
        first = seen.setdefault((entry.variable.pk, entry.quarter, unit), number)
        if first != number:
            problems.append(Problem(number, _("This figure stands in row %(row)s already.") % {"row": first}))
        entries.append(entry)
    return entries, problems


def _rows(content: bytes) -> tuple[list[tuple[int, dict[str, str]]], list[Problem]]:
    """Decode the file, check its header, and name the rows that do not fit it; blank ones are passed over."""
    reader = csv.reader(io.StringIO(_decoded(content), newline=""), strict=True)
    try:
        table = list(enumerate(reader, start=1))
    except csv.Error as error:
        reason = _("This is not readable as CSV (%(error)s). Check the quotation marks.") % {"error": error}
        raise ImportRefused([Problem(reader.line_num, reason)]) from error
    if not table:
        raise ImportRefused([Problem(1, _("The file is empty."))])
    header = [cell.strip() for cell in table[0][1]]
    columns = _(", ").join(HEADERS + OPTIONAL)
    problems = [
        _("The column «%(header)s» is missing. The columns are: %(columns)s.")
        % {"header": name, "columns": columns}
        for name in HEADERS
        if name not in header
    ]
    problems += [
        _("The column «%(header)s» stands there more than once.") % {"header": name}
        for name in dict.fromkeys(header)
        if header.count(name) > 1
    ]
    problems += [
        _("The column «%(header)s» is unknown. The columns are: %(columns)s.")
        % {"header": name, "columns": columns}
        for name in dict.fromkeys(header)
        if name not in HEADERS + OPTIONAL
    ]
    if problems:
        raise ImportRefused(Problem(1, problem) for problem in problems)
    rows = []
    crooked = []
    for number, cells in table[1:]:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            reason = _("The row has %(found)s cells, the header has %(expected)s.")
            crooked.append(Problem(number, reason % {"found": len(cells), "expected": len(header)}))
        else:
            rows.append((number, dict(zip(header, cells, strict=True))))
    if not rows and not crooked:
        raise ImportRefused([Problem(1, _("The file has no figures."))])
    return rows, crooked


def _decoded(content: bytes) -> str:
    """Read UTF-8, with or without BOM; or Big5 as Taiwan's spreadsheets save it."""
    if b"\0" in content:
        raise ImportRefused([Problem(1, _("This is not a text file. Save it as CSV."))])
    for encoding in ("utf-8-sig", "cp950"):
        try:
            return nfc(content.decode(encoding))
        except UnicodeDecodeError:
            continue
    raise ImportRefused([Problem(1, _("The file is neither UTF-8 nor Big5. Save it as CSV in UTF-8."))])


def _entry(number: int, row: dict[str, str], indicators: dict[tuple[int, str], list[Indicator]]) -> Entry:
    """Understand one row; ValidationError says everything that is wrong with it as far as can be told."""
    row = {header: cell.strip() for header, cell in row.items()}
    refuse_control_characters(row["備註"])
    if len(row["備註"]) > REMARK_LENGTH:
        raise ValidationError(
            _("Column %(header)s has more than %(length)s characters.")
            % {"header": "備註", "length": REMARK_LENGTH}
        )
    year = _small_number("年度", row["年度"])
    found = indicators.get((year, row["指標代碼"]), [])
    if not found:
        raise ValidationError(
            _("There is no indicator «%(code)s» in the plan of ROC year %(year)s.")
            % {"code": row["指標代碼"], "year": year}
        )
    if len(found) > 1:
        agencies = _(", ").join(each.goal.plan.unit.code for each in found)
        raise ValidationError(
            _("Several agencies have an indicator «%(code)s»: %(agencies)s. Name one with --agency.")
            % {"code": row["指標代碼"], "agencies": agencies}
        )
    [indicator] = found
    item = row["填報項目"]
    variable = next((v for v in indicator.variables.all() if item in (v.symbol, v.name)), None)
    if variable is None:
        known = _(", ").join(f"{v.symbol}（{v.name}）" for v in indicator.variables.all())
        raise ValidationError(
            _("%(code)s has no item «%(item)s». It has: %(known)s.")
            % {"code": indicator.code, "item": item, "known": known}
        )
    variable.indicator = indicator
    quarter = _quarter(row["季別"], variable)
    unit = _unit(row.get(UNIT, ""), variable)
    texts = _texts(row)
    if row["數值"] == NOT_APPLICABLE and quarter:
        if not row["備註"]:
            raise ValidationError(
                _("Give the reason why it is not applicable in the column %(header)s.") % {"header": "備註"}
            )
        return Entry(number, variable, quarter, None, row["備註"], unit, texts)
    return Entry(number, variable, quarter, _value(row["數值"], variable), row["備註"], unit, texts)


def _unit(text: str, variable: Variable) -> Unit | None:
    """Find the unit whose share a row is, by code or name; None where the row names none."""
    if not text:
        return None
    participants = variable.indicator.participants
    if not variable.by_unit:
        raise ValidationError(
            _("Column %(header)s: «%(name)s» is not given by unit; leave it empty.")
            % {"header": UNIT, "name": variable}
        )
    for unit in participants:
        if text in (unit.code, unit.name):
            return unit
    raise ValidationError(
        _("Column %(header)s: «%(text)s» does not contribute. The units are: %(units)s.")
        % {"header": UNIT, "text": text[:40], "units": _(", ").join(unit.name for unit in participants)}
    )


def _texts(row: Mapping[str, str]) -> dict[str, str | date]:
    """Return what a row says for the report besides its figure, by the report's fields."""
    texts: dict[str, str | date] = {}
    for header, name in TEXTS.items():
        text = row.get(header, "")
        refuse_control_characters(text)
        if len(text) > REMARK_LENGTH:
            raise ValidationError(
                _("Column %(header)s has more than %(length)s characters.")
                % {"header": header, "length": REMARK_LENGTH}
            )
        if text:
            texts[name] = _day(header, text) if name == "improve_by" else text
    return texts


def _day(header: str, text: str) -> date:
    try:
        return RocDateField().clean(text)
    except ValidationError as error:
        raise ValidationError(
            _("Column %(header)s: %(why)s") % {"header": header, "why": " ".join(error.messages)}
        ) from error


def _small_number(header: str, text: str) -> int:
    try:
        return int(parse_number(text, whole=True))
    except NumberError as error:
        raise ValidationError(
            _("Column %(header)s: «%(text)s» is not a number.") % {"header": header, "text": text}
        ) from error


def _quarter(text: str, variable: Variable) -> int | None:
    if variable.is_constant:
        if text:
            raise ValidationError(
                _("«%(name)s» is a constant of the plan: leave the column %(header)s empty.")
                % {"name": variable, "header": "季別"}
            )
        return None
    if not text:
        raise ValidationError(
            _("Column %(header)s: only a constant of the plan leaves it empty, and «%(name)s» is none.")
            % {"header": "季別", "name": variable}
        )
    quarter = _small_number("季別", text)
    if quarter not in QUARTERS:
        raise ValidationError(
            _("Column %(header)s: «%(text)s» is not 1, 2, 3 or 4.") % {"header": "季別", "text": text}
        )
    return quarter


def _value(text: str, variable: Variable) -> Decimal:
    if variable.kind == Variable.Kind.YES_NO and text in YES_NO:
        return YES_NO[text]
    whole = variable.kind != Variable.Kind.AMOUNT
    value = read_number(text, whole=whole, negative=variable.may_be_negative)
    if not variable.is_constant:
        workflow.check_figure(variable, value)
    return value


def _write(
    entries: list[Entry], outcome: Outcome, *, by: User, now: datetime, decide: _Decisions
) -> list[Problem]:
    """Write constants, then report by report; return what was refused, by row."""
    problems: list[Problem] = []
    by_report: dict[tuple[int, int], list[Entry]] = {}
    for entry in entries:
        if entry.quarter is None and entry.value is not None:
            try:
                with acting():
                    workflow.set_constant(
                        variable=entry.variable, value=entry.value, by=by, approver=decide.approver
                    )
                outcome.constants += 1
            except (ValidationError, PermissionDenied) as error:
                problems += _problems(entry.row, error)
        elif entry.quarter is not None:
            by_report.setdefault((entry.variable.indicator_id, entry.quarter), []).append(entry)
    workflow.create_reports({group[0].variable.indicator for group in by_report.values()})
    for (indicator, quarter), group in by_report.items():
        report = QuarterReport.objects.select_related("indicator__lead_unit").get(
            indicator=indicator, quarter=quarter
        )
        try:
            with acting():
                _respect_others(report, group, by=by, whole=decide.submit)
                report = decide.take(_write_report(report, group, by=by, now=now), by=by, now=now)
            outcome.figures += len(group)
            outcome.reports.append(report)
        except (ValidationError, PermissionDenied) as error:
            for entry in group:
                problems += _problems(entry.row, error)
    return problems


def _respect_others(report: QuarterReport, group: list[Entry], *, by: User, whole: bool) -> None:
    """Refuse to replace, or to submit unseen, what somebody else entered: a form would have shown it.

    Another unit's share is what the lead unit is to submit.
    """
    given = {(entry.variable.pk, entry.unit.pk if entry.unit else None): entry.value for entry in group}
    others = report.figures.filter(demo=False).exclude(changed_by=by).select_related("variable", "changed_by")
    for figure in others:
        key = figure.variable_id, figure.unit_id
        unseen = whole and figure.unit_id in (None, report.indicator.lead_unit_id)
        if unseen if key not in given else given[key] != figure.value:
            raise _held_by_another(figure.variable, format_number(figure.value), figure.changed_by)
    _respect_texts(report, _report_texts(group), by=by, whole=whole)


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
            words = Truncator(roc_date(there) if isinstance(there, date) else there).chars(40)
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


def _write_report(report: QuarterReport, group: list[Entry], *, by: User, now: datetime) -> QuarterReport:
    declared = [entry for entry in group if entry.value is None]
    if declared and len(declared) < len(group):
        raise ValidationError(_("A quarter is either not applicable or has figures, not both."))
    figures = {} if declared else {entry.key: entry.value for entry in group}
    texts = _report_texts(group)
    return workflow.save_draft(report=report, by=by, now=now, figures=figures, restate=True, **texts)


def _report_texts(group: list[Entry]) -> workflow.Texts:
    """Put together what the rows of a report say for it; several texts follow each other, days must agree."""
    is_declaration = any(entry.value is None for entry in group)
    of_remark = "not_applicable_reason" if is_declaration else "remark"
    said: dict[str, list[str | date]] = {of_remark: [entry.remark for entry in group if entry.remark]}
    for name in TEXTS.values():
        said[name] = [entry.texts[name] for entry in group if name in entry.texts]
    texts = {name: _joined(name, list(dict.fromkeys(each))) for name, each in said.items() if each}
    return cast(workflow.Texts, texts)


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


def _problems(row: int, error: ValidationError | PermissionDenied) -> list[Problem]:
    messages = error.messages if isinstance(error, ValidationError) else [str(error)]
    return [Problem(row, message) for message in messages]
