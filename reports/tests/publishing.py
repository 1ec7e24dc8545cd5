"""What tests of publishing stand on: a quick report in place of the real one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mofa_kpi.tests.cast import NOW
from objectives.models import Plan, User
from reports import publishing
from reports.models import Publication


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make reports of a few words, in no time."""

    def build(plan: Plan, *, number: str, at, format: str, **asked) -> bytes:
        return f"{format} {number} {plan.note} {at.head.seq}".encode()

    monkeypatch.setattr(publishing, "build", build)


@pytest.fixture
def published(quick: None, plan: Plan, reviewer: User) -> Callable[..., Publication]:
    """Publish the report of the second quarter, or another one: published(reason="…")."""

    def make(quarter: int = 2, reason: str = "") -> Publication:
        return publishing.publish(plan=plan, quarter=quarter, by=reviewer, now=NOW, reason=reason)

    return make
