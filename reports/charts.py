"""Bullet charts: the value as a bar, the planned value and the target as marks."""

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
