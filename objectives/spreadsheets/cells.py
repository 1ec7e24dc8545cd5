"""What a cell's content reads as: texts, numbers, days and times as a person would type them."""

import math
import re
import unicodedata
from datetime import datetime, timedelta
from decimal import Decimal

from .sheets import MAX_TEXT, Bad, Content, SheetProblem, SheetRefused
from .text import original

NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
PLAIN = re.compile(r"0|-?(?:[1-9][0-9]*(?:\.[0-9]*[1-9])?|0\.[0-9]*[1-9])")
MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]+)?)?Z?")
DURATION = re.compile(r"PT(?:([0-9]{1,7})H)?(?:([0-9]{1,7})M)?(?:([0-9]{1,7})(?:\.[0-9]*)?S)?")

# More marks on one letter than any script has: putting n of them in their order takes n² steps.
MOST_MARKS = 30
COMBINING = frozenset(c for c in map(chr, range(0x300, 0x1F000)) if unicodedata.combining(c))
MARKS = re.compile(f"[{''.join(sorted(COMBINING))}]{{{MOST_MARKS + 1}}}")

LAST_SERIAL = 2_958_466  # the day after 9999-12-31, counted as spreadsheets count
LEAP_1900 = 60  # 1900-02-29, which never was
SECONDS = 86_400  # of a day


def text_cell(text: str) -> Content:
    """Return the text of a cell that holds text, or that it is too long."""
    if len(text) > MAX_TEXT:
        return Bad.TOO_LONG
    if not text.isascii():
        text = composed(text)
    return original(text)


def composed(text: str) -> str:
    """Return text in NFC. Raises SheetRefused where somebody made it to take long."""
    # The set first: it takes a sixth of the time, and hardly any text has marks at all.
    if len(text) > MOST_MARKS and not COMBINING.isdisjoint(text) and MARKS.search(text):
        raise SheetRefused(SheetProblem.MALFORMED)
    return unicodedata.normalize("NFC", text)


def number_cell(text: str) -> str:
    """Return a number plainly in digits, as a spreadsheet shows it: 15 significant ones, no exponent.

    Raises SheetRefused where it is none.
    """
    is_plain = len(text) <= 15 and PLAIN.fullmatch(text)
    return text if is_plain else plain(number(text))


def percent_cell(text: str) -> str:
    """Return a percentage as it was typed: 50% where the file has 0.5, and nobody can say which is meant."""
    hundredth = Decimal(format(number(text) or 0.0, ".15g"))
    return f"{plain(float(hundredth * 100))}%"


def number(text: str) -> float:
    """Read a number of a file. Raises SheetRefused where it is none."""
    value = float(text) if NUMBER.fullmatch(text := text.strip()) else math.inf
    if math.isinf(value):
        raise SheetRefused(SheetProblem.MALFORMED)
    return value


def plain(value: float) -> str:
    """Write a number in digits: 1e+20 is 100000000000000000000, -0.0 is 0."""
    text = format(value or 0.0, ".15g")
    return format(Decimal(text), "f") if "e" in text else text


def serial_cell(text: str, *, is_1904: bool, elapsed: bool) -> Content:
    """Return the day, moment or time that a spreadsheet counts in days, from 1900 or 1904 on."""
    seconds = round(number(text) * SECONDS)
    days, rest = divmod(seconds, SECONDS)
    if not 0 <= days < LAST_SERIAL - 1462 * is_1904:
        return Bad.ERROR_VALUE  # a spreadsheet shows ####
    if elapsed or not (days or is_1904):
        return clock(seconds)
    if days == LEAP_1900 and not is_1904:
        return Bad.ERROR_VALUE
    start = datetime(1904, 1, 1) if is_1904 else datetime(1899, 12, 30 if days > LEAP_1900 else 31)  # noqa: DTZ001
    return _moment(start + timedelta(days, rest))


def moment_cell(text: str) -> Content:
    """Return the day or moment that is written by ISO 8601."""
    match = MOMENT.fullmatch(text.strip())
    try:
        if match is None:
            return Bad.ERROR_VALUE
        moment = datetime.fromisoformat(f"{match[1]}T{match[2] or '00:00:00'}")
        return _moment(moment + timedelta(seconds=round(float(match[3] or 0))))
    except (ValueError, OverflowError):
        return Bad.ERROR_VALUE


def _moment(moment: datetime) -> str:
    return moment.date().isoformat() if moment.time() == datetime.min.time() else moment.isoformat()


def duration_cell(text: str) -> Content:
    """Return the time that is written by ISO 8601, such as PT14H05M00S."""
    match = DURATION.fullmatch(text.strip())
    if match is None:
        return Bad.ERROR_VALUE
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return clock(hours * 3600 + minutes * 60 + seconds)


def clock(seconds: int) -> str:
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
