"""匯入紀錄: the uploaded files, what was found in them and what became of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy, override

from indicators.import_forms import FilterForm
from indicators.models import ImportBatch
from objectives.spreadsheets.tables import Column, Kind, Value

from . import columns
from .dataset import Dataset, Row
from .scope import Scope

IMPORTS_SOURCE = "匯入批次"

COLUMNS = (
    Column("上傳時間", Kind.MOMENT, 20, "檔案上傳之時間（臺北）。", source=IMPORTS_SOURCE),
    Column("上傳人", Kind.TEXT, 16, "上傳者之姓名，未登錄姓名者為帳號。", source=IMPORTS_SOURCE),
    Column("單位", Kind.TEXT, 20, "檔案係為何單位上傳。", source=columns.UNITS),
    Column("檔名", Kind.TEXT, 36, "上傳時之檔名。", source=IMPORTS_SOURCE),
    Column("種類", Kind.TEXT, 14, "檔案內容：季填報值或計畫內容。", source=IMPORTS_SOURCE),
    Column("年度", Kind.WHOLE, 6, "所涉計畫之年度，民國紀年；無從認定者空白。", source=IMPORTS_SOURCE),
    Column("季別", Kind.WHOLE, 6, "所涉之季，1 至 4；計畫內容或無從認定者空白。", source=IMPORTS_SOURCE),
    Column("狀態", Kind.TEXT, 14, "已檢核而待確認匯入、不予匯入、已匯入或已撤銷。", source=IMPORTS_SOURCE),
    Column("資料列數", Kind.WHOLE, 9, "檔案之資料列數。", unit="列", source=IMPORTS_SOURCE),
    Column("新增", Kind.WHOLE, 8, "新增之列數。", unit="列", source=IMPORTS_SOURCE),
    Column("變更", Kind.WHOLE, 8, "數值有變更之列數。", unit="列", source=IMPORTS_SOURCE),
    Column("未變更", Kind.WHOLE, 8, "與現有數值相同之列數。", unit="列", source=IMPORTS_SOURCE),
    Column("衝突", Kind.WHOLE, 8, "下載後現有數值已另有異動之列數。", unit="列", source=IMPORTS_SOURCE),
    Column("錯誤", Kind.WHOLE, 8, "有錯誤之列數。", unit="列", source=IMPORTS_SOURCE),
    Column("處理人", Kind.TEXT, 16, "確認匯入或撤銷者之姓名，未登錄姓名者為帳號。", source=IMPORTS_SOURCE),
    Column("處理時間", Kind.MOMENT, 20, "確認匯入或撤銷之時間（臺北）。", source=IMPORTS_SOURCE),
    Column("不予匯入原因", Kind.TEXT, 40, "整份檔案不予匯入之原因。", source=IMPORTS_SOURCE),
    Column("檔案大小", Kind.WHOLE, 12, "檔案之大小。", unit="位元組", source=IMPORTS_SOURCE),
    Column("SHA-256", Kind.TEXT, 66, "檔案內容之 SHA-256 雜湊值。", source=IMPORTS_SOURCE),
)


def _in_words(scope: Scope) -> list[tuple[str, str]]:
    """Say what the page's filters ask. Raises ValidationError for a state or kind that there is not."""
    form = FilterForm(scope.more)
    if not form.is_valid():
        raise ValidationError([message for messages in form.errors.values() for message in messages])
    found = []
    with override("zh-hant"):
        for name, value in form.asked.items():
            choices = dict(getattr(form.fields[name], "choices", ()))
            found.append((str(form.fields[name].label), str(choices.get(value, value))))
    return found


def _rows(scope: Scope) -> Iterator[Row]:
    batches = ImportBatch.objects.all()
    if scope.reader is not None:
        batches = batches.visible_to(scope.reader)
    found = FilterForm(scope.more).narrowed(batches)
    wanted = found.select_related("plan", "unit", "uploaded_by", "decided_by")
    with override("zh-hant"):
        rows = [_row(batch) for batch in wanted]
    yield from rows


def _row(batch: ImportBatch) -> Row:
    return (
        batch.uploaded_at, _name(batch.uploaded_by), batch.unit.name, batch.name,
        str(batch.get_kind_display()), batch.plan.year if batch.plan else None, batch.quarter,
        str(batch.get_state_display()), batch.rows, batch.new, batch.changed, batch.unchanged,
        batch.conflicts, batch.errors, _name(batch.decided_by), batch.decided_at, batch.refusal or None,
        batch.size, batch.sha256,
    )  # fmt: skip


def _name(person: Any) -> Value:
    return str(person) if person else None


IMPORTS = Dataset(
    name="imports",
    title="匯入紀錄",
    about=gettext_lazy(
        "Uploaded files, what was found in them and what became of them: yours, or those you may audit."
    ),
    columns=COLUMNS,
    rows=_rows,
    filters=tuple(FilterForm.base_fields),
    in_words=_in_words,
)
