"""Whether the ledger is intact, and whether the data is what the ledger says it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext as _

from .audited import tables
from .check_export import COLUMNS, Break, Head, follow
from .models import Entry
from .triggers import deviations, dialect, differences

CHUNK = 500  # entries in memory at a time; more are slower


@dataclass
class Verdict:
    """What a verification found; intact when there are no problems."""

    entries: int = 0  # how many were recomputed
    head: Head | None = None  # the last one that fits
    problems: list[str] = field(default_factory=list)


@contextmanager
def snapshot() -> Iterator[None]:
    """Read one state of the database, whatever is written meanwhile; nobody waits for it.

    Nothing can be written inside. Inside another transaction it is that one's state that is read.
    """
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            cursor.execute("SET LOCAL work_mem = '64MB'")
            yield
    else:
        # Not atomic(), which would begin IMMEDIATE and so lock writers out.
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            cursor.execute("PRAGMA query_only = ON")
            try:
                yield
            finally:
                cursor.execute("PRAGMA query_only = OFF")
                cursor.execute("ROLLBACK")


def entries(*, since: int = 1) -> Iterator[tuple[Any, ...]]:
    """Yield the values of COLUMNS and the hash of every entry from number since on, in their order."""
    columns = ", ".join(f'"{column}"' for column in (*COLUMNS, "hash"))
    with connection.chunked_cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM ledger_entry WHERE seq >= %s ORDER BY seq", [since])
        while rows := cursor.fetchmany(CHUNK):
            yield from rows


def verify(*, since: int = 1, kept: Head | None = None) -> Verdict:
    """Recompute the chain from entry since on, follow every row from image to image, compare with the data.

    What lies before since is taken as it is; the comparison with the data is always of everything. kept is a
    head that somebody kept elsewhere: the ledger must still contain it.
    """
    verdict = Verdict()
    with snapshot():
        verdict.problems += [
            _("«%(name)s» is missing or is not as it should be.") % {"name": name} for name in deviations()
        ]
        _follow_chain(verdict, since)
        if kept:
            _compare_head(verdict, kept)
        verdict.problems += chain(_jumps(since), _changed_rows())
    return verdict


def _follow_chain(verdict: Verdict, since: int) -> None:
    """Recompute the chain; stop at the first entry that does not fit."""
    before = Entry.objects.filter(seq=since - 1).values_list("seq", "hash", "at").first()
    if since > 1 and before is None:
        verdict.problems.append(_("There is no entry %(seq)s to start after.") % {"seq": since - 1})
        return
    last = None
    try:
        for entry in follow(entries(since=since), Head(*before) if before else Head(0, "", "")):
            verdict.entries += 1
            last = entry
    except Break as broken:
        verdict.problems.append(_("The chain is broken: %(place)s.") % {"place": broken})
    except DatabaseError as error:
        verdict.problems.append(_("The ledger cannot be read: %(error)s") % {"error": error})
    if last:
        verdict.head = Head(last[1], last[-1], last[2])
    elif since == 1:
        verdict.problems.append(_("The ledger has no entry."))


def _compare_head(verdict: Verdict, kept: Head) -> None:
    found = Entry.objects.filter(seq=kept.seq).values_list("hash", flat=True).first()
    if found is None:
        last = Entry.objects.order_by("-seq").values_list("seq", flat=True).first()
        verdict.problems.append(
            _("The head kept is entry %(kept)s, and the ledger ends with entry %(last)s: its end is missing.")
            % {"kept": kept.seq, "last": last}
        )
    elif found != kept.hash:
        message = _("Entry %(seq)s has another hash than the one kept: it, or one before it, was rewritten.")
        verdict.problems.append(message % {"seq": kept.seq})


def _jumps(since: int) -> Iterator[str]:
    """Name the first entries whose image before is not the row's last image: something went unrecorded."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT seq, "table", "key", was, "before" FROM (
                SELECT seq, "table", "key", "before",
                    lag("after") OVER (PARTITION BY {dialect().ROW} ORDER BY seq) AS was
                FROM ledger_entry WHERE action IN ('INSERT', 'UPDATE', 'DELETE')
            ) AS image
            WHERE seq >= %s AND coalesce("before", '') <> coalesce(was, '')
            ORDER BY seq LIMIT 20
            """,
            [since],
        )
        for seq, table, key, was, before in cursor.fetchall():
            yield _("Before entry %(seq)s the row %(table)s %(key)s was changed unrecorded: %(changes)s.") % {
                "seq": seq, "table": table, "key": key, "changes": changes(was, before),
            }  # fmt: skip


def _changed_rows() -> Iterator[str]:
    """Name the rows that are not as their last image, column by column."""
    with connection.cursor() as cursor:
        for table in tables():
            try:
                found = differences(cursor, table)
            except DatabaseError as error:  # SQLite takes values that no image can hold
                message = _("The table %(table)s cannot be compared with the ledger: %(error)s")
                yield message % {"table": table.name, "error": error}
                continue
            for key, image, row, _parent in found:
                yield _("The row %(table)s %(key)s was changed behind the ledger's back: %(changes)s.") % {
                    "table": table.name,
                    "key": key,
                    "changes": changes(image, row),
                }


def changes(before: str | None, after: str | None) -> str:
    """Say how two images differ, column by column."""
    if not before or not after:
        return _("it appeared") if after else _("it disappeared")
    try:
        old, new = dict(json.loads(before)), dict(json.loads(after))
    except (TypeError, ValueError):  # an edited image
        return f"{before} → {after}"
    return _(", ").join(
        f"{column}: {json.dumps(old.get(column), ensure_ascii=False)} → "
        f"{json.dumps(new.get(column), ensure_ascii=False)}"
        for column in {**old, **new}
        if old.get(column) != new.get(column) or (column in old) != (column in new)
    )
