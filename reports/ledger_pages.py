"""The pages of the ledger: an object's history for whoever sees the object, the whole for auditors."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib import admin
from django.db import models
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from indicators.models import Indicator
from ledger import check_export
from ledger.models import Entry
from objectives.models import User

from .exports.files import extensions
from .exports.ledger import LEDGER
from .exports.ledger import ledger_export as ledger_export_of
from .exports.pages import download, headers
from .history import tell
from .images import name
from .ledger_access import Slice, cursor, history_of, require_ledger
from .ledger_form import LedgerForm
from .views import guarded


@guarded
def history(request: HttpRequest, label: str, key: int) -> HttpResponse:
    """What happened to an object."""
    user = cast(User, request.user)
    thing, entries = history_of(user, label, key)
    part = _slice(request, entries)
    return render(
        request,
        "reports/history.html",
        {
            "title": name(thing),
            "kind": thing._meta.verbose_name,
            "place": _place(request, thing),
            "part": part,
            "happenings": tell(part.entries, about=thing),
        },
    )


def _place(request: HttpRequest, thing: models.Model) -> str:
    """Return the address where an object itself is shown to the visitor; empty where there is none."""
    if thing._state.adding:
        return ""
    if isinstance(thing, Indicator):
        plan = thing.goal.plan
        query = urlencode({"year": plan.year, "agency": plan.unit.code})
        return f"{reverse('indicator', args=[thing.code])}?{query}"
    registered = admin.site.is_registered(type(thing))
    if registered and admin.site.get_model_admin(type(thing)).has_view_permission(request, thing):
        return reverse(f"admin:{thing._meta.app_label}_{thing._meta.model_name}_change", args=[thing.pk])
    return ""


@guarded
def ledger(request: HttpRequest) -> HttpResponse:
    """The whole ledger, by filters."""
    user = cast(User, request.user)
    require_ledger(user)
    form = LedgerForm(request.GET, user=user)
    part = _slice(request, form.entries() if form.is_valid() else Entry.objects.none())
    context = {
        "form": form,
        "part": part,
        "happenings": tell(part.entries),
        "head": Entry.objects.head(),
    }
    return render(request, "reports/ledger.html", context)


def _slice(request: HttpRequest, entries: Any) -> Slice:
    return Slice.of(entries, before=cursor(request.GET.get("before")), after=cursor(request.GET.get("after")))


@download
def ledger_export(request: HttpRequest, extension: str) -> HttpResponseBase:
    """The filtered ledger as a file; that it was taken is in the ledger."""
    user = cast(User, request.user)
    require_ledger(user)
    if extension not in extensions(LEDGER):
        raise Http404(_("There is no file format of this name."))
    form = LedgerForm(request.GET, user=user)
    if not form.is_valid():
        return HttpResponseRedirect(f"{reverse('ledger')}?{form.query}")  # where the mistakes are shown
    taken = ledger_export_of(form.entries(), extension, reader=user, asked=form.asked)
    answer = headers(taken.name, taken.format.content_type)
    taken.record()
    if taken.streams:
        return StreamingHttpResponse(taken.lines(), headers=answer)
    file = tempfile.TemporaryFile()  # noqa: SIM115 (the response closes it)
    taken.write(file)
    file.seek(0)
    return FileResponse(file, headers=answer)


@download
def verifier(request: HttpRequest) -> HttpResponseBase:
    """The program with which anybody checks an exported ledger."""
    require_ledger(request.user)
    source = Path(check_export.__file__)
    kind = "text/x-python; charset=utf-8"
    return HttpResponse(source.read_bytes(), headers=headers(source.name, kind))
