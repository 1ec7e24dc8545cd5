"""佐證資料: files and document numbers behind a report, which come and go while it is being filled in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import NoReturn

from django.core.files import File
from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ledger.acting import acting
from objectives.fields import folded, trimmed
from objectives.models import User
from objectives.permissions import can, require

from .. import evidence_store
from ..file_check import MEGABYTE, FileRefused, FileType, check_file, safe_name
from ..models import Evidence, QuarterReport
from ..wording import file_problem
from .drafts import locked
from .judging import CHANGE
from .periods import require_open, under_the_locks
from .refusals import Refusal

MAX_PIECES = 20  # of a report
MAX_TOTAL = 100 * MEGABYTE
NOT_STORED = gettext_lazy(
    "The files could not be stored, and none of them was kept. Please tell an administrator."
)


def add_files(
    *, report: QuarterReport, files: Sequence[File], by: User, now: datetime, note: str = ""
) -> list[Evidence]:
    """Put files behind a report, all of them or none; the note says what they show.

    Called outside of any transaction, so that nothing is left on the disk without its row. Raises
    PermissionDenied; Closed; Refusal (the report is not open for entry, a file is not acceptable or is there
    already, there would be too much, the disk is full); ValidationError for a note that cannot be stored.
    """
    with acting(actor=by, about=report):
        require_open_for_evidence(report=report, by=by, now=now)
    try:
        kinds = [_checked(file) for file in files]
        with evidence_store.written(files) as stored, acting(actor=by, about=report):
            report = locked(report, None)
            require_open_for_evidence(report=report, by=by, now=now)
            pieces = [
                Evidence(
                    report=report,
                    name=safe_name(file.name or ""),
                    stored_name=copy.name,
                    content_type=kind.content_type,
                    size=copy.size,
                    sha256=copy.sha256,
                    note=_one_line(note),
                    added_by=by,
                    added_at=now,
                )
                for file, kind, copy in zip(files, kinds, stored, strict=True)
            ]
            _refuse_repeated(report, pieces)
            return _save(report, pieces, by)
    except Unacceptable as error:
        refused = error.args
    except evidence_store.CannotStore:
        refused = (str(NOT_STORED),)
    _refuse(report, by, *refused)


class Unacceptable(Exception):
    """A file is refused; the message says which and why."""


def _checked(file: File) -> FileType:
    name = file.name or ""
    try:
        return check_file(file, name, file.size)  # type: ignore[arg-type]
    except FileRefused as error:
        shown = "".join(letter if letter.isprintable() else "�" for letter in name)[:100]
        raise Unacceptable(
            _("«%(name)s»: %(problem)s") % {"name": shown, "problem": file_problem(error)}
        ) from error


def _refuse(report: QuarterReport, by: User, *messages: str) -> NoReturn:
    """Refuse within `acting`, which writes down that somebody was refused."""
    with acting(actor=by, about=report):
        raise Refusal(list(messages))


def add_document_number(
    *, report: QuarterReport, number: str, by: User, now: datetime, note: str = ""
) -> Evidence:
    """Put the number of a document behind a report; the note says what the document shows.

    Raises PermissionDenied; Closed; Refusal (the report is not open for entry, the number is there already,
    there would be too much); ValidationError for a number or note that cannot be stored.
    """
    with acting(actor=by, about=report):
        report = locked(report, None)
        require_open_for_evidence(report=report, by=by, now=now)
        number = _one_line(number)
        if not number:
            raise Refusal(_("Enter the number of the document."))
        piece = Evidence(
            report=report, document_number=number, note=_one_line(note), added_by=by, added_at=now
        )
        there = report.evidence.kept().values_list("document_number", flat=True)
        if folded(number) in map(folded, there):
            raise Refusal(_("The document number «%(number)s» is there already.") % {"number": number})
        return _save(report, [piece], by)[0]


def remove_evidence(*, evidence: Evidence, by: User, now: datetime) -> Evidence:
    """Take a piece of evidence away: its file is deleted, its row stays and says who did it.

    Whoever enters for the lead unit may remove every piece, others what they added themselves. Raises
    PermissionDenied; Closed; Refusal (the report is not open for entry, or it was removed before).
    """
    with acting(actor=by, about=evidence.report):
        report = locked(evidence.report, None)
        evidence = report.evidence.get(pk=evidence.pk)
        require_removable(evidence=evidence, by=by, now=now)
        evidence.removed_by, evidence.removed_at = by, now
        with under_the_locks():
            evidence.save(update_fields=["removed_by", "removed_at"])
        report.editors.add(by)
        if evidence.stored_name:
            # Deleted with the row's transaction, not before; a file that cannot be is logged, and
            # `check_evidence` names it.
            transaction.on_commit(partial(evidence_store.delete, evidence.stored_name), robust=True)
        return evidence


def require_removable(*, evidence: Evidence, by: User, now: datetime) -> None:
    """Raise PermissionDenied, Closed or Refusal unless `by` may remove the piece now."""
    if evidence.added_by_id != by.pk:
        require(by, CHANGE, evidence.report)
    require_open_for_evidence(report=evidence.report, by=by, now=now)
    if evidence.removed_at:
        raise Refusal(_("This piece of evidence was removed already."))


def require_open_for_evidence(*, report: QuarterReport, by: User, now: datetime) -> None:
    """Raise PermissionDenied, Closed or Refusal unless `by` may add evidence to the report now.

    Whoever enters for the lead unit or a contributing one may. What they add is the whole report's, so the
    quarter must be open for its lead unit.
    """
    if not any(can(by, CHANGE, unit) for unit in report.indicator.participants):
        require(by, CHANGE, report)
    require_open(report.indicator.goal.plan, report.quarter, report.permission_units(), now)
    if not report.is_open_for_entry:
        raise Refusal(
            _("This report is «%(status)s»; evidence can be changed only in a draft or a returned report.")
            % {"status": report.get_status_display()}
        )


def _one_line(text: str) -> str:
    return trimmed(" ".join(text.split()))


def _refuse_repeated(report: QuarterReport, pieces: Sequence[Evidence]) -> None:
    """Refuse a file that is behind the report already, or comes twice at once, whatever its name."""
    there = dict(report.evidence.kept().exclude(sha256="").values_list("sha256", "name"))
    for piece in pieces:
        if piece.sha256 in there:
            raise Refusal(
                _("«%(name)s» is the same file as «%(other)s», which is there already.")
                % {"name": piece.name, "other": there[piece.sha256]}
            )
        there[piece.sha256] = piece.name


def _save(report: QuarterReport, pieces: list[Evidence], by: User) -> list[Evidence]:
    """Save new pieces unless the report would have too much; whoever adds one has changed the report."""
    kept = report.evidence.kept()
    if kept.count() + len(pieces) > MAX_PIECES:
        raise Refusal(
            _("A report has at most %(number)s pieces of evidence; this one has %(there)s.")
            % {"number": MAX_PIECES, "there": kept.count()}
        )
    size = sum(piece.size or 0 for piece in pieces)
    if size and (kept.aggregate(total=Sum("size"))["total"] or 0) + size > MAX_TOTAL:
        raise Refusal(
            _("The files of a report have at most %(number)s MB together.")
            % {"number": MAX_TOTAL // MEGABYTE}
        )
    for piece in pieces:
        piece.full_clean(exclude=["size", "removed_by", "removed_at"])  # may be null
    with under_the_locks():
        for piece in pieces:
            piece.save()
    report.editors.add(by)
    return pieces
