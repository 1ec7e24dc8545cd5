"""What approving reports would bring: the results as they are, and as they would be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.db.models import Exists, Max, OuterRef, Q
from django.utils.translation import gettext as _

from indicators import workflow
from indicators.models import QuarterReport, Status, Variable
from objectives.models import Plan, User
from objectives.permissions import can

from .moments import At
from .presentation import MeanShown, Row, Standing
from .results import PlanResults, plan_results

APPROVE = "indicators.approve_quarterreport"


@dataclass(frozen=True)
class Change:
    """One line of the effect: an indicator, a goal or the plan, before and after."""

    name: str
    before: Row | MeanShown
    after: Row | MeanShown

    @property
    def is_indicator(self) -> bool:
        return isinstance(self.before, Row)


@dataclass(frozen=True)
class Effect:
    """Official results at a quarter without and with the reports in question."""

    before: PlanResults
    after: PlanResults
    indicators: frozenset[int]

    @property
    def quarter(self) -> int:
        return self.before.quarter

    @property
    def changes(self) -> Iterator[Change]:
        """Yield the indicators concerned, their goals, and the plan."""
        plan = self.before.plan
        for old, new in zip(self.before.results, self.after.results, strict=True):
            if old.indicator.pk in self.indicators:
                yield Change(str(old.indicator), Row(old), Row(new))
        for goal, then in zip(self.before.goals, self.after.goals, strict=True):
            if self.indicators.intersection(result.indicator.pk for result in goal.results):
                yield Change(str(goal.goal), MeanShown(goal.mean, plan), MeanShown(then.mean, plan))
        yield Change(str(plan), MeanShown(self.before.mean, plan), MeanShown(self.after.mean, plan))

    @property
    def tally(self) -> list[tuple[Standing, int, int]]:
        """How many indicators have each light or progress before and after, where that changes."""
        from .presentation import dashboard_of

        before, after = (
            {standing.word: (standing, count) for standing, count in dashboard_of(results).tally}
            for results in (self.before, self.after)
        )
        lines = [
            (
                (before.get(word) or after[word])[0],
                before[word][1] if word in before else 0,
                after[word][1] if word in after else 0,
            )
            for word in {**before, **after}
        ]
        return [line for line in lines if line[1] != line[2]]

    @property
    def facts(self) -> Iterator[str]:
        """Yield everything that is shown of it, and what progress is judged by, with every digit."""
        for results in (self.before, self.after):
            for result in results.results:
                if result.indicator.pk in self.indicators:
                    definition = result.definition
                    yield f"{result.indicator} {result.attainment} {definition.formula} {result.planned}"
            for goal in results.goals:
                if self.indicators.intersection(result.indicator.pk for result in goal.results):
                    yield f"{goal.goal} {goal.mean}"
            yield f"{results.quarter} {results.mean} {results.light_counts} {results.progress_counts}"


def effects_of(reports: Sequence[QuarterReport], at: At) -> list[Effect]:
    """Return the effect of approving reports of one plan and quarter: at that quarter, and at the latest
    quarter with official results where that is a later one."""
    plan, quarter = reports[0].indicator.goal.plan, reports[0].quarter
    later = QuarterReport.objects.approved().filter(indicator__goal__plan=plan, quarter__gt=quarter)
    latest = later.aggregate(latest=Max("quarter"))["latest"]
    return [_effect(plan, each, reports, at) for each in (quarter, latest) if each]


def digest(effects: Iterable[Effect]) -> str:
    """Return what stands for effects in a form: another text once anything about them has changed."""
    facts = "\n".join(fact for effect in effects for fact in effect.facts)
    return sha256(facts.encode()).hexdigest()


def _effect(plan: Plan, quarter: int, reports: Iterable[QuarterReport], at: At) -> Effect:
    ids = {report.pk: report.indicator_id for report in reports}
    return Effect(
        plan_results(plan, quarter=quarter, at=at),
        plan_results(plan, quarter=quarter, at=at, also=ids.keys()),
        frozenset(ids.values()),
    )


@dataclass(frozen=True)
class Candidate:
    """A report of a unit's quarter, and why it cannot be approved now (empty: it can, or it is already)."""

    report: QuarterReport
    obstacle: str

    @property
    def is_done(self) -> bool:
        return self.report.status == Status.APPROVED

    @property
    def is_ready(self) -> bool:
        return not self.is_done and not self.obstacle


def candidates(plan: Plan, quarter: int, units: Iterable[int], user: User, now: datetime) -> list[Candidate]:
    """Return what units (their ids) have to report in the quarter, in the plan's order.

    Reports in which nothing is due and nothing was entered are left out.
    """
    due = Variable.objects.filter(
        indicator=OuterRef("indicator"), due_quarters__contains=str(quarter), memo=False
    )
    expected = Q(Exists(due), indicator__not_applicable_reason="") | ~Q(status=Status.DRAFT)
    found = (
        QuarterReport.objects.visible_to(user)
        .filter(expected, indicator__goal__plan=plan, quarter=quarter, indicator__lead_unit__in=units)
        .select_related("indicator__goal__plan__unit", "indicator__lead_unit")
        .order_by("indicator__goal__outline_number", "indicator__number")
    )
    others = set(found.not_the_work_of(user).order_by().values_list("pk", flat=True))
    closed: dict[int, str] = {}
    candidates = []
    for report in found:
        why = obstacle(report, user, is_own=report.pk not in others)
        if not why and report.status != Status.APPROVED:
            unit = report.indicator.lead_unit_id
            if unit not in closed:
                closed[unit] = workflow.closed_because(plan, quarter, [unit], now)
            why = closed[unit]
        candidates.append(Candidate(report, why))
    return candidates


def obstacle(report: QuarterReport, user: User, *, is_own: bool) -> str:
    """Say why user cannot approve the report in an open quarter; empty where they can, or it is done.

    is_own: user submitted or changed it, see `workflow.had_a_hand_in`.
    """
    if report.status == Status.APPROVED:
        return ""
    if report.status == Status.SUBMITTED and report.status not in workflow.origins(
        workflow.Step.APPROVE, report
    ):
        return _("The head of the unit has not endorsed this report yet.")
    if report.status not in workflow.origins(workflow.Step.APPROVE, report):
        return _("This report is «%(status)s».") % {"status": report.get_status_display()}
    if not can(user, APPROVE, report):
        return _("Your roles do not allow this. Please ask an administrator.")
    if is_own:
        return _("You filled in or submitted this report yourself, so another reviewer approves it.")
    return ""
