"""The formats in which a table leaves the site, and the table that explains a table's columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import IO

from .csv_writing import csv_lines
from .json_writing import json_lines
from .ods_writing import CONTENT_TYPE as ODS
from .ods_writing import write_ods
from .tables import Column, Kind, Table
from .xlsx_writing import CONTENT_TYPE as XLSX
from .xlsx_writing import write_xlsx

DICTIONARY = (
    Column("欄位", Kind.TEXT, 24, "欄位名稱，與資料檔的標題列相同"),
    Column("型態", Kind.TEXT, 10, "欄位值的型態：" + "、".join(kind.value for kind in Kind)),
    Column("單位", Kind.TEXT, 12, "欄位值的計量單位；空白表示無單位，或另有欄位載明"),
    Column("說明", Kind.TEXT, 60, "欄位的意義"),
    Column("來源", Kind.TEXT, 36, "欄位值所依據的計畫內容或計算規則"),
)


@dataclass(frozen=True)
class Format:
    """A file format; lines yields a file piece by piece as it is made, and is None where that cannot be."""

    content_type: str
    write: Callable[[Table, IO[bytes]], None]
    lines: Callable[[Table], Iterator[bytes]] | None = None


def _streamed(content_type: str, lines: Callable[[Table], Iterator[bytes]]) -> Format:
    return Format(content_type, lambda table, file: file.writelines(lines(table)), lines)


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "csv": _streamed("text/csv; charset=utf-8", csv_lines),
        "plain.csv": _streamed("text/csv; charset=utf-8", partial(csv_lines, bom=False)),  # open data
        "xlsx": Format(XLSX, write_xlsx),
        "ods": Format(ODS, write_ods),
        "json": _streamed("application/json; charset=utf-8", json_lines),
    }
)
"""By the ending of a file's name. All have the same values; JSON alone has texts just as they are."""


def dictionary(columns: Iterable[Column]) -> Table:
    """Return the table that explains columns (欄位說明)."""
    rows = ((each.header, each.kind.value, each.unit, each.meaning, each.source) for each in columns)
    return Table("欄位說明", DICTIONARY, rows)
