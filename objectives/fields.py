"""Text columns that hold one spelling of every character.

The plan's source is full of CJK compatibility ideographs that look like ordinary characters and are not
(U+F98E for U+5E74 年). Text is therefore NFC-normalised on its way into the database and into every
lookup, so that a search for 年度 finds every 年度.

What nobody can see at the ends of a text is not stored either: a reason of zero-width spaces is none.
"""

import re
import unicodedata
from itertools import dropwhile
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _


def nfc(text: str) -> str:
    """Return text in Unicode Normalisation Form C."""
    return unicodedata.normalize("NFC", text)


# Blank though their category is that of letters and symbols: Hangul's fillers, the empty Braille cell.
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")
# They choose the variant of the character before them, and show nothing without one.
_SELECTORS = frozenset(
    map(chr, (0x34F, *range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
)


def is_unseen(character: str) -> bool:
    """Whether a character leaves no mark: spaces, line breaks, format characters, fillers."""
    category = unicodedata.category(character)
    return category in ("Cf", "Zs", "Zl", "Zp") or character in "\n\r\t" or character in _FILLERS


def trimmed(text: str) -> str:
    """Return text in NFC without what cannot be seen at its ends; empty where there is nothing to see."""
    text = nfc(text)
    places = (place for place, each in enumerate(text) if not is_unseen(each))
    seen = list(dropwhile(lambda place: text[place] in _SELECTORS, places))
    return text[seen[0] : seen[-1] + 1] if seen else ""


def folded(text: str) -> str:
    """Return what two texts have in common that look alike: for comparing, never for storing."""
    compatible = unicodedata.normalize("NFKC", text).casefold()
    return "".join(each for each in compatible if not is_unseen(each) and each not in _SELECTORS)


# Category Cc but for line breaks and tabs.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def is_key(text: str) -> bool:
    """Say whether a text from outside can be a row's key; nineteen digits could be more than any."""
    return text.isascii() and text.isdecimal() and len(text) < 19


def refuse_control_characters(text: str) -> None:
    """Raise ValidationError for control characters other than line breaks and tabs."""
    if _CONTROL.search(text):
        raise ValidationError(_("The text contains control characters. Please type it anew."))


class _NormalText:
    """Normalises wherever a value enters: lookups and bulk writes (to_python), and, where it is to be stored
    (validation, pre_save), without what cannot be seen at its ends."""

    def to_python(self, value: Any) -> Any:
        value = super().to_python(value)  # type: ignore[misc]
        return nfc(value) if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> Any:
        return self.to_python(super().get_prep_value(value))  # type: ignore[misc]

    def clean(self, value: Any, model_instance: models.Model | None) -> Any:
        value = trimmed(value) if isinstance(value, str) else value
        return super().clean(value, model_instance)  # type: ignore[misc]

    def pre_save(self, instance: models.Model, add: bool) -> Any:
        value = self.to_python(getattr(instance, self.attname))  # type: ignore[attr-defined]
        value = trimmed(value) if isinstance(value, str) else value
        setattr(instance, self.attname, value)  # type: ignore[attr-defined]
        return value


class CharField(_NormalText, models.CharField):
    """models.CharField in Normalisation Form C."""

    default_validators = [refuse_control_characters]


class TextField(_NormalText, models.TextField):
    """models.TextField in Normalisation Form C."""

    default_validators = [refuse_control_characters]
