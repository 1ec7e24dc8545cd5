"""The pages of published reports: the list, one of them, its files, publishing, and verifying a file."""

from __future__ import annotations

import base64
import logging
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _

from indicators.models import QUARTERS
from indicators.uploads import has_failed, is_too_large
from indicators.workflow import NOT_STORED
from ledger.acting import record
from ledger.models import Action
from objectives.models import Plan, User
from objectives.permissions import can, require

from .approval_pages import deciding
from .documents.build import CONTENT_TYPES, WRITERS, build
from .documents.drafts import draft_name, recorded
from .documents.fonts import DocumentRefused
from .exports.pages import download, headers
from .models import Publication, PublishedFile, report_title
from .moments import data_at, written
from .presentation import dashboard_of
from .publication_forms import PublishForm, VerifyForm
from .publishing import (
    PUBLISH,
    Altered,
    bytes_of,
    next_edition,
    publish,
    published_with,
    too_early,
)
from .results import plan_results
from .selection import asked_data, reader, select
from .views import guarded

PLANS_TOLD = 3
LIMIT = settings.UPLOAD_MAX_SIZE // 1_048_576 - 1
"""Megabytes that a file to be verified may have, with some left for the rest of the request."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    """A report that can be published: of which quarter, what it is called, and where."""

    quarter: int
    label: str
    address: str

    def draft(self, extension: str) -> str:
        """Where the report as it would be by now is to be had."""
        return f"{reverse('draft', args=[extension])}{self.address[self.address.index('?') :]}"

    @property
    def pdf(self) -> str:
        return self.draft("pdf")

    @property
    def odt(self) -> str:
        return self.draft("odt")


# -- The list, a publication, its files --------------------------------------------------------------------


@guarded
def publications(request: HttpRequest) -> HttpResponse:
    """Every published report that the visitor may read: the newest year first, each with its versions."""
    user = reader(request)
    found = Publication.objects.visible_to(user).for_pages()
    ordered = found.order_by("-plan__year", "plan__unit__code", "-quarter", "-version")
    reports = [list(versions) for _report, versions in groupby(ordered, lambda p: (p.plan_id, p.quarter))]
    plans = Plan.objects.visible_to(user).select_related("unit").order_by("-year")
    current = [plan for plan in plans if not plan.in_preparation][:PLANS_TOLD]
    may_publish = user.rights.units(PUBLISH)
    offered = [(plan, _choices(plan)) for plan in current]
    context = {
        "reports": reports,
        "drafts": offered,
        "plans": [(plan, choices) for plan, choices in offered if plan.unit_id in may_publish],
    }
    return render(request, "reports/publications.html", context)


def _choices(plan: Plan) -> list[Choice]:
    """Offer a plan's quarterly reports."""
    return [Choice(quarter, report_title(plan, quarter), _new(plan, quarter)) for quarter in QUARTERS]


def _new(plan: Plan, quarter: int) -> str:
    asked = {"year": plan.year, "agency": plan.unit.code, "quarter": quarter}
    return f"{reverse('publish')}?{urlencode(asked)}"


@guarded
def publication(request: HttpRequest, number: str) -> HttpResponse:
    """A published report: what it rests on, its files with their hashes, earlier and later versions."""
    user = reader(request)
    found = _published(user, number)
    versions = list(found.versions)
    context = {
        "publication": found,
        "correction": versions[0] if versions[0] != found else None,
        "others": [each for each in versions if each != found],
        "dashboard": _as_it_was(found),
        "publish": _new(found.plan, found.quarter) if can(user, PUBLISH, found) else "",
    }
    return render(request, "reports/publication.html", context)


def _as_it_was(publication: Publication) -> str:
    """Return the address of the dashboard with the data of a publication's moment."""
    plan = publication.plan
    asked = {
        "year": plan.year,
        "agency": plan.unit.code,
        "quarter": publication.quarter,
        "as_of": written(publication.as_of),
    }
    return f"{reverse('dashboard')}?{urlencode(asked)}"


def _published(user: User, number: str) -> Publication:
    visible = Publication.objects.visible_to(user).for_pages()
    if not number.isprintable():  # PostgreSQL cannot even be asked about a NUL
        raise Http404
    return get_object_or_404(visible, number=number)


@download
def published_file(request: HttpRequest, number: str, extension: str) -> HttpResponseBase:
    """A published file, byte for byte; one that is not what was published is never given out."""
    found = _published(reader(request), number)
    file = get_object_or_404(found.files.defer(None), format=extension)
    try:
        content = bytes_of(file)
    except Altered:
        _report_altered(file)
        return render(request, "reports/published_unavailable.html", {"publication": found}, status=500)
    answer = {
        **headers(file.name, CONTENT_TYPES[file.format]),
        "ETag": f'"{file.sha256}"',
        "Repr-Digest": f"sha-256=:{base64.b64encode(bytes.fromhex(file.sha256)).decode()}:",
    }
    if unchanged := get_conditional_response(request, etag=answer["ETag"]):
        return unchanged
    record(Action.EXPORT, about=found, details={"file": file.name, "sha256": file.sha256})
    return HttpResponse(content, headers=answer)


def _report_altered(file: PublishedFile) -> None:
    """Tell the ledger, and whoever runs the server, that a stored file is not what was published."""
    logger.error("published file %s is not what was published", file.name)
    words = _("The stored file %(name)s is not what was published: it was not given out.")
    record(Action.REFUSED, about=file.publication, reason=words % {"name": file.name})


@download
def draft(request: HttpRequest, extension: str) -> HttpResponseBase:
    """The quarterly report as it would be by now, marked as a draft; units' words as one may read them."""
    user = reader(request)
    if extension not in WRITERS:
        raise Http404(_("There is no file format of this name."))
    with asked_data(request) as at:
        chosen = select(request, at)
        plan, quarter, basis = chosen.plan, chosen.quarter, chosen.basis
        try:
            content = build(plan, quarter=quarter, at=at, basis=basis, format=extension, reader=user)
        except DocumentRefused as refused:
            context = {"problem": " ".join(refused.messages)}
            return render(request, "reports/draft_unavailable.html", context, status=503)
    name = draft_name(plan, quarter, basis, extension)
    recorded(plan, quarter, at, basis, name, content)
    return HttpResponse(content, headers=headers(name, CONTENT_TYPES[extension]))


# -- Publishing --------------------------------------------------------------------------------------------


@deciding
def new_publication(request: HttpRequest, user: User) -> HttpResponse:
    """Show what would be published, and what is still missing for it; publish it."""
    with data_at(None) as at:
        chosen = select(request, at)
    plan, quarter = chosen.plan, chosen.quarter
    require(user, PUBLISH, plan)
    form = PublishForm(request.POST or None)
    if form.is_valid() and (done := _publish(request, form, plan, quarter, user)):
        return HttpResponseRedirect(reverse("publication", args=[done.number]))
    return _show_new(request, plan, quarter, form)


def _publish(
    request: HttpRequest, form: PublishForm, plan: Plan, quarter: int, user: User
) -> Publication | None:
    """Publish, or say in the form why not."""
    try:
        done = publish(plan=plan, quarter=quarter, by=user, now=timezone.now(), **form.cleaned_data)
    except ValidationError as error:
        form.add_error(None, error.messages)
        return None
    messages.success(request, _("Published as %(number)s.") % {"number": done.number})
    return done


def _show_new(request: HttpRequest, plan: Plan, quarter: int, form: PublishForm) -> HttpResponse:
    with data_at(None) as at:
        edition = next_edition(plan, quarter)
        results = plan_results(plan, quarter=quarter, at=at)
        context = {
            "edition": edition,
            "form": form,
            "at": at,
            "choices": _choices(plan),
            "early": too_early(plan, quarter, at.now),
            "earlier": Publication.objects.filter(plan=plan, quarter=quarter).order_by("-version"),
            "dashboard": dashboard_of(results),
            "demo": results.demo,
        }
        return render(request, "reports/publish.html", context)


# -- Verifying ---------------------------------------------------------------------------------------------


@deciding
def verify(request: HttpRequest, user: User) -> HttpResponse:
    """Say whether a file, or a SHA-256, is that of a published report; nothing of the file is kept."""
    posted = request.method == "POST"
    if posted and is_too_large(request):
        words = _("The file is far larger than the %(limit)s MB that can be verified.") % {"limit": LIMIT}
        return _show_verify(request, VerifyForm(), problem=words, status=413)
    if posted and has_failed(request):
        return _show_verify(request, VerifyForm(), problem=str(NOT_STORED), status=507)
    form = VerifyForm(request.POST, request.FILES) if posted else VerifyForm()
    if not form.is_valid():
        return _show_verify(request, form)
    return _show_verify(request, VerifyForm(), **_verified(form, user))


def _show_verify(
    request: HttpRequest, form: VerifyForm, *, status: int = 200, **context: Any
) -> HttpResponse:
    context |= {"form": form, "limit": LIMIT}
    return render(request, "reports/verify.html", context, status=status)


def _verified(form: VerifyForm, user: User) -> dict[str, Any]:
    """Return what there is to say about a file.

    Whoever has it may hear of which publication it is, be that another organisation's.
    """
    file = form.cleaned_data["file"]
    said: dict[str, Any] = {"digest": form.digest, "name": file.name if file else ""}
    try:
        found = published_with(said["digest"])
    except Altered as altered:
        _report_altered(altered.file)
        return {**said, "altered": altered.file}
    if found is None:
        return {**said, "unknown": True}
    visible = Publication.objects.visible_to(user).filter(pk=found.publication_id).exists()
    return {
        **said,
        "found": found,
        "publication": found.publication,
        "correction": found.publication.correction,
        "visible": visible,
    }
