"""How much a request may bring along: settings.UPLOAD_MAX_SIZE."""

from __future__ import annotations

from typing import IO, Any

from django.conf import settings
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest


class NothingOfTooLarge(FileUploadHandler):
    """Keeps no file of a request that is too large, on no disk and not in memory.

    Its fields are read all the same, so that the page can answer in words.
    """

    too_large = False

    def handle_raw_input(
        self,
        input_data: IO[bytes],
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


def is_too_large(request: HttpRequest) -> bool:
    """Say whether a request was so large that its files were not taken."""
    return int(request.META.get("CONTENT_LENGTH") or 0) > settings.UPLOAD_MAX_SIZE
