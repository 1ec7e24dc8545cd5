"""The pages of evidence: a report's list with its forms, a file to take away, and the removal of a piece."""

from __future__ import annotations

import logging
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied, SuspiciousOperation, ValidationError
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ledger.acting import record
from ledger.models import Action
from objectives.models import User

from . import evidence_store, workflow
from .access import ALONE, page
from .evidence_panel import Panel, files_form, number_form
from .models import Evidence, QuarterReport
from .report_form import enters_for
from .uploads import has_failed, is_too_large

logger = logging.getLogger(__name__)


@page("GET", "HEAD", "POST")
def evidence(request: HttpRequest, pk: int) -> HttpResponse:
    """A report's evidence; what is posted is added to it, all of it or nothing."""
    user = cast(User, request.user)
    reports = QuarterReport.objects.visible_to(user)
    report = get_object_or_404(reports.select_related("indicator__goal__plan", "indicator__lead_unit"), pk=pk)
    if request.method == "POST":
        return _add(request, user, report)
    return _show(request, user, report)


def _show(
    request: HttpRequest, user: User, report: QuarterReport, status: int = 200, **rest: Any
) -> HttpResponse:
    panel = Panel.of(report, user, timezone.now(), back=_back(request), **rest)
    context = {"panel": panel, "report": report, "indicator": report.indicator}
    return render(request, "indicators/evidence.html", context, status=status)


def _back(request: HttpRequest) -> str:
    """Return the address on this site that the visitor came from, or ""."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else ""


def _add(request: HttpRequest, user: User, report: QuarterReport) -> HttpResponse:
    if not enters_for(user, report):
        raise PermissionDenied(_("Your roles do not allow this. Please ask an administrator."))
    action = request.POST.get("action")  # reads the request
    if is_too_large(request):
        problem = _("These files are more than a report can have. None of them was kept.")
        return _show(request, user, report, status=413, problems=[problem])
    if has_failed(request):
        return _show(request, user, report, status=507, problems=[workflow.NOT_STORED])
    match action:
        case "files":
            return _add_files(request, user, report)
        case "number":
            return _add_number(request, user, report)
    raise SuspiciousOperation("unknown action")


def _add_files(request: HttpRequest, user: User, report: QuarterReport) -> HttpResponse:
    form = files_form(request.POST, request.FILES)
    if not form.is_valid():
        return _show(request, user, report, files=form)
    files, note = form.cleaned_data["uploads"], form.cleaned_data["note"]
    try:
        added = workflow.add_files(report=report, files=files, note=note, by=user, now=timezone.now())
    except ValidationError as error:
        return _show(request, user, report, files=form, problems=error.messages)
    words = ngettext("%(number)s file was added.", "%(number)s files were added.", len(added))
    messages.success(request, words % {"number": len(added)})
    return _done(request, report)


def _add_number(request: HttpRequest, user: User, report: QuarterReport) -> HttpResponse:
    form = number_form(request.POST)
    if not form.is_valid():
        return _show(request, user, report, number=form)
    number, note = form.cleaned_data["document_number"], form.cleaned_data["note"]
    try:
        workflow.add_document_number(report=report, number=number, note=note, by=user, now=timezone.now())
    except ValidationError as error:
        return _show(request, user, report, number=form, problems=error.messages)
    messages.success(request, _("The document number was added."))
    return _done(request, report)


def _done(request: HttpRequest, report: QuarterReport) -> HttpResponse:
    return HttpResponseRedirect(_back(request) or reverse("evidence", args=[report.pk]))


@page("GET")
def download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A file, to take away; that it was taken is in the ledger."""
    files = Evidence.objects.visible_to(cast(User, request.user)).kept().exclude(stored_name="")
    piece = get_object_or_404(files, pk=pk)
    try:
        file = evidence_store.opened(piece.stored_name, piece.sha256)
    except (evidence_store.Missing, evidence_store.Altered) as fault:
        logger.error("evidence %s (%s): %s", piece.pk, piece.stored_name, type(fault).__name__)
        return render(request, "indicators/evidence_unavailable.html", {"piece": piece}, status=500)
    record(Action.EXPORT, about=piece, details={"file": piece.name, "sha256": piece.sha256})
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": ALONE}
    return FileResponse(
        file, as_attachment=True, filename=piece.name, content_type=piece.content_type, headers=headers
    )


@page("GET", "HEAD", "POST")
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask whether a piece of evidence is to be removed, and remove it."""
    user = cast(User, request.user)
    pieces = Evidence.objects.visible_to(user).select_related(
        "report__indicator__goal__plan", "report__indicator__lead_unit", "added_by"
    )
    piece = get_object_or_404(pieces, pk=pk)
    problems: list[str] = []
    try:
        if request.method == "POST":
            workflow.remove_evidence(evidence=piece, by=user, now=timezone.now())
            messages.success(request, _("«%(name)s» was removed.") % {"name": piece})
            return _done(request, piece.report)
        workflow.require_removable(evidence=piece, by=user, now=timezone.now())
    except ValidationError as error:
        problems = error.messages
    context = {"piece": piece, "problems": problems, "back": _back(request)}
    return render(request, "indicators/evidence_remove.html", context)
