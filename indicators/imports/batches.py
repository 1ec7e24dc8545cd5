"""匯入批次: an uploaded file is checked, kept, and applied once, by whoever uploaded it, on any host.

What a file would do is worked out anew whenever it is asked for, against what is stored by then.
"""

from __future__ import annotations

import gc
import hashlib
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from ledger import models as ledger
from ledger.acting import acting
from objectives.fields import nfc
from objectives.models import Unit, User
from objectives.roc import roc_moment
from objectives.spreadsheets.reading import MAX_SIZE, Sheet, SheetRefused, read_sheets

from ..file_check import MEGABYTE, FileProblem, FileRefused, FileType, check_file, safe_name
from ..models import ImportBatch, ImportFile
from ..wording import file_problem, sheet_problem
from ..workflow import Refusal
from ..workflow.drafts import CHANGE
from .figures import Decisions, Understood, check_figures, try_figures, write_figures
from .lines import SHEET, ImportRefused, placed
from .plan_files import check_plan, plan_of, write_plan
from .preview import Preview, Problem, RowState

READABLE = {FileType.CSV: "csv", FileType.XLSX: "xlsx", FileType.ODS: "ods"}
PLAN_SHEETS = {"計畫", "指標"}
CHANGE_PLAN = "objectives.change_plan"
LONGEST_REASON = 500  # characters of a problem that are kept
LONGEST_REFUSAL = 200  # problems that a batch keeps in words; checking its file again tells the rest


@contextmanager
def _uncollected() -> Iterator[None]:
    """Make objects without looking for garbage among them.

    Nearly all of a large file's live to the end; going over them again and again takes a third of the time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def may_upload(user: User) -> bool:
    """Say whether there is anything that user's files could write."""
    return bool(user.rights.units(CHANGE) or user.rights.units(CHANGE_PLAN))


@_uncollected()
def upload(
    *,
    content: bytes,
    name: str,
    by: User,
    now: datetime,
    agency: str | None = None,
    decide: Decisions | None = None,
) -> ImportBatch:
    """Check a file and keep it: as CHECKED, or as REFUSED with the reason; nothing of it is written yet.

    agency and decide are as `write_figures` has them. A file that is refused unread is not kept. Raises
    PermissionDenied for somebody whose files could write nothing.
    """
    unit = _unit_of(by)
    batch = ImportBatch(
        kind=ImportBatch.Kind.FIGURES,
        state=ImportBatch.State.CHECKED,
        unit=unit,
        name=_shown_name(name),
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        uploaded_by=by,
        uploaded_at=now,
    )
    keep = False
    try:
        sheets = read_file(content, name)
        keep = True
        _judge(batch, sheets, by, now, agency, decide)
    except ImportRefused as refused:
        _refuse(batch, refused.problems)
    with acting(actor=by, source=ledger.Source.IMPORT):
        batch.save()
        if keep:
            ImportFile.objects.create(batch=batch, content=content)
    return batch


@_uncollected()
def preview(batch: ImportBatch, *, by: User, now: datetime) -> Preview:
    """Say what a kept file would do by now. Raises Refusal for a file that was not kept."""
    try:
        sheets = read_file(content_of(batch), batch.name)
        return _check(batch.kind, sheets, by, now)[0]
    except ImportRefused as refused:
        return Preview([], refused.problems)


@_uncollected()
def apply(
    *,
    batch: ImportBatch,
    by: User,
    now: datetime,
    agency: str | None = None,
    decide: Decisions | None = None,
) -> tuple[ImportBatch, Understood | None]:
    """Write all that a file says, once; figures become drafts unless decide asks for more.

    Returns the batch and, of a file of figures, what was written. Raises ImportRefused with everything that
    is wrong by now; Refusal where it was applied, withdrawn or refused already; PermissionDenied for anyone
    but whoever uploaded it.
    """
    _require_own(batch, by)
    sheets = read_file(content_of(batch), batch.name)
    reason = _("Import %(number)s: %(name)s") % {"number": batch.pk, "name": batch.name}
    with acting(actor=by, source=ledger.Source.IMPORT, reason=reason, about=batch):
        batch = _locked(batch)
        written: Understood | None = None
        if batch.kind == ImportBatch.Kind.PLAN:
            _require_rights(by)
            found = write_plan(sheets, by=by, now=now)
            batch.plan = plan_of(sheets, by)  # one that the file itself brought, too
        else:
            written = write_figures(sheets, by=by, now=now, agency=agency, decide=decide)
            found = written.preview
        _count(batch, found)
        _decide(batch, ImportBatch.State.APPLIED, by, now)
    return batch, written


def rehearse(
    *,
    content: bytes,
    name: str,
    by: User,
    now: datetime,
    agency: str | None = None,
    decide: Decisions | None = None,
) -> Understood | None:
    """Do what `upload` and `apply` would do, and take all of it back; nothing is kept. Raises as they do."""
    sheets = read_file(content, name)
    if _kind_of(sheets) == ImportBatch.Kind.FIGURES:
        return try_figures(sheets, by=by, now=now, agency=agency, decide=decide)
    _require_rights(by)
    found = check_plan(sheets, by=by, now=now)
    if found.all_problems:
        raise ImportRefused(found.all_problems)
    return None


def withdraw(*, batch: ImportBatch, by: User, now: datetime) -> ImportBatch:
    """Decide that a file is not to be applied any more. Raises Refusal and PermissionDenied as `apply`."""
    _require_own(batch, by)
    with acting(actor=by, source=ledger.Source.IMPORT, about=batch):
        batch = _locked(batch)
        _decide(batch, ImportBatch.State.WITHDRAWN, by, now)
    return batch


def content_of(batch: ImportBatch) -> bytes:
    """Return a file as it was uploaded. Raises Refusal where it was not kept, or is no longer what it was."""
    file = ImportFile.objects.filter(batch=batch).first()
    if file is None:
        raise Refusal(_("This file was refused for what it is, and not kept."))
    content = bytes(file.content)
    if hashlib.sha256(content).hexdigest() != batch.sha256:
        raise Refusal(
            _("The kept file is not what was uploaded: its SHA-256 differs. Tell an administrator.")
        )
    return content


def read_file(content: bytes, name: str) -> list[Sheet]:
    """Read an uploaded file. Raises ImportRefused where it is not, wholly, a spreadsheet that can be read."""
    try:
        if len(content) > MAX_SIZE:
            raise FileRefused(FileProblem.TOO_LARGE, megabytes=MAX_SIZE // MEGABYTE)
        extension = name.rpartition(".")[2].lower()
        if extension not in READABLE.values():
            words = _("«%(extension)s» files are not imported. Upload the workbook as XLSX or ODS, or a CSV.")
            raise ImportRefused([Problem(0, words % {"extension": extension[:20]})])
        return read_sheets(content, READABLE[check_file(io.BytesIO(content), name, len(content))])
    except FileRefused as refused:
        raise ImportRefused([Problem(0, file_problem(refused))]) from refused
    except SheetRefused as refused:
        raise ImportRefused([Problem(0, sheet_problem(refused))]) from refused


def _unit_of(by: User) -> Unit:
    """Return the topmost unit for which a person enters figures, or changes plans."""
    units = by.rights.units(CHANGE) or by.rights.units(CHANGE_PLAN)
    if not units:
        raise PermissionDenied(_("Your roles do not allow this. Please ask an administrator."))
    tree = Unit.objects.tree()
    top = [unit for unit in units if tree.parents[unit] not in units]
    found: Unit = Unit.objects.filter(pk__in=top).order_by("code")[0]
    return found


def _shown_name(name: str) -> str:
    """Return a file's name as it can be shown, though the file may be refused for it."""
    try:
        return safe_name(name)
    except FileRefused:
        shown = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in nfc(name))
        return shown[:150]


def _judge(
    batch: ImportBatch,
    sheets: Sequence[Sheet],
    by: User,
    now: datetime,
    agency: str | None,
    decide: Decisions | None,
) -> None:
    batch.kind = _kind_of(sheets)
    if batch.kind == ImportBatch.Kind.PLAN:
        batch.plan = plan_of(sheets, by)
        batch.unit = batch.plan.unit if batch.plan else batch.unit
    found, understood = _check(batch.kind, sheets, by, now, agency, decide)
    _count(batch, found)
    if understood:
        _place(batch, understood)
    problems = found.all_problems
    if batch.conflicts:
        words = _("Somebody changed rows of this file since the download: %(number)s. Download it anew.")
        problems.append(Problem(0, words % {"number": batch.conflicts}))
    if problems:
        _refuse(batch, problems)


def _kind_of(sheets: Sequence[Sheet]) -> ImportBatch.Kind:
    names = {sheet.name for sheet in sheets}
    is_plan = names & PLAN_SHEETS and SHEET not in names
    return ImportBatch.Kind.PLAN if is_plan else ImportBatch.Kind.FIGURES


def _check(
    kind: str,
    sheets: Sequence[Sheet],
    by: User,
    now: datetime,
    agency: str | None = None,
    decide: Decisions | None = None,
) -> tuple[Preview, Understood | None]:
    if kind == ImportBatch.Kind.PLAN:
        _require_rights(by)
        return check_plan(sheets, by=by, now=now), None
    understood = check_figures(sheets, by=by, now=now, agency=agency, decide=decide)
    return understood.preview, understood


def _require_rights(by: User) -> None:
    """Refuse a plan's file of somebody who changes no plan, before it is tried under the ledger's lock."""
    if not by.rights.units(CHANGE_PLAN):
        raise ImportRefused([Problem(0, _("Your roles do not allow this. Please ask an administrator."))])


def _place(batch: ImportBatch, understood: Understood) -> None:
    """Say what a file of figures is about, where that is one thing."""
    indicators = [group.report.indicator for group in understood.groups.values()]
    plans = {indicator.goal.plan_id: indicator.goal.plan for indicator in indicators}
    quarters = {group.report.quarter for group in understood.groups.values()}
    units = {indicator.lead_unit_id: indicator.lead_unit for indicator in indicators}
    batch.plan = next(iter(plans.values())) if len(plans) == 1 else None
    batch.quarter = next(iter(quarters)) if len(quarters) == 1 else None
    batch.unit = next(iter(units.values())) if len(units) == 1 else batch.unit


def _count(batch: ImportBatch, found: Preview) -> None:
    batch.rows = len(found.rows)
    batch.new, batch.changed = found.count(RowState.NEW), found.count(RowState.CHANGED)
    batch.unchanged, batch.conflicts = found.count(RowState.UNCHANGED), found.count(RowState.CONFLICT)
    batch.errors = found.count(RowState.ERROR)


def _refuse(batch: ImportBatch, problems: Sequence[Problem]) -> None:
    batch.state = ImportBatch.State.REFUSED
    said = [Truncator(placed(problem)).chars(LONGEST_REASON) for problem in problems[:LONGEST_REFUSAL]]
    if len(problems) > LONGEST_REFUSAL:
        said.append(_("… and %(number)s more.") % {"number": len(problems) - LONGEST_REFUSAL})
    batch.refusal = "\n".join(said)


def _require_own(batch: ImportBatch, by: User) -> None:
    if batch.uploaded_by_id != by.pk:
        raise PermissionDenied(_("Only whoever uploaded a file can apply or withdraw it."))


def _locked(batch: ImportBatch) -> ImportBatch:
    """Read a batch under a lock, and refuse one that is decided: it is applied once, on whichever host."""
    found = ImportBatch.objects.select_for_update(of=("self",)).get(pk=batch.pk)
    if found.state == ImportBatch.State.REFUSED:
        raise Refusal(_("This file was refused and cannot be applied. Mend it and upload it again."))
    if found.state != ImportBatch.State.CHECKED and found.decided_at:
        words = {
            ImportBatch.State.APPLIED: _("This file was applied already, by %(person)s on %(moment)s."),
            ImportBatch.State.WITHDRAWN: _("This file was withdrawn, by %(person)s on %(moment)s."),
        }
        details = {"person": found.decided_by, "moment": roc_moment(found.decided_at)}
        raise Refusal(words[ImportBatch.State(found.state)] % details)
    return found


def _decide(batch: ImportBatch, state: ImportBatch.State, by: User, now: datetime) -> None:
    batch.state, batch.decided_by, batch.decided_at = state, by, now
    batch.save()
