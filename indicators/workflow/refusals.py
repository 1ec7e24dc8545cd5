"""What a verb answers where the caller can mend something; what nobody may do is a PermissionDenied."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError


class Refusal(ValidationError):
    """The report does not allow this as it stands; the message says why and what to do."""


class Conflict(Refusal):
    """Somebody else changed it since it was read; cells are the keys of what differs, where known."""

    def __init__(self, message: Any, cells: Iterable[Any] = ()) -> None:
        super().__init__(message)
        self.cells = list(cells)


class Closed(Refusal):
    """The quarter, or the whole year, is not open for this unit."""
