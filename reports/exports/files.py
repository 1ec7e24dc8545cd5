"""A dataset as a file, and the ledger's entry about it.

What is short is written whole, and its SHA-256 recorded. What is long is sent while it is read: then the
entry comes first, and what is read is the data as they stood at the ledger's head that the entry names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import IO, Any

from ledger.acting import record
from ledger.models import Action, Entry
from ledger.past import as_of
from ledger.verify import snapshot
from objectives.spreadsheets.tables import Table
from objectives.spreadsheets.writing import FORMATS, Format

from ..moments import At
from .cover import cover, file_name, particulars
from .dataset import Dataset, Row
from .json_lines import verifiable
from .scope import Scope

OPEN_DATA = "plain.csv"
VERIFIABLE = "jsonl"
ALL_FORMATS = {
    **FORMATS,
    VERIFIABLE: Format(
        "application/jsonl; charset=utf-8",
        lambda table, file: file.writelines(verifiable(table.rows)),
        lambda table: verifiable(table.rows),
    ),
}


@dataclass(frozen=True)
class Export:
    """One dataset in one format, as it is taken away."""

    dataset: Dataset
    scope: Scope
    extension: str
    known: Mapping[str, Any] = field(default_factory=dict)  # what the ledger is told besides

    @cached_property
    def name(self) -> str:
        return file_name(self.dataset, self.scope, self.extension, self.demo)

    @cached_property
    def demo(self) -> bool:
        """Whether any of what it holds is a demonstration."""
        return self.dataset.demo(self.scope)

    @property
    def streams(self) -> bool:
        """Whether the file is sent while it is read."""
        return self.dataset.is_long and self.format.lines is not None

    @property
    def format(self) -> Format:
        return ALL_FORMATS[self.extension]

    def table(self, rows: Iterable[Row]) -> Table:
        return Table(
            self.dataset.title, self.dataset.columns, rows, cover(self.dataset, self.scope, self.demo)
        )

    def write(self, file: IO[bytes], watch: Callable[[int], None] = lambda rows: None) -> int:
        """Write the file and return how many rows it has; watch is told of each row by its number.

        The data that are read must be those of the scope's moment.
        """
        counted = Counted(self.dataset.rows(self.scope), watch)
        self.format.write(self.table(counted), file)
        return counted.number

    def lines(self) -> Iterator[bytes]:
        """Yield the file piece by piece; the data that are read must be those of the scope's moment."""
        lines = self.format.lines
        if lines is None:
            raise LookupError(f"{self.extension} cannot be written piece by piece.")
        return lines(self.table(self.dataset.rows(self.scope)))

    def record(self, **more: Any) -> None:
        """Write into the ledger that the file was taken away; more is what is known of it by now."""
        details = particulars(self.dataset, self.scope, self.extension, self.name)
        record(Action.EXPORT, about=self.scope.plan_asked, details={**details, **self.known, **more})


@dataclass
class Counted:
    """Rows that are counted as they are read."""

    rows: Iterable[Row]
    watch: Callable[[int], None]
    number: int = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self.rows:
            self.number += 1
            self.watch(self.number)
            yield row


def extensions(dataset: Dataset) -> list[str]:
    """Return the formats that a dataset comes in; the one for open data only where it names nobody."""
    common = [extension for extension in FORMATS if dataset.is_open or extension != OPEN_DATA]
    return [*common, *dataset.more_formats]


def sha256(file: IO[bytes]) -> str:
    """Return the SHA-256 of a file's bytes, and leave the file at its beginning."""
    file.seek(0)
    found = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    file.seek(0)
    return found


@contextmanager
def data_settled(at: At) -> Iterator[None]:
    """Let everything inside read the data of a moment that was settled before this was entered.

    For the present these are the data of now, where no row was written since, which is nearly always so;
    otherwise, as for the past, what the ledger's images tell.
    """
    if not at.past:
        with snapshot():
            if not _written_since(at):
                yield
                return
    with as_of(at.now if at.past else datetime.fromisoformat(at.head.at)):
        yield


def _written_since(at: At) -> bool:
    changes = (Action.INSERT, Action.UPDATE, Action.DELETE)
    return Entry.objects.filter(seq__gt=at.head.seq, action__in=changes).exists()
