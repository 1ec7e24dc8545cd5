"""A zip file's members of XML, unpacked and parsed piece by piece and never held whole."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping

from .parsing import Allowance, Listener, parse
from .sheets import SheetProblem, SheetRefused

MAX_MEMBERS = 2_000
MAX_UNPACKED = 64 * 1024 * 1024  # bytes of all that is read
STEP = 64 * 1024

ENCRYPTED = 0x0001 | 0x0040 | 0x2000
DIRECTORY_ENTRY = b"PK\x01\x02"


class Archive:
    """A zip file, with what may still be read of it."""

    def __init__(self, data: bytes) -> None:
        if data.count(DIRECTORY_ENTRY) > MAX_MEMBERS:
            raise SheetRefused(SheetProblem.TOO_LARGE)
        self._zip = zipfile.ZipFile(io.BytesIO(data))
        members = self._zip.infolist()
        self._members = {member.filename.lower(): member for member in members}
        if len(self._members) != len(members):
            raise SheetRefused(SheetProblem.MALFORMED)
        self._bytes_left = MAX_UNPACKED
        self._allowance = Allowance()

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._members

    def parse(self, name: str, listener: Listener, names: Mapping[str, str]) -> None:
        """Tell listener what a member holds; names are as `parsing.parse` has them."""
        parse(self._pieces(name), listener, names, self._allowance)

    def _pieces(self, name: str) -> Iterator[bytes]:
        member = self._members.get(name.lower())
        if member is None or member.flag_bits & ENCRYPTED:
            raise SheetRefused(SheetProblem.MALFORMED)
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise SheetRefused(SheetProblem.MALFORMED)
        with self._zip.open(member) as file:
            while piece := file.read(STEP):
                self._bytes_left -= len(piece)
                if self._bytes_left < 0:
                    raise SheetRefused(SheetProblem.TOO_LARGE)
                yield piece
