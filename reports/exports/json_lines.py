"""The ledger as JSON lines, which the verifier reads (ledger/check_export.py)."""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from ledger.check_export import COLUMNS


def verifiable(entries: Iterable[Any]) -> Iterator[bytes]:
    """Yield entries, each the values of COLUMNS and its hash, as JSON lines."""
    names = (*COLUMNS, "hash")
    lines = (json.dumps(dict(zip(names, entry, strict=True)), ensure_ascii=False) for entry in entries)
    while part := list(islice(lines, 500)):  # a chunk for each would be slow to send
        yield ("\n".join(part) + "\n").encode("utf-8", "surrogatepass")
