"""What a page shows of the ledger: happenings, each of items, each with its changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise

from ledger.models import Action, Entry, Source

LONG = 60  # characters of a text that are shown at once
CONTEXT = 12  # characters around what is different in a long text
MANY = 6  # columns of a new or deleted row that are shown at once


@dataclass(frozen=True)
class Who:
    """On whose behalf something was written: a person, or what had no person behind it."""

    name: str
    account: str = ""


@dataclass(frozen=True)
class Change:
    """A column's value before and after, in words; empty where there was none."""

    label: str
    before: str
    after: str

    @property
    def is_long(self) -> bool:
        return any(len(text) > LONG or "\n" in text for text in (self.before, self.after))

    @property
    def parts(self) -> tuple[str, str, str, str]:
        """What is different in a long text: what stands before it, the old, the new, what follows."""
        start = _alike(self.before, self.after)
        old, new = self.before[start:], self.after[start:]
        end = _alike(old[::-1], new[::-1])
        lead, tail = self.before[:start], old[len(old) - end :]
        return (
            lead if len(lead) <= CONTEXT else "…" + lead[-CONTEXT:],
            _shortened(old[: len(old) - end]),
            _shortened(new[: len(new) - end]),
            tail if len(tail) <= CONTEXT else tail[:CONTEXT] + "…",
        )


def _alike(first: str, second: str) -> int:
    """Return with how many of the same characters two texts begin."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((place for place, (one, other) in pairs if one != other), min(len(first), len(second)))


def _shortened(text: str) -> str:
    return text if len(text) <= LONG else text[: LONG - 1] + "…"


@dataclass(frozen=True)
class Item:
    """What one entry says."""

    entry: Entry
    verb: str | Promise
    kind: str = ""  # of object
    label: str = ""  # of the object; empty where the page is about it
    changes: Sequence[Change] = ()
    aside: str = ""  # columns that changed and say nothing to people, where nothing else did
    address: str = ""  # of the object's history

    @property
    def values(self) -> list[Change]:
        """Changes that need no label, since the object's name is one; they stand beside it."""
        return [change for change in self.changes if not change.label]

    @property
    def columns(self) -> list[Change]:
        return [change for change in self.changes if change.label]

    @property
    def has_many(self) -> bool:
        """Whether the columns of a row that came or went are too many to be shown at once."""
        return len(self.columns) > MANY and self.entry.action != Action.UPDATE

    @property
    def tone(self) -> str:
        """The class of the stylesheet; the verb says the same."""
        tones: dict[str, str] = {Action.REFUSED: "red", Action.SIGN_IN_FAILED: "red", Action.DELETE: "amber"}
        return tones.get(self.entry.action, "none")


@dataclass(frozen=True)
class Happening:
    """What one person did at one moment, by one way and for one reason."""

    who: Who
    when: Entry
    way: str | Promise
    reason: str
    items: Sequence[Item]

    @property
    def bypassed_the_site(self) -> bool:
        """Whether it was done with the database's own client: worth a second look."""
        return self.when.source == Source.DATABASE
