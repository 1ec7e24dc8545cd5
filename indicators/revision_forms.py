"""Forms for 目標值修正: which indicator, and what its letter revises."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from objectives.fields import refuse_control_characters
from objectives.forms import RocDateField, TextArea

from .fields import QuantityFormField
from .filters import quarter_words
from .models import QUARTERS, Indicator, TargetRevision, Variable
from .report_page import target_words


def label(name: str) -> Any:
    """Return what the model calls a field."""
    field: Any = TargetRevision._meta.get_field(name)
    return field.verbose_name


class IndicatorChoiceForm(forms.Form):
    """Which indicator is revised, where the page was not opened from one."""

    indicator = forms.ModelChoiceField(Indicator.objects.none(), label=gettext_lazy("indicator"))

    def __init__(self, indicators: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices: Any = self.fields["indicator"]
        choices.queryset = indicators


class RevisionForm(forms.Form):
    """What changes, from which quarter on, and the letter that says so; `cleaned_data` is the verb's."""

    from_quarter = forms.TypedChoiceField(label=label("from_quarter"), coerce=int)
    target = QuantityFormField(label=label("target"), required=False)
    formula = forms.CharField(
        label=label("formula"),
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs={"class": "formula", "spellcheck": "false", "autocomplete": "off"}),
    )
    variable = forms.ModelChoiceField(Variable.objects.none(), label=label("variable"), required=False)
    constant = QuantityFormField(label=label("constant"), required=False)
    reason = forms.CharField(
        label=label("reason"),
        max_length=2000,
        widget=TextArea(attrs={"rows": 3}),
        validators=[refuse_control_characters],
    )
    authority = forms.CharField(label=label("authority"), max_length=100)
    decided_on = RocDateField(
        label=label("decided_on"), help_text=gettext_lazy("By the ROC calendar, such as 98.12.31.")
    )
    number = forms.CharField(label=label("number"), max_length=100)

    def __init__(self, indicator: Indicator, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["from_quarter"].choices = [(quarter, quarter_words(quarter)) for quarter in QUARTERS]
        fields["from_quarter"].initial = _first_open_quarter(indicator)
        fields["target"].help_text = _("In force at the year's end: %(now)s. Leave empty to keep it.") % {
            "now": target_words(indicator, QUARTERS[-1])
        }
        fields["formula"].help_text = self._about_the_formula(indicator)
        fields["variable"].queryset = indicator.variables.filter(rollup=Variable.Rollup.CONSTANT)
        if not fields["variable"].queryset.exists():
            del self.fields["variable"], self.fields["constant"]

    def _about_the_formula(self, indicator: Indicator) -> str:
        names = [f"{each.symbol} {each.name}" for each in indicator.variables.all() if not each.memo]
        return _("In force at the year's end: %(now)s. Leave empty to keep it. Symbols: %(symbols)s.") % {
            "now": indicator.in_force(QUARTERS[-1]).formula,
            "symbols": _("; ").join(names),
        }


def _first_open_quarter(indicator: Indicator) -> int:
    """Return the quarter after the last one approved, from which a revision can apply."""
    last = indicator.reports.approved().aggregate(last=Max("quarter"))["last"] or 0
    return min(last + 1, QUARTERS[-1])
