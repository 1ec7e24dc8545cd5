"""The ledger within other pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template

from indicators.models import Indicator

from .. import images, ledger_access
from ..history import Happening, tell

register = template.Library()
LATEST = 5

register.filter(ledger_access.reads_ledger)


@register.filter
def exact_moment(moment: datetime) -> str:
    return images.exact_moment(moment)


@register.simple_tag(takes_context=True)
def latest_changes(context: dict[str, Any], indicator: Indicator) -> list[Happening]:
    """Return what happened to an indicator last, of what the visitor may read, as of the page's moment."""
    found = ledger_access.entries_about(indicator, context["request"].user)
    at = context["selection"].at
    if at.past:
        found = found.filter(seq__lte=at.head.seq)
    return tell(ledger_access.Slice.of(found).entries, about=indicator)[:LATEST]
