"""A cell of the worksheet: what is stored, what the page held, what was typed, and how these differ.

The page holds, in one hidden input, what every cell was when it was read (`Held`). A cell that was typed into
is compared with that, so that only what somebody changed is written, and only over what they saw.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Self

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from objectives.fields import refuse_control_characters, trimmed
from objectives.forms import RocDateField

from .fields import QuantityFormField
from .forms import YES_NO
from .models import Variable
from .numbers import parse_number

MINE, THEIRS = "mine", "theirs"


class LongTextField(forms.CharField):
    """A text as it is stored: in NFC, with plain line breaks, without what cannot be seen at its ends."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, validators=[refuse_control_characters], **kwargs)

    def to_python(self, value: Any) -> str:
        return trimmed(super().to_python((value or "").replace("\r\n", "\n")) or "")


class YesNoField(forms.TypedChoiceField):
    """是, 否 or not answered; its clean value is 1, 0 or None."""

    def __init__(self) -> None:
        super().__init__(choices=YES_NO, coerce=Decimal, empty_value=None, required=False)

    def prepare_value(self, value: Any) -> Any:
        return str(int(value)) if isinstance(value, Decimal) else value


def figure_field(variable: Variable) -> forms.Field:
    """Return what reads a figure of the variable: the one strict parser, or a choice."""
    if variable.kind == Variable.Kind.YES_NO:
        return YesNoField()
    return QuantityFormField(
        required=False, whole=variable.kind == Variable.Kind.COUNT, negative=variable.may_be_negative
    )


@dataclass(frozen=True)
class Held:
    """What the page held when it was read: by cell, the value it had then.

    theirs are the values that an earlier answer showed beside those in conflict, versions the reports'.
    """

    was: Mapping[str, str | None] = field(default_factory=dict)
    theirs: Mapping[str, str | None] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `written` wrote. Raises ValidationError for anything else."""
        try:
            content = json.loads(text)
            was, theirs, versions = (dict(content[name]) for name in ("was", "theirs", "versions"))
            texts = [*was.values(), *theirs.values()]
            if any(not isinstance(each, str | None) for each in texts):
                raise TypeError
            if any(not isinstance(each, int) for each in versions.values()):
                raise TypeError
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise ValidationError(
                _("The page was incomplete. Compare what is shown with what you typed and save again.")
            ) from error
        return cls(was, theirs, versions)

    def written(self) -> str:
        return json.dumps({"was": self.was, "theirs": self.theirs, "versions": self.versions})


@dataclass
class Cell:
    """One input; `stored` is what the database has, `value` what it would have after saving."""

    name: str
    label: str
    reader: forms.Field
    stored: Any
    editable: bool
    short_label: str = ""  # without the indicator's code
    stored_by: str = ""  # who wrote what is stored, and when, in words
    typed: str | None = None  # as it was posted; None where it was not
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.was = self.value = self.stored

    def read(self, raw: str, held: Held, choice: str = "") -> None:
        """Take in what was posted; choice says whose value stands where two people typed."""
        self._type(raw)
        self.was = self._held(held.was)
        if choice == MINE:
            self.was = self._held(held.theirs)
        if choice == THEIRS and self._held(held.theirs) == self.stored:
            self.was = self.stored
            self._type(self.at_rest)
        if self.typed == self._display(self.was):
            self.value, self.errors = self.was, []  # sent back as it was shown

    def _type(self, text: str) -> None:
        self.typed, self.errors = text.replace("\r\n", "\n"), []
        try:
            self.value = self.reader.clean(text)
        except ValidationError as error:
            self.value = "" if isinstance(self.stored, str) else None
            self.errors = error.messages

    def _held(self, values: Mapping[str, str | None]) -> Any:
        """Return what the page held of this cell; what it did not hold counts as seen."""
        try:
            return decoded(self.reader, values[self.name]) if self.name in values else self.was
        except ValueError as error:
            raise ValidationError(
                _("The page was incomplete. Compare what is shown with what you typed and save again.")
            ) from error

    @property
    def is_touched(self) -> bool:
        """Whether somebody typed something else than the page held."""
        return bool(self.errors) or self.value != self.was

    @property
    def is_changed(self) -> bool:
        """Whether there is something to write."""
        return self.is_touched and self.value != self.stored

    @property
    def in_conflict(self) -> bool:
        """Whether somebody else changed it since the page was read, to something else than what was typed."""
        typed_here = self.is_touched and (bool(self.errors) or self.value != self.stored)
        return typed_here and self.stored != self.was

    @property
    def has_moved(self) -> bool:
        """Whether somebody else changed it while nobody touched it here."""
        return not self.is_touched and self.stored != self.was

    @property
    def at_rest(self) -> str:
        """What the input shows where nothing was typed."""
        return self._display(self.stored)

    def _display(self, value: Any) -> str:
        return "" if value is None else str(self.reader.prepare_value(value))

    @property
    def shown(self) -> str:
        """What the input shows."""
        return self.typed if self.typed is not None and self.is_touched else self.at_rest

    @property
    def stored_words(self) -> str:
        return self._words(self.at_rest) or _("(empty)")

    @property
    def typed_words(self) -> str:
        return self._words(self.typed or "") or _("(empty)")

    def _words(self, text: str) -> str:
        return str(dict(YES_NO).get(text, text)) if text and self.is_choice else text

    @property
    def inputmode(self) -> str:
        return self.reader.widget.attrs.get("inputmode", "text")

    @property
    def is_long(self) -> bool:
        return isinstance(self.reader, LongTextField)

    @property
    def was_words(self) -> str:
        return self._words(self._display(self.was)) or _("(empty)")

    @property
    def is_choice(self) -> bool:
        return isinstance(self.reader, YesNoField)

    @property
    def choices(self) -> list[tuple[str, str, bool]]:
        """The answers of a choice: value, words and whether it is the one."""
        return [(value, str(words), value == self.shown) for value, words in YES_NO]


def encoded(value: Any) -> str | None:
    """Write a value for `Held`: decimals in digits, days in ISO."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, date) else value


def decoded(field: forms.Field, text: str | None) -> Any:
    """Read what `encoded` wrote. Raises ValueError for anything else."""
    if text is None or isinstance(field, LongTextField):
        return text
    if isinstance(field, RocDateField):
        return date.fromisoformat(text)
    return parse_number(text, negative=True)
