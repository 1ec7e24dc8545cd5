"""A table as JSON: {"metadata": {the cover's pairs, "columns": […]}, "rows": [{header: value}, …]}.

Texts are as they are and not made harmless: JSON holds no formulas, and whoever reads it wants the data.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal

from .csv_writing import parts
from .tables import Column, Table, Value
from .values import Remembered, iso, plain

_encoded = json.JSONEncoder(ensure_ascii=False).encode


def json_lines(table: Table) -> Iterator[bytes]:
    """Yield a table piece by piece; a number has all its digits, days and moments are texts in ISO 8601."""
    metadata = dict(table.cover) | {"columns": [_description(column) for column in table.columns]}
    names = [f"{_encoded(column.header)}: " for column in table.columns]
    cells = Remembered(_written)
    yield f'{{"metadata": {_encoded(metadata)},\n"rows": ['.encode("utf-8", "replace")
    before = "\n"
    for rows in parts(table.rows):
        objects = ",\n".join(_object(names, [cells[value] for value in row]) for row in rows)
        yield f"{before}{objects}".encode("utf-8", "replace")
        before = ",\n"
    yield b"\n]}\n"


def _object(names: Iterable[str], values: Iterable[str]) -> str:
    return f"{{{', '.join(name + value for name, value in zip(names, values, strict=True))}}}"


def _description(column: Column) -> dict[str, str]:
    return {
        "name": column.header,
        "type": column.kind.value,
        "unit": column.unit,
        "meaning": column.meaning,
        "source": column.source,
    }


def _written(value: Value) -> str:
    if value is None:
        return "null"
    if isinstance(value, str):
        return _encoded(value)
    return plain(value) if isinstance(value, int | Decimal) else f'"{iso(value)}"'
