"""Who may read which of the ledger's entries, and a page of them at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404
from django.utils.translation import gettext as _

from indicators.models import Indicator, ItemProgress, QuarterReport
from ledger.audited import audited_models
from ledger.models import Action, Entry, EntryQuerySet
from objectives.fields import is_key
from objectives.models import Unit, User
from objectives.permissions import can

from .images import Objects

PERMISSION = "ledger.view_entry"
PAGE = 50


def reads_ledger(user: Any) -> bool:
    """Say whether user may read every entry: they carry no unit, so the permission must reach all of them."""
    if not can(user, PERMISSION):
        return False
    return not Unit.objects.filter(parent=None).exclude(pk__in=user.rights.units(PERMISSION)).exists()


def require_ledger(user: Any) -> None:
    """Raise PermissionDenied unless `reads_ledger(user)`."""
    if not reads_ledger(user):
        raise PermissionDenied(
            _(
                "The whole ledger is open to auditors of every organisation. The changes of one object stand "
                "on its own page."
            )
        )


def histories() -> dict[str, type[models.Model]]:
    """Return the models whose objects have a history of their own, by the name that addresses use."""
    return {
        model._meta.label_lower: model
        for model in audited_models().values()
        if hasattr(model._default_manager, "visible_to")
    }


def history_of(user: User, label: str, key: int) -> tuple[models.Model, EntryQuerySet]:
    """Return an object, as it last was where it is gone, and the entries about it.

    Raises Http404 where the person may not see the object, and for one that never was. Those who read the
    whole ledger see every object's history; that of what is gone, which belongs to no unit, they alone.
    """
    model = histories().get(label)
    if model is None:
        raise Http404
    manager: Any = model._default_manager
    everything = reads_ledger(user)
    found = (manager.all() if everything else manager.visible_to(user)).filter(pk=key).first()
    if found is None and everything:
        deleted = Entry.objects.of(model._meta.db_table, key).filter(action=Action.DELETE)
        last = list(deleted.order_by("-seq")[:1])
        found = Objects(last).of(last[0]) if last else None
    if found is None:
        raise Http404
    return found, entries_about(found, user)


def entries_about(thing: models.Model, user: User) -> EntryQuerySet:
    """Return the entries about an object and about what belongs to it, as far as user may read those."""
    parts = [Entry.objects.of(thing._meta.db_table, thing.pk)]
    for model in _belonging(type(thing)):
        if not _reads(thing, model, user):
            continue
        parts.append(Entry.objects.under(model._meta.db_table, thing.pk))
        if model is QuarterReport:
            parts += _rows_of_reports(thing)
    # As one list of numbers: an OR over these makes databases walk through the whole ledger.
    first, *others = [part.values("seq") for part in parts]
    return Entry.objects.filter(seq__in=first.union(*others, all=True) if others else first)


def _belonging(model: type[models.Model]) -> list[type[models.Model]]:
    """Return the models whose rows belong to those of a model, by the ledger's settings."""
    parents = {label: options.get("parent") for label, options in settings.LEDGER_AUDITED.items()}
    return [
        apps.get_model(label)
        for label, parent in parents.items()
        if parent and apps.get_model(label)._meta.get_field(parent).related_model is model
    ]


def _reads(thing: Any, model: type[models.Model], user: User) -> bool:
    """Say whether user reads what belongs to an object; drafts and remarks follow their unit."""
    if model not in (QuarterReport, ItemProgress) or reads_ledger(user):
        return True
    units = user.rights.units("indicators.view_quarterreport")
    if isinstance(thing, Indicator):
        return not units.isdisjoint(unit.pk for unit in thing.participants)
    return thing.responsible_unit_id in units


def _rows_of_reports(indicator: models.Model) -> list[EntryQuerySet]:
    """Return the entries about the rows of an indicator's quarter reports."""
    reports = Entry.objects.under(QuarterReport._meta.db_table, indicator.pk)
    return [
        Entry.objects.filter(table=model._meta.db_table, parent__in=reports.values("key"))
        for model in _belonging(QuarterReport)
    ]


def entries_of_indicators(code: str, user: User) -> list[EntryQuerySet]:
    """Return what is about the indicators of a code, one of each plan; nothing where there is none."""
    return [entries_about(found, user) for found in Indicator.objects.filter(code=code)]


@dataclass(frozen=True)
class Slice:
    """A page of entries, the newest first, found by number: no page is slower than another."""

    entries: Sequence[Entry]
    newer: int | None  # there are entries after this one
    older: int | None  # there are entries before this one

    @classmethod
    def of(cls, entries: EntryQuerySet, *, before: int | None = None, after: int | None = None) -> Slice:
        """Return the entries next to a number; without one, the newest."""
        if after is not None:
            found = list(entries.filter(seq__gt=after).order_by("seq")[: PAGE + 1])
            more, rows = len(found) > PAGE, found[:PAGE][::-1]
            return cls(rows, rows[0].seq if more else None, rows[-1].seq if rows else after + 1)
        if before is not None:
            entries = entries.filter(seq__lt=before)
        found = list(entries.order_by("-seq")[: PAGE + 1])
        more, rows = len(found) > PAGE, found[:PAGE]
        newer = None if before is None else rows[0].seq if rows else before - 1
        return cls(rows, newer, rows[-1].seq if more else None)


def cursor(text: str | None) -> int | None:
    """Read the number of an entry from an address. Raises Http404 for anything else."""
    if text is None:
        return None
    if not is_key(text):
        raise Http404(_("The number of an entry in the address is not a number."))
    return int(text)
