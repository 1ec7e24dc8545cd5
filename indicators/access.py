"""What the app's own pages have in common: who gets in, and that nothing keeps or changes what they show."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from objectives.permissions import can

# A file is never shown within the site; should a browser do so, nothing in it can run or load.
ALONE = "sandbox; default-src 'none'"


def page(*methods: str) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Make a view a page that takes or hands out files: it needs a role, and no cache keeps it."""

    def guarded(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def guard(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not can(request.user, "indicators.view_indicator"):
                raise PermissionDenied(
                    _("Your account has no role yet. Please ask an administrator for one.")
                )
            return view(request, *args, **kwargs)

        return require_http_methods(methods)(never_cache(login_required(guard)))

    return guarded


def reading_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Make view a page that only reads, for people with a role, and that no cache keeps."""

    @wraps(view)
    def guard(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not can(request.user, "indicators.view_quarterreport"):
            raise PermissionDenied(_("Your account has no role yet. Please ask an administrator for one."))
        return view(request, *args, **kwargs)

    return require_safe(never_cache(login_required(guard)))
