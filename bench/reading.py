"""Reading uploaded spreadsheets: `python -m bench.reading`.

First a usual file, against openpyxl (streaming) on the same one; then every hostile file, as imports read it.
"""

from __future__ import annotations

import csv
import io
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROWS, COLUMNS = 10_000, 20
ROUNDS = 3
LIMITS = 2.0, 100.0  # seconds and MB for a hostile file


def main() -> None:
    with tempfile.TemporaryDirectory() as usual, tempfile.TemporaryDirectory() as hostile:
        usual_files(Path(usual))
        hostile_files(Path(hostile))


def usual_files(folder: Path) -> None:
    print(f"-- {ROWS:,} rows of {COLUMNS} cells", flush=True)
    for name, write in {"usual.xlsx": write_xlsx, "usual.ods": write_ods, "usual.csv": write_csv}.items():
        write(folder / name)
        for reader in ("ours", "openpyxl") if name.endswith("xlsx") else ("ours",):
            command = [sys.executable, "-m", "bench.reading", reader, str(folder / name)]
            subprocess.run(command, check=True)


def rows() -> Iterator[list[str | float]]:
    for row in range(ROWS):
        yield [
            f"第 {row} 列第 {column} 欄" if column % 2 else row * 1.25 + column for column in range(COLUMNS)
        ]


def write_xlsx(path: Path) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet("填報")
        for number, row in enumerate(rows()):
            page.write_row(number, 0, row)


def write_ods(path: Path) -> None:
    from objectives.tests.workbooks import ods

    def cell(value: str | float) -> str:
        typed = "string" if isinstance(value, str) else f'float" office:value="{value}'
        return f'<table:table-cell office:value-type="{typed}"><text:p>{value}</text:p></table:table-cell>'

    table = (f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows())
    path.write_bytes(ods("".join(table)))


def write_csv(path: Path) -> None:
    file = io.StringIO()
    csv.writer(file).writerows(rows())
    path.write_text(file.getvalue(), encoding="utf-8-sig", newline="")


def ours(path: Path) -> int:
    from objectives.spreadsheets.reading import read_sheets

    [sheet] = read_sheets(path.read_bytes(), path.suffix.removeprefix("."))
    return sum(len(cells) for _, cells in sheet.rows)


def openpyxl(path: Path) -> int:
    from openpyxl import load_workbook

    table = list(load_workbook(path, read_only=True).active.iter_rows(values_only=True))
    return sum(map(len, table))


def measure(read: Callable[[Path], int], path: Path) -> None:
    if os.fork():  # what was started by a large process would count that one's memory as its own
        os.wait()
        return
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = [timed(read, path) for _ in range(ROUNDS)]
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"{path.name:10} {read.__name__:9}{min(seconds):7.2f} s {grown / 1024:6.0f} MB", flush=True)


def timed(read: Callable[[Path], int], path: Path) -> float:
    began = time.perf_counter()
    if read(path) != ROWS * COLUMNS:
        sys.exit(f"{path.name}: not every cell was read")
    return time.perf_counter() - began


def hostile_files(folder: Path) -> None:
    from indicators.tests.hostile import HEAVY, HOSTILE, fates

    print("-- hostile files, checked and read (seconds of processor)", flush=True)
    files = [*HOSTILE, *HEAVY]
    for hostile, fate in zip(files, fates(files, folder), strict=True):
        over = "  !!" if fate.seconds > LIMITS[0] or fate.megabytes > LIMITS[1] else ""
        print(f"{hostile.what:45} {fate.checked:32}{fate.seconds:6.2f} s {fate.megabytes:5.0f} MB{over}")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        measure({"ours": ours, "openpyxl": openpyxl}[sys.argv[1]], Path(sys.argv[2]))
    else:
        main()
