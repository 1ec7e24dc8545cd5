"""A table as CSV (RFC 4180): UTF-8, commas, CRLF."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from .tables import Table, Value
from .values import Remembered, written

BOM = b"\xef\xbb\xbf"  # by which Excel knows UTF-8
ROWS = 500  # written at a time: a piece for each row would be slow to send

Row = Sequence[Value]


def csv_lines(table: Table, *, bom: bool = True) -> Iterator[bytes]:
    """Yield a table piece by piece, its header first, every text harmless in any spreadsheet program."""
    cells = Remembered(written)
    yield (BOM if bom else b"") + _header(table)
    for rows in parts(table.rows):
        yield _encoded([cells[value] for value in row] for row in rows)


def parts(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Yield rows some at a time."""
    remaining = iter(rows)
    while part := list(islice(remaining, ROWS)):
        yield part


class Passage:
    """The rows of a table on their way into a file: counted, and hashed as CSV without BOM has them."""

    def __init__(self, table: Table) -> None:
        self.count = 0
        self.texts = Remembered(written)  # what the CSV has for a value
        self._table = table
        self._hash = hashlib.sha256()

    def rows(self) -> Iterator[Row]:
        """Yield the rows, which can be read once."""
        self._hash.update(_header(self._table))
        for part in parts(self._table.rows):
            self._hash.update(_encoded([self.texts[value] for value in row] for row in part))
            self.count += len(part)
            yield from part

    def sha256(self) -> str:
        """Return the hash of the header and of what has passed, in hexadecimal digits."""
        return self._hash.hexdigest()


def _header(table: Table) -> bytes:
    return _encoded([[written(column.header) for column in table.columns]])


def _encoded(rows: Iterable[Sequence[str]]) -> bytes:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows(rows)
    return stream.getvalue().encode("utf-8", "replace")
