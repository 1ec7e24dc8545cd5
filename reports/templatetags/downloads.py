"""Links to the files of a table, beside the table."""

from typing import Any

from django import template

from ..exports.catalogue import DATASETS
from ..exports.links import links

register = template.Library()


@register.inclusion_tag("reports/includes/downloads.html")
def downloads(name: str, query: str = "") -> dict[str, Any]:
    """Offer the dataset of this name in every format; query, such as ?year=99, has the page's own filters."""
    return {"links": links(DATASETS[name], query), "title": DATASETS[name].title}
