"""Workbooks of many rows, compared with tablib's: `python -m bench.writing`.

XLSX (tablib: by openpyxl) and ODS (by odfpy) of the same rows, each file written in a process of its own for
the sake of its peak of memory. Seconds are the processor's: writing waits for nothing.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import tablib

from objectives.roc import taipei
from objectives.spreadsheets.tables import Column, Kind, Table
from objectives.spreadsheets.writing import FORMATS

ROWS = {"xlsx": 100_000, "ods": 20_000}
SECONDS = 40  # that tablib gets: where all rows would take longer, it writes a part of them
TRIAL = 1_000  # rows by which that is guessed
LIMIT = 200  # MB
KINDS = [Kind.WHOLE] * 2 + [Kind.TEXT] * 6 + [Kind.NUMBER] * 3 + [Kind.DAY, Kind.MOMENT, Kind.TEXT]
COLUMNS = [Column(f"第{number}欄", kind, 14, "") for number, kind in enumerate(KINDS, start=1)]
MORNING = datetime(2010, 3, 31, 1, 30, tzinfo=UTC)


def rows(count: int) -> Iterator[list[Any]]:
    """Yield figures as they are exported: of a few indicators, each with its own numbers and time."""
    for number in range(count):
        remark = f"第 {number} 筆，依月報更正；詳佐證資料" if number % 3 else None
        yield [
            99, number % 4 + 1, f"K{number % 8 + 1}-1", "推動高層互訪", f"指標 {number % 40}",
            "亞東太平洋司", "審核通過", "次數",
            Decimal(number), Decimal(number) / 8, Decimal(number % 999) / 100,
            date(2010, 1, 1) + timedelta(number % 365), MORNING + timedelta(seconds=number), remark,
        ]  # fmt: skip


def main() -> None:
    for name, count in ROWS.items():
        ours = measured("ours", name, count)
        taken = min(count, int(TRIAL * SECONDS / measured("tablib", name, TRIAL)["seconds"]))
        stock = measured("tablib", name, taken)
        ratio = stock["seconds"] * count / taken / ours["seconds"]
        scaled = f" for {taken:,} rows, scaled" if taken < count else ""
        print(
            f"{name:<5} {count:>7,} rows {ours['seconds']:>6.1f} s {ours['memory']:>5.0f} MB, "
            f"tablib {stock['seconds']:>6.1f} s {stock['memory']:>5.0f} MB{scaled}, ratio {ratio:.1f}",
            flush=True,
        )
        if ours["memory"] > LIMIT:
            sys.exit(f"{name}: more than {LIMIT} MB of memory")


def measured(by: str, name: str, count: int) -> dict[str, float]:
    """Return the seconds and the megabytes that writing a file took, in a process of its own."""
    command = [sys.executable, "-m", "bench.writing", by, name, str(count)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def step(by: str, name: str, count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"file.{name}")
        began = time.process_time()
        write_ours(path, name, count) if by == "ours" else write_tablib(path, name, count)
        seconds = time.process_time() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "memory": memory}))


def write_ours(path: Path, name: str, count: int) -> None:
    with path.open("wb") as file:
        FORMATS[name].write(Table("季填報", COLUMNS, rows(count)), file)


def write_tablib(path: Path, name: str, count: int) -> None:
    data = tablib.Dataset(headers=[column.header for column in COLUMNS], title="季填報")
    for row in rows(count):
        row[12] = taipei(row[12]).replace(tzinfo=None)  # it takes no moment with a time zone
        data.append(row)
    path.write_bytes(data.export(name))


if __name__ == "__main__":
    step(sys.argv[1], sys.argv[2], int(sys.argv[3])) if len(sys.argv) > 1 else main()
