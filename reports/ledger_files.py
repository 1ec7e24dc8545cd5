"""The ledger as files: JSON lines for the verifier, CSV and XLSX for people.

Entries are read a piece at a time by their numbers, up to the last one when the file was asked for. Since the
ledger only grows, that is one state of it without a transaction that lasts as long as a slow download, behind
pgbouncer too.
"""

from __future__ import annotations

import csv
import json
import string
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import IO, Any

import xlsxwriter
from django.utils.translation import override

from ledger.acting import record
from ledger.check_export import COLUMNS, Head
from ledger.models import Action, Entry, EntryQuerySet, Source
from objectives.roc import roc_year, taipei
from objectives.spreadsheets.text import harmless

from .exporters import fitting
from .images import models_by_table

CHUNK = 2_000  # entries in memory at a time
LONGEST_SHEET = 1_048_575  # rows below the headers
CUT = "…（內容過長，以 JSON lines 檔為準）"

Values = tuple[Any, ...]  # of COLUMNS and the hash

# Headers and words in files are Chinese whatever the language of the screen, like those of other files.
HEADERS = (
    "序號", "時間（臺北）", "人員", "方式", "理由", "動作", "資料種類", "資料表", "資料鍵值", "隸屬鍵值",
    "異動前", "異動後", "雜湊值",
)  # fmt: skip
WIDTHS = (9, 24, 16, 14, 24, 10, 14, 20, 9, 9, 40, 40, 24)

# What nearly every text begins with, and no formula.
_PLAIN = frozenset(string.ascii_letters + string.digits + "{")


@dataclass(frozen=True)
class Extract:
    """Some entries of the ledger as it stood at a head, in their order."""

    entries: EntryQuerySet
    head: Head
    count: int

    @classmethod
    def of(cls, entries: EntryQuerySet) -> Extract:
        """Fix the end of what is extracted: what is written from now on is no part of it."""
        head = Entry.objects.head()
        entries = entries.filter(seq__lte=head.seq)
        return cls(entries, head, entries.count())

    def record(self, file_format: str, asked: dict[str, Any]) -> None:
        """Write down in the ledger who takes which part of it away; before it is read."""
        details = {
            "what": "ledger",
            "format": file_format,
            "entries": self.count,
            "head_seq": self.head.seq,
            "head_hash": self.head.hash,
            "filters": asked,
        }
        record(Action.EXPORT, details=details)

    def rows(self) -> Iterator[Values]:
        """Yield the values of COLUMNS and the hash of every entry."""
        wanted = self.entries.order_by("seq").values_list(*COLUMNS, "hash")
        last = 0
        while rows := list(wanted.filter(seq__gt=last)[:CHUNK]):
            yield from rows
            last = rows[-1][COLUMNS.index("seq")]


def json_lines(rows: Iterable[Values]) -> Iterator[bytes]:
    """Yield entries as the verifier reads them."""
    names = (*COLUMNS, "hash")
    for part in _parts(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) for row in rows):
        yield ("\n".join(part) + "\n").encode("utf-8", "surrogatepass")


def csv_lines(rows: Iterable[Values]) -> Iterator[bytes]:
    """Yield a table in UTF-8 with BOM, CRLF."""
    lines: list[str] = []
    writer = csv.writer(_Lines(lines))
    writer.writerow(HEADERS)
    yield b"\xef\xbb\xbf"
    for part in _parts(table(rows)):
        writer.writerows(part)
        yield "".join(lines).encode("utf-8", "replace")
        lines.clear()
    yield "".join(lines).encode()


class _Lines:
    """Takes what a csv.writer writes."""

    def __init__(self, lines: list[str]) -> None:
        self.write = lines.append


def write_xlsx(rows: Iterable[Values], file: IO[bytes]) -> None:
    """Write a workbook row by row; memory does not grow with it."""
    options = {
        "constant_memory": True,
        "use_zip64": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(file, options) as book:
        heading = book.add_format({"bold": True, "bottom": 1})
        sheet, number = _sheet(book, heading), 0
        for row in table(rows):
            if number == LONGEST_SHEET:
                sheet, number = _sheet(book, heading), 0
            number += 1
            sheet.write_number(number, 0, row[0])
            for column, cell in enumerate(row[1:], start=1):
                if cell:
                    sheet.write_string(number, column, fitting(cell, CUT))


def _sheet(book: Any, heading: Any) -> Any:
    sheet = book.add_worksheet(f"異動紀錄{len(book.worksheets()) + 1}")
    for column, (header, width) in enumerate(zip(HEADERS, WIDTHS, strict=True)):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, header, heading)
    sheet.freeze_panes(1, 1)
    return sheet


def table(rows: Iterable[Values]) -> Iterator[Sequence[Any]]:
    """Yield entries as HEADERS names their cells, the texts harmless; empty for null."""
    with override("zh-hant"):
        actions = {str(value): str(words) for value, words in Action.choices}
        ways = {str(value): str(words) for value, words in Source.choices}
        kinds = {
            table: str(model._meta.verbose_name)
            for table, model in models_by_table().items()
            if not model._meta.auto_created
        }
    return (_cells(row, actions, ways, kinds) for row in rows)


def _cells(
    row: Values, actions: dict[str, str], ways: dict[str, str], kinds: dict[str, str]
) -> Sequence[Any]:
    _prev, seq, at, actor, source, reason, action, table, key, parent, before, after, own = row
    texts = (
        local(at), actor, ways.get(source, source), reason, actions.get(action, action),
        kinds.get(table, table), table, key, parent, before, after, own,
    )  # fmt: skip
    return [seq, *(safe(text) if text else "" for text in texts)]


def safe(text: str) -> str:
    """Return a text that no spreadsheet program takes for a formula."""
    return text if text[0] in _PLAIN else harmless(text)


def local(at: str) -> str:
    """Return an entry's time as spreadsheets sort it, in Taipei's: 115/05/19 14:05:09.123."""
    moment = taipei(datetime.fromisoformat(at))
    return f"{roc_year(moment):03}/{moment:%m/%d %H:%M:%S}.{moment.microsecond // 1000:03}"


def _parts(rows: Iterable[Any]) -> Iterator[list[Any]]:
    """Yield rows some hundred at a time: a chunk for each would be slow to send."""
    rows = iter(rows)
    while part := list(islice(rows, 500)):
        yield part


FORMATS: dict[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "jsonl": "application/jsonl; charset=utf-8",
}
STREAMS: dict[str, Callable[[Iterable[Values]], Iterator[bytes]]] = {"csv": csv_lines, "jsonl": json_lines}


def write(rows: Iterable[Values], file_format: str, file: IO[bytes]) -> None:
    """Write entries to an open file."""
    if file_format == "xlsx":
        write_xlsx(rows, file)
    else:
        file.writelines(STREAMS[file_format](rows))
