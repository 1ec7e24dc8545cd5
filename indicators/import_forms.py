"""The forms of the imports' pages: a file to upload, and what the list is to show."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Q
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from objectives.fields import nfc, refuse_control_characters
from objectives.spreadsheets.reading import MAX_SIZE

from .file_check import MEGABYTE
from .imports.batches import READABLE
from .models import ImportBatch
from .models.imports import ImportBatchQuerySet

LIMIT = MAX_SIZE // MEGABYTE
"""Megabytes that a file may have."""


class UploadForm(forms.Form):
    """A file whose content is to be written; what is in it, the verb judges."""

    file = forms.FileField(
        label=_("File"),
        widget=forms.FileInput(
            attrs={
                "accept": ",".join(f".{extension}" for extension in READABLE.values()),
                "aria-describedby": "import-limits",
            }
        ),
        error_messages={
            "required": _("Choose the file to import."),
            "missing": _("Choose the file to import."),
            "empty": _("The file is empty. Choose another one."),
        },
    )

    def clean_file(self) -> UploadedFile:
        """Refuse a file that is too large, unread."""
        file: UploadedFile = self.cleaned_data["file"]
        if (file.size or 0) > MAX_SIZE:
            words = gettext(
                "This file has %(size)s; at most %(limit)s MB can be imported at once. Divide it."
            )
            raise ValidationError(words % {"size": filesizeformat(file.size or 0), "limit": LIMIT})
        return file


class FilterForm(forms.Form):
    """Filters of the list of imports; an empty one asks for nothing."""

    state = forms.ChoiceField(label=_("State"), required=False)
    kind = forms.ChoiceField(label=_("Content"), required=False)
    person = forms.CharField(
        label=_("Who"),
        required=False,
        max_length=150,
        validators=[refuse_control_characters],
        help_text=_("Name or account."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, offered in {"state": ImportBatch.State, "kind": ImportBatch.Kind}.items():
            self.fields[name].choices = [("", _("All")), *offered.choices]  # type: ignore[attr-defined]

    def narrowed(self, batches: ImportBatchQuerySet) -> ImportBatchQuerySet:
        """Return those of the imports that are asked for: none where the address asks for what is not."""
        if not self.is_valid():
            return batches.none()
        asked = self.cleaned_data
        batches = batches.filter(**{name: asked[name] for name in ("state", "kind") if asked[name]})
        words = nfc(asked["person"])
        known = Q(uploaded_by__username__icontains=words) | Q(uploaded_by__name__icontains=words)
        return batches.filter(known) if words else batches

    @property
    def asked(self) -> dict[str, str]:
        """What was typed and chosen, as it was."""
        return {name: self.data[name] for name in self.fields if self.data.get(name)}

    @property
    def query(self) -> str:
        return urlencode(self.asked)
