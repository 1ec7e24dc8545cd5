"""ROC years: people read and write 99, data hold 2010. The ROC calendar counts from 1912 as year 1."""

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

TAIPEI = ZoneInfo("Asia/Taipei")


def gregorian_year(roc_year: int) -> int:
    """Return the Gregorian year of an ROC year: 99 → 2010."""
    return roc_year + 1911


def roc_year(day: date) -> int:
    """Return the ROC year of a day: 2010 → 99."""
    return day.year - 1911


def taipei(moment: datetime) -> datetime:
    """Return an aware moment in Taipei's time."""
    return moment.astimezone(TAIPEI)


def roc_date(day: date) -> str:
    """Return a day as 99年3月31日 is written on screen: 「99 年 3 月 31 日」."""
    return f"{roc_year(day)} 年 {day.month} 月 {day.day} 日"


def roc_moment(moment: datetime) -> str:
    """Return an aware moment on screen, in Taipei's time: 「99 年 3 月 31 日 14:05」."""
    local = taipei(moment)
    return f"{roc_date(local.date())} {local:%H:%M}"


def a_year_on(words: str, roc_year: int) -> str:
    """Return words with roc_year and the year before it a year later, where they stand before 年.

    With 99 that is 98 年 → 99 年 and 99 年度 → 100 年度; 1999 年 and 99 項 stay.
    """
    years = rf"(?<![\d.])({roc_year - 1}|{roc_year})(?=\s*年)"
    return re.sub(years, lambda found: str(int(found[0]) + 1), words)
