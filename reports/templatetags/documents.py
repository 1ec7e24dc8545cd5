"""Where things stand in a document's chart, in the units of its picture."""

from collections.abc import Sequence
from decimal import Decimal

from django import template

from ..documents.tree import Bar, Block, Chart, Table

LINE, LENGTH = 20, 400

register = template.Library()


@register.filter
def height(chart: Chart) -> int:
    return len(chart.bars) * LINE + 4


@register.filter
def lines(chart: Chart) -> list[tuple[Bar, int]]:
    """The bars, each with the height at which its line begins."""
    return [(bar, number * LINE) for number, bar in enumerate(chart.bars)]


@register.filter
def plus(number: int, more: int) -> int:
    return number + more


@register.filter
def bar_length(percentage: str) -> str:
    return f"{Decimal(percentage) * LENGTH / 100:.1f}"


@register.filter
def centimetres(chart: Chart) -> str:
    """How high a chart is on a page whose text is 16 cm wide."""
    return f"{height(chart) / 640 * 16:.2f}"


@register.filter
def widths(blocks: Sequence[Block]) -> list[int]:
    """Return every width that a column of the document has, in per cent."""
    fixed = {21, 79, 25}
    return sorted(fixed.union(*(block.widths for block in blocks if isinstance(block, Table))))
