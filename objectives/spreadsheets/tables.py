"""A table that leaves the site: its columns, each with what it means, and its rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum

Value = str | int | Decimal | date | datetime | None
"""A cell: None is «no value»; a moment is aware."""


class Kind(Enum):
    """What a column's cells are; the value is its name in the data dictionary."""

    TEXT = "文字"
    WHOLE = "整數"
    NUMBER = "數值"
    DAY = "日期"
    MOMENT = "日期時間"


@dataclass(frozen=True)
class Column:
    """A column of a file, with what the data dictionary (欄位說明) says of it.

    width is in characters of Latin script; unit is of measurement, empty where there is none or where another
    column has it; source names the rule or the part of the plan that the column comes from.
    """

    header: str
    kind: Kind
    width: int
    meaning: str
    unit: str = ""
    source: str = ""


@dataclass(frozen=True)
class Table:
    """Rows under columns, read once; the cover says in (heading, text) pairs what the file holds."""

    title: str  # of the sheet
    columns: Sequence[Column]
    rows: Iterable[Sequence[Value]]
    cover: Sequence[tuple[str, str]] = field(default=())
