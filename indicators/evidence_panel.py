"""The evidence of a report as pages show it: the list, and the forms where the visitor may add to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from objectives.models import User
from objectives.permissions import can

from . import workflow
from .file_check import MAX_SIZE, MEGABYTE, TYPES
from .models import Evidence, QuarterReport

TYPE_NAMES = {kind.content_type: kind.extension.upper() for kind in TYPES.values()}


class ManyFiles(forms.FileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files; what each of them is, the verb judges."""

    widget = ManyFiles

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        if not data:
            raise forms.ValidationError(self.error_messages["required"], code="required")
        return list(data)


class FilesForm(forms.Form):
    """Files, and what they show."""

    uploads = FilesField(
        label=gettext_lazy("Files"),
        widget=ManyFiles(attrs={"accept": ",".join(f".{extension}" for extension in TYPES)}),
        error_messages={"required": gettext_lazy("Choose the files to upload.")},
    )
    note = forms.CharField(label=gettext_lazy("What they show"), max_length=200, required=False)


class NumberForm(forms.Form):
    """The number of a document, and what it shows."""

    document_number = forms.CharField(
        label=gettext_lazy("Document number"),
        max_length=100,
        error_messages={"required": gettext_lazy("Enter the number of the document.")},
    )
    note = forms.CharField(label=gettext_lazy("What it shows"), max_length=200, required=False)


def files_form(data: Any = None, files: Any = None) -> FilesForm:
    return FilesForm(data, files, auto_id="evidence_files_%s")


def number_form(data: Any = None) -> NumberForm:
    return NumberForm(data, auto_id="evidence_number_%s")


@dataclass(frozen=True)
class Piece:
    """A piece of evidence in the list."""

    evidence: Evidence
    removable: bool

    @property
    def kind(self) -> str:
        stored = self.evidence.content_type
        return TYPE_NAMES.get(stored, stored) if stored else _("Document number")


@dataclass(frozen=True)
class Panel:
    """What a visitor sees of a report's evidence; back is the address to return to, empty: its own page."""

    report: QuarterReport
    pieces: list[Piece]
    may_add: bool
    closed: str  # why nobody can change it at present
    back: str = ""
    problems: Iterable[str] = ()
    files: FilesForm = field(default_factory=files_form)
    number: NumberForm = field(default_factory=number_form)

    @classmethod
    def of(cls, report: QuarterReport, user: User, now: datetime, **rest: Any) -> Panel:
        may_add, closed = _standing(report, user, now)
        leads = can(user, "indicators.change_quarterreport", report)
        pieces = [
            Piece(each, removable=may_add and not each.removed_at and (leads or each.added_by_id == user.pk))
            for each in report.evidence.select_related("added_by", "removed_by")
        ]
        return cls(report, pieces, may_add, closed, **rest)

    @property
    def kept(self) -> list[Evidence]:
        return [piece.evidence for piece in self.pieces if not piece.evidence.removed_at]

    @property
    def size(self) -> int:
        return sum(evidence.size or 0 for evidence in self.kept)

    @property
    def limits(self) -> dict[str, int]:
        return {
            "pieces": workflow.MAX_PIECES,
            "file": MAX_SIZE // MEGABYTE,
            "total": workflow.MAX_TOTAL // MEGABYTE,
        }


def _standing(report: QuarterReport, user: User, now: datetime) -> tuple[bool, str]:
    """Say whether the visitor may change the evidence now, and where only the moment is wrong, why."""
    try:
        workflow.require_open_for_evidence(report=report, by=user, now=now)
    except PermissionDenied:
        return False, ""
    except workflow.Refusal as refusal:
        return False, " ".join(refusal.messages)
    return True, ""
