"""The page 匯出資料, and the addresses of the files."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from indicators.readings import Basis
from objectives.models import User

from ..ledger_access import reads_ledger
from ..moments import data_at
from ..selection import Selection, asked_data, reader, select
from ..views import page
from .catalogue import DATASETS
from .dataset import OF_A_PLAN, Dataset
from .dictionary import DICTIONARY
from .files import OPEN_DATA, Export, data_settled, extensions, sha256
from .ledger import LEDGER
from .links import Link, links
from .open_data import metadata
from .scope import Scope


def download(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """What every file has in common: it needs sign-in, and no cache keeps it."""
    return require_GET(never_cache(login_required(view)))


def headers(name: str, kind: str) -> dict[str, str]:
    """Return the headers of a file: its name, its content type, and that it is nothing else."""
    return {
        "Content-Type": kind,
        "Content-Disposition": content_disposition_header(True, name) or "attachment",
        "X-Content-Type-Options": "nosniff",
    }


@dataclass(frozen=True)
class Offer:
    """A dataset as the page offers it; metadata is the address of its description, empty for one not open."""

    dataset: Dataset
    links: list[Link]
    metadata: str


@page
def exports(request: HttpRequest, selection: Selection) -> HttpResponse:
    """Every dataset that the visitor may take away, with the filters of the address."""
    user = cast(User, request.user)
    offered = [each for each in DATASETS.values() if each is not LEDGER or reads_ledger(user)]
    context = {
        "selection": selection,
        "offers": [_offer(dataset, selection) for dataset in offered],
        "dictionary": DICTIONARY,
        "dictionary_links": links(DICTIONARY),
    }
    return render(request, "reports/exports.html", context)


def _offer(dataset: Dataset, selection: Selection) -> Offer:
    query = selection.query if dataset.of_a_plan else ""
    described = reverse("export_metadata", args=[dataset.name]) + query if dataset.is_open else ""
    return Offer(dataset, links(dataset, query), described)


@download
def export(request: HttpRequest, name: str, extension: str) -> HttpResponseBase:
    """A dataset as a file; that it was taken is in the ledger."""
    reader(request)
    dataset = _dataset(name)
    if extension not in extensions(dataset):
        raise Http404(_("There is no file format of this name."))
    with _scope(request, dataset) as scope:
        taken = Export(dataset, scope, extension)
        answer = headers(taken.name, taken.format.content_type)
        file = tempfile.TemporaryFile()  # noqa: SIM115 (closed below, or by the response)
        count = None if taken.streams else taken.write(file)
    if count is None:
        file.close()
        taken.record()
        return StreamingHttpResponse(_settled(taken), headers=answer)
    taken.record(rows=count, sha256=sha256(file))
    if dataset.is_long:
        return FileResponse(file, headers=answer)
    with file:
        return HttpResponse(file.read(), headers=answer)


def _settled(taken: Export) -> Iterator[bytes]:
    with data_settled(taken.scope.at):
        yield from taken.lines()


@download
def describe(request: HttpRequest, name: str) -> HttpResponseBase:
    """The description of a dataset for the government's open data platform."""
    reader(request)
    dataset = _dataset(name)
    if not (dataset.is_open and dataset.of_a_plan):
        raise Http404(_("There is no dataset of this name."))
    with _scope(request, dataset) as scope:
        address = request.build_absolute_uri(reverse("export", args=[name, OPEN_DATA]))
        query = request.GET.urlencode()
        found = metadata(dataset, scope, f"{address}?{query}" if query else address)
    return JsonResponse(found, json_dumps_params={"ensure_ascii": False, "indent": 2})


def _dataset(name: str) -> Dataset:
    """Return a dataset by its name; the ledger has an address of its own. Raises Http404."""
    found = {**DATASETS, DICTIONARY.name: DICTIONARY}.get(name)
    if found is None or found is LEDGER:
        raise Http404(_("There is no dataset of this name."))
    return found


@contextmanager
def _scope(request: HttpRequest, dataset: Dataset) -> Iterator[Scope]:
    """Let everything inside read what the address asks for. Raises Http404, with a sentence for people."""
    user = cast(User, request.user)
    if dataset.of_a_plan:
        with asked_data(request) as at:
            chosen = select(request, at)
            basis = chosen.basis if "basis" in dataset.filters else Basis.OFFICIAL
            yield _checked(
                dataset, Scope(at, user, chosen.plan, chosen.quarter, basis, _more(request, dataset))
            )
    else:
        with data_at(None) as at:
            yield _checked(dataset, Scope(at, user, more=_more(request, dataset)))


def _more(request: HttpRequest, dataset: Dataset) -> dict[str, str]:
    """Return what the address asks beyond the filters of a plan."""
    further = [name for name in dataset.filters if name not in OF_A_PLAN]
    return {name: value for name in further if (value := request.GET.get(name))}


def _checked(dataset: Dataset, scope: Scope) -> Scope:
    if not all(
        value.isprintable() for value in scope.more.values()
    ):  # PostgreSQL cannot be asked about a NUL
        raise Http404(_("The address asks for something that does not exist."))
    try:
        dataset.in_words(scope)
    except ValidationError as error:
        raise Http404(" ".join(error.messages)) from error
    return scope
