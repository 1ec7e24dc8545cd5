"""已發布報告: every version of every published report, each of its files in a row of its own."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from objectives.spreadsheets.tables import Column, Kind

from ..models import Publication, PublishedFile
from . import columns
from .dataset import Dataset, Row
from .scope import Scope

SOURCE = "發布紀錄（docs/publishing.md）"

COLUMNS = (
    Column("發布編號", Kind.TEXT, 20, "印於報告每一頁之編號，不重複，如 MOFA-99-Q2-1。", source=SOURCE),
    columns.YEAR,
    Column("機關", Kind.TEXT, 20, "報告所屬之機關。", source=columns.UNITS),
    Column("季別", Kind.WHOLE, 6, "季報之季別，1 至 4。", source=SOURCE),
    Column("版次", Kind.WHOLE, 6, "同一報告之第幾版，自 1 起；2 以上為勘誤版。", source=SOURCE),
    Column("勘誤原因", Kind.TEXT, 40, "發布該勘誤版之原因；第 1 版空白。", source=SOURCE),
    Column("現行版發布編號", Kind.TEXT, 20, "同一報告最新一版之發布編號。", source=SOURCE),
    Column("資料截至", Kind.MOMENT, 20, "報告所載資料之時點（臺北）。", source=SOURCE),
    Column("發布人", Kind.TEXT, 16, "發布者之姓名，未登錄姓名者為帳號。", source=SOURCE),
    Column("發布時間", Kind.MOMENT, 20, "發布之時間（臺北）。", source=SOURCE),
    Column("檔名", Kind.TEXT, 24, "檔案之名稱。", source=SOURCE),
    Column("檔案大小", Kind.WHOLE, 12, "檔案之大小。", unit="位元組", source=SOURCE),
    Column("SHA-256", Kind.TEXT, 66, "檔案內容之 SHA-256 雜湊值，據以查驗檔案。", source=SOURCE),
    Column(
        "異動紀錄序號", Kind.WHOLE, 13, "資料時點當時異動紀錄之最末序號。", source=columns.LEDGER
    ),
    Column("異動紀錄雜湊值", Kind.TEXT, 66, "該序號之 SHA-256 雜湊值。", source=columns.LEDGER),
)  # fmt: skip


def _rows(scope: Scope) -> Iterator[Row]:
    found = Publication.objects.all()
    if scope.reader is not None:
        found = found.visible_to(scope.reader)
    publications = list(found.for_pages().order_by("plan__year", "plan__unit__code", "quarter", "version"))
    newest = {(each.plan_id, each.quarter): each.number for each in publications}  # the last one stays
    for each in publications:
        for file in each.files.all():
            yield _row(each, file, newest[each.plan_id, each.quarter])


def _row(publication: Publication, file: PublishedFile, newest: str) -> Row:
    return (
        publication.number, publication.plan.year, publication.plan.unit.name,
        publication.quarter, publication.version,
        publication.reason or None, newest, publication.as_of, str(publication.published_by),
        publication.published_at, file.name, file.size, file.sha256, publication.head_seq,
        publication.head_hash,
    )  # fmt: skip


PUBLICATIONS = Dataset(
    name="publications",
    title="已發布報告",
    about=_("Every version of the published reports, with the SHA-256 of its files."),
    columns=COLUMNS,
    rows=_rows,
    filters=(),
)
