"""The site with an empty page beside its own, as bench.dashboard serves it."""

from typing import Any

from django.conf import settings
from django.shortcuts import render
from django.urls import path

from mofa_kpi.wsgi import application
from reports.views import guarded

settings.ROOT_URLCONF = __name__


@guarded
def empty(request: Any) -> Any:
    return render(request, "base.html")


def __getattr__(name: str) -> Any:
    """Give the addresses once somebody asks: importing the site's own reads its settings."""
    if name == "urlpatterns":
        from mofa_kpi.urls import urlpatterns

        return [path("empty/", empty), *urlpatterns]
    raise AttributeError(name)


__all__ = ["application"]
