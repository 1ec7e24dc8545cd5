"""What the pages' templates need."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

from django import template

from indicators.numbers import format_number
from objectives import roc
from objectives.models import User, WorkItem
from objectives.roles import Role

from ..document import Line, lines_of

register = template.Library()


@register.filter
def roc_date(day: date | None) -> str:
    return roc.roc_date(day) if day else ""


@register.filter
def roc_moment(moment: datetime | None) -> str:
    return roc.roc_moment(moment) if moment else ""


@register.filter
def lines(text: str) -> list[str]:
    """Split a text into its lines, each a paragraph."""
    return [line for line in text.splitlines() if line.strip()]


@register.filter
def content_lines(item: WorkItem) -> Iterator[Line]:
    return lines_of(item)


@register.filter
def role_names(user: User) -> list[str]:
    """The person's roles in words."""
    return [str(role.label) for role in Role if role in user.rights.units_by_role]


@register.filter
def shown_number(value: Decimal) -> str:
    return format_number(value)
