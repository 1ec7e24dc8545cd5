"""Forms: an indicator's definition with its variables, and the field of a figure; see `report_form` too."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from objectives.forms import TextArea, outside
from objectives.models import Plan, Strategy, Unit
from objectives.numerals import chinese_numeral

from .fields import QuantityFormField
from .formula import FormulaError, check_names, compile_formula
from .models import QUARTERS, Indicator, PlannedValue, Variable
from .numbers import format_number
from .wording import formula_problem
from .workflow import check_figure, why_results_stand

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


def figure_field(variable: Variable, label: str = "") -> forms.Field:
    """Return the field for a variable's figure; label is given where the variable's name does not suffice."""
    if variable.kind == Variable.Kind.YES_NO:
        return forms.TypedChoiceField(
            label=label or variable.name,
            help_text=variable.help,
            choices=YES_NO,
            coerce=Decimal,
            empty_value=None,
            required=False,
            widget=forms.RadioSelect,
        )
    return QuantityFormField(
        label=label or variable.name,
        help_text=variable.help,
        required=False,
        whole=variable.kind == Variable.Kind.COUNT,
        negative=variable.may_be_negative,
    )


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
            lead, others = cleaned.get("lead_unit"), cleaned.get("contributing_units") or ()
            for name, message in misplaced_units(goal.plan, lead, others):
                self.add_error(name, message)
        return cleaned


def misplaced_units(plan: Plan, lead: Unit | None, others: Collection[Unit]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with an indicator's units, as (field, message)."""
    if lead and outside(plan, [lead]):
        yield "lead_unit", _("The lead unit is the plan's agency or a unit below it.")
    if outside(plan, others):
        yield "contributing_units", _("Contributing units are the plan's agency or units below it.")
    if lead and lead in others:
        yield "contributing_units", _("The lead unit enters its own share and is not named here again.")


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
        try:
            refuse_contradiction(self.instance, self.changed_data)
        except ValidationError as error:
            self.add_error(None, error)

    def refuse_unknown_whole(self, symbols: Collection[str]) -> None:
        """Complain where the variable is said to be part of none of symbols, those of its indicator."""
        if why := why_no_whole(self.instance, symbols):
            self.add_error("not_above", why)


def refuse_contradiction(variable: Variable, changed: Collection[str]) -> None:
    """Raise ValidationError, by field, where a change of these fields contradicts what was reported."""
    figures = variable.figures.all()
    if "by_unit" in changed and figures.exists():
        raise ValidationError(
            {"by_unit": _("Figures were entered already; whether they are given by unit stays as it is.")}
        )
    for figure in figures:
        try:
            check_figure(variable, figure.value)
        except ValidationError as error:
            said = [_("Figures were entered already that this change would contradict."), *error.messages]
            raise ValidationError({NON_FIELD_ERRORS: said}) from error


def why_no_whole(variable: Variable, symbols: Collection[str]) -> str:
    """Say why what the variable is part of is none of symbols, those of its indicator; empty where it is."""
    whole = variable.not_above
    if not whole or (whole in symbols and whole != variable.symbol):
        return ""
    return _("«%(symbol)s» is no other variable of this indicator.") % {"symbol": whole}


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
        rows: list[Any] = [form for form in self.forms if self._is_kept(form)]
        kept = [form.instance for form in rows]
        for form in rows:
            if not form.errors:
                form.refuse_unknown_whole({variable.symbol for variable in kept})
        if why := unknown_names(self.instance.formula, kept):
            raise ValidationError(why)

    def _is_kept(self, form: forms.ModelForm) -> bool:
        gone = self.can_delete and self._should_delete_form(form)  # type: ignore[attr-defined]
        return not gone and (form.has_changed() or bool(form.instance.pk))


def unknown_names(source: str, variables: Collection[Variable]) -> str:
    """Say which name of a formula is none of variables; empty where there is none, or it cannot be read."""
    try:
        formula = compile_formula(source)
    except FormulaError:
        return ""
    try:
        check_names(formula, {variable.symbol for variable in variables if not variable.memo})
    except FormulaError as error:
        problem = formula_problem(error, {variable.symbol for variable in variables})
        return _("Formula «%(formula)s»: %(problem)s") % {"formula": formula.source, "problem": problem}
    return ""


class PlannedValueFormSet(forms.BaseInlineFormSet):
    """An indicator's planned values; those of quarters whose result stands are not touched."""

    def clean(self) -> None:
        """Complain beside each row about a quarter that stands; above them about one that is deleted."""
        super().clean()
        stands = why_results_stand(self.instance, QUARTERS, timezone.now()) if self.instance.pk else {}
        above: list[str] = []
        rows: list[Any] = [form for form in self.forms if form.has_changed()]
        for form in rows:
            before, after = form.initial.get("quarter"), form.cleaned_data.get("quarter")
            if self._should_delete_form(form):  # type: ignore[attr-defined]
                above += filter(None, [stands.get(before)])
            elif why := stands.get(before) or stands.get(after):
                form.add_error("value", why)
        if above:
            raise ValidationError(above)


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
