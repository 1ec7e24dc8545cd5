"""Which of a workbook's number formats show a number as a day, a time or a percentage."""

import re
from enum import Enum
from functools import lru_cache

MAX_LENGTH = 255  # characters of a format; programs take no longer ones

BUILT_IN = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
BUILT_IN_ELAPSED = 46
BUILT_IN_PERCENT = {9, 10}

LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]|general|E[+-]', re.IGNORECASE | re.DOTALL)
ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
DATE_PART = re.compile(r"[ymdhse]", re.IGNORECASE)


class Shows(Enum):
    """What a number format makes of a number."""

    NUMBER = "NUMBER"
    PERCENT = "PERCENT"  # 0.5 is shown, and was typed, as 50%
    MOMENT = "MOMENT"  # a day, a moment, or a time of day
    ELAPSED = "ELAPSED"  # hours, which may be more than 24


@lru_cache(maxsize=256)  # thousands of styles may have one
def shows(number: int, code: str | None) -> Shows:
    """Say what a format shows by its number and, where the workbook defines it, its code."""
    if code is None:
        if number == BUILT_IN_ELAPSED:
            return Shows.ELAPSED
        if number in BUILT_IN_PERCENT:
            return Shows.PERCENT
        return Shows.MOMENT if number in BUILT_IN else Shows.NUMBER
    if ELAPSED.search(code):
        return Shows.ELAPSED
    shown = LITERAL.sub("", code)
    if DATE_PART.search(shown):
        return Shows.MOMENT
    return Shows.PERCENT if "%" in shown else Shows.NUMBER
