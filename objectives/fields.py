"""Text columns that hold one spelling of every character.

The plan's source is full of CJK compatibility ideographs that look like ordinary characters and are not
(U+F98E for U+5E74 年). Text is therefore NFC-normalised on its way into the database and into every
lookup, so that a search for 年度 finds every 年度.
"""

import unicodedata
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _


def nfc(text: str) -> str:
    """Return text in Unicode Normalisation Form C."""
    return unicodedata.normalize("NFC", text)


def refuse_control_characters(text: str) -> None:
    """Raise ValidationError for control characters other than line breaks and tabs."""
    if any(unicodedata.category(character) == "Cc" and character not in "\n\r\t" for character in text):
        raise ValidationError(_("The text contains control characters. Please type it anew."))


class _NormalText:
    """Normalises wherever a value enters: forms (to_python), saves (pre_save), lookups and bulk writes."""

    def to_python(self, value: Any) -> Any:
        value = super().to_python(value)  # type: ignore[misc]
        return nfc(value) if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)  # type: ignore[misc]
        return nfc(value) if isinstance(value, str) else value

    def pre_save(self, instance: models.Model, add: bool) -> Any:
        value = self.to_python(getattr(instance, self.attname))  # type: ignore[attr-defined]
        setattr(instance, self.attname, value)  # type: ignore[attr-defined]
        return value


class CharField(_NormalText, models.CharField):
    """models.CharField in Normalisation Form C."""

    default_validators = [refuse_control_characters]


class TextField(_NormalText, models.TextField):
    """models.TextField in Normalisation Form C."""

    default_validators = [refuse_control_characters]
