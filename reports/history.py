"""The ledger in people's words: who did what, when, by which way, from what to what, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.db import models
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from indicators.models import (
    Evidence,
    Figure,
    ItemProgress,
    PlannedValue,
    QuarterReport,
    Reopening,
    ReportingPeriod,
    ReportStep,
    Status,
    TargetRevision,
    Variable,
)
from ledger.models import Action, Entry, Source
from objectives.models import Membership

from .changes import Change, Happening, Item, Who
from .images import Objects, as_value, fields_by_column, models_by_table, name
from .models import Publication, PublishedFile

# What people did to a quarter report, by the status that it came to.
_STEPS: dict[str, Promise] = {
    Status.SUBMITTED: gettext_lazy("Submitted"),
    Status.ENDORSED: gettext_lazy("Endorsed by the head of unit"),
    Status.APPROVED: gettext_lazy("Approved"),
    Status.RETURNED: gettext_lazy("Returned for correction"),
}
# What people did to evidence: its row stays when it is removed.
_REMOVED = gettext_lazy("Removed")
# What people did to a revision of a target that nobody had approved.
_WITHDRAWN = gettext_lazy("Withdrawn")
# What people did to make a publication.
_PUBLISHED = gettext_lazy("Published")
# Columns that a new or deleted row's name says already.
_IN_NAME: dict[type[models.Model], set[str]] = {
    Figure: {"report", "variable"},
    Membership: {"user"},
    PlannedValue: {"indicator", "quarter"},
    QuarterReport: {"indicator", "quarter"},
    TargetRevision: {"indicator", "from_quarter"},
    ReportingPeriod: {"plan", "quarter"},
    Reopening: {"period", "unit"},
    ReportStep: {"report", "step"},
    Evidence: {"report", "name", "document_number", "stored_name"},
    ItemProgress: {"item", "quarter"},
    Variable: {"indicator"},
    Publication: {"plan", "quarter", "version", "number"},
    PublishedFile: {"publication", "format", "name"},
}
# Columns that repeat who wrote and when, where they agree with the entry.
_STAMPS = (
    "changed", "submitted", "endorsed", "approved", "returned", "followed_up", "proposed", "closed", "added",
    "removed", "published",
)  # fmt: skip
_REPEATING = {f"{step}_{what}" for step in _STAMPS for what in ("by", "at")}
_AT_ONCE = timedelta(minutes=1)
# The particulars of events, such as what of the ledger somebody exported.
_DETAILS: dict[str, Promise] = {
    "what": gettext_lazy("File contents"),
    "file": gettext_lazy("File name"),
    "sha256": gettext_lazy("The file's SHA-256"),
    "quarter": gettext_lazy("Quarter"),
    "basis": gettext_lazy("Which figures"),
    "as_of": gettext_lazy("As of"),
    "format": gettext_lazy("File format"),
    "entries": gettext_lazy("Number of entries"),
    "rows": gettext_lazy("Number of rows"),
    "year": gettext_lazy("Year"),
    "agency": gettext_lazy("Agency"),
    "indicator": gettext_lazy("Indicator"),
    "state": gettext_lazy("Status"),
    "head_seq": gettext_lazy("Last entry"),
    "head_hash": gettext_lazy("Its hash (SHA-256)"),
    "since": gettext_lazy("From entry"),
    "person": gettext_lazy("Who"),
    "first": gettext_lazy("From day"),
    "last": gettext_lazy("Until day"),
    "kind": gettext_lazy("Kind of object"),
    "object": gettext_lazy("Object"),
    "action": gettext_lazy("Kind of action"),
    "way": gettext_lazy("By way of"),
}


def tell(entries: Iterable[Entry], *, about: models.Model | None = None) -> list[Happening]:
    """Put entries, the newest first, into words; about is the object whose page it is.

    The entries of one save stand together, in the order in which they were written. The number of queries
    does not depend on that of the entries.
    """
    entries = list(entries)
    teller = _Teller(Objects(entries), about)
    return [
        teller.happening(list(group)[::-1])
        for _key, group in groupby(entries, lambda e: (e.at[:19], e.actor, e.source, e.reason))
    ]


def who(entry: Entry, objects: Objects) -> Who:
    """Say who an entry's actor is; programs and database roles are no people."""
    account = entry.actor
    if person := objects.person(account):
        return Who(str(person), account if person.name else "")
    if account.startswith("os:"):
        return Who(_("System (%(account)s)") % {"account": account})
    if account.startswith("db:"):
        return Who(_("Database account (%(account)s)") % {"account": account})
    if account or entry.source != Source.MIGRATION:
        return Who(account or _("Nobody signed in"))
    return Who(_("System"))


def way(source: str) -> str | Promise:
    return Source(source).label if source in Source else source


def action(value: str) -> str | Promise:
    return Action(value).label if value in Action else value


def kind_of(entry: Entry, objects: Objects) -> str:
    """Say what kind of object an entry is about; empty where it is about none."""
    model = objects.models.get(entry.table)
    if model is None:
        return entry.table
    if model._meta.auto_created:
        return str(_relation(model).verbose_name)
    return str(model._meta.verbose_name)


def _relation(link: type[models.Model]) -> Any:
    """Return the many-to-many field whose rows are links."""
    owner: Any = link._meta.auto_created
    return next(field for field in owner._meta.many_to_many if field.remote_field.through is link)


def _is_step(entry: Entry) -> bool:
    return entry.table == ReportStep._meta.db_table and entry.action == Action.INSERT


@dataclass(frozen=True)
class _Teller:
    objects: Objects
    about: models.Model | None

    def happening(self, entries: Sequence[Entry]) -> Happening:
        """Tell one save. The step that it notes down is what the report's own entry says."""
        told = [entry for entry in entries if not _is_step(entry)]
        entries = told or entries
        first = entries[0]
        return Happening(
            who=who(first, self.objects),
            when=entries[-1],
            way=way(first.source),
            reason=first.reason,
            items=[self._item(entry) for entry in entries],
        )

    def _item(self, entry: Entry) -> Item:
        row = self.objects.of(entry)
        if row is None:
            return self._event(entry)
        if row._meta.auto_created:
            return self._link(entry, row)
        changes, aside = self._changes(entry, row)
        label = name(row, self.about)
        return Item(
            entry=entry,
            verb=self._verb(entry),
            kind=kind_of(entry, self.objects),
            label=label,
            changes=changes,
            aside=_(", ").join(aside),
            address=address(row) if label else "",
        )

    def _verb(self, entry: Entry) -> str | Promise:
        status = entry.new.get("status")
        if entry.table == QuarterReport._meta.db_table and entry.old and status != entry.old.get("status"):
            return _STEPS.get(str(status), action(entry.action))
        if entry.table == Evidence._meta.db_table and entry.old and entry.new.get("removed_at"):
            return _REMOVED
        if entry.table == TargetRevision._meta.db_table and entry.old:
            return _WITHDRAWN if entry.action == Action.DELETE else _STEPS[Status.APPROVED]
        if entry.table == Publication._meta.db_table and entry.action == Action.INSERT:
            return _PUBLISHED
        return action(entry.action)

    def _event(self, entry: Entry) -> Item:
        model = self.objects.models.get(entry.table)
        details = [
            Change(str(_DETAILS.get(key, key)), "", _detail(key, value))
            for key, value in _pairs(entry.new)
            if value and entry.action != Action.BEGIN
        ]
        found = self.objects.get(model, entry.key) if model and entry.key else None
        own = found is not None and found == self.objects.person(entry.actor)
        return Item(
            entry=entry,
            verb=action(entry.action),
            kind="" if own else kind_of(entry, self.objects),
            label="" if own or not model or not entry.key else self.objects.name(model, entry.key),
            changes=details,
        )

    def _link(self, entry: Entry, row: models.Model) -> Item:
        """A link between two objects: of the first one's, the second came or went."""
        owner, target = (row._meta.get_field(each) for each in _ends(row))
        linked = self.objects.name(target.related_model, getattr(row, target.attname))  # type: ignore[union-attr, arg-type]
        owning = self.objects.get(owner.related_model, getattr(row, owner.attname))  # type: ignore[union-attr, arg-type]
        change = Change("", linked, "") if entry.action == Action.DELETE else Change("", "", linked)
        return Item(
            entry=entry,
            verb=action(entry.action),
            kind=kind_of(entry, self.objects),
            label=name(owning, self.about) if owning else "",
            changes=[change],
        )

    def _changes(self, entry: Entry, row: models.Model) -> tuple[list[Change], list[str]]:
        """Return the columns that changed, and the labels of those left out where that is all there is."""
        shown, silent = [], []
        for column, field in self._columns(entry, type(row)):
            old, new = entry.old.get(column), entry.new.get(column)
            if entry.action == Action.UPDATE and old == new:
                continue
            label = str(field.verbose_name) if field else column
            if field and self._is_silent(field, entry, old, new):
                silent.append(label)
                continue
            before, after = (self._words(field, value, row) for value in (old, new))
            if before != after:
                shown.append(_change(field, label, before, after, whole=entry.action != Action.UPDATE))
        return shown, ([] if shown or entry.action != Action.UPDATE or self._step(entry) else silent)

    def _columns(self, entry: Entry, model: type[models.Model]) -> Iterator[tuple[str, Any]]:
        """Yield an image's columns in the model's order, with their fields; at last those of former times."""
        fields = fields_by_column(model)
        there = {**entry.old, **entry.new}
        yield from ((column, field) for column, field in fields.items() if column in there)
        yield from ((column, None) for column in sorted(there.keys() - fields.keys()))

    def _words(self, field: Any, value: Any, row: models.Model) -> str:
        if field is None:
            return "" if value is None else str(value)
        return self.objects.words(field, value, row)

    def _step(self, entry: Entry) -> bool:
        return self._verb(entry) in (*_STEPS.values(), _REMOVED)

    def _is_silent(self, field: Any, entry: Entry, old: Any, new: Any) -> bool:
        """Say whether a column repeats what the entry says anyway, or is of use to programs only."""
        if field.primary_key or field.name == "version":
            return True
        if entry.action != Action.UPDATE:
            if field.name in _IN_NAME.get(field.model, ()):
                return True
            if isinstance(field, models.BooleanField) and not as_value(field, old if new is None else new):
                return True
        if field.name == "status" and field.model is QuarterReport:
            return self._step(entry)
        if field.model is TargetRevision and field.name.startswith("old_"):
            revised = (entry.new or entry.old).get(field.name.removeprefix("old_"))
            return revised in (None, "")
        if field.name in ("return_reason", "reason") and new == entry.reason and new:
            return True
        return field.name in _REPEATING and self._repeats(field, entry, new)

    def _repeats(self, field: Any, entry: Entry, new: Any) -> bool:
        """Say whether «by whom» and «when» in a row are the entry's own, or were cleared by its step."""
        if new is None:
            return self._step(entry)
        if field.is_relation:
            person = self.objects.person(entry.actor)
            return person is not None and str(person.pk) == str(new)
        moment = as_value(field, new)
        return isinstance(moment, datetime) and abs(moment - entry.moment) < _AT_ONCE


def _change(field: Any, label: str, before: str, after: str, *, whole: bool) -> Change:
    """Word a column of a row that changed or, as a whole, came or went."""
    if field is not None and field.name == "value":
        return Change("", before, after)  # the row's name says whose value
    if whole and isinstance(field, models.BooleanField):
        return Change("", label if before else "", label if after else "")
    return Change(label, before, after)


def _ends(link: models.Model) -> tuple[str, str]:
    """Name the two foreign keys of a link: from the object that has the field, and to the other."""
    relation = _relation(type(link))
    return relation.m2m_field_name(), relation.m2m_reverse_field_name()


def address(thing: models.Model) -> str:
    """Return the address of an object's history; empty for what has none of its own."""
    if hasattr(type(thing)._default_manager, "visible_to") and str(thing.pk).isdecimal():
        return reverse("history", args=[thing._meta.label_lower, thing.pk])
    return ""


def _pairs(details: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the particulars of an event; those within others after them."""
    for key, value in details.items():
        if isinstance(value, dict):
            yield from _pairs(value)
        else:
            yield key, value


def _detail(key: str, value: Any) -> str:
    """Show a particular of an event: what an address asked for by the words of its page."""
    kinds = {table: model._meta.verbose_name for table, model in models_by_table().items()}
    known: dict[str, Mapping[Any, Any]] = {
        "what": {"ledger": _("Ledger")},
        "basis": {
            "official": _("approved figures only"),
            "provisional": _("including figures that await approval"),
        },
        "kind": kinds,
        "action": dict(Action.choices),
        "way": dict(Source.choices),
    }
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(known.get(key, {}).get(str(value), value))
