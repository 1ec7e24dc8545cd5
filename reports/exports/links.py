"""Where the files of a dataset are to be had."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .dataset import Dataset
from .files import OPEN_DATA, VERIFIABLE, extensions
from .ledger import LEDGER

# What a format is called; any other by its extension.
LABELS: dict[str, str | Promise] = {
    OPEN_DATA: _("CSV (open data)"),
    VERIFIABLE: _("JSON lines"),
}


@dataclass(frozen=True)
class Link:
    """A file that can be downloaded: its format in words, and its address."""

    label: str | Promise
    address: str


def links(dataset: Dataset, query: str = "") -> list[Link]:
    """Return the files of a dataset; query, such as ?year=99, has the filters."""
    return [
        Link(LABELS.get(each, each.upper()), address(dataset, each) + query) for each in extensions(dataset)
    ]


def address(dataset: Dataset, extension: str) -> str:
    """Return where a file is to be had; the ledger's are beside its page."""
    if dataset is LEDGER:
        return reverse("ledger_export", args=[extension])
    return reverse("export", args=[dataset.name, extension])
