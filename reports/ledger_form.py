"""What an auditor may ask the ledger for; it all stands in the address."""

from __future__ import annotations

import json
import re
from datetime import date, datetime, time, timedelta
from typing import Any, cast
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ledger.models import Action, Entry, EntryQuerySet, Source, moment_text
from objectives.fields import nfc, refuse_control_characters
from objectives.forms import RocDateField
from objectives.models import User
from objectives.roc import TAIPEI

from .images import models_by_table
from .ledger_access import entries_of_indicators

MOST_PEOPLE = 100  # whom a name may mean
_CODE = re.compile(r"[A-Z][0-9]{1,2}-[0-9]{1,2}")
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class DayField(RocDateField):
    """A day by the ROC calendar, or as computers write it: 2026-05-19."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and _ISO.fullmatch(value.strip()):
            year, month, day = value.strip().split("-")
            value = f"{int(year) - 1911}.{month}.{day}"
        return super().to_python(value)


class LedgerForm(forms.Form):
    """Filters of the ledger; an empty one asks for nothing."""

    person = forms.CharField(
        label=_("Who"),
        required=False,
        max_length=150,
        validators=[refuse_control_characters],
        help_text=_("Name or account."),
    )
    first = DayField(
        label=_("From day"),
        required=False,
        help_text=_("By the ROC calendar, such as 115.5.19."),
    )
    last = DayField(label=_("Until day"), required=False, help_text=_("This day included."))
    kind = forms.ChoiceField(label=_("Kind of object"), required=False)
    object = forms.CharField(
        label=_("Object"),
        required=False,
        max_length=100,
        validators=[refuse_control_characters],
        help_text=_("The code of an indicator, such as K1-1, or any text in the data."),
    )
    action = forms.ChoiceField(label=_("Kind of action"), required=False)
    way = forms.ChoiceField(label=_("By way of"), required=False)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        kinds = [
            (table, model._meta.verbose_name)
            for table, model in models_by_table().items()
            if not model._meta.auto_created
        ]
        choices = {"kind": kinds, "action": Action.choices, "way": Source.choices}
        for name, offered in choices.items():
            cast(forms.ChoiceField, self.fields[name]).choices = [("", _("All")), *cast(Any, offered)]

    def clean_person(self) -> list[str]:
        """Return the accounts that are meant: by account or name, or whatever else the ledger knows."""
        words = nfc(self.cleaned_data["person"])
        if not words:
            return []
        known = User.objects.filter(Q(username__icontains=words) | Q(name__icontains=words))
        found = list(known.values_list("username", flat=True)[: MOST_PEOPLE + 1])
        if len(found) > MOST_PEOPLE:
            raise ValidationError(gettext("Too many people have such a name. Please give more of it."))
        if Entry.objects.filter(actor=words).exists():
            found.append(words)
        if not found:
            raise ValidationError(gettext("The ledger knows nobody of this name or account."))
        return found

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        first, last = cleaned.get("first"), cleaned.get("last")
        if first and last and last < first:
            self.add_error("last", gettext("This day is before the first one."))
        return cleaned

    def entries(self) -> EntryQuerySet:
        """Return the entries asked for; the form must be valid."""
        asked, found = self.cleaned_data, Entry.objects.all()
        if asked["person"]:
            found = found.filter(actor__in=asked["person"])
        for name, column in {"kind": "table", "action": "action", "way": "source"}.items():
            if asked[name]:
                found = found.filter(**{column: asked[name]})
        found = self._within_days(found, asked["first"], asked["last"])
        return self._about(found, nfc(asked["object"])) if asked["object"] else found

    def _within_days(self, entries: EntryQuerySet, first: date | None, last: date | None) -> EntryQuerySet:
        """Time never runs backwards in the ledger, so that days are a range of numbers."""
        if first:
            start = Entry.objects.filter(at__gte=_midnight(first)).order_by("at", "seq").first()
            entries = entries.filter(seq__gte=start.seq) if start else entries.none()
        if last:
            earlier = Entry.objects.filter(at__lt=_midnight(last + timedelta(days=1)))
            end = earlier.order_by("-at", "-seq").first()
            entries = entries.filter(seq__lte=end.seq) if end else entries.none()
        return entries

    def _about(self, entries: EntryQuerySet, words: str) -> EntryQuerySet:
        """A code means all that belongs to the indicator; any other text is looked for in the images."""
        if _CODE.fullmatch(words.upper()) and (parts := entries_of_indicators(words.upper(), self.user)):
            numbers = Q()
            for part in parts:
                numbers |= Q(seq__in=part.values("seq"))
            return entries.filter(numbers)
        written = json.dumps(words, ensure_ascii=False)[1:-1]  # as it is within an image
        return entries.filter(Q(before__contains=written) | Q(after__contains=written))

    @property
    def asked(self) -> dict[str, str]:
        """What was typed and chosen, as it was."""
        return {name: self.data[name] for name in self.fields if self.data.get(name)}

    @property
    def query(self) -> str:
        return urlencode(self.asked)

    @property
    def address(self) -> str:
        """The query with its question mark, to be put behind an address."""
        return f"?{self.query}" if self.asked else ""


def _midnight(day: date) -> str:
    """Return the beginning of a day in Taipei as entries write moments."""
    return moment_text(datetime.combine(day, time(), TAIPEI))
