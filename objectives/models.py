"""Units and people; the plan with its goals, strategies and work plans."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from functools import cached_property
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .fields import CharField, TextField
from .numerals import chinese_numeral
from .permissions import can, can_enter
from .roc import gregorian_year, roc_moment, taipei
from .roles import DEPUTISED, Rights, Role, Tree


class UnitQuerySet(models.QuerySet["Unit"]):
    def visible_to(self, user: User) -> Self:
        """Units of the organisations in which user has a role."""
        return self.filter(pk__in=user.rights.units("objectives.view_unit"))

    def tree(self) -> Tree:
        """Read the whole forest; one query."""
        return Tree(dict(self.values_list("pk", "parent_id")))

    def get_by_natural_key(self, code: str) -> Unit:
        return self.get(code=code)


class Unit(models.Model):
    """機關／單位: a node of the organisation tree."""

    code = CharField(_("code"), max_length=20, unique=True)
    name = CharField(_("name"), max_length=100)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("parent unit")
    )
    demo = models.BooleanField(_("demonstration"), default=False, editable=False)

    objects = UnitQuerySet.as_manager()

    class Meta:
        verbose_name = _("unit")
        verbose_name_plural = _("units")
        ordering = ("code",)
        constraints = [
            models.CheckConstraint(condition=~Q(parent=F("id")), name="unit_is_not_its_own_parent"),
        ]

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[str]:
        return (self.code,)

    def clean(self) -> None:
        if self.pk and self.parent_id and self.parent_id in Unit.objects.tree().below(self.pk):
            raise ValidationError({"parent": _("A unit cannot stand below itself.")})

    def permission_units(self) -> Iterable[int]:
        return (self.pk,)


KEEPS_ITS_ACCOUNT = _(
    "Whoever entered or decided something keeps the account, so that it stays known who it was. "
    "Untick «active» instead of deleting it."
)


def _passing_to(deputy: Any) -> Q:
    """Say which memberships pass to deputy (a person or an OuterRef), today or on a day to come."""
    today = taipei(timezone.now()).date()
    return Q(user__deputies__deputy=deputy, user__deputies__ends_on__gte=today, role__in=DEPUTISED)


class UserManager(BaseUserManager["User"]):
    def visible_to(self, user: User) -> models.QuerySet[User]:
        """People all of whose roles, taken over as a deputy or not, lie within what user administers.

        Whoever signs in as a deputy has the principal's roles too. A deputyship to come counts like one in
        force: a password that is set today is still known then. Somebody without a role may get one anywhere,
        and so is seen by whoever administers every unit.
        """
        units = user.rights.units("objectives.view_user")
        if not units:
            return self.none()
        theirs = Membership.objects.filter(user=OuterRef("pk"))
        passing = Membership.objects.filter(_passing_to(OuterRef("pk")))
        roots_elsewhere = Unit.objects.filter(parent=None).exclude(pk__in=units)
        return self.filter(
            ~Exists(theirs.exclude(unit__in=units)),
            ~Exists(passing.exclude(unit__in=units)),
            Exists(theirs) | ~Exists(roots_elsewhere),
        )

    def create_user(self, username: str, password: str, **fields: Any) -> User:
        """Create an active person who can sign in; what they may do comes from memberships."""
        user = self.model(username=self.model.normalize_username(username), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A person with an account. Rights come from memberships alone: there is no superuser and no group."""

    username = CharField(_("username"), max_length=150, unique=True, validators=[UnicodeUsernameValidator()])
    name = CharField(_("full name"), max_length=100, blank=True)
    email = models.EmailField(_("email"), blank=True)
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Untick this instead of deleting an account.")
    )

    objects = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    is_superuser = False

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        ordering = ("username",)

    def __str__(self) -> str:
        return self.name or self.username

    def get_full_name(self) -> str:
        return str(self)

    get_short_name = get_full_name

    @cached_property
    def rights(self) -> Rights:
        """The person's roles as they stood when first asked for, those they deputise in included.

        Three queries at most, once per request. Only roles of daily work pass to a deputy, and only where
        the deputy has a role of their own in the same organisation.
        """
        if not self.is_active or self.pk is None:
            return Rights({}, frozenset())
        away = Deputy.objects.filter(deputy=self).in_force(taipei(timezone.now()).date()).values("principal")
        mine = Q(user=self) | Q(user__in=away, role__in=DEPUTISED)
        held = Membership.objects.order_by().filter(mine).values_list("user_id", "role", "unit_id")
        memberships = list(held)
        if not memberships:
            return Rights({}, frozenset())
        tree = Unit.objects.tree()
        own = Rights.of(((role, unit) for user, role, unit in memberships if user == self.pk), tree)
        effective = [each for each in memberships if each[2] in own.organisation]
        principals = {user for user, _role, _unit in effective} - {self.pk}
        return Rights.of(((role, unit) for _user, role, unit in effective), tree, principals)

    def left_in(self) -> list[models.Model]:
        """Return what names the person among those who changed it, and would lose that with the account.

        What else tells of a person refuses by itself to go.
        """
        relations = User._meta.get_fields(include_hidden=True)
        return [
            found
            for relation in relations
            if isinstance(relation, models.ManyToManyRel)
            for found in relation.related_model._default_manager.filter(**{relation.field.name: self})
        ]

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete an account that did nothing yet. Raises ProtectedError for any other."""
        if found := self.left_in():
            raise models.ProtectedError(str(KEEPS_ITS_ACCOUNT), set(found))
        return super().delete(*args, **kwargs)

    @property
    def is_staff(self) -> bool:
        """Whoever has a role may enter the admin, and sees there what the role allows."""
        return bool(self.rights.organisation)

    def has_perm(self, permission: str, obj: Any = None) -> bool:
        return can(self, permission, obj)

    def has_perms(self, permissions: Iterable[str], obj: Any = None) -> bool:
        return all(self.has_perm(permission, obj) for permission in permissions)

    def has_module_perms(self, app_label: str) -> bool:
        return can_enter(self, app_label)

    def permission_units(self) -> Iterable[int]:
        """The units of the person's roles and of those taken over as a deputy, as in `visible_to`.

        Without a role of their own it is all topmost ones.
        """
        units = list(self.memberships.values_list("unit_id", flat=True))
        if not units:
            return list(Unit.objects.filter(parent=None).values_list("pk", flat=True))
        return units + list(Membership.objects.filter(_passing_to(self)).values_list("unit_id", flat=True))


class Membership(models.Model):
    """A role that a person has for a unit and the units below it."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships", verbose_name=_("person")
    )
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="memberships", verbose_name=_("unit"))
    role = CharField(_("role"), max_length=20, choices=Role)

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        ordering = ("unit__code", "role", "user__username")
        constraints = [
            models.UniqueConstraint(fields=("user", "unit", "role"), name="membership_once"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.unit} · {self.get_role_display()}"

    def permission_units(self) -> Iterable[int]:
        return (self.unit_id,)


class DeputyQuerySet(models.QuerySet["Deputy"]):
    def visible_to(self, user: User) -> Self:
        """Deputyships of people whom user administers, and one's own, on either side."""
        theirs = User.objects.visible_to(user)
        return self.filter(Q(principal__in=theirs) | Q(principal=user) | Q(deputy=user))

    def in_force(self, day: date) -> Self:
        return self.filter(starts_on__lte=day, ends_on__gte=day, principal__is_active=True)

    def not_over(self, day: date) -> Self:
        """Those of that day and the days to come, the earliest first."""
        return self.filter(ends_on__gte=day).order_by("starts_on", "pk")


class Deputy(models.Model):
    """代理人: somebody does a colleague's work for some days, under their own name."""

    principal = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="deputies", verbose_name=_("who is away")
    )
    deputy = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="deputises_for", verbose_name=_("deputy")
    )
    starts_on = models.DateField(_("from"))
    ends_on = models.DateField(_("until"))

    objects = DeputyQuerySet.as_manager()

    class Meta:
        verbose_name = _("deputyship")
        verbose_name_plural = _("deputyships")
        ordering = ("-starts_on", "principal__username")
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__gte=F("starts_on")),
                name="deputy_days_in_order",
                violation_error_message=_("The last day is before the first."),
            ),
            models.CheckConstraint(
                condition=~Q(principal=F("deputy")),
                name="deputy_is_somebody_else",
                violation_error_message=_("Nobody deputises for themselves."),
            ),
        ]

    def __str__(self) -> str:
        return _("%(deputy)s for %(principal)s") % {"deputy": self.deputy, "principal": self.principal}

    def permission_units(self) -> Iterable[int]:
        return self.principal.permission_units()


class PlanQuerySet(models.QuerySet["Plan"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(unit__in=user.rights.units("objectives.view_plan"))

    def get_by_natural_key(self, unit: str, year: int) -> Plan:
        return self.get(unit__code=unit, year=year)


class Plan(models.Model):
    """年度施政計畫: one agency's plan for one ROC year; 擬定 until it is adopted (核定)."""

    unit = models.ForeignKey(Unit, models.PROTECT, related_name="plans", verbose_name=_("agency"))
    year = models.PositiveSmallIntegerField(
        _("ROC year"), validators=[MinValueValidator(1), MaxValueValidator(999)]
    )
    title = CharField(_("title"), max_length=200)
    preamble = TextField(_("preamble"), blank=True)
    goals_heading = CharField(_("heading of part I"), max_length=100, blank=True)
    key_heading = CharField(_("heading of part II"), max_length=100, blank=True)
    common_heading = CharField(_("heading of part III"), max_length=100, blank=True)
    work_heading = CharField(_("heading of part IV"), max_length=100, blank=True)
    scheme_legend = TextField(_("legend of the assessment schemes"), blank=True)
    green_threshold = models.DecimalField(
        _("green light from (%)"), max_digits=5, decimal_places=2, default=100
    )
    amber_threshold = models.DecimalField(
        _("amber light from (%)"), max_digits=5, decimal_places=2, default=80
    )
    adopted_on = models.DateField(_("adopted on"), null=True, blank=True, editable=False)
    adopted_number = CharField(
        _("document number of the adoption"), max_length=100, blank=True, editable=False
    )
    head_step = models.BooleanField(
        _("heads of unit endorse"),
        default=True,
        help_text=_("Whether a report needs its head of unit's endorsement before it is approved."),
    )
    closed_at = models.DateTimeField(_("year closed at"), null=True, editable=False)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        editable=False,
        verbose_name=_("year closed by"),
    )
    predecessor = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        editable=False,
        related_name="successors",
        verbose_name=_("plan of the year before"),
    )
    note = TextField(_("provenance note"), blank=True)

    objects = PlanQuerySet.as_manager()

    class Meta:
        verbose_name = _("annual plan")
        verbose_name_plural = _("annual plans")
        ordering = ("-year", "unit__code")
        constraints = [
            models.UniqueConstraint(
                fields=("unit", "year"),
                name="plan_once_a_year",
                violation_error_message=_("This agency has a plan for this year already."),
            ),
            models.CheckConstraint(condition=Q(year__range=(1, 999)), name="plan_year_is_an_roc_year"),
            models.CheckConstraint(
                condition=Q(amber_threshold__gte=0)
                & Q(amber_threshold__lt=F("green_threshold"))
                & Q(green_threshold__lte=100),
                name="plan_thresholds_ordered",
                violation_error_message=_(
                    "The amber threshold must be below the green one, and both between 0 and 100."
                ),
            ),
            models.CheckConstraint(
                condition=Q(adopted_on__isnull=True, adopted_number="")
                | (Q(adopted_on__isnull=False) & ~Q(adopted_number="")),
                name="plan_adopted_with_date_and_number",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_by__isnull=True)
                | Q(closed_at__isnull=False, closed_by__isnull=False),
                name="plan_closed_by_someone",
            ),
        ]

    def __str__(self) -> str:
        return _("%(unit)s, ROC year %(year)s") % {"unit": self.unit, "year": self.year}

    def natural_key(self) -> tuple[str, int]:
        return (self.unit.code, self.year)

    natural_key.dependencies = ["objectives.unit"]  # type: ignore[attr-defined]

    @property
    def is_adopted(self) -> bool:
        return self.adopted_on is not None

    @property
    def in_preparation(self) -> bool:
        """Whether it is a next year's plan being drawn up: it asks for nothing and is not shown first."""
        return self.predecessor_id is not None and not self.is_adopted

    @property
    def is_closed(self) -> bool:
        """Whether the year's figures are frozen."""
        return self.closed_at is not None

    @property
    def stands_fast(self) -> bool:
        """Whether what the plan consists of is no longer edited: it is adopted, or its year is closed."""
        return self.is_adopted or self.is_closed

    @property
    def why_closed(self) -> str:
        """Who closed the year, and when, in words; empty while it is open."""
        if self.closed_at is None:
            return ""
        return _("ROC year %(year)s was closed by %(person)s on %(moment)s: its figures are frozen.") % {
            "year": self.year,
            "person": self.closed_by,
            "moment": roc_moment(self.closed_at),
        }

    def year_is_over(self, now: datetime) -> bool:
        """Say whether the plan's year had ended at the moment now (aware), in Taipei's time."""
        return taipei(now).year > gregorian_year(self.year)

    def permission_units(self) -> Iterable[int]:
        return (self.unit_id,)


class GoalQuerySet(models.QuerySet["Goal"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(plan__unit__in=user.rights.units("objectives.view_goal"))

    def get_by_natural_key(self, unit: str, year: int, kind: str, number: int) -> Goal:
        return self.get(plan__unit__code=unit, plan__year=year, kind=kind, number=number)


class Goal(models.Model):
    """目標: one of part I's goals, numbered anew within the tables of parts II and III."""

    class Kind(models.TextChoices):
        KEY = "KEY", _("Key strategic goal")
        COMMON = "COMMON", _("Common goal")

    plan = models.ForeignKey(Plan, models.PROTECT, related_name="goals", verbose_name=_("annual plan"))
    kind = CharField(_("kind"), max_length=10, choices=Kind)
    number = models.PositiveSmallIntegerField(
        _("number"), help_text=_("Within its kind, as in parts II and III.")
    )
    title = CharField(_("title"), max_length=200)
    outline_number = models.PositiveSmallIntegerField(_("number in part I"))
    outline_title = CharField(_("title in part I"), max_length=200)
    preamble_title = CharField(_("title in the preamble"), max_length=200, blank=True)
    text = TextField(_("text"), blank=True)
    predecessor = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        editable=False,
        related_name="successors",
        verbose_name=_("goal of the year before"),
    )
    note = TextField(_("provenance note"), blank=True)

    objects = GoalQuerySet.as_manager()

    class Meta:
        verbose_name = _("goal")
        verbose_name_plural = _("goals")
        ordering = ("plan", "outline_number")
        constraints = [
            models.UniqueConstraint(fields=("plan", "kind", "number"), name="goal_number_once"),
            models.UniqueConstraint(fields=("plan", "outline_number"), name="goal_outline_number_once"),
            models.CheckConstraint(condition=Q(kind__in=["KEY", "COMMON"]), name="goal_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{chinese_numeral(self.outline_number)}、{self.title}"

    def natural_key(self) -> tuple[str, int, str, int]:
        return (*self.plan.natural_key(), self.kind, self.number)

    natural_key.dependencies = ["objectives.plan"]  # type: ignore[attr-defined]

    @property
    def code(self) -> str:
        """K1 … K8 for key goals, C1 … C3 for common ones."""
        return f"{self.kind[0]}{self.number}"

    @property
    def heading(self) -> str:
        """The title in part I without the colon that ends it there."""
        return self.outline_title.rstrip("：")

    def permission_units(self) -> Iterable[int]:
        return (self.plan.unit_id,)


class StrategyQuerySet(models.QuerySet["Strategy"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(goal__plan__unit__in=user.rights.units("objectives.view_strategy"))

    def get_by_natural_key(self, unit: str, year: int, kind: str, number: int, path: str) -> Strategy:
        goal = {"plan__unit__code": unit, "plan__year": year, "kind": kind, "number": number}
        top, *further = (int(position) for position in path.split("."))
        strategy: Strategy = self.get(
            **{f"goal__{key}": value for key, value in goal.items()}, parent=None, position=top
        )
        for position in further:
            strategy = strategy.children.get(position=position)
        return strategy


class Strategy(models.Model):
    """施政重點: an item of the outline （一）／１、／（１） under a goal."""

    goal = models.ForeignKey(Goal, models.PROTECT, related_name="strategies", verbose_name=_("goal"))
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("part of")
    )
    position = models.PositiveSmallIntegerField(_("position"))
    label = CharField(_("label"), max_length=10, blank=True)
    heading = CharField(_("heading"), max_length=300, blank=True)
    text = TextField(_("text"), blank=True)
    closing = TextField(_("text after the enumeration"), blank=True)
    predecessor = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        editable=False,
        related_name="successors",
        verbose_name=_("strategy of the year before"),
    )
    note = TextField(_("provenance note"), blank=True)

    objects = StrategyQuerySet.as_manager()

    class Meta:
        verbose_name = _("strategy")
        verbose_name_plural = _("strategies")
        ordering = ("goal__outline_number", "pk")
        constraints = [
            models.UniqueConstraint(
                fields=("goal", "position"), condition=Q(parent=None), name="strategy_position_once_in_goal"
            ),
            models.UniqueConstraint(
                fields=("parent", "position"),
                condition=~Q(parent=None),
                name="strategy_position_once_in_parent",
            ),
        ]

    def __str__(self) -> str:
        words = f"{self.label}{self.heading or self.text}"
        return words if len(words) <= 40 else words[:39] + "…"

    def natural_key(self) -> tuple[str, int, str, int, str]:
        return (*self.goal.natural_key(), self.path)

    natural_key.dependencies = ["objectives.goal", "objectives.strategy"]  # type: ignore[attr-defined]

    @property
    def path(self) -> str:
        """The positions from the top of the goal, such as 1.2.7."""
        return f"{self.parent.path}.{self.position}" if self.parent else str(self.position)

    def clean(self) -> None:
        if self.parent and self.parent.goal_id != self.goal_id:
            raise ValidationError({"parent": _("This belongs to another goal.")})
        if self.pk:
            above = self.parent
            while above:
                if above.pk == self.pk:
                    raise ValidationError({"parent": _("A strategy cannot stand below itself.")})
                above = above.parent

    def permission_units(self) -> Iterable[int]:
        return (self.goal.plan.unit_id,)


class WorkPlanQuerySet(models.QuerySet["WorkPlan"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(plan__unit__in=user.rights.units("objectives.view_workplan"))

    def get_by_natural_key(self, unit: str, year: int, position: int) -> WorkPlan:
        return self.get(plan__unit__code=unit, plan__year=year, position=position)


class WorkPlan(models.Model):
    """工作計畫: a chapter of part IV."""

    plan = models.ForeignKey(Plan, models.PROTECT, related_name="work_plans", verbose_name=_("annual plan"))
    position = models.PositiveSmallIntegerField(_("position"))
    name = CharField(_("name"), max_length=100)
    predecessor = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        editable=False,
        related_name="successors",
        verbose_name=_("work plan of the year before"),
    )
    note = TextField(_("provenance note"), blank=True)

    objects = WorkPlanQuerySet.as_manager()

    class Meta:
        verbose_name = _("work plan")
        verbose_name_plural = _("work plans")
        ordering = ("plan", "position")
        constraints = [models.UniqueConstraint(fields=("plan", "position"), name="work_plan_position_once")]

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[str, int, int]:
        return (*self.plan.natural_key(), self.position)

    natural_key.dependencies = ["objectives.plan"]  # type: ignore[attr-defined]

    def permission_units(self) -> Iterable[int]:
        return (self.plan.unit_id,)


class WorkItemQuerySet(models.QuerySet["WorkItem"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(work_plan__plan__unit__in=user.rights.units("objectives.view_workitem"))

    def led_by(self, units: Iterable[int]) -> Self:
        """Items whose progress one of units reports; the plan's agency where no lead unit is set."""
        return self.alias(responsible=Coalesce("lead_unit", "work_plan__plan__unit")).filter(
            responsible__in=units
        )

    def get_by_natural_key(self, unit: str, year: int, work_plan: int, position: int) -> WorkItem:
        return self.get(
            work_plan__plan__unit__code=unit,
            work_plan__plan__year=year,
            work_plan__position=work_plan,
            position=position,
        )


class WorkItem(models.Model):
    """重要計畫項目: an item of a work plan with its 實施內容."""

    work_plan = models.ForeignKey(WorkPlan, models.PROTECT, related_name="items", verbose_name=_("work plan"))
    position = models.PositiveSmallIntegerField(_("position"))
    name = CharField(_("name"), max_length=100)
    content = TextField(_("content"))
    lead_unit = models.ForeignKey(
        Unit,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="led_work_items",
        verbose_name=_("lead unit"),
        help_text=_("Reports what was done each quarter; empty: the plan's agency."),
    )
    predecessor = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        editable=False,
        related_name="successors",
        verbose_name=_("work item of the year before"),
    )
    note = TextField(_("provenance note"), blank=True)

    objects = WorkItemQuerySet.as_manager()

    class Meta:
        verbose_name = _("work item")
        verbose_name_plural = _("work items")
        ordering = ("work_plan__position", "position")
        constraints = [
            models.UniqueConstraint(fields=("work_plan", "position"), name="work_item_position_once")
        ]

    def __str__(self) -> str:
        return self.name

    def natural_key(self) -> tuple[str, int, int, int]:
        return (*self.work_plan.natural_key(), self.position)

    natural_key.dependencies = ["objectives.workplan"]  # type: ignore[attr-defined]

    @property
    def responsible_unit_id(self) -> int:
        """The unit that reports on it: the lead unit, or else the plan's agency."""
        return self.lead_unit_id or self.work_plan.plan.unit_id

    def permission_units(self) -> Iterable[int]:
        return (self.work_plan.plan.unit_id,)
