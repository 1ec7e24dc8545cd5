"""What the database refuses of the reports: a publication, once it is there, stays as it is.

Rows can still come, also with their old numbers, so that a backup can be restored into an empty database.
No file joins a publication that has its two: each format is there once, and there is no third.
"""

from __future__ import annotations

from collections.abc import Iterator

from indicators.locks import Lock

MESSAGE = "What was published cannot be changed or deleted."

_FROZEN = ("reports_publication", "reports_publishedfile")
_NEVER = "1 = 0"


def locks() -> Iterator[Lock]:
    for table in _FROZEN:
        for event in ("UPDATE", "DELETE"):
            yield Lock(f"locks_{table}_{event.lower()}", table, event, _NEVER, MESSAGE)
