"""What a verb answers where the caller can mend something; what nobody may do is a PermissionDenied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.utils.translation import gettext as _

from ..models import QuarterReport


class Refusal(ValidationError):
    """The report does not allow this as it stands; the message says why and what to do."""


class Conflict(Refusal):
    """Somebody else changed it since it was read; cells are the keys of what differs, where known."""

    def __init__(self, message: Any, cells: Iterable[Any] = ()) -> None:
        super().__init__(message)
        self.cells = list(cells)


class Closed(Refusal):
    """The quarter, or the whole year, is not open for this unit."""


class DraftsRefused(ValidationError):
    """Nothing was written of several drafts; refusals says by the report's id why each refused one was."""

    def __init__(self, refusals: Mapping[QuarterReport, ValidationError | PermissionDenied]) -> None:
        self.refusals = {report.pk: error for report, error in refusals.items()}
        super().__init__(
            [
                _("%(name)s: %(value)s") % {"name": report, "value": _words(error)}
                for report, error in refusals.items()
            ]
        )


def _words(error: ValidationError | PermissionDenied) -> str:
    return " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
