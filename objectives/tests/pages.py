"""How tests read and fill in the admin's pages."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from typing import Any

from django.test import Client
from django.urls import reverse

from objectives.models import User


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def change_url(obj: Any) -> str:
    return reverse(f"admin:{obj._meta.app_label}_{obj._meta.model_name}_change", args=[obj.pk])


def list_url(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def add_url(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")


class _Form(HTMLParser):
    """Collects what a browser would send of a page's own form, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.data: dict[str, Any] = {}
        self.inside = False
        self.name = ""  # of the select or textarea that is being read
        self.words: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "form":
            self.inside = (given.get("id") or "").endswith(("_form", "report-form"))
        elif not self.inside:
            return
        elif tag == "input" and given.get("type") in ("checkbox", "radio"):
            if "checked" in given:
                self.data[name] = value or "on"
        elif tag == "input" and given.get("type") not in ("submit", "button"):
            self.data[name] = value
        elif tag == "select":
            self.name = name
            if "multiple" in given:
                self.data[name] = []
        elif tag == "option" and isinstance(self.data.get(self.name), list):
            self.data[self.name] += [value] if "selected" in given else []
        elif tag == "option" and ("selected" in given or self.name not in self.data):
            self.data[self.name] = value
        elif tag == "textarea":
            self.name, self.words = name, []

    def handle_data(self, data: str) -> None:
        if self.words is not None:
            self.words.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False
        elif tag == "textarea" and self.words is not None:
            self.data[self.name] = "".join(self.words).removeprefix("\n").replace("\n", "\r\n")
            self.words = None


def filled(response: Any) -> dict[str, Any]:
    """Return what a browser would send back from a page of the admin without a change."""
    form = _Form()
    form.feed(response.content.decode())
    return form.data


def row(response: Any, prefix: str, **values: Any) -> str:
    """Find the inline row that has these values; return the beginning of its inputs' names."""
    for inline in response.context["inline_admin_formsets"]:
        if inline.formset.prefix == prefix:
            for form in inline.formset.forms:
                if all(form[name].value() == value for name, value in values.items()):
                    return form.prefix
    raise AssertionError(f"no row with {values}")


def mistakes(response: Any) -> str:
    """Return every message beside a field or above the form, as text."""
    found = re.findall(r'<ul class="errorlist[^>]*>(.*?)</ul>', response.content.decode(), re.DOTALL)
    return html.unescape(re.sub("<[^>]*>", " ", " ".join(found)))


def text(response: Any) -> str:
    """Return a page's words without its markup."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", body)).split())
