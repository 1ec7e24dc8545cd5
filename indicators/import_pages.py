"""The pages of imports: the list with the upload, a file's preview or what became of it, and its files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ledger.acting import record
from ledger.models import Action
from objectives.models import Plan, User

from .access import ALONE, page
from .import_forms import LIMIT, FilterForm, UploadForm
from .imports import batches
from .imports.batches import CHANGE_PLAN
from .imports.lines import ImportRefused
from .imports.marked import marked_copy
from .imports.preview import Preview, Row, RowState
from .imports.workbook import FORMATS
from .imports.written import named, tally, touched, written
from .models import ImportBatch, ImportFile
from .my_work import ENTER, opened_periods, unit_pages
from .uploads import has_failed, is_too_large
from .workflow import NOT_STORED, Refusal

VIEW = "indicators.view_quarterreport"
BATCHES_A_PAGE = 50
ROWS_A_PAGE = 200
PROBLEMS_AT_ONCE = 200  # above the table; the rows say the rest
PERIODS_TOLD = PLANS_TOLD = 4

State = ImportBatch.State
CONTENT_TYPES = {kind.extension: kind.content_type for kind in batches.READABLE}


@dataclass(frozen=True)
class Mark:
    """A state as a page shows it: word, symbol and colour."""

    word: str | Promise
    symbol: str
    colour: str


# In the order in which rows are shown: what needs somebody comes first.
ROW_MARKS = {
    RowState.ERROR: Mark(gettext_lazy("Error"), "✕", "red"),
    RowState.CONFLICT: Mark(gettext_lazy("Conflict"), "⇄", "amber"),
    RowState.CHANGED: Mark(gettext_lazy("To be changed"), "→", "accent"),
    RowState.NEW: Mark(gettext_lazy("New"), "＋", "green"),
    RowState.UNCHANGED: Mark(gettext_lazy("No change"), "＝", "none"),
}
BATCH_MARKS = {
    State.CHECKED: Mark(State.CHECKED.label, "○", "accent"),
    State.REFUSED: Mark(State.REFUSED.label, "✕", "red"),
    State.APPLIED: Mark(State.APPLIED.label, "✓", "green"),
    State.WITHDRAWN: Mark(State.WITHDRAWN.label, "－", "none"),
}


@dataclass(frozen=True)
class Choice:
    """A link that narrows the table to the rows of one state, with how many there are."""

    mark: Mark
    number: int
    query: str
    current: bool


# -- The list and the upload -------------------------------------------------------------------------------


@page("GET", "HEAD")
def imports(request: HttpRequest) -> HttpResponse:
    """The imports that the person may see, the newest first, as the address narrows them."""
    user = cast(User, request.user)
    form = FilterForm(request.GET)
    found = form.narrowed(ImportBatch.objects.visible_to(user))
    part = _part(request, found.select_related("unit", "plan", "uploaded_by", "decided_by"), BATCHES_A_PAGE)
    context = {
        "form": form,
        "part": part,
        "batches": [(batch, BATCH_MARKS[State(batch.state)]) for batch in part],
        **_upload_form(user, UploadForm()),
    }
    return render(request, "indicators/imports/list.html", context)


@page("GET", "HEAD", "POST")
def import_upload(request: HttpRequest) -> HttpResponse:
    """Take a file: check it, keep it, and lead to what it would do."""
    user = cast(User, request.user)
    if not batches.may_upload(user):
        raise PermissionDenied(_("Your roles do not allow this. Please ask an administrator."))
    if request.method != "POST":
        return _show_upload(request, UploadForm())
    if is_too_large(request):
        words = _(
            "The file is far larger than the %(limit)s MB that can be imported. Nothing of it was kept."
        )
        return _show_upload(request, UploadForm(), words % {"limit": LIMIT}, status=413)
    if has_failed(request):
        return _show_upload(request, UploadForm(), str(NOT_STORED), status=507)
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _show_upload(request, form)
    file = form.cleaned_data["file"]
    return _to(batches.upload(content=file.read(), name=file.name, by=user, now=timezone.now()))


def _show_upload(
    request: HttpRequest, form: UploadForm, problem: str = "", status: int = 200
) -> HttpResponse:
    context = {**_upload_form(cast(User, request.user), form), "problem": problem}
    return render(request, "indicators/imports/upload.html", context, status=status)


def _upload_form(user: User, form: UploadForm) -> dict[str, Any]:
    """Return what the form needs: nothing for whoever may not upload."""
    if not batches.may_upload(user):
        return {}
    periods = opened_periods(user, timezone.now())[:PERIODS_TOLD]
    sheets = unit_pages(user, periods, ENTER, "worksheet")
    plans = Plan.objects.filter(unit__in=user.rights.units(CHANGE_PLAN), closed_at=None).order_by("-year")
    return {
        "upload": form,
        "limit": LIMIT,
        "worksheets": [(period, *each) for period in periods for each in sheets[period.pk]],
        "plans": plans[:PLANS_TOLD],
    }


def _part(request: HttpRequest, found: Any, size: int) -> Page[Any]:
    return Paginator(found, size).get_page(request.GET.get("page"))


# -- One import --------------------------------------------------------------------------------------------


@page("GET", "HEAD")
def import_batch(request: HttpRequest, pk: int) -> HttpResponse:
    """What a file would do, or what became of it."""
    return _show(request, _batch(request, pk))


def _batch(request: HttpRequest, pk: int) -> ImportBatch:
    """Return an import. Raises Http404 for one that the person may not see."""
    visible = ImportBatch.objects.visible_to(cast(User, request.user))
    return get_object_or_404(visible.select_related("unit", "plan", "uploaded_by", "decided_by"), pk=pk)


def _to(batch: ImportBatch) -> HttpResponse:
    return HttpResponseRedirect(reverse("import_batch", args=[batch.pk]))


def _show(request: HttpRequest, batch: ImportBatch, problems: Sequence[str] = ()) -> HttpResponse:
    """Show an import; problems say why what was just asked for was not done."""
    user = cast(User, request.user)
    context = {
        "batch": batch,
        "mark": BATCH_MARKS[State(batch.state)],
        "problems": problems,
        "mine": batch.uploaded_by_id == user.pk,
        **_places(batch, user),
        "may_upload": batches.may_upload(user),
        "is_kept": ImportFile.objects.filter(batch=batch).exists(),
    }
    match batch.state:
        case State.APPLIED:
            context |= _written(request, batch)
        case State.CHECKED | State.REFUSED if context["is_kept"]:
            context |= _previewed(request, batch)
    return render(request, "indicators/imports/batch.html", context)


def _written(request: HttpRequest, batch: ImportBatch) -> dict[str, Any]:
    is_plan = batch.kind == ImportBatch.Kind.PLAN
    part = _part(request, touched(batch) if is_plan else written(batch), ROWS_A_PAGE)
    return {"tally": tally(batch), "part": part, "things": named(part) if is_plan else []}


def _places(batch: ImportBatch, user: User) -> dict[str, str]:
    """Return the addresses of the worksheet or plan that a file is about, and of its workbook."""
    if batch.plan is None or batch.unit_id not in user.rights.units(VIEW):
        return {}
    extension = _extension(batch) if _extension(batch) in FORMATS else next(iter(FORMATS))
    if batch.kind == ImportBatch.Kind.PLAN:
        return {
            "plan": reverse("admin:objectives_plan_change", args=[batch.plan_id]),
            "workbook": reverse("admin:indicators_plan_file", args=[batch.plan_id, extension]),
        }
    if batch.quarter is None:
        return {}
    sheet = (batch.plan.year, batch.quarter, batch.unit.code)
    return {
        "worksheet": reverse("worksheet", args=sheet),
        "workbook": reverse("workbook", args=[*sheet, extension]),
    }


def _preview(batch: ImportBatch) -> Preview:
    """Say what a file would do by now, in the eyes of whoever uploaded it: nobody else can apply it."""
    return batches.preview(batch, by=batch.uploaded_by, now=timezone.now())


def _previewed(request: HttpRequest, batch: ImportBatch) -> dict[str, Any]:
    try:
        found = _preview(batch)
    except Refusal as refusal:  # the kept file is not what was uploaded
        return {"lost": refusal.messages}
    asked = _asked(request)
    wrong = found.all_problems
    writes = found.count(RowState.NEW) + found.count(RowState.CHANGED)
    return {
        "preview": found,
        "choices": _choices(found, asked),
        "asked": ROW_MARKS[asked] if asked else None,
        "query": f"rows={_word(asked)}" if asked else "",
        "wrong": wrong[:PROBLEMS_AT_ONCE],
        "wrong_number": len(wrong),
        "has_sheets": any(problem.sheet for problem in wrong),
        "conflicts": found.count(RowState.CONFLICT),
        "writes": writes,
        "can_be_applied": batch.state == State.CHECKED and found.can_be_applied and writes > 0,
        **_rows(request, found, asked),
    }


def _asked(request: HttpRequest) -> RowState | None:
    """Return the state of rows that the address asks for; None for all, and for what is no state."""
    return {_word(state): state for state in RowState}.get(request.GET.get("rows", ""))


def _word(state: RowState) -> str:
    return state.value.lower()


def _choices(found: Preview, asked: RowState | None) -> list[Choice]:
    """Offer each state of rows, in the order of the words; the one that is chosen leads back to all."""
    return [
        Choice(mark, found.count(state), "" if state is asked else f"?rows={_word(state)}", state is asked)
        for state, mark in reversed(ROW_MARKS.items())
    ]


def _rows(request: HttpRequest, found: Preview, asked: RowState | None) -> dict[str, Any]:
    order = list(ROW_MARKS)
    rows: Iterable[Row] = (row for row in found.rows if asked in (None, row.state))
    part = _part(request, sorted(rows, key=lambda row: order.index(row.state)), ROWS_A_PAGE)
    return {"part": part, "rows": [(row, ROW_MARKS[row.state]) for row in part]}


# -- What is decided about it ------------------------------------------------------------------------------


@page("GET", "HEAD", "POST")
def import_apply(request: HttpRequest, pk: int) -> HttpResponse:
    """Write what a file says, once; whoever comes here otherwise is led to its preview."""
    batch = _batch(request, pk)
    if request.method != "POST":
        return _to(batch)
    try:
        batch, _written = batches.apply(batch=batch, by=cast(User, request.user), now=timezone.now())
    except (Refusal, ImportRefused) as error:
        return _show(request, _batch(request, pk), _told(error))
    number = batch.new + batch.changed
    words = ngettext("%(number)s row was imported.", "%(number)s rows were imported.", number)
    messages.success(request, words % {"number": number})
    return _to(batch)


def _told(error: ValidationError) -> list[str]:
    """Say why nothing was written; what is wrong with which row stands below."""
    if isinstance(error, ImportRefused):
        return [
            _("Nothing was imported: the data changed since the preview. See below what is wrong by now.")
        ]
    return error.messages


@page("GET", "HEAD", "POST")
def import_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a file up; whoever comes here otherwise is led to its preview."""
    batch = _batch(request, pk)
    if request.method != "POST":
        return _to(batch)
    try:
        batch = batches.withdraw(batch=batch, by=cast(User, request.user), now=timezone.now())
    except Refusal as refusal:
        return _show(request, _batch(request, pk), refusal.messages)
    words = _("«%(name)s» was withdrawn. Nothing of it was imported.")
    messages.success(request, words % {"name": batch.name})
    return _to(batch)


# -- Files to take away ------------------------------------------------------------------------------------


@page("GET")
def import_file(request: HttpRequest, pk: int) -> HttpResponse:
    """A file as it was uploaded; that it was taken is in the ledger."""
    batch = _batch(request, pk)
    try:
        content = batches.content_of(batch)
    except Refusal as refusal:
        return _show(request, batch, refusal.messages)
    return _taken(batch, content, batch.name, _extension(batch))


@page("GET")
def import_marked(request: HttpRequest, pk: int) -> HttpResponse:
    """A copy of a file with what is wrong in it marked in its cells."""
    batch = _batch(request, pk)
    try:
        content, extension = marked_copy(batches.content_of(batch), _extension(batch), _preview(batch))
    except Refusal as refusal:
        return _show(request, batch, refusal.messages)
    name = _("%(name)s (errors marked).%(extension)s")
    told = {"name": PurePath(batch.name).stem, "extension": extension}
    return _taken(batch, content, name % told, extension)


def _extension(batch: ImportBatch) -> str:
    return PurePath(batch.name).suffix.removeprefix(".").lower()


def _taken(batch: ImportBatch, content: bytes, name: str, extension: str) -> HttpResponse:
    sha256 = hashlib.sha256(content).hexdigest()
    record(Action.EXPORT, about=batch, details={"file": name, "sha256": sha256})
    headers = {
        "Content-Type": CONTENT_TYPES[extension],
        "Content-Disposition": content_disposition_header(True, name) or "attachment",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": ALONE,
    }
    return HttpResponse(content, headers=headers)
