"""The attainment table as files: CSV and XLSX with the same rows and the same numbers as the page.

Headers and words in files are Chinese whatever the language of the screen: a file's columns are a contract.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import xlsxwriter
from django.utils.translation import override

from indicators.readings import Basis
from indicators.wording import STATES
from ledger.acting import record
from ledger.models import Action
from objectives.models import Goal
from objectives.roc import gregorian_year, roc_moment, taipei
from objectives.spreadsheets.text import harmless

from .results import PlanResults, Result
from .wording import LIGHT_SYMBOLS, PROGRESS

Cell = str | int | Decimal | None

# What a cell of an XLSX file can hold: a binary number, and so many characters.
LARGEST_CELL = Decimal("1e308")
LONGEST_CELL = 32_767

KINDS = {Goal.Kind.KEY: "關鍵", Goal.Kind.COMMON: "共同性"}
UNAPPROVED = "含未審核"
DEMONSTRATION = "示範資料"
REVISIONS = (
    "「年度目標值」及「計算式」為計畫原訂內容；自本季或先前季別起經修正者，另列「修正後目標值」、"
    "「修正後計算式」，累計實際值及達成度依修正後者計算"
)


@dataclass(frozen=True)
class Column:
    """A column of the attainment table; width in characters."""

    header: str
    cell: Callable[[Result], Cell]
    width: int


def _state(result: Result) -> str:
    """The state of the value; neither a demonstration nor what awaits approval is ever shown as official."""
    marks = [UNAPPROVED] * result.provisional + [DEMONSTRATION] * result.demo
    return f"{STATES[result.attainment.value.state]}{'（' + '、'.join(marks) + '）' if marks else ''}"


COLUMNS: tuple[Column, ...] = (
    Column("年度", lambda r: r.indicator.goal.plan.year, 6),
    Column("季別", lambda r: r.quarter, 6),
    Column("類別", lambda r: KINDS[Goal.Kind(r.indicator.goal.kind)], 8),
    Column("目標編號", lambda r: r.indicator.goal.code, 9),
    Column("目標", lambda r: r.indicator.goal.title, 36),
    Column("指標代碼", lambda r: r.indicator.code, 9),
    Column("指標", lambda r: r.indicator.title, 36),
    Column("衡量標準", lambda r: r.indicator.standard, 48),
    Column("單位", lambda r: r.indicator.unit, 10),
    Column("年度目標值", lambda r: r.indicator.target, 12),
    Column("修正後目標值", lambda r: r.definition.revised_target, 13),
    Column("累計實際值", lambda r: r.attainment.value.amount, 14),
    Column("資料狀態", _state, 12),
    Column("達成度（未設上限）", lambda r: r.attainment.raw, 18),
    Column("達成度", lambda r: r.attainment.attainment, 14),
    Column("進度", lambda r: str(PROGRESS[r.attainment.progress]) if r.attainment.progress else None, 10),
    Column("系統試算燈號", lambda r: LIGHT_SYMBOLS[r.attainment.light] if r.attainment.light else None, 13),
    Column("計算式", lambda r: r.indicator.formula, 48),
    Column("修正後計算式", lambda r: r.definition.revised_formula or None, 48),
)
# The ledger's last entry when these numbers stood: whoever keeps the file holds the ledger to it.
HEAD_COLUMNS = ("異動紀錄序號", "異動紀錄雜湊值")
HEADERS = (*(column.header for column in COLUMNS), *HEAD_COLUMNS)
FORMAT_VERSION = 3  # of the files; it changes whenever the same data would give another file


def rows(results: PlanResults) -> Iterator[list[Cell]]:
    """Yield one row for each indicator; None is «no value», text is harmless in any spreadsheet program."""
    with override("zh-hant"):
        head: list[Cell] = [results.at.head.seq, results.at.head.hash]
        table = [[*(column.cell(result) for column in COLUMNS), *head] for result in results.results]
    for row in table:
        yield [harmless(cell) if isinstance(cell, str) else cell for cell in row]


def csv_bytes(results: PlanResults) -> bytes:
    """Return the table as CSV: UTF-8 with BOM, CRLF, unrounded numbers."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(HEADERS)
    for row in rows(results):
        writer.writerow(plain(cell) if isinstance(cell, Decimal) else cell for cell in row)
    return stream.getvalue().encode("utf-8-sig")


def plain(number: Decimal) -> str:
    """Return every digit of number without exponent, thousands separators or trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def xlsx_bytes(results: PlanResults) -> bytes:
    """Return the table as XLSX with typed numbers (a spreadsheet keeps 15 digits of them)."""
    stream = io.BytesIO()
    # Text stays text: nothing in it may become a formula, a link or a number.
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(stream, options) as book:
        # The same results give the same file: the time of writing is not part of it.
        book.set_properties(
            {"created": datetime(gregorian_year(results.plan.year), 1, 1, tzinfo=UTC).replace(tzinfo=None)}
        )
        sheet = book.add_worksheet(f"{results.plan.year}年度第{results.quarter}季")
        heading = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        widths = [*(column.width for column in COLUMNS), 13, 66]
        for index, (header, width) in enumerate(zip(HEADERS, widths, strict=True)):
            sheet.set_column(index, index, width, wrapped)
            sheet.write_string(0, index, header, heading)
        for number, row in enumerate(rows(results), start=1):
            for index, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(number, index, fitting(cell))
                elif isinstance(cell, Decimal) and abs(cell) >= LARGEST_CELL:
                    sheet.write_string(number, index, str(cell))
                elif cell is not None:
                    sheet.write_number(number, index, cell)
        sheet.freeze_panes(1, 6)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        cover = book.add_worksheet("說明")
        cover.set_column(0, 0, 20, heading)
        cover.set_column(1, 1, 80, wrapped)
        for number, (words, text) in enumerate(description(results)):
            cover.write_string(number, 0, words)
            cover.write_string(number, 1, harmless(text))
    return stream.getvalue()


def description(results: PlanResults) -> list[tuple[str, str]]:
    """Say in words what a file holds; the same data give the same words."""
    head = results.at.head
    with override("zh-hant"):
        moment = roc_moment(results.at.now)
    return [
        ("年度施政計畫", results.plan.title),
        ("季別", f"{results.plan.year} 年度第 {results.quarter} 季"),
        ("填報值範圍", "僅含審核通過之填報值" if results.basis is Basis.OFFICIAL else UNAPPROVED),
        ("目標值修正", REVISIONS),
        ("資料性質", DEMONSTRATION if results.demo else "實際填報資料"),
        ("資料截至", moment),
        ("異動紀錄序號", str(head.seq)),
        ("異動紀錄雜湊值", head.hash),
        ("檔案格式版本", str(FORMAT_VERSION)),
    ]


def fitting(text: str, mark: str = "…") -> str:
    """Cut what no cell can hold, and show by the mark that it was cut; other formats have it whole."""
    return text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - len(mark)] + mark


@dataclass(frozen=True)
class Format:
    """A file format of the attainment table."""

    content_type: str
    write: Callable[[PlanResults], bytes]


FORMATS: dict[str, Format] = {
    "csv": Format("text/csv; charset=utf-8", csv_bytes),
    "xlsx": Format("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", xlsx_bytes),
}


def file_name(results: PlanResults, extension: str) -> str:
    """Name the file after what it holds; provisional and demonstration results say so."""
    marks = [UNAPPROVED] * (results.basis is not Basis.OFFICIAL) + [DEMONSTRATION] * results.demo
    if results.at.past:
        marks.append(f"截至{taipei(results.at.now):%Y%m%dT%H%M%S}")
    name = "-".join([f"{results.plan.year}年度第{results.quarter}季達成情形", *marks])
    return f"{name}.{extension}"


def record_export(results: PlanResults, name: str, content: bytes) -> None:
    """Write into the ledger that a file was taken away, and which."""
    record(
        Action.EXPORT,
        about=results.plan,
        details={
            "file": name,
            "sha256": hashlib.sha256(content).hexdigest(),
            "quarter": results.quarter,
            "basis": results.basis.value,
            "as_of": results.at.written if results.at.past else None,
            "head_seq": results.at.head.seq,
            "head_hash": results.at.head.hash,
        },
    )
