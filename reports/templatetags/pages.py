"""What the pages' templates need."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

from django import template
from django.db.models import QuerySet
from django.utils import timezone

from indicators.numbers import format_number
from objectives import roc
from objectives.models import Deputy, User, WorkItem
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
def deputising(user: User) -> QuerySet[Deputy]:
    """The deputyships that give the person somebody's roles today; no query where there are none."""
    if not user.rights.principals:
        return Deputy.objects.none()
    mine = Deputy.objects.filter(deputy=user, principal__in=user.rights.principals)
    return mine.in_force(roc.taipei(timezone.now()).date()).select_related("principal").order_by("ends_on")


@register.filter
def shown_number(value: Decimal) -> str:
    return format_number(value)
