"""How tests read and fill in the admin's pages."""

from __future__ import annotations

import html
import re
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


def filled(response: Any) -> dict[str, Any]:
    """Return what a browser would send back from a page of the admin without a change."""
    formsets = [inline.formset for inline in response.context["inline_admin_formsets"]]
    forms = [response.context["adminform"].form]
    for formset in formsets:
        forms += [formset.management_form, *formset.forms]
    data: dict[str, Any] = {}
    for form in forms:
        for field in form:
            value = field.value()
            if value is True:
                data[field.html_name] = "on"
            elif value is not None and value is not False:
                data[field.html_name] = value
    return data


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
