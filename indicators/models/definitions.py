"""What an indicator is: its formula over variables, its target, planned values and revisions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from objectives.fields import CharField, TextField
from objectives.models import Goal, Strategy, Unit, User

from ..fields import QuantityField, within_range
from ..formula import FormulaError, compile_formula
from ..value import Assessed as AssessedRule
from ..value import Direction as DirectionRule
from ..value import Rollup as RollupRule
from ..value import Rule, VariableRule
from ..wording import formula_problem

QUARTERS = (1, 2, 3, 4)


@dataclass(frozen=True)
class Definition:
    """What a quarter is computed with; revisions are those that made it so, the oldest first."""

    target: Decimal
    formula: str
    rule: Rule
    revisions: tuple[TargetRevision, ...]

    @property
    def revised_target(self) -> Decimal | None:
        """The 修正後目標值; None where the plan's own target holds."""
        return self.target if any(each.target is not None for each in self.revisions) else None

    @property
    def revised_formula(self) -> str:
        """The formula that a revision put in the plan's place; empty where the plan's own holds."""
        return self.formula if any(each.formula for each in self.revisions) else ""


class IndicatorQuerySet(models.QuerySet["Indicator"]):
    def visible_to(self, user: User) -> Self:
        """Definitions and approved results: everything in the organisations where user has a role."""
        return self.filter(goal__plan__unit__in=user.rights.units("indicators.view_indicator"))

    def get_by_natural_key(self, unit: str, year: int, code: str) -> Indicator:
        return self.get(goal__plan__unit__code=unit, goal__plan__year=year, code=code)


class Indicator(models.Model):
    """績效指標: a formula over named variables, and its annual target."""

    class Direction(models.TextChoices):
        AT_LEAST = DirectionRule.AT_LEAST.value, _("at least")
        AT_MOST = DirectionRule.AT_MOST.value, _("at most")

    class Assessed(models.TextChoices):
        QUARTERLY = AssessedRule.QUARTERLY.value, _("every quarter")
        YEAR_END = AssessedRule.YEAR_END.value, _("at year end")

    class Scheme(models.IntegerChoices):
        EXISTING = 1, _("1 existing organisation")
        TASK_FORCE = 2, _("2 task force")
        THIRD_PARTY = 3, _("3 third party")
        JOINT = 4, _("4 existing organisation with a third party")
        OTHER = 5, _("5 other")

    goal = models.ForeignKey(Goal, models.PROTECT, related_name="indicators", verbose_name=_("goal"))
    code = CharField(
        _("code"),
        max_length=10,
        validators=[RegexValidator(r"^[A-Z][0-9]{1,2}-[0-9]{1,2}\Z", _("A code looks like K1-1."))],
    )
    number = models.PositiveSmallIntegerField(_("number"))
    title = CharField(_("indicator"), max_length=200)
    scheme = models.PositiveSmallIntegerField(_("assessment scheme"), choices=Scheme)
    method = CharField(_("assessment method"), max_length=50)
    standard = TextField(_("official standard"))
    target = QuantityField(_("annual target"))
    unit = CharField(_("unit of measurement"), max_length=20)
    direction = CharField(_("direction"), max_length=10, choices=Direction, default=Direction.AT_LEAST)
    assessed = CharField(_("assessed"), max_length=10, choices=Assessed, default=Assessed.QUARTERLY)
    formula = CharField(
        _("formula"),
        max_length=500,
        help_text=_("Symbols of the variables with + - * / ( ), comparisons, and, or, not."),
    )
    weight = QuantityField(_("weight"), default=1)
    lead_unit = models.ForeignKey(
        Unit, models.PROTECT, related_name="led_indicators", verbose_name=_("lead unit")
    )
    contributing_units = models.ManyToManyField(
        Unit,
        related_name="contributed_indicators",
        blank=True,
        verbose_name=_("contributing units"),
        help_text=_("Each enters its own share of the variables that are given by unit."),
    )
    predecessor = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        editable=False,
        related_name="successors",
        verbose_name=_("indicator of the year before"),
    )
    strategies = models.ManyToManyField(
        Strategy, related_name="indicators", blank=True, verbose_name=_("strategies")
    )
    not_applicable_reason = TextField(
        _("not applicable this year, because"),
        blank=True,
        help_text=_("Leave empty where the indicator applies. With a reason it has no attainment this year."),
    )
    note = TextField(_("provenance note"), blank=True)

    objects = IndicatorQuerySet.as_manager()

    class Meta:
        verbose_name = _("indicator")
        verbose_name_plural = _("indicators")
        ordering = ("goal__plan", "goal__outline_number", "number")
        constraints = [
            models.UniqueConstraint(fields=("goal", "number"), name="indicator_number_once"),
            models.UniqueConstraint(fields=("goal", "code"), name="indicator_code_once"),
            models.CheckConstraint(condition=within_range("target"), name="indicator_target_in_range"),
            models.CheckConstraint(
                condition=Q(weight__gt=0, weight__lte=1000),
                name="indicator_weight_in_range",
                violation_error_message=_("The weight must be above 0 and at most 1000."),
            ),
            models.CheckConstraint(
                condition=Q(direction__in=["AT_LEAST", "AT_MOST"]), name="indicator_direction_known"
            ),
            models.CheckConstraint(
                condition=Q(assessed__in=["QUARTERLY", "YEAR_END"]), name="indicator_assessed_known"
            ),
            models.CheckConstraint(condition=Q(scheme__range=(1, 5)), name="indicator_scheme_known"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"

    def natural_key(self) -> tuple[str, int, str]:
        return (*self.goal.plan.natural_key(), self.code)

    natural_key.dependencies = ["objectives.goal", "objectives.strategy"]  # type: ignore[attr-defined]

    def clean(self) -> None:
        try:
            compile_formula(self.formula)
        except FormulaError as error:
            raise ValidationError({"formula": formula_problem(error)}) from error
        if not self.goal_id:
            return
        same_code = Indicator.objects.filter(goal__plan=self.goal.plan_id, code=self.code).exclude(pk=self.pk)
        if same_code.exists():
            raise ValidationError({"code": _("Another indicator of this plan has this code.")})

    def in_force(self, quarter: int) -> Definition:
        """Return the definition by which quarter is computed: the plan's, as its revisions changed it.

        It is made from `variables` and `revisions` (prefetch both for many indicators).
        """
        approved = [each for each in self.revisions.all() if each.is_approved]
        revisions = [each for each in approved if each.from_quarter <= quarter]
        revisions.sort(key=lambda each: (each.from_quarter, each.pk))
        target, formula = self.target, self.formula
        constants: dict[int, Decimal] = {}
        for revision in revisions:
            target = target if revision.target is None else revision.target
            formula = revision.formula or formula
            if revision.variable_id and revision.constant is not None:
                constants[revision.variable_id] = revision.constant
        variables = (each.rule(constants.get(each.pk)) for each in self.variables.all())
        return Definition(target, formula, Rule(compile_formula(formula), tuple(variables)), tuple(revisions))

    def rule(self) -> Rule:
        """Return the computable definition as the plan has it, before any revision."""
        return Rule(
            compile_formula(self.formula), tuple(variable.rule() for variable in self.variables.all())
        )

    @property
    def participants(self) -> list[Unit]:
        """The units that enter shares: the lead unit, then the contributing ones by code."""
        return self.participants_with(self.contributing_units.all())

    def participants_with(self, contributing: Iterable[Unit]) -> list[Unit]:
        """Return `participants` where the contributing units are known."""
        others = sorted(contributing, key=lambda unit: unit.code)
        return [self.lead_unit, *(unit for unit in others if unit.pk != self.lead_unit_id)]

    def permission_units(self) -> Iterable[int]:
        """Who may change the definition: the plan's agency, not the lead unit."""
        return (self.goal.plan.unit_id,)


class VariableQuerySet(models.QuerySet["Variable"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(indicator__goal__plan__unit__in=user.rights.units("indicators.view_variable"))

    def get_by_natural_key(self, unit: str, year: int, code: str, symbol: str) -> Variable:
        return self.get(
            indicator__goal__plan__unit__code=unit,
            indicator__goal__plan__year=year,
            indicator__code=code,
            symbol=symbol,
        )


class Variable(models.Model):
    """填報項目: one named input of an indicator's formula, or a memo beside it."""

    class Rollup(models.TextChoices):
        SUM = RollupRule.SUM.value, _("sum of the quarters")
        LATEST = RollupRule.LATEST.value, _("latest figure")
        COUNT = RollupRule.COUNT.value, _("number of quarters with yes")
        CONSTANT = RollupRule.CONSTANT.value, _("constant given with the plan")

    class Kind(models.TextChoices):
        COUNT = "COUNT", _("count")
        AMOUNT = "AMOUNT", _("amount")
        YES_NO = "YES_NO", _("yes or no")

    indicator = models.ForeignKey(
        Indicator, models.CASCADE, related_name="variables", verbose_name=_("indicator")
    )
    symbol = CharField(
        _("symbol"),
        max_length=30,
        validators=[
            RegexValidator(r"^[a-z][a-z0-9_]*\Z", _("A symbol is a lower-case word such as inbound_visits."))
        ],
    )
    name = CharField(_("name"), max_length=100)
    rollup = CharField(_("roll-up over the quarters"), max_length=10, choices=Rollup)
    kind = CharField(_("kind"), max_length=10, choices=Kind)
    unit = CharField(_("unit of measurement"), max_length=20, blank=True)
    due_quarters = CharField(
        _("due in quarters"),
        max_length=4,
        default="1234",
        blank=True,
        validators=[RegexValidator(r"^1?2?3?4?\Z", _("Digits of the quarters in order, such as 1234 or 4."))],
        help_text=_(
            "Digits of the quarters in which it must be given: 1234 is every quarter, 4 the last only."
        ),
    )
    may_be_negative = models.BooleanField(_("may be negative"), default=False)
    may_fall = models.BooleanField(_("may fall from one quarter to the next"), default=False)
    zero_until_given = models.BooleanField(_("counts as 0 until given"), default=False)
    memo = models.BooleanField(_("memo, not in the formula"), default=False)
    by_unit = models.BooleanField(
        _("given by unit"),
        default=False,
        help_text=_("The lead unit and each contributing unit give their own share; the figure is the sum."),
    )
    not_above = CharField(
        _("cannot exceed"),
        max_length=30,
        blank=True,
        help_text=_(
            "Symbol of the variable of this indicator that it is a part of, such as a denominator; "
            "leave empty where it may exceed every other."
        ),
    )
    predecessor = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        editable=False,
        related_name="successors",
        verbose_name=_("variable of the year before"),
    )
    constant = QuantityField(
        _("constant"), null=True, blank=True, help_text=_("The value of a constant; empty while unknown.")
    )
    help = TextField(_("help"), blank=True)
    position = models.PositiveSmallIntegerField(_("position"))
    note = TextField(_("provenance note"), blank=True)

    objects = VariableQuerySet.as_manager()

    class Meta:
        verbose_name = _("variable")
        verbose_name_plural = _("variables")
        ordering = ("indicator", "position")
        constraints = [
            models.UniqueConstraint(fields=("indicator", "symbol"), name="variable_symbol_once"),
            models.UniqueConstraint(fields=("indicator", "name"), name="variable_name_once"),
            models.CheckConstraint(condition=within_range("constant"), name="variable_constant_in_range"),
            models.CheckConstraint(
                condition=Q(rollup="CONSTANT", due_quarters="")
                | (~Q(rollup="CONSTANT") & Q(constant__isnull=True) & ~Q(due_quarters="")),
                name="variable_constant_or_due",
                violation_error_message=_(
                    "A constant is due in no quarter; every other variable is due in at least one, "
                    "and has no constant."
                ),
            ),
            models.CheckConstraint(
                condition=Q(rollup__in=["SUM", "LATEST", "COUNT", "CONSTANT"]), name="variable_rollup_known"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["COUNT", "AMOUNT", "YES_NO"]), name="variable_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(by_unit=False) | (Q(kind__in=["COUNT", "AMOUNT"]) & ~Q(rollup="CONSTANT")),
                name="variable_by_unit_can_be_summed",
                violation_error_message=_("Only numbers that are reported can be given by unit."),
            ),
            models.CheckConstraint(
                condition=~Q(rollup="COUNT") | Q(kind="YES_NO"),
                name="variable_count_is_yes_no",
                violation_error_message=_("Only a yes-or-no variable can be rolled up by counting quarters."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[str, int, str, str]:
        return (*self.indicator.natural_key(), self.symbol)

    natural_key.dependencies = ["indicators.indicator"]  # type: ignore[attr-defined]

    def clean(self) -> None:
        try:
            compile_formula(self.symbol)
        except FormulaError as error:
            raise ValidationError({"symbol": formula_problem(error)}) from error
        if self.constant is not None:
            try:
                self.check_value(self.constant)
            except ValidationError as error:
                raise ValidationError({"constant": error.messages}) from error

    def check_value(self, value: Decimal) -> None:
        """Raise ValidationError for a number that this variable cannot have."""
        if value < 0 and not self.may_be_negative:
            raise ValidationError(_("«%(name)s» cannot be negative.") % {"name": self.name})
        if self.kind != self.Kind.AMOUNT and value != value.to_integral_value():
            raise ValidationError(_("«%(name)s» is counted in whole numbers.") % {"name": self.name})
        if self.kind == self.Kind.YES_NO and value not in (0, 1):
            raise ValidationError(_("«%(name)s» is answered with yes (1) or no (0).") % {"name": self.name})

    @property
    def due(self) -> frozenset[int]:
        """The quarters in which a figure must be given."""
        return frozenset(int(digit) for digit in self.due_quarters)

    @property
    def is_constant(self) -> bool:
        return self.rollup == self.Rollup.CONSTANT

    def rule(self, constant: Decimal | None = None) -> VariableRule:
        """Return what computing needs; constant is what a revision put in place of the plan's."""
        return VariableRule(
            symbol=self.symbol,
            rollup=RollupRule(self.rollup),
            due=self.due,
            may_be_negative=self.may_be_negative,
            zero_until_given=self.zero_until_given,
            memo=self.memo,
            constant=self.constant if constant is None else constant,
            yes_no=self.kind == self.Kind.YES_NO,
            may_fall=self.may_fall,
            not_above=self.not_above,
        )

    def permission_units(self) -> Iterable[int]:
        return self.indicator.permission_units()


class PlannedValueQuerySet(models.QuerySet["PlannedValue"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(indicator__goal__plan__unit__in=user.rights.units("indicators.view_plannedvalue"))


class PlannedValue(models.Model):
    """各季預定值: what the indicator's value should have reached by the end of a quarter."""

    indicator = models.ForeignKey(
        Indicator, models.CASCADE, related_name="planned_values", verbose_name=_("indicator")
    )
    quarter = models.PositiveSmallIntegerField(_("quarter"))
    value = QuantityField(_("planned value"))
    demo = models.BooleanField(_("demonstration"), default=False, editable=False)

    objects = PlannedValueQuerySet.as_manager()

    class Meta:
        verbose_name = _("planned value")
        verbose_name_plural = _("planned values")
        ordering = ("indicator", "quarter")
        constraints = [
            models.UniqueConstraint(fields=("indicator", "quarter"), name="planned_value_once_a_quarter"),
            models.CheckConstraint(
                condition=Q(quarter__range=(1, 4)),
                name="planned_value_quarter_known",
                violation_error_message=_("A quarter is 1, 2, 3 or 4."),
            ),
            models.CheckConstraint(condition=within_range("value"), name="planned_value_in_range"),
        ]

    def __str__(self) -> str:
        return f"{self.indicator.code} Q{self.quarter}"

    def permission_units(self) -> Iterable[int]:
        return self.indicator.permission_units()


class TargetRevisionQuerySet(models.QuerySet["TargetRevision"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(
            indicator__goal__plan__unit__in=user.rights.units("indicators.view_targetrevision")
        )

    def approved(self) -> Self:
        return self.filter(approved_at__isnull=False)

    def to_approve(self, user: User) -> Self:
        """Revisions that wait for user: for a reviewer of the agency who did not enter them."""
        mine = user.rights.units("indicators.approve_targetrevision")
        return self.filter(approved_at=None, indicator__goal__plan__unit__in=mine).exclude(proposed_by=user)


class TargetRevision(models.Model):
    """目標值修正: the only way in which an adopted plan's target, formula or constant changes.

    It applies from a quarter on, once it is approved; earlier quarters keep the definition before it. What it
    leaves open (None or empty) stays as it was.
    """

    indicator = models.ForeignKey(
        Indicator, models.PROTECT, related_name="revisions", verbose_name=_("indicator")
    )
    from_quarter = models.PositiveSmallIntegerField(_("from quarter"))
    target = QuantityField(_("revised target"), null=True, blank=True)
    formula = CharField(_("revised formula"), max_length=500, blank=True)
    variable = models.ForeignKey(
        Variable,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="revisions",
        verbose_name=_("constant that is corrected"),
    )
    constant = QuantityField(_("corrected value"), null=True, blank=True)
    old_target = QuantityField(_("target before"), editable=False)
    old_formula = CharField(_("formula before"), max_length=500, editable=False)
    old_constant = QuantityField(_("value before"), null=True, editable=False)
    reason = TextField(_("reason for the revision"))
    authority = CharField(_("approving authority"), max_length=100)
    decided_on = models.DateField(_("date of its letter"))
    number = CharField(_("document number"), max_length=100)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        editable=False,
        verbose_name=_("entered by"),
    )
    proposed_at = models.DateTimeField(_("entered at"), editable=False)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        editable=False,
        verbose_name=_("approved by"),
    )
    approved_at = models.DateTimeField(_("approved at"), null=True, editable=False)

    objects = TargetRevisionQuerySet.as_manager()

    class Meta:
        verbose_name = _("revision of a target")
        verbose_name_plural = _("revisions of targets")
        ordering = ("indicator", "from_quarter", "pk")
        constraints = [
            models.CheckConstraint(condition=Q(from_quarter__range=(1, 4)), name="revision_quarter_known"),
            models.CheckConstraint(condition=within_range("target"), name="revision_target_in_range"),
            models.CheckConstraint(condition=within_range("constant"), name="revision_constant_in_range"),
            models.CheckConstraint(
                condition=Q(target__isnull=False) | ~Q(formula="") | Q(constant__isnull=False),
                name="revision_changes_something",
            ),
            models.CheckConstraint(
                condition=Q(variable__isnull=True, constant__isnull=True)
                | Q(variable__isnull=False, constant__isnull=False),
                name="revision_constant_with_variable",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True, approved_at__isnull=True)
                | Q(approved_by__isnull=False, approved_at__isnull=False),
                name="revision_approved_by_someone",
            ),
        ]

    def __str__(self) -> str:
        return _("%(indicator)s, revision from quarter %(quarter)s") % {
            "indicator": self.indicator,
            "quarter": self.from_quarter,
        }

    @property
    def is_approved(self) -> bool:
        return self.approved_at is not None

    def permission_units(self) -> Iterable[int]:
        return self.indicator.permission_units()
