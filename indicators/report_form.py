"""Forms of a quarter report's page: its figures and texts, the steps that it takes, and its follow-up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from objectives.forms import RocDateField
from objectives.models import Unit, User
from objectives.permissions import can

from . import workflow
from .cells import LongTextField
from .forms import YES_NO, figure_field, period, shown
from .models import QUARTERS, QuarterReport, Variable
from .readings import Reading
from .wording import finding_words
from .workflow import LENGTHS

CHANGE = "indicators.change_quarterreport"

Place = tuple[str, int | None]
"""Where a figure belongs within a report: its variable's symbol, and for a share the unit's id."""


def enters_for(user: User, report: QuarterReport) -> list[int]:
    """Return the ids of the participating units for which user enters, the lead unit first."""
    return [unit.pk for unit in report.indicator.participants if can(user, CHANGE, unit)]


@dataclass(frozen=True)
class Cell:
    """One number of a variable's line: the whole, or one unit's share; no field where others enter it."""

    unit: Unit | None
    field: forms.BoundField | None
    stored: str
    beside: str  # after a conflict: what stands beside it, as `ReportForm.beside`


@dataclass(frozen=True)
class Entry:
    """One variable's line in the form."""

    variable: Variable
    cells: list[Cell]
    due: bool
    previous: Decimal | None  # the last figure given before this quarter
    previous_quarter: int | None
    stored: str  # the whole, shares added up
    sum_words: str  # where units give their shares: what they make, and whose are missing

    @property
    def period(self) -> str:
        """What the figure covers, unless the variable's name says so already."""
        words = period(self.variable)
        return "" if words in self.variable.name else words

    @property
    def previous_shown(self) -> str:
        return shown(self.variable, self.previous)

    @property
    def can_be_the_same(self) -> bool:
        """A stock may be what it was; a flow begins anew every quarter."""
        return (
            self.variable.rollup == Variable.Rollup.LATEST
            and self.variable.kind != Variable.Kind.YES_NO
            and not self.variable.by_unit
            and self.previous is not None
        )

    @property
    def is_open(self) -> bool:
        """Whether there is something to see here though nothing is due."""
        fields = [cell.field for cell in self.cells if cell.field]
        return bool(self.stored or any(field.errors or field.value() for field in fields))


def _text(label: Any, *, length: int | None = 2000, rows: int = 3, help_text: Any = "") -> forms.CharField:
    return LongTextField(
        label=label, help_text=help_text, max_length=length, widget=forms.Textarea(attrs={"rows": rows})
    )


class ReportForm(forms.Form):
    """One quarter report's figures and texts, as far as user enters them.

    There is a field for everything that user's units let them write; `is_open` says what of it can be written
    now.
    """

    version = forms.IntegerField(
        widget=forms.HiddenInput,
        error_messages=dict.fromkeys(
            ("required", "invalid"),
            gettext_lazy(
                "The page was incomplete. Compare what is shown with what you typed and save again."
            ),
        ),
    )
    remark = _text(gettext_lazy("progress remark"), length=LENGTHS["remark"], rows=5)
    lag_reason = _text(gettext_lazy("reason for falling behind"), length=LENGTHS["lag_reason"])
    response = _text(gettext_lazy("response"), length=LENGTHS["response"])
    improve_by = RocDateField(
        label=gettext_lazy("improvement due by"),
        help_text=gettext_lazy("By the ROC calendar, such as 99.6.30."),
        required=False,
    )
    check_note = _text(gettext_lazy("explanation of what was noticed"), length=LENGTHS["check_note"])
    coordination = _text(gettext_lazy("matters that need coordination"), length=LENGTHS["coordination"])
    not_applicable_reason = _text(
        gettext_lazy("not applicable this quarter, because"),
        length=LENGTHS["not_applicable_reason"],
        rows=2,
        help_text=gettext_lazy(
            "Leave empty where the indicator applies. With a reason no figures are entered."
        ),
    )

    def __init__(
        self,
        report: QuarterReport,
        reading: Reading,
        user: User,
        now: datetime,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        self.report, self.reading, self.now = report, reading, now
        self._closed: dict[int, str] = {}
        self.units = {unit.pk: unit for unit in report.indicator.participants}
        self.mine = enters_for(user, report)
        self.beside: Mapping[
            str, str
        ] = {}  # after a conflict, by field: what somebody else stored, or it was
        self.missing: set[str] = set()  # after a refused submission, the fields that were left empty
        self.variables = [each for each in report.indicator.variables.all() if not each.is_constant]
        self.stored: dict[Place, Decimal] = {}
        for figure in report.figures.select_related("variable", "unit"):
            self.stored[figure.variable.symbol, figure.unit_id] = figure.value
            if figure.unit:
                self.units.setdefault(figure.unit.pk, figure.unit)  # it contributed once
        texts = {name: getattr(report, name) for name in LENGTHS}
        super().__init__(data, initial={"version": report.version, **texts})
        self._lay_out_fields()

    def _lay_out_fields(self) -> None:
        if not self.writes_all:
            for name in LENGTHS:
                del self.fields[name]
        for variable in self.variables:
            for place in self.places(variable):
                if self._belongs_to_me(place):
                    self._add_field(variable, place)

    def _add_field(self, variable: Variable, place: Place) -> None:
        name, unit = self.name(place), place[1]
        label = "" if unit is None else _share_label(variable, self.units[unit])
        self.fields[name] = figure_field(variable, label)
        stored = self.stored.get(place)
        self.initial[name] = stored if variable.kind != Variable.Kind.YES_NO else _choice(stored)

    @staticmethod
    def name(place: Place) -> str:
        symbol, unit = place
        return f"figure_{symbol}" if unit is None else f"share_{unit}_{symbol}"

    def places(self, variable: Variable) -> list[Place]:
        """Return where the variable's figures belong, with those that are there though none is asked for."""
        units = [unit.pk for unit in self.report.indicator.participants] if variable.by_unit else [None]
        there = [place for place in self.stored if place[0] == variable.symbol]
        return list(dict.fromkeys([*((variable.symbol, unit) for unit in units), *there]))

    # -- Who may write what, and when

    @property
    def writes_all(self) -> bool:
        """Whether the person enters for the lead unit: the texts, and what is not another unit's share."""
        return self.report.indicator.lead_unit_id in self.mine

    def _belongs_to_me(self, place: Place) -> bool:
        participating = [unit.pk for unit in self.report.indicator.participants]
        return place[1] in self.mine if place[1] in participating else self.writes_all

    def is_open(self, unit: int | None = None) -> bool:
        """Say whether the report takes figures of unit now; without one, those of the lead unit and texts."""
        return self.report.is_open_for_entry and not self.why_closed(unit)

    def why_closed(self, unit: int | None = None) -> str:
        """Say why the quarter is closed for unit, without one for the lead unit; empty where it is open."""
        unit = unit or self.report.indicator.lead_unit_id
        if unit not in self._closed:
            plan = self.report.indicator.goal.plan
            self._closed[unit] = workflow.closed_because(plan, self.report.quarter, [unit], self.now)
        return self._closed[unit]

    @property
    def texts_are_open(self) -> bool:
        return self.writes_all and self.is_open()

    @cached_property
    def is_editable(self) -> bool:
        """Whether there is anything that the person can write now."""
        return self.texts_are_open or any(cell.field for entry in self.entries for cell in entry.cells)

    # -- What the page shows

    @cached_property
    def entries(self) -> list[Entry]:
        return [self._entry(variable) for variable in self.variables]

    def _entry(self, variable: Variable) -> Entry:
        here = (self.report.quarter, variable.symbol)
        given = [
            quarter
            for quarter in QUARTERS
            if quarter < self.report.quarter and (quarter, variable.symbol) in self.reading.figures
        ]
        return Entry(
            variable=variable,
            cells=[self._cell(variable, place) for place in self.places(variable)],
            due=self.report.quarter in variable.due,
            previous=self.reading.figures[given[-1], variable.symbol] if given else None,
            previous_quarter=given[-1] if given else None,
            stored=shown(variable, self.reading.figures.get(here)),
            sum_words=self.sum_words(variable),
        )

    def _cell(self, variable: Variable, place: Place) -> Cell:
        name, unit = self.name(place), place[1]
        return Cell(
            unit=None if unit is None else self.units[unit],
            field=self[name] if name in self.fields and self.is_open(unit) else None,
            stored=shown(variable, self.stored.get(place)),
            beside=self.beside.get(name, ""),
        )

    def sum_words(self, variable: Variable) -> str:
        """Say what the units' shares make as typed, and whose are missing; empty where there are none."""
        if not variable.by_unit:
            return ""
        reading = self.typed_reading()
        here = (self.report.quarter, variable.symbol)
        total = shown(variable, reading.figures.get(here)) or _("not reported")
        words = _("Sum: %(total)s.") % {"total": total}
        missing = [
            unit.name
            for unit in self.report.indicator.participants
            if unit.pk not in reading.shares.get(here, {}) and (variable.symbol, None) not in self.stored
        ]
        asked = here[0] in variable.due and here[0] not in reading.not_applicable
        if missing and asked:
            words += " " + _("Missing: %(names)s.") % {"names": _(", ").join(missing)}
        return words

    @property
    def sums(self) -> list[tuple[str, str]]:
        """The words about shares by symbol, for the script to follow."""
        return [(each.symbol, self.sum_words(each)) for each in self.variables if each.by_unit]

    @property
    def due_entries(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.due and not entry.variable.memo]

    @property
    def memo_entries(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.due and entry.variable.memo]

    @property
    def idle_entries(self) -> list[Entry]:
        return [entry for entry in self.entries if not entry.due]

    @property
    def idle_is_open(self) -> bool:
        return any(entry.is_open for entry in self.idle_entries)

    def _has_something(self, *names: str) -> bool:
        fields = [self[name] for name in names if name in self.fields]
        return any(field.value() or field.errors or field.name in self.beside for field in fields)

    @property
    def not_applicable_is_open(self) -> bool:
        return self._has_something("not_applicable_reason")

    @property
    def lag_is_open(self) -> bool:
        return self._has_something(*workflow.EXPLAINS_A_LAG)

    @property
    def check_is_open(self) -> bool:
        return self._has_something("check_note")

    @property
    def coordination_is_open(self) -> bool:
        return self._has_something("coordination")

    @property
    def has_field_errors(self) -> bool:
        return any(name in self.fields and name != "version" for name in self.errors)

    # -- What was typed

    @property
    def _written(self) -> list[str]:
        """The names of the fields that hold figures and texts."""
        return [name for name in self.fields if name != "version"]

    def _sent(self, name: str) -> bool:
        """Say whether a browser sent the field and it could be read; what it was not sent stays as it is."""
        return name in self.data and name in self.cleaned_data

    def _places(self) -> Iterator[tuple[Variable, Place, str]]:
        """Yield the place and the field's name of every figure that the person may write."""
        for variable in self.variables:
            for place in self.places(variable):
                if self.name(place) in self.fields:
                    yield variable, place, self.name(place)

    def figures(self) -> dict[workflow.Key, Decimal | None]:
        """Return what was typed, by the keys that `workflow.save_draft` takes; unreadable ones left out."""
        return {
            symbol if unit is None else (symbol, unit): self.cleaned_data[name]
            for _variable, (symbol, unit), name in self._places()
            if self._sent(name)
        }

    def texts(self) -> workflow.Texts:
        texts: Any = {name: self.cleaned_data[name] for name in LENGTHS if self._sent(name)}
        return texts

    def typed_reading(self) -> Reading:
        """Return the year's figures as they would be with what was typed."""
        quarter = self.report.quarter
        if not hasattr(self, "cleaned_data"):
            return self.reading
        typed = self.reading.without(quarter)
        for (symbol, unit), value in self._typed_figures().items():
            typed.add(quarter, symbol, value, unit)
        if self.cleaned_data.get("not_applicable_reason", self.report.not_applicable_reason):
            typed.not_applicable |= {quarter}
        return typed

    def _typed_figures(self) -> dict[Place, Decimal]:
        """Return this quarter's figures: what is stored, with what was typed in its place."""
        figures: dict[Place, Decimal | None] = {**self.stored}
        for _variable, place, name in self._places():
            if name in self.data:
                figures[place] = self.cleaned_data.get(name)
        return {place: value for place, value in figures.items() if value is not None}

    def unreadable(self) -> list[str]:
        """Name the figures that could not be read."""
        wrong = set(self.errors) - self.missing
        return [str(self.fields[name].label) for _variable, _place, name in self._places() if name in wrong]

    # -- After a refused submission: what is lacking is said beside the fields

    def mark_lacking(self) -> None:
        """Say beside each field what submitting needs there."""
        if self.cleaned_data.get("not_applicable_reason"):
            return
        self._mark_missing_figures()
        self._mark_notices()
        if workflow.is_behind(self.report, self.typed_reading()):
            words = _("Needed before submitting, as the value is behind its planned value.")
            for name in workflow.EXPLAINS_A_LAG:
                if name in self.cleaned_data and not self.cleaned_data[name]:
                    self.add_error(name, words)

    def _mark_missing_figures(self) -> None:
        due = workflow.due_variables(self.report)
        for variable, place, name in self._places():
            covered = variable.by_unit and (variable.symbol, None) in self.stored
            if variable not in due or covered or place in self._typed_figures() or name in self.errors:
                continue
            self.missing.add(name)
            yes_or_no = variable.kind == Variable.Kind.YES_NO
            self.add_error(
                name,
                _("Answer yes or no before submitting.")
                if yes_or_no
                else _("Needed before submitting; where there was nothing, enter 0."),
            )

    def _mark_notices(self) -> None:
        names = {variable.symbol: variable.name for variable in self.report.indicator.variables.all()}
        fields = {place[0]: name for _variable, place, name in reversed(list(self._places()))}
        found = workflow.notices(self.report, self.typed_reading())
        for finding in found:
            if finding.must_be_mended and finding.symbol in fields:
                self.missing.add(fields[finding.symbol])  # it can be read
                self.add_error(fields[finding.symbol], finding_words(finding, names))
        unexplained = any(not finding.must_be_mended for finding in found)
        if unexplained and "check_note" in self.cleaned_data and not self.cleaned_data["check_note"]:
            self.add_error("check_note", _("Explain what was noticed, or correct the figures."))

    # -- After a conflict: what was typed beside what is stored

    def take_over(self) -> None:
        """Put what is stored by now wherever nothing was typed since the page was opened.

        From here on the page holds what is stored; `beside` tells what of it its reader has not seen.
        """
        data: dict[str, Any] = dict(self.data.items())
        moved: dict[str, str] = {}
        for name in self._written:
            held, stored = self._held(name), self._at_rest(name)
            if not self._is_touched(name):
                data[name] = stored
                if held not in (None, stored):
                    moved[name] = _("changed in the meantime; it was: %(was)s") % {
                        "was": self._in_words(name, held)
                    }
            data[self.add_initial_prefix(name)] = stored
        self.data = data
        self.full_clean()
        self.beside = moved | {
            name: _("saved by now: %(stored)s") % {"stored": stored} for name, stored in self._differences()
        }

    @property
    def held(self) -> list[tuple[str, str]]:
        """What each field was when the page was opened, as hidden inputs carry it: name and text."""
        inputs = []
        for name in self._written:
            held = self._held(name)
            inputs.append((self.add_initial_prefix(name), self._at_rest(name) if held is None else held))
        return inputs

    def _held(self, name: str) -> str | None:
        """Return what the page that was sent held of the field; None where it does not say."""
        held = self.data.get(self.add_initial_prefix(name))
        return None if held is None else _plain(held)

    def _is_touched(self, name: str) -> bool:
        """Say whether something else was typed than the page held."""
        return name in self.data and _plain(self.data[name]) != self._held(name)

    def _at_rest(self, name: str) -> str:
        """Return what the input shows of what is stored."""
        value = self.fields[name].prepare_value(self.initial[name])
        return "" if value is None else str(value)

    def differences(self) -> dict[str, str]:
        """Return, by field, what is stored where it is not what was typed."""
        return dict(self._differences())

    def _differences(self) -> Iterator[tuple[str, str]]:
        for variable, place, name in self._places():
            stored = self.stored.get(place)
            if name in self.data and (name in self.errors or self.cleaned_data.get(name) != stored):
                yield name, shown(variable, stored) or _("(empty)")
        for name in LENGTHS:
            stored_text = self.initial[name]
            if name in self.fields and name in self.data and self.cleaned_data.get(name) != stored_text:
                yield name, _words(stored_text)

    def typed(self) -> list[tuple[str, str, str]]:
        """List what was typed and differs, as (label, typed, stored)."""
        return [
            (str(self.fields[name].label), self._in_words(name, str(self[name].value() or "")), stored)
            for name, stored in self._differences()
        ]

    def _in_words(self, name: str, value: str) -> str:
        """Put what an input holds into words."""
        is_answer = value and isinstance(self.fields[name], forms.ChoiceField)
        return str(dict(YES_NO).get(value, value)) if is_answer else value or _("(empty)")


def _share_label(variable: Variable, unit: Unit) -> str:
    return _("%(name)s (%(unit)s)") % {"name": variable.name, "unit": unit.name}


def _words(stored: str | date | None) -> str:
    return str(RocDateField().prepare_value(stored) or "") or _("(empty)")


def _plain(text: str) -> str:
    """Return a text without the line breaks that browsers make of plain ones."""
    return text.replace("\r\n", "\n")


def _choice(value: Decimal | None) -> str:
    return "" if value is None else "1" if value else "0"


class DecisionForm(forms.Form):
    """What is decided about the version that a person saw."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    reason = _text(gettext_lazy("reason for the return"))


class FollowUpForm(forms.Form):
    """How a 因應對策 ended."""

    note = _text(gettext_lazy("how the response ended"), rows=2)
