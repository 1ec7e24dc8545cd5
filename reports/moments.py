"""The moment whose data a page or a file shows: now, or one in the past."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.check_export import Head
from ledger.models import Entry
from ledger.past import as_of
from ledger.verify import snapshot
from objectives.forms import RocDateField
from objectives.roc import TAIPEI, taipei

_ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?([+-][0-9]{2}:[0-9]{2}|Z)?)?"
)
_CLOCK = re.compile(r"(.*?)\s+([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)")


@dataclass(frozen=True)
class At:
    """The state of the data that is shown: its moment (aware), and the ledger's last entry then."""

    now: datetime
    head: Head
    past: bool

    @property
    def written(self) -> str:
        """The moment for addresses and files."""
        return written(self.now)


def written(moment: datetime) -> str:
    """Write an aware moment for addresses and files: ISO, Taipei's time, as fine as the ledger's."""
    return f"{taipei(moment):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}"


@contextmanager
def data_at(moment: datetime | None) -> Iterator[At]:
    """Let everything inside read the data of one moment; None is now. Nothing can be written inside.

    Raises ValidationError for a moment that is not over yet or lies before the ledger.
    """
    if moment is None:
        with snapshot():
            yield At(timezone.now(), Entry.objects.head(), past=False)
    else:
        with as_of(moment) as head:
            yield At(moment, head, past=True)


def read_moment(text: str) -> datetime:
    """Read a moment as people write it: 2026-05-19T12:00, or by the ROC calendar 115.5.19 12:00.

    Without an offset it is Taipei's time; a day alone means its beginning. Raises ValidationError.
    """
    text = text.strip()
    try:
        if _ISO.fullmatch(text):
            found = datetime.fromisoformat(text)
        else:
            day, clock = match.groups() if (match := _CLOCK.fullmatch(text)) else (text, "00:00")
            found = datetime.combine(RocDateField().clean(day), time.fromisoformat(clock))
        found = found if found.tzinfo else found.replace(tzinfo=TAIPEI)
        found.astimezone(UTC)
    except (ValueError, OverflowError, ValidationError) as error:
        raise ValidationError(
            _("«%(text)s» is not a moment. Write it as 115.5.19 12:00 or 2026-05-19T12:00.")
            % {"text": text[:40]}
        ) from error
    return found
