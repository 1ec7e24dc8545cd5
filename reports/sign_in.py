"""The sign-in page; and how what was typed outlives the session in which it was typed.

A form that arrives after its author was signed out is not saved, and not lost either: its fields travel in
the sign-in page, and once somebody has signed in they are asked whether to send them. None of them is stored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render, resolve_url
from django.urls import reverse

NOT_CARRIED = "csrfmiddlewaretoken"
SECRET = "password"  # noqa: S105 (a part of the names of fields that are never carried)


class SignIn(LoginView):
    """Django's page; after it, whoever had sent a form without being signed in can send it on."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs, carried=self.request.POST.get("carried", ""))

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        fields = parse_qsl(self.request.POST.get("carried", ""), keep_blank_values=True)
        if not fields or not self.get_redirect_url():
            return response
        context = {"to": self.get_redirect_url(), "fields": fields}
        return render(self.request, "registration/send_on.html", context)


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
        fields = request.POST.copy()
        fields.pop(NOT_CARRIED, None)
        if not fields or any(SECRET in name for name in fields):
            return response
        context = {
            "form": AuthenticationForm(request),
            "next": request.get_full_path(),
            "carried": fields.urlencode(),
            "has_files": bool(request.FILES),
        }
        return render(request, "registration/login.html", context)

    return middleware


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
