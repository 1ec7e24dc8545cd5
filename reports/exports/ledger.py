"""The ledger as files: JSON lines for the verifier, tables for people.

Entries are read a piece at a time by their numbers, up to the last one when the file was asked for. Since the
ledger only grows, that is one state of it without a transaction that lasts as long as a slow download, behind
pgbouncer too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from ledger.check_export import COLUMNS, Head
from ledger.models import Action, Entry, EntryQuerySet, Source
from objectives.models import User
from objectives.roc import roc_year, taipei
from objectives.spreadsheets.tables import Column, Kind

from ..images import models_by_table
from ..ledger_form import LedgerForm
from ..moments import At
from . import columns
from .dataset import Dataset, Row
from .files import VERIFIABLE, Export
from .scope import Scope

CHUNK = 2_000  # entries in memory at a time

Values = tuple[Any, ...]  # of COLUMNS and the hash

LEDGER_COLUMNS = (
    Column("序號", Kind.WHOLE, 9, "紀錄之序號，自 1 起連續不斷。", source=columns.LEDGER),
    Column(
        "時間（臺北）", Kind.TEXT, 24,
        "紀錄之時間，民國紀年，至千分之一秒，如 115/05/19 14:05:09.123。",
        source=columns.LEDGER,
    ),
    Column(
        "人員", Kind.TEXT, 16,
        "異動者之帳號；「os:」為伺服器帳號，「db:」為資料庫角色，空白為未登入者。",
        source=columns.LEDGER,
    ),
    Column("方式", Kind.TEXT, 14, "以何種途徑異動，如填報及管理頁面、匯入、指令。", source=columns.LEDGER),
    Column("理由", Kind.TEXT, 24, "異動時所敘理由，或遭拒絕之原因。", source=columns.LEDGER),
    Column("動作", Kind.TEXT, 10, "新增、修改、刪除，或登入、匯出等事件。", source=columns.LEDGER),
    Column("資料種類", Kind.TEXT, 14, "所異動資料之種類。", source=columns.LEDGER),
    Column("資料表", Kind.TEXT, 20, "所異動資料表之名稱。", source=columns.LEDGER),
    Column("資料鍵值", Kind.TEXT, 9, "所異動資料之鍵值。", source=columns.LEDGER),
    Column("隸屬鍵值", Kind.TEXT, 9, "所異動資料隸屬者之鍵值，如填報值之季填報。", source=columns.LEDGER),
    Column("異動前", Kind.TEXT, 40, "異動前之各欄內容（JSON）；新增者空白。", source=columns.LEDGER),
    Column(
        "異動後", Kind.TEXT, 40,
        "異動後之各欄內容（JSON），或事件之內容；刪除者空白。",
        source=columns.LEDGER,
    ),
    Column("雜湊值", Kind.TEXT, 24, "本筆紀錄連同前一筆雜湊值之 SHA-256。", source=columns.LEDGER),
)  # fmt: skip


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

    def values(self) -> Iterator[Values]:
        """Yield the values of COLUMNS and the hash of every entry."""
        wanted = self.entries.order_by("seq").values_list(*COLUMNS, "hash")
        last = 0
        while rows := list(wanted.filter(seq__gt=last)[:CHUNK]):
            yield from rows
            last = rows[-1][COLUMNS.index("seq")]

    def rows(self) -> Iterator[Row]:
        """Yield the entries as LEDGER_COLUMNS names their cells."""
        words = _words()
        return (_cells(entry, *words) for entry in self.values())


Words = Mapping[str, str]


def _words() -> tuple[Words, Words, Words]:
    """Return the Chinese words for actions, ways and kinds of objects."""
    with override("zh-hant"):
        actions = {str(value): str(words) for value, words in Action.choices}
        ways = {str(value): str(words) for value, words in Source.choices}
        kinds = {
            table: str(model._meta.verbose_name)
            for table, model in models_by_table().items()
            if not model._meta.auto_created
        }
    return actions, ways, kinds


def _cells(entry: Values, actions: Words, ways: Words, kinds: Words) -> Row:
    _prev, seq, at, actor, source, reason, action, table, key, parent, before, after, own = entry
    return (
        seq, local(at), actor, ways.get(source, source), reason, actions.get(action, action),
        kinds.get(table, table), table, key, parent, before, after, own,
    )  # fmt: skip


def local(at: str) -> str:
    """Return an entry's time as spreadsheets sort it, in Taipei's: 115/05/19 14:05:09.123."""
    moment = taipei(datetime.fromisoformat(at))
    return f"{roc_year(moment):03}/{moment:%m/%d %H:%M:%S}.{moment.microsecond // 1000:03}"


def _in_words(scope: Scope) -> list[tuple[str, str]]:
    """Say which entries were asked for; from which number on, a command may ask."""
    form = LedgerForm(scope.more, user=scope.reader or User())
    with override("zh-hant"):
        found = [("起始序號", str(value)) for name, value in scope.more.items() if name == "since"]
        for name, value in form.asked.items():
            choices = dict(getattr(form.fields[name], "choices", ()))
            found.append((str(form.fields[name].label), str(choices.get(value, value))))
    return found


def _whole(scope: Scope) -> Iterable[Row]:
    """Yield every entry; the page's filters make an `Extract` of their own."""
    return Extract.of(Entry.objects.all()).rows()


LEDGER = Dataset(
    name="ledger",
    title="異動紀錄",
    about=_(
        "Every change of the data, every sign-in, every file taken away: who, when, from what to what, why."
    ),
    columns=LEDGER_COLUMNS,
    rows=_whole,
    filters=("person", "first", "last", "kind", "object", "action", "way"),
    is_long=True,
    in_words=_in_words,
    more_formats=(VERIFIABLE,),
)


def ledger_export(
    entries: EntryQuerySet, extension: str, *, reader: User | None, asked: Mapping[str, Any]
) -> Export:
    """Return the file of entries up to the ledger's present end; asked are the filters that chose them."""
    extract = Extract.of(entries)
    rows = extract.values if extension == VERIFIABLE else extract.rows
    scope = Scope(At(timezone.now(), extract.head, past=False), reader, more=asked)
    return Export(replace(LEDGER, rows=lambda _scope: rows()), scope, extension, {"entries": extract.count})
