"""What a file says of itself: on the cover of a workbook, in its name, and to the ledger."""

from __future__ import annotations

from typing import Any

from django.utils.translation import override

from indicators.readings import Basis
from ledger.acting import operating_system_user
from objectives.models import User
from objectives.roc import roc_moment, roc_year, taipei

from .attainment import DEMONSTRATION, UNAPPROVED
from .dataset import Dataset
from .scope import Scope

FORMAT_VERSION = 5  # of all files; it changes whenever the same data would give another file
REVISIONS = (
    "「年度目標值」及「計算式」為計畫原訂內容；自本季或先前季別起經修正者，另列「修正後目標值」、"
    "「修正後計算式」，累計實際值及達成度依修正後者計算"
)


def cover(dataset: Dataset, scope: Scope, demo: bool) -> list[tuple[str, str]]:
    """Say in words what a file holds; the same data asked for by the same person give the same words."""
    head = scope.at.head
    with override("zh-hant"):
        return [
            ("資料集", dataset.title),
            *(_of_the_plan(dataset, scope, demo) if scope.plan_asked else ()),
            *dataset.in_words(scope),
            ("資料截至", roc_moment(scope.at.now)),
            ("資料截至（as_of）", scope.at.written),
            ("匯出人", exported_by(scope.reader)),
            ("異動紀錄序號", str(head.seq)),
            ("異動紀錄雜湊值", head.hash),
            ("檔案格式版本", str(FORMAT_VERSION)),
        ]


def _of_the_plan(dataset: Dataset, scope: Scope, demo: bool) -> list[tuple[str, str]]:
    said = [
        ("年度施政計畫", scope.plan.title),
        ("機關", scope.plan.unit.name),
        ("季別", f"{scope.plan.year} 年度第 {scope.quarter} 季（累計至該季止）"),
    ]
    if "basis" in dataset.filters:
        official = scope.basis is Basis.OFFICIAL
        said.append(("填報值範圍", "僅含審核通過之填報值" if official else UNAPPROVED))
    if any(column.header == "修正後目標值" for column in dataset.columns):
        said.append(("目標值修正", REVISIONS))
    said.append(("資料性質", DEMONSTRATION if demo else "實際填報資料"))
    return said


def exported_by(reader: User | None) -> str:
    """Name who takes the file away: 王小明（account); of a command, the account on the server."""
    if reader is None:
        return operating_system_user()
    return f"{reader.name}（{reader.username}）" if reader.name else reader.username


def file_name(dataset: Dataset, scope: Scope, extension: str, demo: bool) -> str:
    """Name the file after what it holds; provisional and demonstration data say so."""
    if scope.plan_asked is None:
        day = taipei(scope.at.now)
        return f"{dataset.title}{roc_year(day):03}{day:%m%d}-{scope.at.head.seq}.{extension}"
    name = f"{scope.plan.year}年度第{scope.quarter}季{dataset.title}"
    marks = [*scope.more.values()]
    marks += [UNAPPROVED] * (scope.basis is not Basis.OFFICIAL) + [DEMONSTRATION] * demo
    if scope.at.past:
        marks.append(f"截至{taipei(scope.at.now):%Y%m%dT%H%M%S}")
    return f"{'-'.join([name, *marks])}.{extension}"


def particulars(dataset: Dataset, scope: Scope, extension: str, name: str) -> dict[str, Any]:
    """Return what the ledger's entry about a file tells, whatever the file comes to."""
    return {
        "what": dataset.name,
        "file": name,
        "format": extension,
        "filters": scope.asked,
        "as_of": scope.at.written if scope.at.past else None,
        "head_seq": scope.at.head.seq,
        "head_hash": scope.at.head.hash,
    }
