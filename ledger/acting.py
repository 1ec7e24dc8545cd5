"""The one door through which the site writes: who does it, by which way, for what reason.

    with acting(actor=user, reason="…"):
        …

opens a transaction, takes the ledger's lock **before** any row is locked, and tells the triggers on whose
behalf everything in it is written. Lock order: ledger, then rows; whoever locks a row first can deadlock.
"""

from __future__ import annotations

import json
import os
import pwd
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, models, transaction

from .models import Action, Source

# The ledger's advisory lock on PostgreSQL; SQLite has one writer at a time anyway.
LOCK = 0x6C6564676572  # "ledger"

LONGEST_REASON = 10  # messages of a refusal that are recorded; an import may have thousands


class Person(Protocol):
    """Whoever has an account."""

    def get_username(self) -> str: ...


def operating_system_user() -> str:
    """Name who runs this process: «os:name», which no account's name can be."""
    return _account(os.geteuid())


@cache  # SQLite's triggers ask for every row
def _account(number: int) -> str:
    try:
        return f"os:{pwd.getpwuid(number).pw_name}"
    except KeyError:
        return f"os:{number}"


@dataclass
class Origin:
    """Where writes come from unless `acting` says otherwise: a request, or this process."""

    source: Source
    actor: Callable[[], str]
    refusals: list[Refusal] = field(default_factory=list)  # of a request: recorded when it ends


def _process() -> Origin:
    shell = sys.argv[1:2] in (["shell"], ["dbshell"])
    return Origin(Source.SHELL if shell else Source.COMMAND, operating_system_user)


origin: ContextVar[Origin | None] = ContextVar("origin", default=None)
_PROCESS = _process()


def whence() -> Origin:
    """Return where writes come from at present."""
    return origin.get() or _PROCESS


@dataclass(frozen=True)
class Refusal:
    """A write that was refused: by which error, on whose behalf, about what."""

    error: Exception
    frame: Frame

    @property
    def message(self) -> str:
        messages = self.error.messages if isinstance(self.error, ValidationError) else [str(self.error)]
        rest = len(messages) - LONGEST_REASON
        return " ".join(messages[:LONGEST_REASON]) + (f" … (+{rest})" if rest > 0 else "")


@dataclass(frozen=True)
class Frame:
    """On whose behalf the database is written at present."""

    actor: str
    source: str
    reason: str
    about: models.Model | None = None
    refusals: list[Refusal] = field(default_factory=list)  # shared with the frames within


_frame: ContextVar[Frame | None] = ContextVar("frame", default=None)


def current() -> Frame | None:
    """Return the frame of the innermost `acting`; None outside."""
    return _frame.get()


@contextmanager
def acting(
    *,
    actor: Person | None = None,
    source: Source | None = None,
    reason: str = "",
    about: models.Model | None = None,
) -> Iterator[None]:
    """Write on behalf of actor, in one transaction under the ledger's lock.

    What is not given stays as in the `acting` around this one, or else is the request's or the process's own.
    A PermissionDenied or ValidationError that ends it is a refused write: it is recorded, as being about the
    given object, in a transaction of its own after everything was rolled back. Raises RuntimeError inside
    `as_of`, where the past is shown and nothing can be written.
    """
    from .past import refuse_writing

    refuse_writing()
    outer, here = _frame.get(), whence()
    frame = Frame(
        actor=actor.get_username() if actor else outer.actor if outer else here.actor(),
        source=source or (outer.source if outer else here.source),
        reason=plain(reason) or (outer.reason if outer else ""),
        about=about or (outer.about if outer else None),
        refusals=outer.refusals if outer else [],
    )
    token = _frame.set(frame)
    goes_on = connection.in_atomic_block  # the transaction, when this has ended
    try:
        with transaction.atomic():
            _announce(frame)
            yield
            if goes_on:
                _announce(outer)
    except (PermissionDenied, ValidationError) as error:
        known = [refusal for refusal in frame.refusals if refusal.error is error]
        if outer is None:
            frame.refusals[:] = known  # what was refused on the way is part of why the whole was
        if not known:
            frame.refusals.append(Refusal(error, frame))
        raise
    except BaseException:
        if outer is None:
            frame.refusals.clear()  # it ended for another reason
        raise
    finally:
        _frame.reset(token)
        if outer is None:
            here.refusals += frame.refusals
            if origin.get() is None:
                record_refusals(here)


@contextmanager
def one_statement() -> Iterator[None]:
    """Let one statement that is executed outside `acting` be recorded as this process's own."""
    if connection.vendor == "postgresql":
        with acting():
            yield
        return
    # SQLite ends no transaction while the rows of a RETURNING wait to be fetched; asking `current` is enough.
    here = whence()
    token = _frame.set(Frame(here.actor(), here.source, ""))
    try:
        yield
    finally:
        _frame.reset(token)


def _announce(frame: Frame | None) -> None:
    """Take the lock and tell PostgreSQL for this transaction; SQLite's triggers ask `current`.

    Without a frame nobody acts any more: what is written is the database's own account's again.
    """
    if connection.vendor == "postgresql":
        said = (frame.actor, frame.source, frame.reason) if frame else ("", "", "")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_advisory_xact_lock(%s), set_config('ledger.actor', %s, true),"
                " set_config('ledger.source', %s, true), set_config('ledger.reason', %s, true)",
                [LOCK, *said],
            )


def plain(text: str) -> str:
    """Take out what PostgreSQL cannot store."""
    return text.replace("\0", "")


def record_refusals(here: Origin) -> None:
    """Write an entry about each write that was refused.

    A request's are written when it ends: Django's admin has a transaction around every form, in which the
    entry would be rolled back with everything else.
    """
    refusals, here.refusals[:] = list(here.refusals), []
    for refusal in refusals:
        frame = refusal.frame
        token = _frame.set(Frame(frame.actor, frame.source, plain(refusal.message)))
        try:
            record(Action.REFUSED, about=frame.about)
        finally:
            _frame.reset(token)


def record(
    action: Action,
    *,
    actor: Person | None = None,
    reason: str = "",
    about: models.Model | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write an entry about an event, such as a sign-in or an export; details are its particulars.

    It has its own transaction, or is part of the one around it.
    """
    table = about._meta.db_table if about else ""
    key = str(about.pk) if about and about.pk else ""
    after = None if details is None else plain(json.dumps(details, ensure_ascii=False, default=str))
    with acting(actor=actor, reason=reason), connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO ledger_event (action, "table", "key", "after") VALUES (%s, %s, %s, %s)',
            [action, table, key, after],
        )
