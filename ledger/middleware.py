"""Says of every request who acts in it and by which way, and records what was refused in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from .acting import Origin, origin, record, record_refusals
from .models import Action, Source

SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")


def origin_of_requests(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Fill in the origin; nothing is read or written unless the request writes."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        def actor() -> str:
            user = getattr(request, "user", None)
            return cast(str, user.get_username()) if user and user.is_authenticated else ""

        here = Origin(_source(request.path_info), actor)
        token = origin.set(here)
        try:
            response = get_response(request)
            refused = request.method not in SAFE and response.status_code in (403, 404)
            # Of visitors without an account nothing is recorded: anyone could fill the ledger.
            if here.refusals:
                record_refusals(here)
            elif refused and actor():
                record(Action.REFUSED, reason=f"{request.method} {request.path} → {response.status_code}")
            return response
        finally:
            origin.reset(token)

    return middleware


def _source(path: str) -> Source:
    """Return by which way a request comes: settings.LEDGER_SOURCES by the beginning of its address."""
    ways = (way for beginning, way in settings.LEDGER_SOURCES.items() if path.startswith(beginning))
    return Source(next(ways, Source.PAGE))
