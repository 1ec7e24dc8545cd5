"""Forms: one quarter report's figures, and the definition of an indicator with its variables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from objectives.fields import nfc, refuse_control_characters
from objectives.forms import TextArea, outside
from objectives.models import Plan, Strategy, Unit
from objectives.numerals import chinese_numeral

from .fields import QuantityFormField
from .formula import FormulaError, check_names, compile_formula
from .models import QUARTERS, Indicator, PlannedValue, QuarterReport, Variable
from .numbers import format_number
from .readings import Reading
from .wording import formula_problem
from .workflow import check_figure

YES_NO = [("1", gettext_lazy("Yes")), ("0", gettext_lazy("No")), ("", gettext_lazy("Not answered"))]
EVERY_QUARTER = frozenset(QUARTERS)


def shown(variable: Variable, value: Decimal | None) -> str:
    """Show a variable's figure in words: 1,234.5, 是 or 否; empty where there is none."""
    if value is None:
        return ""
    if variable.kind == Variable.Kind.YES_NO:
        return str(dict(YES_NO)["1" if value else "0"])
    return format_number(value)


def period(variable: Variable) -> str:
    """Say what a quarter's figure covers: the quarter alone, or everything up to its end."""
    words: Promise
    if variable.rollup == Variable.Rollup.SUM:
        words = gettext_lazy("New this quarter")
    elif variable.rollup == Variable.Rollup.COUNT:
        words = gettext_lazy("This quarter")
    elif variable.kind == Variable.Kind.AMOUNT and variable.due == EVERY_QUARTER:
        words = gettext_lazy("Cumulative to the end of this quarter")
    else:
        words = gettext_lazy("At the end of this quarter")
    return str(words)


@dataclass(frozen=True)
class Entry:
    """One variable's line in the form."""

    variable: Variable
    field: forms.BoundField
    due: bool
    previous: Decimal | None  # the last figure given before this quarter
    previous_quarter: int | None
    stored: str
    stored_if_different: str  # after a conflict: what is in the database, where something else was typed

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
            and self.previous is not None
        )

    @property
    def is_open(self) -> bool:
        """Whether there is something to see here though nothing is due."""
        return bool(self.stored or self.field.errors or self.field.value())


class ReportForm(forms.Form):
    """The figures of one quarter report, one input per variable, and its texts."""

    version = forms.IntegerField(
        widget=forms.HiddenInput,
        error_messages=dict.fromkeys(
            ("required", "invalid"),
            gettext_lazy(
                "The page was incomplete. Compare what is shown with what you typed and save again."
            ),
        ),
    )
    remark = forms.CharField(
        label=gettext_lazy("progress remark"),
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 5}),
        validators=[refuse_control_characters],
    )
    not_applicable_reason = forms.CharField(
        label=gettext_lazy("not applicable this quarter, because"),
        help_text=gettext_lazy(
            "Leave empty where the indicator applies. With a reason no figures are entered."
        ),
        required=False,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        validators=[refuse_control_characters],
    )

    def __init__(
        self, report: QuarterReport, reading: Reading, data: Mapping[str, Any] | None = None
    ) -> None:
        self.report, self.reading = report, reading
        self.conflicts: Mapping[str, str] = {}  # after a conflict, `differences`
        self.missing: set[str] = set()  # after a refused submission, the fields that were left empty
        self.variables = [each for each in report.indicator.variables.all() if not each.is_constant]
        initial = {
            "version": report.version,
            "remark": report.remark,
            "not_applicable_reason": report.not_applicable_reason,
        }
        super().__init__(data, initial=initial)
        for variable in self.variables:
            name = self.name(variable)
            self.fields[name] = _figure_field(variable)
            stored = self.stored(variable)
            self.initial[name] = stored if variable.kind != Variable.Kind.YES_NO else _choice(stored)

    @staticmethod
    def name(variable: Variable) -> str:
        return f"figure_{variable.symbol}"

    def stored(self, variable: Variable) -> Decimal | None:
        """Return the figure as it is in the database."""
        return self.reading.figures.get((self.report.quarter, variable.symbol))

    def clean_remark(self) -> str:
        return _plain(self.cleaned_data["remark"])

    def clean_not_applicable_reason(self) -> str:
        return _plain(self.cleaned_data["not_applicable_reason"])

    @cached_property
    def entries(self) -> list[Entry]:
        return [self._entry(variable) for variable in self.variables]

    def _entry(self, variable: Variable) -> Entry:
        given = [
            quarter
            for quarter in QUARTERS
            if quarter < self.report.quarter and (quarter, variable.symbol) in self.reading.figures
        ]
        return Entry(
            variable=variable,
            field=self[self.name(variable)],
            due=self.report.quarter in variable.due,
            previous=self.reading.figures[given[-1], variable.symbol] if given else None,
            previous_quarter=given[-1] if given else None,
            stored=shown(variable, self.stored(variable)),
            stored_if_different=self.conflicts.get(self.name(variable), ""),
        )

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

    @property
    def not_applicable_is_open(self) -> bool:
        field = self["not_applicable_reason"]
        return bool(field.value() or field.errors or field.name in self.conflicts)

    @property
    def has_field_errors(self) -> bool:
        return any(name in self.fields and name != "version" for name in self.errors)

    def figures(self) -> dict[str, Decimal | None]:
        """Return what was typed, by symbol; what could not be read is left out."""
        cleaned = self.cleaned_data
        names = {variable.symbol: self.name(variable) for variable in self.variables}
        return {symbol: cleaned[name] for symbol, name in names.items() if name in cleaned}

    def typed_reading(self) -> Reading:
        """Return the year's figures up to this quarter as they would be with what was typed."""
        quarter = self.report.quarter
        until = self.reading.until(quarter)
        typed = {(quarter, symbol): value for symbol, value in self.figures().items() if value is not None}
        earlier = {key: value for key, value in until.figures.items() if key[0] < quarter}
        not_applicable = until.not_applicable - {quarter}
        if self.cleaned_data.get("not_applicable_reason"):
            not_applicable |= {quarter}
        return Reading({**earlier, **typed}, not_applicable)

    def unreadable(self) -> list[str]:
        """Name the variables whose figure could not be read."""
        wrong = set(self.errors) - self.missing
        return [variable.name for variable in self.variables if self.name(variable) in wrong]

    def mark_missing(self, missing: Iterable[Variable]) -> None:
        """Say beside each due variable without a figure that submitting needs it."""
        for variable in missing:
            name = self.name(variable)
            if name in self.cleaned_data and self.cleaned_data[name] is None:
                self.missing.add(name)
                yes_or_no = variable.kind == Variable.Kind.YES_NO
                self.add_error(
                    name,
                    _("Answer yes or no before submitting.")
                    if yes_or_no
                    else _("Needed before submitting; where there was nothing, enter 0."),
                )

    def differences(self) -> dict[str, str]:
        """Return, by field, what is stored where it is not what was typed."""
        return dict(self._differences())

    def _differences(self) -> Iterator[tuple[str, str]]:
        for variable in self.variables:
            name = self.name(variable)
            if name in self.errors or self.cleaned_data.get(name) != self.stored(variable):
                yield name, shown(variable, self.stored(variable)) or _("(empty)")
        for name in ("remark", "not_applicable_reason"):
            stored = self.initial[name]
            if self.cleaned_data.get(name) != stored:
                yield name, stored or _("(empty)")

    def typed(self) -> list[tuple[str, str, str]]:
        """List what was typed and differs, as (label, typed, stored)."""
        return [
            (str(self.fields[name].label), self._typed(name) or _("(empty)"), stored)
            for name, stored in self._differences()
        ]

    def _typed(self, name: str) -> str:
        value = str(self[name].value() or "")
        is_answer = value and isinstance(self.fields[name], forms.ChoiceField)
        return str(dict(YES_NO).get(value, value)) if is_answer else value


def _figure_field(variable: Variable) -> forms.Field:
    if variable.kind == Variable.Kind.YES_NO:
        return forms.TypedChoiceField(
            label=variable.name,
            help_text=variable.help,
            choices=YES_NO,
            coerce=Decimal,
            empty_value=None,
            required=False,
            widget=forms.RadioSelect,
        )
    return QuantityFormField(
        label=variable.name,
        help_text=variable.help,
        required=False,
        whole=variable.kind == Variable.Kind.COUNT,
        negative=variable.may_be_negative,
    )


def _plain(text: str) -> str:
    """Return what a browser sent as it is stored: in NFC, with plain line breaks."""
    return nfc(text.replace("\r\n", "\n"))


def _choice(value: Decimal | None) -> str:
    return "" if value is None else "1" if value else "0"


class DecisionForm(forms.Form):
    """What a reviewer decides about the version that they saw."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(
        label=gettext_lazy("reason for the return"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        validators=[refuse_control_characters],
    )

    def clean_reason(self) -> str:
        return _plain(self.cleaned_data["reason"])


# -- Definitions -------------------------------------------------------------------------------------------


class StrategyChoices(forms.ModelMultipleChoiceField):
    def label_from_instance(self, strategy: Any) -> str:
        return f"{chinese_numeral(strategy.goal.outline_number)}{strategy}"


class IndicatorForm(forms.ModelForm):
    """The definition, kept within its plan and its organisation."""

    class Meta:
        model = Indicator
        fields = ()  # the page lists them
        field_classes = {"strategies": StrategyChoices}
        widgets = {
            "formula": forms.TextInput(attrs={"class": "vLargeTextField formula", "spellcheck": "false"})
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self._stay_within_the_plan()

    def _stay_within_the_plan(self) -> None:
        plan = self.instance.goal.plan_id
        for name, lookup in {"goal": "plan", "strategies": "goal__plan"}.items():
            if name in self.fields:
                choices: Any = self.fields[name]
                choices.queryset = choices.queryset.filter(**{lookup: plan})

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean() or self.cleaned_data
        goal = cleaned.get("goal") or (self.instance.goal if self.instance.goal_id else None)
        if goal:
            strategies: Iterable[Strategy] = cleaned.get("strategies") or ()
            if any(strategy.goal.plan_id != goal.plan_id for strategy in strategies):
                self.add_error("strategies", _("Strategies belong to the same plan as the indicator."))
            self._keep_units_in_the_agency(goal.plan, cleaned)
        return cleaned

    def _keep_units_in_the_agency(self, plan: Plan, cleaned: Mapping[str, Any]) -> None:
        lead: Unit | None = cleaned.get("lead_unit")
        others: Iterable[Unit] = cleaned.get("contributing_units") or ()
        if lead and outside(plan, [lead]):
            self.add_error("lead_unit", _("The lead unit is the plan's agency or a unit below it."))
        if outside(plan, others):
            self.add_error(
                "contributing_units", _("Contributing units are the plan's agency or units below it.")
            )
        if lead in others:
            self.add_error(
                "contributing_units", _("The lead unit enters its own share and is not named here again.")
            )


class VariableForm(forms.ModelForm):
    """A variable; what was reported for it must stay possible."""

    class Meta:
        model = Variable
        fields = ()  # the page lists them
        widgets = {"help": TextArea(attrs={"rows": 2}), "note": TextArea(attrs={"rows": 2})}

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors or not self.instance.pk or not self.has_changed():
            return
        figures = self.instance.figures.all()
        if "by_unit" in self.changed_data and figures.exists():
            self.add_error(
                "by_unit", _("Figures were entered already; whether they are given by unit stays as it is.")
            )
            return
        for figure in figures:
            try:
                check_figure(self.instance, figure.value)
            except ValidationError as error:
                self.add_error(None, _("Figures were entered already that this change would contradict."))
                self.add_error(None, error)
                return

    def refuse_unknown_whole(self, symbols: Collection[str]) -> None:
        """Complain where the variable is said to be part of none of symbols, those of its indicator."""
        whole = self.instance.not_above
        if whole and (whole not in symbols or whole == self.instance.symbol):
            self.add_error(
                "not_above", _("«%(symbol)s» is no other variable of this indicator.") % {"symbol": whole}
            )


class SingleVariableForm(VariableForm):
    """A variable on its own page, where its symbol and those beside it stay as they are."""

    def _post_clean(self) -> None:
        super()._post_clean()
        if "not_above" in self.changed_data and not self.errors:
            self.refuse_unknown_whole({each.symbol for each in self.instance.indicator.variables.all()})


class VariableFormSet(forms.BaseInlineFormSet):
    """An indicator's variables, judged together with the formula over them."""

    def clean(self) -> None:
        """Refuse a formula with a name that no row has any more; its other mistakes stand beside it."""
        super().clean()
        rows = [form for form in self.forms if self._is_kept(form)]
        kept = [form.instance for form in rows]
        for form in rows:
            if not form.errors:
                form.refuse_unknown_whole({variable.symbol for variable in kept})
        try:
            formula = compile_formula(self.instance.formula)
        except FormulaError:
            return
        try:
            check_names(formula, {variable.symbol for variable in kept if not variable.memo})
        except FormulaError as error:
            problem = formula_problem(error)
            if error.excerpt in {variable.symbol for variable in kept}:
                problem = _("«%(symbol)s» is a memo, which no formula can use.") % {"symbol": error.excerpt}
            raise ValidationError(
                _("Formula «%(formula)s»: %(problem)s") % {"formula": formula.source, "problem": problem}
            ) from error

    def _is_kept(self, form: forms.ModelForm) -> bool:
        gone = self.can_delete and self._should_delete_form(form)  # type: ignore[attr-defined]
        return not gone and (form.has_changed() or bool(form.instance.pk))


class PlannedValueForm(forms.ModelForm):
    """What somebody changes by hand is no demonstration any more."""

    quarter = forms.TypedChoiceField(
        label=gettext_lazy("quarter"),
        choices=[("", "—"), *((quarter, str(quarter)) for quarter in QUARTERS)],
        coerce=int,
    )

    class Meta:
        model = PlannedValue
        fields = ("quarter", "value")

    def save(self, commit: bool = True) -> Any:
        if self.has_changed():
            self.instance.demo = False
        return super().save(commit)
