"""Forms of the admin's pages: what each page watches over, and those for plans and people."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, cast

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget
from django.contrib.auth.forms import AdminPasswordChangeForm, BaseUserCreationForm
from django.core.exceptions import ValidationError
from django.db import models
from django.forms.formsets import (
    DEFAULT_MAX_NUM,
    DELETION_FIELD_NAME,
    INITIAL_FORM_COUNT,
    TOTAL_FORM_COUNT,
)
from django.http import QueryDict
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .fields import nfc, refuse_control_characters
from .models import Plan, Unit, User, WorkItem
from .roc import gregorian_year, roc_year
from .roles import Role

# -- What every page of the admin watches over -------------------------------------------------------------

DIGEST = "_shown"  # the name of the hidden input


class TextArea(AdminTextareaWidget):
    """Takes a text with plain line breaks: browsers send others than they were given."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        value = super().value_from_datadict(data, files, name)
        return value.replace("\r\n", "\n") if isinstance(value, str) else value


class Stored:
    """What is in the database of all that a page lets people edit: an object and the rows below it."""

    def __init__(
        self, obj: models.Model, form: type[forms.ModelForm], formsets: Iterable[forms.BaseInlineFormSet]
    ) -> None:
        self.formsets = {str(formset.prefix): formset for formset in formsets}
        self.words: list[str] = []  # how the posted rows differ as a whole, after `aligned`
        content = [forms.model_to_dict(obj, form.base_fields)]
        for formset in self.formsets.values():
            for row in formset.get_queryset():
                content.append({"pk": row.pk, **forms.model_to_dict(row, formset.form.base_fields)})
        plain = json.dumps(content, default=lambda value: getattr(value, "pk", None) or str(value))
        self.digest = hashlib.sha256(plain.encode()).hexdigest()

    def rows(self, prefix: str) -> dict[Any, models.Model]:
        return {row.pk: row for row in self.formsets[prefix].get_queryset()}

    def aligned(self, posted: QueryDict) -> QueryDict:
        """Return what was posted with the rows that there are, which are those that a formset expects.

        One that is gone comes back as a new row, and one that came in the meantime stands as it is stored.
        """
        data = posted.copy()
        for prefix in self.formsets:
            self._align(data, prefix)
        return data

    def _align(self, data: QueryDict, prefix: str) -> None:
        try:
            total, before = (
                min(max(int(str(data[f"{prefix}-{name}"])), 0), 2 * DEFAULT_MAX_NUM)
                for name in (TOTAL_FORM_COUNT, INITIAL_FORM_COUNT)
            )
        except (KeyError, ValueError):
            return  # the formset will say that the page was incomplete
        rows = [_taken(data, f"{prefix}-{place}-") for place in range(total)]
        stored = {str(form.instance.pk): form for form in self.formsets[prefix].initial_forms}
        kept, revived = [], []
        for row in rows[:before]:
            if stored.pop(row.get("id", [""])[0], None):
                kept.append(row)
            elif DELETION_FIELD_NAME not in row:
                revived.append({**row, "id": [""]})
        for form in stored.values():
            kept.append(_untouched(form))
            self.words.append(gettext("«%(row)s» was added.") % {"row": form.instance})
        if revived:
            self.words.append(gettext("What was deleted stands below as a new row."))
        order = [*kept, *rows[before:], *revived]
        for place, row in enumerate(order):
            for name, values in row.items():
                data.setlist(f"{prefix}-{place}-{name}", values)
        data[f"{prefix}-{INITIAL_FORM_COUNT}"] = str(len(kept))
        data[f"{prefix}-{TOTAL_FORM_COUNT}"] = str(len(order))


def _taken(data: QueryDict, beginning: str) -> dict[str, list[Any]]:
    """Take what belongs to one row out of what was posted."""
    return {
        key.removeprefix(beginning): cast(list[Any], data.pop(key))
        for key in [*data]
        if key.startswith(beginning)
    }


def _untouched(form: forms.ModelForm) -> dict[str, list[Any]]:
    """Return what a browser would post of a row that nobody touched."""
    values = {field.name: field.value() for field in form}
    return {
        name: ["on" if value is True else str(value)]
        for name, value in values.items()
        if value is not None and value is not False
    }


class WatchedForm(forms.ModelForm):
    """Saves nothing over what somebody else changed after the page was read."""

    stored: Stored

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if self.data.get(DIGEST) != self.stored.digest:
            message = gettext(
                "Somebody changed this after you opened it. What you typed is still here and not saved. "
                "Where it differs from what is saved, that is listed here. Compare both, then save again."
            )
            self.add_error(None, ValidationError(message, code="conflict"))
        return cleaned

    def would_change_something(self, formsets: Iterable[Any]) -> bool:
        """Say whether anything typed differs from what is stored, or cannot be read at all."""
        typed = self.has_changed() or any(each.has_changed() or not each.is_valid() for each in formsets)
        return typed or bool(self._locked())

    def differences(self, formsets: Iterable[Any]) -> Iterator[str]:
        """Say what is stored wherever something else was typed, in the rows of the formsets too."""
        yield from _differences(self)
        if locked := self._locked():
            yield gettext("This can no longer be changed: %(fields)s.") % {
                "fields": gettext(", ").join(locked)
            }
        for formset in formsets:
            rows = self.stored.rows(formset.prefix)
            for form in formset.initial_forms:
                yield from (f"{rows[form.instance.pk]} · {words}" for words in _differences(form))
        yield from self.stored.words

    def _locked(self) -> list[str]:
        """Name what was typed into fields that the page had then and has no more."""
        fields = [*self.instance._meta.fields, *self.instance._meta.many_to_many]
        return [
            str(capfirst(field.verbose_name))
            for field in fields
            if field.name in self.data and field.name not in self.fields
        ]


def _differences(form: forms.ModelForm) -> Iterator[str]:
    for name in form.changed_data:
        if name != DELETION_FIELD_NAME:
            stored = _words(form.fields[name], form[name].initial) or gettext("(empty)")
            yield gettext("%(field)s is now: %(stored)s") % {
                "field": form.fields[name].label,
                "stored": stored,
            }


def _words(field: forms.Field, value: Any) -> str:
    """Show a field's stored value to people."""
    value = field.prepare_value(value)
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    choices = {str(key): str(words) for key, words in getattr(field, "choices", ())}
    values = value if isinstance(value, list) else [value]
    return gettext(", ").join(choices.get(str(each), str(each)) for each in values if each is not None)


# -- Plans -------------------------------------------------------------------------------------------------

_FULL_WIDTH = str.maketrans("０１２３４５６７８９．／－", "0123456789./-")
_PLAIN_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_ROC_DATE = re.compile(
    r"(?:民國)? *0?([1-9][0-9]{0,2}) *[年./-] *([0-9]{1,2}) *[月./-] *([0-9]{1,2}) *日?", re.ASCII
)


class RocDateField(forms.CharField):
    """A day by the ROC calendar, as people write it: 98.12.31, 98/12/31 or 98 年 12 月 31 日.

    2009-12-31 is taken too, as data have it: no ROC year has four digits.
    """

    default_error_messages = {"invalid": _("Write the day by the ROC calendar, such as 98.12.31.")}

    def to_python(self, value: Any) -> Any:
        if isinstance(value, date) or value in self.empty_values:
            return value or None
        text = str(value).translate(_FULL_WIDTH).strip()
        match = _ROC_DATE.fullmatch(text)
        try:
            if _ISO_DATE.fullmatch(text):
                return date.fromisoformat(text)
            year, month, day = (int(part) for part in match.groups()) if match else (0, 0, 0)
            return date(gregorian_year(year), month, day)
        except ValueError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error

    def prepare_value(self, value: Any) -> Any:
        return f"{roc_year(value)}.{value.month}.{value.day}" if isinstance(value, date) else value


class _PlainNumber(forms.Field):
    """Digits and a decimal point: no exponent, no underscore, no digits of other scripts."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str):
            value = value.translate(_FULL_WIDTH).strip()
            if value and not _PLAIN_NUMBER.fullmatch(value):
                raise ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


class PlainDecimalField(_PlainNumber, forms.DecimalField):
    """A decimal number, strictly."""


class RocYearField(_PlainNumber, forms.IntegerField):
    """A year of the ROC calendar."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "min_value": 1, "max_value": 999})


class PlanForm(forms.ModelForm):
    class Meta:
        model = Plan
        fields = ()  # the page lists them
        field_classes = {
            "year": RocYearField,
            "green_threshold": PlainDecimalField,
            "amber_threshold": PlainDecimalField,
        }


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


def outside(plan: Plan, units: Iterable[Unit]) -> list[Unit]:
    """Return those of units that do not belong to the plan's agency."""
    agency = Unit.objects.tree().below(plan.unit_id)
    return [unit for unit in units if unit.pk not in agency]


class WorkItemForm(forms.ModelForm):
    """A work item, reported on by a unit of its plan's agency."""

    class Meta:
        model = WorkItem
        fields = ()  # the page lists them

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        item = self.instance
        if self.errors or not item.lead_unit_id or not item.work_plan_id:
            return
        if outside(item.work_plan.plan, [item.lead_unit]):
            self.add_error("lead_unit", gettext("The lead unit is the plan's agency or a unit below it."))


# -- People ------------------------------------------------------------------------------------------------


class PersonForm(forms.ModelForm):
    """An account; nobody locks themselves out."""

    by: User

    def clean_is_active(self) -> bool:
        active: bool = self.cleaned_data["is_active"]
        if not active and self.instance == self.by:
            raise ValidationError(_("You cannot deactivate your own account. Ask another administrator."))
        return active


class MembershipFormSet(forms.BaseInlineFormSet):
    """A person's roles; nobody gives up administering by mistake."""

    by: User

    def clean(self) -> None:
        super().clean()
        if self.instance != self.by or any(self.errors):
            return
        kept = [form for form in self.forms if form not in self.deleted_forms]
        if not any(form.cleaned_data.get("role") == Role.ADMINISTRATOR for form in kept):
            raise ValidationError(
                _("You cannot take your own last role of administrator away. Ask another administrator.")
            )


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
