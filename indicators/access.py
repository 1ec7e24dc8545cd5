"""What the app's own pages have in common: who gets in, and that nothing keeps or changes what they show."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from objectives.permissions import can


def reading_page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Make view a page that only reads, for people with a role, and that no cache keeps."""

    @wraps(view)
    def guard(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not can(request.user, "indicators.view_quarterreport"):
            raise PermissionDenied(_("Your account has no role yet. Please ask an administrator for one."))
        return view(request, *args, **kwargs)

    return require_safe(never_cache(login_required(guard)))
