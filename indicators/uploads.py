"""How uploads are read: names as they were sent, nothing of what is too large, and disks may be full."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, TemporaryFileUploadHandler
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser
from django.http.request import QueryDict
from django.utils.datastructures import MultiValueDict

LONGEST_EXTENSION = 20  # it becomes part of a temporary file's name

logger = logging.getLogger(__name__)


class PlainParser(MultiPartParser):
    """Leaves the names of files to whoever takes them, as `file_check` does.

    Django mends what should be refused (../x.pdf, line breaks), and loses full-width spaces and self-made
    characters (造字), which honest names have.
    """

    def sanitize_file_name(self, file_name: str) -> str:
        """Return the name; a slash, which an upload's name is cut at, and NUL as a backslash."""
        stem, dot, extension = file_name.replace("/", "\\").replace("\0", "\\").rpartition(".")
        return f"{stem}{dot}{extension[:LONGEST_EXTENSION]}"


class NamesAsSent(FileUploadHandler):
    """Lets PlainParser read the request for the handlers after this one."""

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, str],
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> tuple[QueryDict, MultiValueDict[str, UploadedFile]]:
        assert self.request is not None  # noqa: S101 (Django gives it to every handler)
        others = [handler for handler in self.request.upload_handlers if handler is not self]
        return PlainParser(META, input_data, others, encoding).parse()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None


class NothingOfTooLarge(FileUploadHandler):
    """Keeps no file of a request above settings.UPLOAD_MAX_SIZE, on no disk and not in memory.

    Its fields are read all the same, so that the page can answer in words.
    """

    too_large = False

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, str],
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> None:
        self.too_large = content_length > settings.UPLOAD_MAX_SIZE

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        if self.too_large:
            raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data  # for the handlers after this one

    def file_complete(self, file_size: int) -> None:
        return None


class OnDisk(TemporaryFileUploadHandler):
    """Gives up a file that the disk for temporary files cannot take, and leaves nothing of it there."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        with self._giving_up():
            super().new_file(*args, **kwargs)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        with self._giving_up():
            super().receive_data_chunk(raw_data, start)

    def file_complete(self, file_size: int) -> Any:
        with suppress(SkipFile), self._giving_up():
            return super().file_complete(file_size)

    @contextmanager
    def _giving_up(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            logger.error("an upload could not be kept: %s", error)
            if hasattr(self, "file"):
                with suppress(OSError):  # it deletes the file even where it cannot write the rest first
                    self.file.close()
            self.request.upload_failed = True  # type: ignore[union-attr]
            raise SkipFile from error


def has_failed(request: HttpRequest) -> bool:
    """Say whether a file of the request is missing because there was no room for it."""
    return getattr(request, "upload_failed", False)


def is_too_large(request: HttpRequest) -> bool:
    """Say whether a request was so large that its files were not taken."""
    return int(request.META.get("CONTENT_LENGTH") or 0) > settings.UPLOAD_MAX_SIZE
