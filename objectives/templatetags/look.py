"""What the admin's templates need for the common look."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from objectives import roc

register = template.Library()


@register.filter
def labelled(cells: Iterable[SafeString], headers: Iterable[Mapping[str, Any]]) -> Iterator[SafeString]:
    """Give each cell of a list's row its column's heading: on a phone the row becomes a labelled card."""
    for cell, header in zip(cells, headers, strict=False):
        attribute = format_html(' data-label="{}"', header["text"])
        # Both parts are escaped already: the admin made the cell with format_html.
        yield mark_safe(cell.replace("<td", f"<td{attribute}", 1)) if cell.startswith("<td") else cell  # noqa: S308


@register.filter
def roc_moment(moment: datetime | None) -> str:
    """Show a moment by the ROC calendar, in Taipei's time."""
    return roc.roc_moment(moment) if moment else ""


@register.filter
def roc_date(day: date | None) -> str:
    """Show a day by the ROC calendar."""
    return roc.roc_date(day) if day else ""
