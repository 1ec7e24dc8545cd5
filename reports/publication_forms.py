"""The forms of the pages of published reports: what is published, and what is to be verified."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from .publishing import LONGEST_REASON

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


class PublishForm(forms.Form):
    """The version that the page showed and, for a correction, its reason; the verb judges both."""

    version = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    reason = forms.CharField(
        label=_("Reason for the correction"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "maxlength": LONGEST_REASON}),
        help_text=_("Everybody reads it beside the report: what was wrong, and what is different now."),
    )


class VerifyForm(forms.Form):
    """A file, or the SHA-256 of one."""

    file = forms.FileField(
        label=_("File"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".pdf,.odt", "aria-describedby": "verify-limits"}),
    )
    sha256 = forms.CharField(
        label=_("or its SHA-256"),
        required=False,
        max_length=1000,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "0123456789abcdef…"}
        ),
        help_text=_("64 digits and letters from a to f, as sha256sum or certutil show them."),
        error_messages={"max_length": _("This is no SHA-256: it has 64 digits and letters from a to f.")},
    )

    def clean_sha256(self) -> str:
        """Take the hash out of what was pasted, such as a line of sha256sum with the file's name."""
        pasted = self.cleaned_data["sha256"]
        if not pasted:
            return ""
        found = _SHA256.search(pasted) or _SHA256.fullmatch("".join(pasted.split()))
        if not found:
            raise ValidationError(_("This is no SHA-256: it has 64 digits and letters from a to f."))
        return found[0].lower()

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if not self.errors and bool(given["file"] is not None) == bool(given["sha256"]):
            raise ValidationError(_("Choose a file, or paste the SHA-256 of one: either of the two."))
        return given

    @property
    def digest(self) -> str:
        """The SHA-256 that was pasted, or that of the file, which is read in pieces and not kept."""
        file: UploadedFile | None = self.cleaned_data["file"]
        if file is None:
            return str(self.cleaned_data["sha256"])
        digest = hashlib.sha256()
        for piece in file.chunks():
            digest.update(piece)
        return digest.hexdigest()
