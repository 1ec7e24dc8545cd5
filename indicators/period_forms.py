"""Forms for reporting periods: their days, and what is asked before a quarter closes or opens."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from objectives.fields import nfc, refuse_control_characters
from objectives.forms import RocDateField, TextArea
from objectives.models import Unit
from objectives.roc import TAIPEI

from .models import ReportingPeriod

DAYS = ("opens_on", "submit_by", "endorse_by", "approve_by", "closes_on")
BY_THE_ROC_CALENDAR = _("By the ROC calendar, such as 98.12.31.")


class PeriodForm(forms.ModelForm):
    """The days of a quarter."""

    opens_on = RocDateField(label=_("opens on"), help_text=BY_THE_ROC_CALENDAR)
    submit_by = RocDateField(label=_("submission due"))
    endorse_by = RocDateField(label=_("endorsement due"))
    approve_by = RocDateField(label=_("approval due"))
    closes_on = RocDateField(
        label=_("last day"), required=False, help_text=_("Empty: open until somebody closes it.")
    )

    class Meta:
        model = ReportingPeriod
        fields = DAYS


class ReasonForm(forms.Form):
    """Why a quarter is closed or opened; it stays in the history."""

    reason = forms.CharField(
        label=_("reason"),
        max_length=1000,
        widget=TextArea(attrs={"rows": 3}),
        validators=[refuse_control_characters],
    )

    def clean_reason(self) -> str:
        return nfc(self.cleaned_data["reason"])


class ReopeningForm(ReasonForm):
    """For whom a closed quarter opens again, and until when by Taipei's time."""

    unit = forms.ModelChoiceField(
        Unit.objects.none(), label=_("unit"), help_text=_("The units below it are included.")
    )
    day = RocDateField(label=_("open until the day"), help_text=BY_THE_ROC_CALENDAR)
    time = forms.TimeField(
        label=_("at the hour"),
        input_formats=["%H:%M"],
        help_text=_("24-hour clock, such as 17:30."),
        widget=forms.TimeInput(format="%H:%M", attrs={"autocomplete": "off"}),
    )
    field_order = ("unit", "day", "time", "reason")

    def __init__(self, period: ReportingPeriod, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        units: Any = self.fields["unit"]
        units.queryset = Unit.objects.filter(pk__in=Unit.objects.tree().below(period.plan.unit_id))

    def until(self) -> datetime:
        """Return the moment until which it is open; for a valid form."""
        return datetime.combine(self.cleaned_data["day"], self.cleaned_data["time"], TAIPEI)


class ClosingYearForm(forms.Form):
    """Whoever closes a year says that they know what it means."""

    certain = forms.BooleanField(
        label=_("I know that the year's figures are frozen and nothing reopens them.")
    )
