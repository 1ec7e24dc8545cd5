"""Forms of the admin's pages for plans and people."""

import re
from datetime import date
from typing import Any

from django import forms
from django.contrib.auth.forms import AdminPasswordChangeForm, BaseUserCreationForm
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from .fields import nfc, refuse_control_characters
from .models import Plan, User
from .roc import gregorian_year, roc_year

_FULL_WIDTH = str.maketrans("０１２３４５６７８９．／－", "0123456789./-")
_ROC_DATE = re.compile(
    r"(?:民國)? *0?([1-9][0-9]{0,2}) *[年./-] *([0-9]{1,2}) *[月./-] *([0-9]{1,2}) *日?", re.ASCII
)


class RocDateField(forms.CharField):
    """A day by the ROC calendar, as people write it: 98.12.31, 98/12/31 or 98 年 12 月 31 日."""

    default_error_messages = {"invalid": _("Write the day by the ROC calendar, such as 98.12.31.")}

    def to_python(self, value: Any) -> Any:
        if isinstance(value, date) or value in self.empty_values:
            return value or None
        match = _ROC_DATE.fullmatch(str(value).translate(_FULL_WIDTH).strip())
        try:
            year, month, day = (int(part) for part in match.groups()) if match else (0, 0, 0)
            return date(gregorian_year(year), month, day)
        except ValueError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error

    def prepare_value(self, value: Any) -> Any:
        return f"{roc_year(value)}.{value.month}.{value.day}" if isinstance(value, date) else value


class AdoptionForm(forms.Form):
    """核定: the day and the number of the document that adopted a plan."""

    on = RocDateField(label=_("adopted on"), help_text=_("By the ROC calendar, such as 98.12.31."))
    number = forms.CharField(
        label=_("document number of the adoption"),
        max_length=Plan._meta.get_field("adopted_number").max_length,
        validators=[refuse_control_characters],
    )

    def clean_number(self) -> str:
        return nfc(self.cleaned_data["number"])


class NewPersonForm(BaseUserCreationForm):
    """An account with its first password."""

    class Meta:
        model = User
        fields = ("username", "name", "email")
        field_classes = BaseUserCreationForm.Meta.field_classes


class NewPasswordForm(AdminPasswordChangeForm):
    """Django's form without its offer to lock the person out: `is_active` is there for that."""

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.fields.pop("usable_password", None)
        self.fields["password1"].required = self.fields["password2"].required = True
