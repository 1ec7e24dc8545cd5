"""Numbers as people type them: every form, import and model goes through the one strict parser."""

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .numbers import NumberError, NumberProblem, format_number, parse_number

WHY: dict[NumberProblem, Promise] = {
    NumberProblem.EMPTY: _("Enter a number."),
    NumberProblem.NOT_A_NUMBER: _("«%(text)s» is not a number. Type digits, such as 1234.5 or 1,234.5."),
    NumberProblem.PERCENT: _("«%(text)s»: type the number without the percent sign."),
    NumberProblem.TOO_MANY_DIGITS: _(
        "«%(text)s» has too many digits: at most 15, of which at most 6 are decimals."
    ),
    NumberProblem.NEGATIVE: _("«%(text)s» is negative, which this cannot be."),
    NumberProblem.DECIMALS: _("«%(text)s» is not a whole number, and this is a count."),
}

# Figures have at most 15 significant digits (more does not survive a spreadsheet), so they stay below 10^14.
LIMIT = Decimal(10) ** 14


def read_number(text: str, *, whole: bool = False, negative: bool = True) -> Decimal:
    """Parse what a person typed; raise ValidationError with a message for people."""
    try:
        return parse_number(text, whole=whole, negative=negative)
    except NumberError as error:
        shown = error.text if len(error.text) <= 40 else error.text[:39] + "…"
        raise ValidationError(str(WHY[error.code]) % {"text": shown}, code=error.code.name.lower()) from error


class QuantityFormField(forms.CharField):
    """A number typed as text; its clean value is a Decimal, or None where nothing was typed."""

    def __init__(self, *, whole: bool = False, negative: bool = True, **kwargs: Any) -> None:
        self.whole, self.negative = whole, negative
        for unused in ("max_digits", "decimal_places", "min_value", "max_value"):
            kwargs.pop(unused, None)
        kwargs.setdefault("max_length", 60)
        super().__init__(**kwargs)
        self.widget.attrs.setdefault("inputmode", "numeric" if whole else "decimal")
        self.widget.attrs.setdefault("autocomplete", "off")

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return read_number(text, whole=self.whole, negative=self.negative) if text else None

    def run_validators(self, value: Any) -> None:
        """The parser has checked everything; CharField's validators are for text."""

    def prepare_value(self, value: Any) -> Any:
        return format_number(value) if isinstance(value, Decimal) else value


class QuantityField(models.DecimalField):
    """A stored number of at most 15 significant digits, 6 of them decimals; see `within_range`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {"max_digits": 20, "decimal_places": 6}
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        del kwargs["max_digits"], kwargs["decimal_places"]
        return name, path, args, kwargs

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str):
            return read_number(value)
        if isinstance(value, float):
            raise ValidationError(_("A binary fraction is not exact; give a decimal number."))
        return super().to_python(value)

    def formfield(self, **kwargs: Any) -> Any:
        return super(models.DecimalField, self).formfield(**{"form_class": QuantityFormField, **kwargs})


def within_range(field: str) -> Q:
    """Return the check that keeps a column readable: SQLite would store 1e999 and then fail on every read."""
    return Q(**{f"{field}__gt": -LIMIT, f"{field}__lt": LIMIT})
