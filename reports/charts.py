"""Charts: a value as a bar with marks for planned value and target; a mean as columns over the quarters."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain

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


class Scale:
    """One rule for all charts: the scale holds zero and every number, and 15 % more above.

    Where a number is negative the scale has the same margin below.
    """

    def __init__(self, numbers: Iterable[Decimal | None]) -> None:
        known = [ZERO, *(number for number in numbers if number is not None)]
        self.low, high = min(known), max(known)
        span = (high - self.low) or Decimal(1)
        self.start = self.low - span * MARGIN if self.low < 0 else ZERO
        self.whole = high + span * MARGIN - self.start

    def place(self, number: Decimal) -> Decimal:
        """Return how far along the scale a number is, from 0 to 1."""
        return (number - self.start) / self.whole


def bullet(value: Decimal | None, planned: Decimal | None, target: Decimal) -> Bullet:
    """Lay out a chart of one value."""
    scale = Scale((value, planned, target))
    return Bullet(
        bar=None if value is None else _percent(scale.place(min(value, ZERO))),
        width=None if value is None else _percent(abs(value) / scale.whole),
        planned=None if planned is None else _percent(scale.place(planned)),
        target=_percent(scale.place(target)),
        zero=_percent(scale.place(ZERO)) if scale.low < 0 else None,
    )


@dataclass(frozen=True)
class Point:
    """A quarter of a trend, in per cent of the chart; None is not drawn. middle is where its label stands."""

    x: str
    middle: str
    bar: str | None
    height: str | None
    planned: str | None


@dataclass(frozen=True)
class ValueTrend:
    """A value over the quarters, with the planned values and the target as lines."""

    points: Sequence[Point]
    target: str
    zero: str


def value_trend(quarters: Sequence[tuple[Decimal | None, Decimal | None]], target: Decimal) -> ValueTrend:
    """Lay out the (value, planned value) of each quarter, upwards."""
    scale = Scale([target, *chain.from_iterable(quarters)])
    step = Decimal(1) / max(len(quarters), 1)

    def up(number: Decimal) -> str:
        return _percent(1 - scale.place(number))

    return ValueTrend(
        points=[
            Point(
                x=_percent(step * number),
                middle=_percent(step * number + step / 2),
                bar=None if value is None else up(max(value, ZERO)),
                height=None if value is None else _percent(abs(value) / scale.whole),
                planned=None if planned is None else up(planned),
            )
            for number, (value, planned) in enumerate(quarters)
        ],
        target=up(target),
        zero=up(ZERO),
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
