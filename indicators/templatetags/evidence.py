"""The evidence of a report within any page: {% evidence report %}."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils import timezone

from ..evidence_panel import Panel
from ..models import QuarterReport

register = template.Library()


@register.inclusion_tag("indicators/includes/evidence.html", takes_context=True)
def evidence(context: dict[str, Any], report: QuarterReport) -> dict[str, Any]:
    """Show the evidence of a report, with the forms where the visitor may add to it."""
    request = context["request"]
    panel = Panel.of(report, request.user, timezone.now(), back=request.get_full_path())
    return {"panel": panel}
