#!/usr/bin/env python3
"""Check an exported ledger (JSON lines) without the system that wrote it: Python alone is enough.

    python3 check_export.py LEDGER.jsonl [--head HEAD.json] [--extract]

It recomputes the hash of every entry, follows the chain from each to the next, and every row from image to
image. HEAD.json is a head kept earlier (verify_ledger --export-head): the export must still contain that
entry, unchanged. With --extract entries may be missing, as in a filtered export: then it says of each entry
only that it was not changed in itself. Exit status: 0 intact, 1 not intact, 2 not readable.

檢查匯出之異動紀錄（JSON lines），不需安裝本系統，只需 Python。
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

# The columns in the order in which they are hashed; `hash` itself follows them.
COLUMNS = (
    "prev", "seq", "at", "actor", "source", "reason", "action", "table", "key", "parent", "before", "after",
)  # fmt: skip
NULLABLE = ("parent", "before", "after")
ROW_ACTIONS = ("INSERT", "UPDATE", "DELETE")


def entry_hash(
    prev: str, seq: int, at: str, actor: str, source: str, reason: str, action: str, table: str, key: str,
    parent: str | None, before: str | None, after: str | None,
) -> str:  # fmt: skip
    """Return the SHA-256 (hexadecimal) over the values of COLUMNS.

    Each value is written as its length in characters, a colon and itself; what is null as a hyphen. So no two
    different entries are written alike.
    """
    number = str(seq)
    text = (
        f"{len(prev)}:{prev}{len(number)}:{number}{len(at)}:{at}{len(actor)}:{actor}{len(source)}:{source}"
        f"{len(reason)}:{reason}{len(action)}:{action}{len(table)}:{table}{len(key)}:{key}"
        f"{'-' if parent is None else f'{len(parent)}:{parent}'}"
        f"{'-' if before is None else f'{len(before)}:{before}'}"
        f"{'-' if after is None else f'{len(after)}:{after}'}"
    )
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Head(NamedTuple):
    """The last entry at some moment: kept elsewhere, it proves later that nothing was rewritten."""

    seq: int
    hash: str
    at: str

    @classmethod
    def read(cls, text: str) -> Head:
        """Read a kept head. Raises ValueError for anything else."""
        try:
            found = json.loads(text)
            return cls(int(found["seq"]), str(found["hash"]), str(found["at"]))
        except (TypeError, KeyError, ValueError) as error:
            raise ValueError(f"not a head: {error!r}") from error


class Break(Exception):
    """The place where the chain breaks; the message names it."""


def follow(
    entries: Iterable[tuple[Any, ...]], head: Head | None, *, extract: bool = False
) -> Iterator[tuple[Any, ...]]:
    """Yield every entry, as the values of COLUMNS and the hash; raise Break at the first one that does not
    follow from the one before it. head is what precedes them; None lets any entry come first. In an extract
    entries may be missing.
    """
    last, link, time = head or (None, "", "")
    for entry in entries:
        seq, at = entry[1], str(entry[2])
        if last is None and seq == 1:
            last = 0  # the ledger's beginning, which follows from nothing
        if last is not None:
            if seq != last + 1 and not (extract and seq > last):
                raise Break(f"entry {seq} follows entry {last}: {_gap(last, seq)} / 序號不連續")
            if seq == last + 1 and entry[0] != link:
                raise Break(f"entry {seq} does not follow from entry {last} / 未承接前一筆之雜湊值")
            if at < time:
                raise Break(f"entry {seq} is older than entry {last} / 時間早於前一筆")
        link = entry_hash(*entry[:-1])
        if entry[-1] != link:
            raise Break(f"entry {seq} was changed: its hash does not fit / 內容與雜湊值不符")
        last, time = seq, at
        yield entry


def _gap(last: int, seq: int) -> str:
    if seq <= last:
        return "out of order"
    return f"{seq - last - 1} missing ({last + 1} to {seq - 1})"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("ledger", help="exported ledger, JSON lines")
    parser.add_argument("--head", help="file with a head kept earlier")
    parser.add_argument(
        "--extract", action="store_true", help="entries may be missing; what is there is checked by itself"
    )
    options = parser.parse_args(arguments)
    try:
        kept = None
        if options.head:
            with open(options.head, encoding="utf-8") as file:
                kept = Head.read(file.read())
        with open(options.ledger, encoding="utf-8", newline="\n") as file:
            return _check(file, kept, options.extract)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        print(f"cannot be read / 無法讀取: {error}", file=sys.stderr)
        return 2


def _check(lines: Iterable[str], kept: Head | None, extract: bool) -> int:
    count, gaps, first, head, found = 0, 0, None, None, False
    entries = _entries(lines)
    try:
        for entry in follow(entries if extract else _images(entries), None, extract=extract):
            count += 1
            gaps += head is not None and entry[1] != head.seq + 1
            head = Head(entry[1], entry[-1], entry[2])
            first = first or head
            if kept and head.seq == kept.seq:
                found = True
                if head.hash != kept.hash:
                    raise Break(f"entry {head.seq} is not the one whose head was kept / 與留存之雜湊值不符")
        if first is None or head is None:
            raise Break("there is no entry / 檔案內沒有任何一筆紀錄")
        if kept and not found:
            raise Break(
                f"the head kept is entry {kept.seq}, which is not among {first.seq} to {head.seq}: "
                "truncated, or another part of the ledger / 未包含留存之序號，可能遭截斷"
            )
    except Break as broken:
        print(f"NOT INTACT / 不完整: {broken}", file=sys.stderr)
        return 1
    if extract:
        print(
            f"extract / 節錄: {count:,} entries ({first.seq} to {head.seq}), {gaps:,} gaps. Each entry is "
            "unchanged in itself; this is NO proof that none was left out or made up / "
            "各筆內容與其雜湊值相符，但不能證明並無缺漏或增添"
        )
    else:
        head_text = json.dumps(head._asdict())
        print(f"intact / 完整: {count:,} entries ({first.seq} to {head.seq}), head {head_text}")
    return 0


def _entries(lines: Iterable[str]) -> Iterator[tuple[Any, ...]]:
    """Yield each line's values of COLUMNS and its hash. Raises Break for a line that is not an entry."""
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
            values = tuple(entry[name] for name in (*COLUMNS, "hash"))
        except (ValueError, KeyError, TypeError) as error:
            raise Break(f"line {number} is not an entry ({error!r}) / 非異動紀錄") from error
        if unknown := set(entry) - {*COLUMNS, "hash"}:
            raise Break(f"line {number} has more than an entry has: {', '.join(sorted(unknown))}")
        if type(entry["seq"]) is not int or not all(
            isinstance(value, str) or (value is None and name in NULLABLE)
            for name, value in entry.items()
            if name != "seq"
        ):
            raise Break(f"line {number}: a value is not of its kind / 欄位格式不符")
        yield values


def _images(entries: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Yield the entries; raise Break where a row was not before an entry as the last entry about it says.

    Of a row whose earlier entries are not in the export the first one is taken as it is.
    """
    rows: dict[tuple[str, str], bytes] = {}  # of the last image only a digest: there may be millions
    whole = None  # whether the export goes back to the ledger's beginning
    for entry in entries:
        yield entry
        values = dict(zip(COLUMNS, entry, strict=False))
        whole = values["seq"] == 1 if whole is None else whole
        if values["action"] not in ROW_ACTIONS:
            continue
        row = (values["table"], values["key"])
        nothing_yet = _digest(None) if whole else _digest(values["before"])
        if rows.get(row, nothing_yet) != _digest(values["before"]):
            raise Break(
                f"entry {values['seq']}: {row[0]} {row[1]} was changed without an entry before it / "
                "此筆異動前，資料曾遭未留紀錄之變更"
            )
        rows[row] = _digest(values["after"])


def _digest(image: str | None) -> bytes:
    return hashlib.sha256((image or "").encode("utf-8", "surrogatepass")).digest()


if __name__ == "__main__":
    sys.exit(main())
