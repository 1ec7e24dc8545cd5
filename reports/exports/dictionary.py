"""欄位說明: what every column of every dataset means, as a dataset of its own."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from objectives.spreadsheets.tables import Column, Kind

from .catalogue import DATASETS
from .dataset import Dataset, Row
from .scope import Scope

SELF = "資料集定義"

COLUMNS = (
    Column("資料集", Kind.TEXT, 14, "資料集之名稱。", source=SELF),
    Column("資料集代碼", Kind.TEXT, 12, "資料集於網址及檔名中之代碼。", source=SELF),
    Column("欄位序", Kind.WHOLE, 8, "欄位於資料集中之次序，自 1 起。", source=SELF),
    Column("欄位", Kind.TEXT, 20, "欄位之名稱，即檔案之標題列。", source=SELF),
    Column("型態", Kind.TEXT, 10, "文字、整數、數值、日期（西元年-月-日）或日期時間。", source=SELF),
    Column("計量單位", Kind.TEXT, 16, "數值之計量單位。", source=SELF),
    Column("說明", Kind.TEXT, 60, "欄位之意義。", source=SELF),
    Column("來源", Kind.TEXT, 40, "欄位所由之計畫章節、規則或紀錄。", source=SELF),
)


def _rows(_scope: Scope) -> Iterator[Row]:
    for dataset in (*DATASETS.values(), DICTIONARY):
        for number, column in enumerate(dataset.columns, start=1):
            yield (
                dataset.title, dataset.name, number, column.header, column.kind.value, column.unit or None,
                column.meaning, column.source or None,
            )  # fmt: skip


DICTIONARY = Dataset(
    name="dictionary",
    title="欄位說明",
    about=_("The data dictionary: type, unit, meaning and source of every column of every dataset."),
    columns=COLUMNS,
    rows=_rows,
    filters=(),
    description="各資料集每一欄位之型態、計量單位、意義及來源。",
)
