"""How a value is written in a file: a number in all its digits, a day and a moment in ISO 8601."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

from objectives.roc import taipei

from .tables import Value
from .text import harmless

MANY = 20_000  # values that are remembered
LONG = 500  # characters that are not


class Remembered(dict[Value, str]):
    """What `make` makes of values: a table's are much the same from row to row, and looking up is fast.

    Values that are equal are written alike (1 and Decimal("1.00") are both 1), so one may stand for another.
    """

    def __init__(self, make: Callable[[Value], str]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, value: Value) -> str:
        made = self._make(value)
        if len(made) < LONG:
            if len(self) >= MANY:
                self.clear()
            self[value] = made
        return made


def written(value: Value) -> str:
    """Return a cell as a plain text file has it, harmless in any spreadsheet program; None is empty.

    A day is 2010-03-31, a moment 2010-03-31T14:05:09+08:00, in Taipei's time to the second.
    """
    if isinstance(value, str):
        return harmless(value)
    if value is None:
        return ""
    return plain(value) if isinstance(value, int | Decimal) else iso(value)


def plain(number: Decimal | int) -> str:
    """Return every digit of a finite number without exponent, thousands separators or trailing zeros."""
    if not number:
        return "0"
    text = f"{number:f}" if isinstance(number, Decimal) else str(int(number))
    return text.rstrip("0").rstrip(".") if "." in text else text


def iso(day: date) -> str:
    """Return a day, or an aware moment, in ISO 8601."""
    return taipei(day).isoformat(timespec="seconds") if isinstance(day, datetime) else day.isoformat()
