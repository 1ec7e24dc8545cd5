"""年度評估: what people say of each indicator at year end, stage by stage, and the records that this rests on.

The computed light (系統試算燈號) and the lights of 自評, 初核 and 複核 are four separate facts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from indicators.fields import QuantityField, within_range
from indicators.models import Indicator
from objectives.fields import CharField, TextField
from objectives.models import Plan, User

from ..attainment import Light as LightRule

VIEW = "reports.view_assessment"


class Stage(models.TextChoices):
    """Who judges, in this order."""

    SELF = "SELF", _("self-assessment")
    MINISTRY = "MINISTRY", _("ministry's review")
    YUAN = "YUAN", _("Executive Yuan's review")


STAGES = tuple(Stage)


class OfAPlan(models.QuerySet[models.Model]):
    def visible_to(self, user: User) -> Self:
        return self.filter(plan__unit__in=user.rights.units(VIEW))


class Evaluation(models.Model):
    """How a plan's year is evaluated: the days by which each stage is due, and what the report says of it."""

    plan = models.OneToOneField(
        Plan, models.PROTECT, related_name="evaluation", verbose_name=_("annual plan"), primary_key=True
    )
    self_by = models.DateField(_("self-assessment due"))
    ministry_by = models.DateField(_("ministry's review due"))
    foreword = TextField(_("foreword"), blank=True)
    process = TextField(_("how the evaluation was carried out"), blank=True)
    budget_trend = TextField(_("trend of budgets and accounts"), blank=True)
    summary = TextField(_("overall evaluation"), blank=True)

    objects = OfAPlan.as_manager()

    class Meta:
        verbose_name = _("annual evaluation")
        verbose_name_plural = _("annual evaluations")
        constraints = [
            models.CheckConstraint(
                condition=Q(self_by__lte=F("ministry_by")),
                name="evaluation_days_in_order",
                violation_error_message=_("The ministry's review is not due before the self-assessment."),
            )
        ]

    def __str__(self) -> str:
        return _("Evaluation of %(plan)s") % {"plan": self.plan}

    def permission_units(self) -> Iterable[int]:
        return (self.plan.unit_id,)


class PanelMeeting(models.Model):
    """審核小組會議: who met and when to review the self-assessments; members are a line each."""

    plan = models.ForeignKey(
        Plan, models.PROTECT, related_name="panel_meetings", verbose_name=_("annual plan")
    )
    held_on = models.DateField(_("held on"))
    chair = CharField(_("chair"), max_length=100)
    members = TextField(_("members"), help_text=_("One name with title a line."))

    objects = OfAPlan.as_manager()

    class Meta:
        verbose_name = _("meeting of the review panel")
        verbose_name_plural = _("meetings of the review panel")
        ordering = ("plan", "held_on")
        constraints = [
            models.UniqueConstraint(fields=("plan", "held_on"), name="panel_meeting_once_a_day"),
            models.CheckConstraint(condition=~Q(chair="") & ~Q(members=""), name="panel_meeting_has_people"),
        ]

    def __str__(self) -> str:
        return _("Meeting of %(day)s") % {"day": self.held_on}

    def permission_units(self) -> Iterable[int]:
        return (self.plan.unit_id,)


class YuanLetter(models.Model):
    """複核函: the letter by which the Executive Yuan tells the result of its review, and its opinion."""

    plan = models.ForeignKey(Plan, models.PROTECT, related_name="yuan_letters", verbose_name=_("annual plan"))
    dated_on = models.DateField(_("date of the letter"))
    number = CharField(_("number of the letter"), max_length=100)
    opinion = TextField(_("opinion"), help_text=_("The opinion on the whole year, word by word."))

    objects = OfAPlan.as_manager()

    class Meta:
        verbose_name = _("letter of the Executive Yuan")
        verbose_name_plural = _("letters of the Executive Yuan")
        ordering = ("plan", "dated_on")
        constraints = [
            models.UniqueConstraint(fields=("plan", "number"), name="yuan_letter_once"),
            models.CheckConstraint(
                condition=~Q(number="") & ~Q(opinion=""), name="yuan_letter_has_number_and_opinion"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def permission_units(self) -> Iterable[int]:
        return (self.plan.unit_id,)


class EarlierOpinion(models.Model):
    """前年度複核意見辦理情形: an opinion of the year before, and what was done about it."""

    plan = models.ForeignKey(
        Plan, models.PROTECT, related_name="earlier_opinions", verbose_name=_("annual plan")
    )
    position = models.PositiveSmallIntegerField(_("position"))
    opinion = TextField(_("opinion of the year before"))
    handling = TextField(_("what was done"), blank=True)

    objects = OfAPlan.as_manager()

    class Meta:
        verbose_name = _("opinion of the year before")
        verbose_name_plural = _("opinions of the year before")
        ordering = ("plan", "position")
        constraints = [
            models.UniqueConstraint(fields=("plan", "position"), name="earlier_opinion_position_once"),
        ]

    def __str__(self) -> str:
        return self.opinion[:40]

    def permission_units(self) -> Iterable[int]:
        return (self.plan.unit_id,)


class OfAnIndicator(models.QuerySet[models.Model]):
    def visible_to(self, user: User) -> Self:
        return self.filter(indicator__goal__plan__unit__in=user.rights.units(VIEW))


class Assessment(models.Model):
    """自評／初核／複核: one light for one indicator at one stage, with its author; set by the verbs alone.

    computed is the light that the system computed when this was written, empty where it had none; a light
    that differs from it needs a reason. value is the actual value that this stage took instead of the
    computed one, None where it left that alone. At SELF the opinion is the analysis (達成情形分析).
    """

    class Light(models.TextChoices):
        GREEN = LightRule.GREEN.value, _("green light")
        AMBER = LightRule.AMBER.value, _("amber light")
        RED = LightRule.RED.value, _("red light")
        WHITE = LightRule.WHITE.value, _("white light")

    indicator = models.ForeignKey(
        Indicator, models.PROTECT, related_name="assessments", verbose_name=_("indicator")
    )
    stage = CharField(_("stage"), max_length=10, choices=Stage)
    light = CharField(_("light"), max_length=10, choices=Light)
    computed = CharField(_("computed light"), max_length=10, choices=Light, blank=True)
    value = QuantityField(_("adjusted actual value"), null=True, blank=True)
    opinion = TextField(_("opinion"), blank=True)
    reason = TextField(_("why the light differs from the computed one"), blank=True)
    meeting = models.ForeignKey(
        PanelMeeting,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="assessments",
        verbose_name=_("meeting of the review panel"),
    )
    letter = models.ForeignKey(
        YuanLetter,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="assessments",
        verbose_name=_("letter of the Executive Yuan"),
    )
    assessed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("assessed by")
    )
    assessed_at = models.DateTimeField(_("assessed at"))

    objects = OfAnIndicator.as_manager()

    class Meta:
        verbose_name = _("assessment")
        verbose_name_plural = _("assessments")
        ordering = ("indicator", "stage")
        constraints = [
            models.UniqueConstraint(fields=("indicator", "stage"), name="assessment_once_a_stage"),
            models.CheckConstraint(condition=Q(stage__in=Stage.values), name="assessment_stage_known"),
            models.CheckConstraint(
                condition=Q(light__in=["GREEN", "AMBER", "RED", "WHITE"])
                & Q(computed__in=["", "GREEN", "AMBER", "RED", "WHITE"]),
                name="assessment_lights_known",
            ),
            models.CheckConstraint(
                condition=Q(light=F("computed")) | ~Q(reason=""),
                name="assessment_differs_for_a_reason",
                violation_error_message=_("Say why the light differs from the computed one."),
            ),
            models.CheckConstraint(
                condition=Q(stage="SELF", meeting__isnull=True, letter__isnull=True, value__isnull=True)
                | Q(stage="MINISTRY", meeting__isnull=False, letter__isnull=True)
                | Q(stage="YUAN", meeting__isnull=True, letter__isnull=False),
                name="assessment_rests_on_its_record",
            ),
            models.CheckConstraint(condition=within_range("value"), name="assessment_value_in_range"),
        ]

    def __str__(self) -> str:
        return f"{self.indicator} · {self.get_stage_display()}"

    def permission_units(self) -> Iterable[int]:
        return self.indicator.permission_units()


class MissedTargetReview(models.Model):
    """未達目標項目檢討: why a target was missed, and what will be done; one for each missed target."""

    indicator = models.OneToOneField(
        Indicator, models.PROTECT, related_name="missed_target_review", verbose_name=_("indicator")
    )
    cause = TextField(_("why the target was missed"))
    response = TextField(_("what will be done"))
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("written by")
    )
    written_at = models.DateTimeField(_("written at"))

    objects = OfAnIndicator.as_manager()

    class Meta:
        verbose_name = _("review of a missed target")
        verbose_name_plural = _("reviews of missed targets")
        ordering = ("indicator",)
        constraints = [
            models.CheckConstraint(
                condition=~Q(cause="") & ~Q(response=""), name="missed_target_review_says_both"
            )
        ]

    def __str__(self) -> str:
        return str(self.indicator)

    def permission_units(self) -> Iterable[int]:
        return self.indicator.permission_units()
