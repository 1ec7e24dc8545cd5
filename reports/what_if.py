"""試算: what an indicator, its goal and the plan would come to with other figures or another target.

Nothing is stored: what is supposed stands in the address, and is computed as everything else is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from indicators.fields import QuantityFormField
from indicators.models import QUARTERS, Variable
from indicators.numbers import format_number

from .results import Result, Supposed

TARGET = "target"


@dataclass(frozen=True)
class Line:
    """A variable of the form: its field in each quarter, None where it has none; a constant has one alone."""

    variable: Variable
    fields: list[forms.BoundField | None]
    constant: forms.BoundField | None


class WhatIfForm(forms.Form):
    """The figures up to a quarter, the constants and the target, each as it is unless something is typed."""

    def __init__(self, data: Mapping[str, Any], *, result: Result) -> None:
        super().__init__(data)
        self.result, self.names = result, {}
        self.variables = [each for each in result.indicator.variables.all() if not each.memo]
        self.fields[TARGET] = _field(_("Annual target"), result.attainment.target)
        for variable in self.variables:
            for quarter in self._quarters(variable):
                name = f"q{quarter}-{variable.symbol}" if quarter else f"constant-{variable.symbol}"
                self.names[quarter, variable.symbol] = name
                self.fields[name] = _field(variable.name, self._there(quarter, variable))

    def _quarters(self, variable: Variable) -> tuple[int, ...]:
        """The quarters that can be supposed; 0 is the constant, which belongs to none."""
        return (0,) if variable.is_constant else self.quarters

    def _there(self, quarter: int, variable: Variable) -> Decimal | None:
        if variable.is_constant:
            return next(
                each.constant for each in self.result.rule.variables if each.symbol == variable.symbol
            )
        return self.result.reading.figures.get((quarter, variable.symbol))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        by_symbol = {variable.symbol: variable for variable in self.variables}
        for (_quarter, symbol), name in self.names.items():
            if (value := cleaned.get(name)) is not None:
                try:
                    by_symbol[symbol].check_value(value)
                except ValidationError as error:
                    self.add_error(name, error)
        return cleaned

    @property
    def supposed(self) -> Supposed | None:
        """What is typed, which may be nothing; None where something of it is no number."""
        if not self.is_valid():
            return None
        given = {key: self.cleaned_data[name] for key, name in self.names.items()}
        typed = {key: value for key, value in given.items() if value is not None}
        figures = {key: value for key, value in typed.items() if key[0]}
        constants = {symbol: value for (quarter, symbol), value in typed.items() if not quarter}
        return Supposed(figures, constants, self.cleaned_data[TARGET])

    @property
    def quarters(self) -> tuple[int, ...]:
        return QUARTERS[: self.result.quarter]

    @property
    def lines(self) -> Iterator[Line]:
        for variable in self.variables:
            bound = [self._bound(quarter, variable) for quarter in self.quarters]
            yield Line(variable, bound, self._bound(0, variable))

    def _bound(self, quarter: int, variable: Variable) -> forms.BoundField | None:
        name = self.names.get((quarter, variable.symbol))
        return self[name] if name else None


def _field(label: Any, there: Decimal | None) -> QuantityFormField:
    field = QuantityFormField(required=False, label=label)
    field.widget.attrs["placeholder"] = "" if there is None else format_number(there)
    return field
