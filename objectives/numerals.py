"""Chinese numerals as headings use them."""

_DIGITS = "〇一二三四五六七八九"


def chinese_numeral(number: int) -> str:
    """Return 1 … 99 as 一 … 九十九, the way official documents number their headings."""
    if not 1 <= number <= 99:
        raise ValueError(f"no heading is numbered {number}")
    tens, ones = divmod(number, 10)
    return ("" if tens == 0 else "十" if tens == 1 else f"{_DIGITS[tens]}十") + (
        _DIGITS[ones] if ones else ""
    )
