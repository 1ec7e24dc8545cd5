"""A plan's workbook as a file: its cover, its sheets with the words that cells may have, XLSX and ODS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from objectives.models import Plan, User
from objectives.roc import roc_moment
from objectives.spreadsheets.forms import FormCell, FormSheet, Look, Rule

from .workbook import FORMATS

COVER = "說明"
FURTHER_ROWS = 50  # below what there is, prepared to be filled in

HOW_TO = (
    (
        "用途",
        "修改本年度計畫，或編製次年度計畫：將「計畫」工作表之年度改為次年度後上傳，"
        "即另立一份擬定中之計畫，原年度之計畫不變。",
    ),
    (
        "欄位",
        "各工作表第 1 列為欄名，請勿更動；欄名之附註說明其意義，有選單者請自選單選取。欄位順序可調整。",
    ),
    (
        "識別",
        "各列以代碼、順序、項次路徑或符號識別；更改者視為新的一列，原列仍保留。須更改者，請於系統內修改。",
    ),
    ("空白", "儲存格清空後上傳，即清除系統內之內容。"),
    ("刪除", "檔案中未列出之列一律不刪除；須刪除者，請於系統內刪除。"),
    ("數值", "數值請輸入數字，如 1234.5 或 1,234.5，勿加百分號；是否欄位填「是」或「否」。"),
    (
        "下載後之異動",
        "各列隱藏之「版本」欄記載下載時之內容；下載後如有他人修改同一列，"
        "上傳時並列兩者，不予寫入，請重新下載。",
    ),
    ("上傳", "上傳後先顯示每列之新增、修改與錯誤，確認後始一次全部寫入；有任一錯誤即全部不寫入。"),
    (
        "已核定之計畫",
        "計畫核定後，內容依規定不得修改；目標值、計算式及常數之修正，請於系統內依修正程序辦理。",
    ),
)


@dataclass(frozen=True)
class Head:
    """What is above a column: its header, what it means, and the words that its cells may have."""

    header: str
    width: int = 12
    note: str = ""
    choices: tuple[str, ...] = ()
    is_number: bool = False
    is_hidden: bool = False


@dataclass(frozen=True)
class Page:
    """A sheet; its cells are texts, those of a column of numbers plain digits."""

    title: str
    heads: Sequence[Head]
    rows: Sequence[Sequence[str]]


Pairs = Sequence[tuple[str, str]]


def cover(plan: Plan, *, by: User | None, now: datetime) -> Pairs:
    """Say what the workbook is, and how it is filled in."""
    return [
        ("計畫", f"{plan.unit.name} {plan.year} 年度：{plan.title}"),
        ("下載時間", roc_moment(now)),
        *([("下載者", str(by))] if by else []),
        *HOW_TO,
    ]


def rendered(pairs: Pairs, pages: Sequence[Page], extension: str) -> bytes:
    """Return the workbook as a file, "xlsx" or "ods"."""
    told = [[FormCell(heading, Look.BOLD), FormCell(text)] for heading, text in pairs]
    first = FormSheet(COVER, [16, 90], told, protected=False)
    return FORMATS[extension][1]([first, *map(_sheet, pages)])


def _sheet(page: Page) -> FormSheet:
    rules = [_rule(head) for head in page.heads]
    header = [FormCell(head.header, Look.HEADING, head.note) for head in page.heads]
    further = [[FormCell(rule=rule) for rule in rules]] * FURTHER_ROWS
    rows = [
        [
            FormCell(_value(head, said), rule=rule)
            for head, said, rule in zip(page.heads, row, rules, strict=True)
        ]
        for row in page.rows
    ]
    return FormSheet(
        page.title,
        [head.width for head in page.heads],
        [header, *rows, *further],
        frozen=(1, 0),
        hidden=frozenset(place for place, head in enumerate(page.heads) if head.is_hidden),
        protected=False,
    )


def _rule(head: Head) -> Rule | None:
    if head.is_number:
        return Rule("請輸入數字。", number=True, negative=True)
    return Rule("請自選單選取。", words=head.choices) if head.choices else None


def _value(head: Head, said: str) -> str | Decimal:
    return Decimal(said) if said and head.is_number else said
