"""A dataset: one table of the pages, as files have it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise

from objectives.spreadsheets.tables import Column, Value

from .scope import Scope

Row = Sequence[Value]

# What an address may ask of a dataset of a plan; the others show the present and have filters of their own.
OF_A_PLAN = ("year", "agency", "quarter", "basis", "as_of")


@dataclass(frozen=True)
class Dataset:
    """Columns, and how their rows are found for a scope; name is its name in addresses.

    title is what its files are called, about one sentence for the page 匯出資料, filters the names of what
    an address may ask. One with a description, for its metadata, is_open: it names no people and no accounts,
    and is fit to be published. One that is_long is sent while it is read. demo says whether any of what it
    holds is a demonstration, in_words what its further filters ask, as (heading, text); it raises
    ValidationError for what they cannot.
    """

    name: str
    title: str
    about: str | Promise
    columns: tuple[Column, ...]
    rows: Callable[[Scope], Iterable[Row]]
    filters: tuple[str, ...] = OF_A_PLAN
    description: str = ""
    is_long: bool = False
    is_of_an_organisation: bool = False  # of the reader's, so that there must be one
    more_formats: tuple[str, ...] = ()  # that no other dataset has
    demo: Callable[[Scope], bool] = lambda scope: False
    in_words: Callable[[Scope], Sequence[tuple[str, str]]] = lambda scope: ()

    @property
    def is_open(self) -> bool:
        return bool(self.description)

    @property
    def of_a_plan(self) -> bool:
        return "year" in self.filters
