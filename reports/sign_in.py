"""The sign-in page; and how what was typed outlives the session in which it was typed.

A form that arrives after its author was signed out is not saved, and not lost either: its fields travel in
the sign-in page, signed, and whoever signs in there sees them and is asked whether to save them. None of them
is stored. Decisions are never carried: nobody may take them without seeing what they are about. Files are not
either, and the page says that they have to be chosen again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt

REPORT = "indicators_quarterreport_change"
RIGHTS = "objectives_user"  # the pages where people are given roles
BUTTONS = {"csrfmiddlewaretoken", "_save", "_continue", "_addanother", "_spread"}  # without one a page saves
SALT = "reports.sign_in"
SECRET = "password"  # noqa: S105 (a part of the names of fields that are never carried)
ROOM = 100_000  # for what else the sign-in page sends, in bytes
NOT_TYPED = ("action", "version", "state", "draft", "_", "initial-")  # how names of hidden inputs begin

Fields = list[tuple[str, str]]


@method_decorator(csrf_exempt, name="dispatch")
class SignIn(LoginView):
    """Django's page; after it, whoever had sent a form without being signed in can send it on.

    Signing in needs the token: LoginView itself checks it. Reloading the page that comes then sends a token
    that is used up, but signs nobody in and changes nothing.
    """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        is_again = request.user.is_authenticated and request.user.username == request.POST.get("username")
        if is_again and (carried := _carried(request)):
            return _send_on(request, *carried)
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs, carried=self.request.POST.get("carried", ""))

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        carried = _carried(self.request)
        return _send_on(self.request, *carried) if carried else response


def _carried(request: HttpRequest) -> tuple[str, Fields] | None:
    """Return the address and the fields that the sign-in page carried; None where it carried none of ours."""
    try:
        to, fields = signing.loads(request.POST.get("carried", ""), salt=SALT)
    except signing.BadSignature:
        return None
    return to, [(name, text) for name, text in fields]


def _send_on(request: HttpRequest, to: str, fields: Fields) -> HttpResponse:
    """Ask whoever has signed in whether to save what they see here."""
    context = {"to": to, "fields": fields, "typed": list(_typed(fields))}
    return render(request, "registration/send_on.html", context)


def _typed(fields: Fields) -> Iterator[tuple[str, str]]:
    """Yield what a person can have typed; where the page says what stood there before, only what differs."""
    before = dict(fields)
    for name, text in fields:
        if text.strip() and not name.startswith(NOT_TYPED) and before.get(f"initial-{name}") != text:
            yield name, text


def carry_what_was_typed(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Where a page's form is answered with the way to the sign-in page, show that page with the form in it.

    A forged form does not come this far: it lacks the token that is checked before.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if not _is_sent_to_sign_in(request, response):
            return response
        fields, to = _entries(request), request.get_full_path()
        if not fields and request.FILES:
            context = {"form": AuthenticationForm(request), "next": to, "has_lost_files": True}
            return render(request, "registration/login.html", context)
        if not fields:
            return response
        carried = signing.dumps([to, fields], salt=SALT, compress=True)
        context = {"form": AuthenticationForm(request), "next": to}
        if len(carried) + ROOM < settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            context["carried"] = carried
        else:
            context["is_too_long"] = True
        return render(request, "registration/login.html", context)

    return middleware


def _entries(request: HttpRequest) -> Fields:
    """Return the fields of a form that enters something, as one that saves; nothing of any other form."""
    page, action = str(request.resolver_match and request.resolver_match.url_name), request.POST.get("action")
    enters = page == "worksheet" or (page == REPORT and action in ("save", "submit"))
    enters |= action is None and page.endswith(("_add", "_change")) and not page.startswith(RIGHTS)
    if not enters or any(SECRET in name for name in request.POST):
        return []
    return [
        (name, "save" if name == "action" else text)
        for name, texts in request.POST.lists()
        for text in texts
        if name not in BUTTONS and not name.endswith("-DELETE")
    ]


def _is_sent_to_sign_in(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Say so of forms that a browser sent as a page; scripts find out by themselves."""
    if (
        request.method != "POST"
        or response.status_code != 302
        or "text/html" not in request.headers.get("Accept", "")
    ):
        return False
    doors = {resolve_url(settings.LOGIN_URL), reverse("admin:login")}
    return response.headers["Location"].partition("?")[0] in doors
