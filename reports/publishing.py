"""發布: the verb that freezes a report, and what proves that a file is the one that was published.

A report is built before the ledger's lock is taken, since that takes many seconds, from the data of a moment
that is over: the report says of which. Under the lock everything is then judged once more.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from indicators.models.periods import month_after
from indicators.readings import Basis
from indicators.workflow import Refusal
from ledger.acting import acting
from ledger.models import Action, Entry
from objectives.fields import refuse_control_characters, trimmed
from objectives.models import Plan, User
from objectives.permissions import require
from objectives.roc import roc_date, taipei

from .documents.build import build
from .models import Publication, PublishedFile, report_title
from .moments import At, data_at

PUBLISH = "reports.add_publication"
LONGEST_REASON = 1000  # characters

_A_MOMENT = 0.002  # seconds; the ledger tells milliseconds apart


class Altered(Exception):
    """A stored file is not the one that was published."""

    def __init__(self, file: PublishedFile) -> None:
        super().__init__(file.name)
        self.file = file


@dataclass(frozen=True)
class Edition:
    """A version of a plan's quarterly report that is to come."""

    plan: Plan
    quarter: int
    version: int

    @property
    def number(self) -> str:
        """What stands on every page, such as MOFA-99-Q2-1."""
        return f"{self.plan.unit.code}-{self.plan.year}-Q{self.quarter}-{self.version}"

    @property
    def title(self) -> str:
        return report_title(self.plan, self.quarter)

    @property
    def is_correction(self) -> bool:
        """Whether there is a version before it, so that it needs a reason (勘誤)."""
        return self.version > 1


def next_edition(plan: Plan, quarter: int) -> Edition:
    last = Publication.objects.filter(plan=plan, quarter=quarter).aggregate(last=Max("version"))["last"]
    return Edition(plan, quarter, (last or 0) + 1)


def too_early(plan: Plan, quarter: int, now: datetime) -> str:
    """Say why the report cannot be published yet; empty once its quarter is over."""
    first = month_after(plan.year, quarter)
    if taipei(now).date() >= first:
        return ""
    return _("What the report is about is not over yet: it can be published from %(day)s on.") % {
        "day": roc_date(first)
    }


def publish(
    *,
    plan: Plan,
    quarter: int,
    by: User,
    now: datetime,
    reason: str = "",
    version: int | None = None,
) -> Publication:
    """Freeze a plan's quarterly report as its next version.

    Every version after the first needs a reason. version is the one that the person was shown: another one
    is not published in its place; None takes the next. Raises Refusal, and PermissionDenied for whoever is
    neither administrator nor reviewer of the plan's agency.
    """
    reason = trimmed(reason)
    with acting(actor=by, about=plan):
        edition = _judged(plan, quarter, by, now, reason, version)
    at, contents = _built(edition)
    with acting(actor=by, about=plan, reason=reason):
        _judged(plan, quarter, by, now, reason, edition.version)
        return _stored(edition, at, contents, reason, by, now)


def _judged(plan: Plan, quarter: int, by: User, now: datetime, reason: str, version: int | None) -> Edition:
    """Return the edition that comes next. Raises PermissionDenied, and Refusal with all that is wrong."""
    require(by, PUBLISH, plan)
    edition = next_edition(plan, quarter)
    if problems := list(_problems(edition, now, reason, version)):
        raise Refusal(problems)
    return edition


def _problems(edition: Edition, now: datetime, reason: str, version: int | None) -> Iterator[str]:
    if version not in (None, edition.version):
        yield _("Somebody published meanwhile: the next version is %(version)s. Look at the page again.") % {
            "version": edition.version
        }
    elif Publication.objects.filter(number=edition.number).exists():
        yield _("The number %(number)s is taken: another agency had this code.") % {"number": edition.number}
    if early := too_early(edition.plan, edition.quarter, now):
        yield early
    yield from _wrong_about(reason, edition)


def _wrong_about(reason: str, edition: Edition) -> Iterator[str]:
    if edition.is_correction and not reason:
        yield _("Say for what reason the published report is corrected.")
    if reason and not edition.is_correction:
        yield _("The first version needs no reason: it corrects nothing.")
    if len(reason) > LONGEST_REASON:
        yield _("The reason has more than %(limit)s characters.") % {"limit": LONGEST_REASON}
    try:
        refuse_control_characters(reason)
    except ValidationError as error:
        yield from error.messages


def _built(edition: Edition) -> tuple[At, Mapping[PublishedFile.Format, bytes]]:
    """Build the report in every format from the data as they stand now, whatever is written meanwhile."""
    now = timezone.now()
    moment = now.replace(microsecond=now.microsecond // 1000 * 1000)  # as fine as the ledger's
    time.sleep(_A_MOMENT)  # until that moment is over: from then on everybody finds the same data for it
    with data_at(moment) as at:
        plan = Plan.objects.select_related("unit").get(pk=edition.plan.pk)
        return at, {
            kind: build(
                plan,
                quarter=edition.quarter,
                at=at,
                basis=Basis.OFFICIAL,
                format=kind.value,
                number=edition.number,
            )
            for kind in PublishedFile.Format
        }


def _stored(
    edition: Edition,
    at: At,
    contents: Mapping[PublishedFile.Format, bytes],
    reason: str,
    by: User,
    now: datetime,
) -> Publication:
    publication = Publication.objects.create(
        plan=edition.plan,
        quarter=edition.quarter,
        version=edition.version,
        number=edition.number,
        reason=reason,
        as_of=at.now,
        head_seq=at.head.seq,
        head_hash=at.head.hash,
        published_by=by,
        published_at=now,
    )
    for kind, content in contents.items():
        PublishedFile.objects.create(
            publication=publication,
            format=kind,
            name=f"{edition.number}.{kind.value}",
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            content=content,
        )
    return publication


def bytes_of(file: PublishedFile) -> bytes:
    """Return a published file's bytes. Raises Altered unless they are those whose SHA-256 the ledger has."""
    content = bytes(file.content)
    entries = Entry.objects.of(PublishedFile._meta.db_table, file.pk).filter(action=Action.INSERT)
    published = entries.order_by("seq").first()
    known = {file.sha256, published.new.get("sha256") if published else None}
    if known != {hashlib.sha256(content).hexdigest()}:
        raise Altered(file)
    return content


def published_with(sha256: str) -> PublishedFile | None:
    """Return the published file of a SHA-256 (hexadecimal); None where nothing was published with it.

    Raises Altered where the stored file is no longer that one.
    """
    files = PublishedFile.objects.select_related("publication__plan__unit")
    file = files.filter(sha256=sha256.lower()).first()
    if file:
        bytes_of(file)
    return file
