"""What tests of publishing stand on: a quick report in place of the real one, a year that was reviewed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from indicators.models import Indicator
from mofa_kpi.tests.cast import NOW
from objectives.models import Plan, User
from reports import publishing
from reports.models import Assessment, PanelMeeting, Publication, Stage


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make reports of a few words, in no time."""

    def build(plan: Plan, *, number: str, at, format: str, **asked) -> bytes:
        return f"{format} {number} {plan.note} {at.head.seq}".encode()

    monkeypatch.setattr(publishing, "build", build)


@pytest.fixture
def reviewed(plan: Plan, reviewer: User) -> list[Assessment]:
    """Give every indicator its 初核."""
    meeting = PanelMeeting.objects.create(plan=plan, held_on=date(2011, 1, 14), chair="次長", members="司長")
    return Assessment.objects.bulk_create(
        Assessment(
            indicator=indicator, stage=Stage.MINISTRY, light="GREEN", computed="GREEN", meeting=meeting,
            assessed_by=reviewer, assessed_at=NOW,
        )
        for indicator in Indicator.objects.filter(goal__plan=plan)
    )  # fmt: skip


@pytest.fixture
def published(quick: None, plan: Plan, reviewer: User) -> Callable[..., Publication]:
    """Publish the report of the second quarter, or another one: published(reason="…")."""

    def make(quarter: int | None = 2, reason: str = "") -> Publication:
        return publishing.publish(plan=plan, quarter=quarter, by=reviewer, now=NOW, reason=reason)

    return make
