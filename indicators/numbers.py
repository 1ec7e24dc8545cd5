"""Numbers as people type them and as they are shown: the one parser and the one formatter."""

import re
from decimal import ROUND_HALF_UP, Decimal, localcontext
from enum import Enum

# More digits survive neither a spreadsheet nor SQLite's JSON; the column is decimal(20, 6).
MAX_DIGITS = 15
MAX_DECIMALS = 6
MAX_WHOLE_DIGITS = 14

# A table and not NFKC, which would turn ² and ① into digits as well.
TO_ASCII = str.maketrans("０１２３４５６７８９．，＋－−％", "0123456789.,+--%")

# A thousands separator stands before three digits, and never after a leading zero: «0,123» may mean 0.123.
NUMBER = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>[1-9][0-9]{0,2}(?:,[0-9]{3})+|[0-9]+)(?:\.(?P<decimals>[0-9]+))?"
)


class NumberProblem(Enum):
    """Why a text is not taken for a number."""

    EMPTY = "EMPTY"
    NOT_A_NUMBER = "NOT_A_NUMBER"
    PERCENT = "PERCENT"
    TOO_MANY_DIGITS = "TOO_MANY_DIGITS"
    NEGATIVE = "NEGATIVE"
    DECIMALS = "DECIMALS"


class NumberError(ValueError):
    """A text was refused: `code` says why, `text` is what was typed."""

    def __init__(self, code: NumberProblem, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


def parse_number(text: str, *, whole: bool = False, negative: bool = False) -> Decimal:
    """Return the number that `text` spells, without exponent, trailing zeros or a negative zero.

    Half-width and full-width digits, signs, decimal points and thousands separators are taken, and nothing
    else. `whole` refuses a fraction, and a value below zero is refused unless `negative`. Raises NumberError.
    """
    ascii_text = text.strip().translate(TO_ASCII)
    if not ascii_text:
        raise NumberError(NumberProblem.EMPTY, text)
    match = NUMBER.fullmatch(ascii_text)
    if match is None:
        percent = NUMBER.fullmatch(ascii_text.removesuffix("%").rstrip())
        raise NumberError(NumberProblem.PERCENT if percent else NumberProblem.NOT_A_NUMBER, text)
    digits = match["whole"].replace(",", "").lstrip("0")
    decimals = (match["decimals"] or "").rstrip("0")
    below_zero = match["sign"] == "-" and bool(digits or decimals)
    if below_zero and not negative:
        raise NumberError(NumberProblem.NEGATIVE, text)
    if whole and decimals:
        raise NumberError(NumberProblem.DECIMALS, text)
    significant = len((digits + decimals).lstrip("0"))
    if significant > MAX_DIGITS or len(decimals) > MAX_DECIMALS or len(digits) > MAX_WHOLE_DIGITS:
        raise NumberError(NumberProblem.TOO_MANY_DIGITS, text)
    return Decimal(f"{'-' if below_zero else ''}{digits or '0'}.{decimals}")


def format_number(value: Decimal, *, digits: int | None = None) -> str:
    """Return `value` with thousands separators, without exponent and without trailing zeros.

    `digits` is the most decimals shown, rounded half up; None shows all there are.
    """
    if digits is None:
        text = f"{value:,f}"  # nothing is rounded
    else:
        with localcontext(rounding=ROUND_HALF_UP):
            text = f"{value:,.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def format_towards(value: Decimal, bound: Decimal, digits: int) -> str:
    """Return `value` with at most `digits` decimals, or as many more as keep it on its side of `bound`.

    A value that has not reached its bound never looks as if it had: 89.9999875 is not 90.
    """
    while True:
        shown = format_number(value, digits=digits)
        if _side(Decimal(shown.replace(",", "")), bound) == _side(value, bound):
            return shown
        digits += 1


def _side(value: Decimal, bound: Decimal) -> int:
    return (value > bound) - (value < bound)
