"""The language of a page."""

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.utils import translation

from mofa_kpi.middleware import language


@pytest.mark.parametrize(
    ("cookie", "shown"),
    [(None, "zh-hant"), ("en", "en"), ("zh-hant", "zh-hant"), ("de", "zh-hant"), ("../etc", "zh-hant")],
)
def test_language(rf: RequestFactory, cookie: str | None, shown: str) -> None:
    seen = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(translation.get_language())
        return HttpResponse()

    request = rf.get("/", headers={"accept-language": "en-US,en;q=0.9"})
    if cookie:
        request.COOKIES["django_language"] = cookie
    with translation.override(None):
        response = language(view)(request)
    assert seen == [shown]
    assert response.headers["Content-Language"] == shown
    assert response.headers["Vary"] == "Cookie"
