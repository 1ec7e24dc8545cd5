"""Reads an uploaded spreadsheet, whatever its bytes are.

The readers are our own, because libraries hang on some files or abort the process, take far more memory, and
do not tell a formula that was never computed from an empty cell.
"""

import zlib
from collections.abc import Callable
from struct import error as StructError
from xml.parsers.expat import ExpatError
from zipfile import BadZipFile

from .csv_reading import read_csv
from .ods_reading import read_ods
from .sheets import (
    MAX_COLUMNS,
    MAX_ROWS,
    MAX_SHEETS,
    MAX_SIZE,
    MAX_TEXT,
    Bad,
    Sheet,
    SheetProblem,
    SheetRefused,
)
from .xlsx_reading import read_xlsx

__all__ = [
    "MAX_COLUMNS",
    "MAX_ROWS",
    "MAX_SHEETS",
    "MAX_SIZE",
    "MAX_TEXT",
    "Bad",
    "Sheet",
    "SheetProblem",
    "SheetRefused",
    "read_sheets",
]

READERS: dict[str, Callable[[bytes], list[Sheet]]] = {"csv": read_csv, "xlsx": read_xlsx, "ods": read_ods}

# What is raised for bytes that are not what they should be: a KeyError for an attribute that is not there.
MALFORMED = (
    OverflowError,
    ExpatError,
    BadZipFile,
    zlib.error,
    StructError,
    LookupError,
    ValueError,
    EOFError,
    NotImplementedError,
)


def read_sheets(data: bytes, extension: str) -> list[Sheet]:
    """Return the sheets of a file of bytes, by its extension (csv, xlsx, ods), hidden ones too.

    Raises SheetRefused for every file that is no such spreadsheet, or over the limits.
    """
    if len(data) > MAX_SIZE:
        raise SheetRefused(SheetProblem.TOO_LARGE)
    read = READERS[extension]
    try:
        return read(data)
    except SheetRefused:
        raise
    except MALFORMED as error:
        raise SheetRefused(SheetProblem.MALFORMED) from error
