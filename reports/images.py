"""What the ledger's images hold, for people: rows as objects, values as the screens show them.

An image is a row as JSON, which PostgreSQL and SQLite write differently; the words are the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.db import models
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from indicators.models import (
    Evidence,
    Figure,
    ItemProgress,
    PlannedValue,
    QuarterReport,
    Reopening,
    ReportingPeriod,
    ReportStep,
    TargetRevision,
    Variable,
)
from indicators.numbers import format_number
from indicators.workflow.steps import LABELS
from ledger.audited import audited_models
from ledger.models import Action, Entry
from objectives.fields import is_key
from objectives.models import Deputy, Membership, Plan, User
from objectives.roc import roc_date, taipei

ROW_ACTIONS = (Action.INSERT, Action.UPDATE, Action.DELETE)

# What an object's name is made of, besides its own columns.
_NAMED_AFTER: dict[type[models.Model], tuple[str, ...]] = {
    Plan: ("unit",),
    Membership: ("user", "unit"),
    Variable: ("indicator",),
    PlannedValue: ("indicator",),
    TargetRevision: ("indicator",),
    ReportingPeriod: ("plan",),
    Reopening: ("period", "unit"),
    Deputy: ("principal", "deputy"),
    QuarterReport: ("indicator",),
    Figure: ("report", "variable"),
    ReportStep: ("report",),
    Evidence: ("report",),
    ItemProgress: ("item",),
}


def models_by_table() -> dict[str, type[models.Model]]:
    """Return the audited models by their table."""
    return {model._meta.db_table: model for model in audited_models().values()}


def fields_by_column(model: type[models.Model]) -> dict[str, Any]:
    fields: Iterable[Any] = model._meta.concrete_fields
    return {field.column: field for field in fields}


def named_after(model: type[models.Model]) -> tuple[str, ...]:
    """Return the foreign keys whose objects the model's name is made of; of a link, both its ends."""
    if model._meta.auto_created:
        return tuple(field.name for field in model._meta.concrete_fields if field.is_relation)
    return _NAMED_AFTER.get(model, ())


def exact_moment(moment: datetime) -> str:
    """Show an aware moment to the second: 「115 年 5 月 19 日 14:05:09」."""
    local = taipei(moment)
    return f"{roc_date(local.date())} {local:%H:%M:%S}"


def as_value(field: Any, stored: Any) -> Any:
    """Return a column's value in an image as the model would have it; what cannot be one, as it is."""
    try:
        return _as_value(field, stored)
    except (ValueError, TypeError, ArithmeticError):
        return stored


def _as_value(field: Any, stored: Any) -> Any:
    if stored is None or field.is_relation:
        return stored
    match field:
        case models.BooleanField():
            return bool(stored)
        case models.DecimalField():
            return round(Decimal(str(stored)), field.decimal_places)
        case models.DateTimeField():
            moment = parse_datetime(str(stored))
            return moment and (moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        case models.DateField():
            return parse_date(str(stored))
    return stored


def as_object(model: type[models.Model], image: dict[str, Any]) -> models.Model:
    """Return a row as it was, for reading; what it has no column for has its default."""
    fields = fields_by_column(model)
    known = {column: fields[column] for column in image if column in fields}
    return model(**{field.attname: as_value(field, image[column]) for column, field in known.items()})


class Objects:
    """The objects and people that some entries speak of: as they are now, or as they were last.

    They are read together, at most two queries for each model, however many entries there are.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.models = models_by_table()
        self._found: dict[type[models.Model], dict[str, models.Model]] = {}
        entries = list(entries)
        self._people = self._accounts({entry.actor for entry in entries})
        wanted: dict[type[models.Model], set[str]] = defaultdict(set)
        for entry in entries:
            self._collect(entry, wanted)
        # Children first: what they are named after stands before them in the settings.
        for model in reversed(self.models.values()):
            found = self._found[model] = self._read(model, wanted[model])
            for thing in found.values():
                self._want(thing, named_after(model), wanted)
        for model, found in self._found.items():
            for thing in found.values():
                self._connect(thing, named_after(model))

    def person(self, account: str) -> User | None:
        """Return whose account this is, if there is such a person."""
        return self._people.get(account)

    def of(self, entry: Entry) -> models.Model | None:
        """Return the row of an entry as it then was, connected with what its name is made of."""
        model = self.models.get(entry.table)
        if model is None or entry.action not in ROW_ACTIONS:
            return None
        row = as_object(model, entry.new or entry.old)
        row.pk = entry.key
        self._connect(row, named_after(model))
        return row

    def get(self, model: type[models.Model], key: Any) -> models.Model | None:
        return self._found.get(model, {}).get(str(key))

    def name(self, model: type[models.Model], key: Any) -> str:
        """Return what an object is called, or its number where nothing is known of it."""
        found = self.get(model, key)
        return name(found) if found else f"{model._meta.verbose_name} #{key}"

    def words(self, field: Any, stored: Any, row: models.Model | None) -> str:
        """Show a column's value; empty for nothing. row is what the column is part of."""
        value = as_value(field, stored)
        if value is None or value == "":
            return ""
        if field.is_relation:
            return self.name(field.related_model, value)
        if field.flatchoices:
            return str(dict(field.flatchoices).get(value, value))
        match value:
            case bool():
                return _("Yes") if value else _("No")
            case Decimal():
                if _is_answer(field, row):
                    return _("Yes") if value else _("No")
                return format_number(value)
            case datetime():
                return exact_moment(value)
            case date():
                return roc_date(value)
        return str(value)

    def _accounts(self, accounts: set[str]) -> dict[str, User]:
        people = get_user_model()._default_manager.filter(username__in=accounts)
        return {person.username: person for person in people}

    def _collect(self, entry: Entry, wanted: dict[type[models.Model], set[str]]) -> None:
        model = self.models.get(entry.table)
        if model is None:
            return
        if entry.action not in ROW_ACTIONS:
            wanted[model].add(entry.key)
            return
        relations = [field for field in fields_by_column(model).values() if field.is_relation]
        for image in (entry.old, entry.new):
            for field in relations:
                if image.get(field.column) is not None:
                    wanted[field.related_model].add(str(image[field.column]))

    def _want(
        self, thing: models.Model, names: Iterable[str], wanted: dict[type[models.Model], set[str]]
    ) -> None:
        for each in names:
            field: Any = thing._meta.get_field(each)
            wanted[field.related_model].add(str(getattr(thing, field.attname)))

    def _connect(self, thing: models.Model, names: Iterable[str]) -> None:
        for each in names:
            field: Any = thing._meta.get_field(each)
            field.set_cached_value(thing, self.get(field.related_model, getattr(thing, field.attname)))

    def _read(self, model: type[models.Model], keys: set[str]) -> dict[str, models.Model]:
        """Read objects by key; those that are gone from their last image."""
        keys = {key for key in keys if is_key(key)}  # any text can be recorded as one
        if not keys:
            return {}
        found = {str(thing.pk): thing for thing in model._base_manager.filter(pk__in=keys)}
        if gone := keys - set(found):
            last = Entry.objects.of(model._meta.db_table, *gone).filter(action=Action.DELETE)
            found |= {entry.key: as_object(model, entry.old) for entry in last.order_by("seq")}
        return found


def _is_answer(field: Any, row: models.Model | None) -> bool:
    """Say whether a number is the answer to a question of yes or no."""
    if isinstance(row, Figure) and field.name == "value":
        of: Any = Figure._meta.get_field("variable")
        variable = of.get_cached_value(row, default=None)
        return variable is not None and variable.kind == Variable.Kind.YES_NO
    return isinstance(row, Variable) and row.kind == Variable.Kind.YES_NO


def name(thing: models.Model, about: models.Model | None = None) -> str:
    """Return what an object is called, alone or on a page about another one; empty where that is itself."""
    if about is not None and _same(thing, about):
        return ""
    for each in named_after(type(thing)):
        field: Any = thing._meta.get_field(each)
        if thing._state.adding and field.get_cached_value(thing, default=None) is None:
            return f"{thing._meta.verbose_name} #{thing.pk}"
    match thing:
        case Figure():
            return " · ".join(filter(None, [name(thing.report, about), thing.variable.name]))
        case Evidence() | ReportStep():
            return " · ".join(filter(None, [name(thing.report, about), _particular(thing)]))
        case TargetRevision() if about:
            return _("Revision from quarter %(quarter)s") % {"quarter": thing.from_quarter}
        case ItemProgress() | ReportingPeriod() if about:
            return _("Quarter %(quarter)s") % {"quarter": thing.quarter}
        case Variable():
            return thing.name if about else f"{thing.indicator.code} · {thing.name}"
        case QuarterReport() | PlannedValue():
            words = _("Quarter %(quarter)s") if about else _("%(indicator)s, quarter %(quarter)s")
            return words % {"indicator": thing.indicator, "quarter": thing.quarter}
        case Membership() if about:
            return f"{thing.unit} · {thing.get_role_display()}"
    if thing._meta.auto_created:
        first, second = (getattr(thing, each) for each in named_after(type(thing)))
        return f"{name(first)} · {name(second)}"
    return str(thing)


def _particular(thing: Evidence | ReportStep) -> str:
    if isinstance(thing, Evidence):
        return str(thing)
    known = {step.value: str(label) for step, label in LABELS.items()}
    return known.get(thing.step, thing.step)


def _same(one: models.Model, other: models.Model) -> bool:
    return type(one) is type(other) and str(one.pk) == str(other.pk)
