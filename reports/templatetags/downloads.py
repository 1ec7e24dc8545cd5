"""Links to the files of a table, beside the table."""

from django import template

from ..exports.catalogue import DATASETS
from ..exports.links import Link, links

register = template.Library()


@register.inclusion_tag("reports/includes/downloads.html")
def downloads(name: str, query: str = "") -> dict[str, list[Link]]:
    """Offer the dataset of this name in every format; query, such as ?year=99, has the page's own filters."""
    return {"links": links(DATASETS[name], query)}
