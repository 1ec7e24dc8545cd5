"""Charts: a value as a bar with marks for planned value and target; a mean as columns over the quarters."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

ZERO = Decimal(0)
MARGIN = Decimal("0.15")


@dataclass(frozen=True)
class Bullet:
    """Where everything stands, in per cent of the chart's width; None is not drawn."""

    bar: str | None
    width: str | None
    planned: str | None
    target: str
    zero: str | None  # the line that bars start from, where it is not the left edge


def bullet(value: Decimal | None, planned: Decimal | None, target: Decimal) -> Bullet:
    """Lay out a chart. One rule for all: the scale holds zero and every number, and 15 % more above.

    Where a number is negative the scale has the same margin below.
    """
    numbers = [ZERO, target, *(number for number in (value, planned) if number is not None)]
    low, high = min(numbers), max(numbers)
    span = (high - low) or Decimal(1)
    start = low - span * MARGIN if low < 0 else ZERO
    whole = high + span * MARGIN - start

    def place(number: Decimal) -> str:
        return _percent((number - start) / whole)

    return Bullet(
        bar=None if value is None else place(min(value, ZERO)),
        width=None if value is None else _percent(abs(value) / whole),
        planned=None if planned is None else place(planned),
        target=place(target),
        zero=place(ZERO) if low < 0 else None,
    )


def _percent(share: Decimal) -> str:
    return f"{share * 100:.2f}%"


@dataclass(frozen=True)
class Column:
    """A column of a chart, in the units of its view box; nothing is drawn where there is no height."""

    x: int
    y: str
    height: str


COLUMN_STEP, CHART_HEIGHT = 16, 28


def columns(percentages: Sequence[Decimal | None]) -> list[Column]:
    """Lay out a column for each percentage, 0 to 100; None is left out, and 0 is a line."""
    laid_out = []
    for number, percentage in enumerate(percentages):
        height = ZERO if percentage is None else max(percentage / 100 * CHART_HEIGHT, Decimal(1))
        y = f"{CHART_HEIGHT - height:.2f}"
        laid_out.append(Column(number * COLUMN_STEP, y, "" if percentage is None else f"{height:.2f}"))
    return laid_out
