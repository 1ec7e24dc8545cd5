"""What the base template needs on every page."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from indicators.models import Figure, PlannedValue, QuarterReport


def demonstration(request: HttpRequest) -> dict[str, Any]:
    """Say whether the database holds demonstration data; asked only when a template wants to know."""
    return {"demonstration": SimpleLazyObject(has_demonstration)}


def has_demonstration() -> bool:
    """Whether any row is marked as a demonstration; one query."""
    figures, planned, reports = (
        model._default_manager.filter(demo=True).order_by().values("pk")
        for model in (Figure, PlannedValue, QuarterReport)
    )
    return figures.union(planned, reports, all=True).exists()
