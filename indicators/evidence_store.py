"""Where the files of evidence lie: settings.EVIDENCE_DIR, which no web server gives out.

A file is written under a temporary name, synced, and renamed to a random one: no name ever stands for half
a file, and nothing of what the user called it is part of a path. Files are written before the ledger's lock
is taken, since it would keep everybody waiting for the disk.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol

from django.conf import settings

from ledger.acting import current

STEP = 64 * 1024
STORED_NAME = re.compile(r"[0-9a-f]{32}")

logger = logging.getLogger(__name__)


class Readable(Protocol):
    """What can be read from its beginning: an open file, an upload."""

    def read(self, size: int, /) -> bytes: ...

    def seek(self, place: int, /) -> object: ...


@dataclass(frozen=True)
class StoredFile:
    """A file that was written: its random name, its size in bytes, and the SHA-256 of what was written."""

    name: str
    size: int
    sha256: str


class CannotStore(Exception):
    """The file could not be written, such as to a full disk."""


class Missing(Exception):
    """There is no such file, or it cannot be read."""


class Altered(Exception):
    """The file is not what was stored."""


@contextmanager
def written(files: Iterable[Readable]) -> Iterator[list[StoredFile]]:
    """Write files and keep them, unless the block inside fails: then none of them stays.

    The block is to save the rows in a transaction of its own. Raises CannotStore; RuntimeError inside
    `acting`, where the block could succeed and the transaction around it fail.
    """
    if current():
        raise RuntimeError("files are written before the ledger's lock is taken")
    stored: list[StoredFile] = []
    try:
        for file in files:
            stored.append(_write(file))
        yield stored
    except BaseException:
        for each in stored:
            _discard(place(each.name))
        raise


def place(name: str) -> Path:
    """Return where a stored file lies. Raises Missing for a name that was not made here."""
    if not STORED_NAME.fullmatch(name):
        raise Missing(name)
    return Path(settings.EVIDENCE_DIR) / name


def _write(file: Readable) -> StoredFile:
    target = place(secrets.token_hex(16))
    part = target.with_suffix(".part")
    try:
        for folder in (target.parent.parent, target.parent):
            folder.mkdir(mode=0o700, exist_ok=True)
        size, sha256 = _copy(file, part)
        part.rename(target)
        _sync(target.parent)
    except BaseException as error:
        _discard(part)
        _discard(target)
        if isinstance(error, OSError):
            logger.error("a file of evidence could not be written: %s", error)
            raise CannotStore from error
        raise
    return StoredFile(target.name, size, sha256)


def _copy(file: Readable, target: Path) -> tuple[int, str]:
    """Copy to a new file on the disk itself, and return size and SHA-256 of what was copied."""
    size, digest = 0, hashlib.sha256()
    file.seek(0)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as copy:
        for piece in iter(partial(file.read, STEP), b""):
            copy.write(piece)
            digest.update(piece)
            size += len(piece)
        copy.flush()
        os.fsync(descriptor)
    return size, digest.hexdigest()


def _sync(folder: Path) -> None:
    """Let the names in a folder outlast a power failure, too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _discard(file: Path) -> None:
    with suppress(OSError):  # what led here is the error to tell
        file.unlink()


def delete(name: str) -> None:
    """Delete a stored file; one that is gone already is no error. Raises OSError."""
    place(name).unlink(missing_ok=True)


def opened(name: str, sha256: str) -> BinaryIO:
    """Open a stored file at its beginning, after reading it whole. Raises Missing, Altered."""
    try:
        file = os.fdopen(os.open(place(name), os.O_RDONLY | os.O_NOFOLLOW), "rb")
        try:
            found = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
        except BaseException:
            file.close()
            raise
    except OSError as error:
        raise Missing(name) from error
    if found != sha256:
        file.close()
        raise Altered(name)
    return file


def files() -> list[Path]:
    """Return whatever lies in the folder, half-written files included."""
    folder = Path(settings.EVIDENCE_DIR)
    return sorted(folder.iterdir()) if folder.is_dir() else []
