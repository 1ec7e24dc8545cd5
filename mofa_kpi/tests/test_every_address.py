"""Every address of the site, for every kind of visitor: the answer is the one that stands in the table.

An address without a line in the table fails. Everything that is asked about belongs to one department of the
ministry; visitors have their role for it (own), for a neighbour of it (other), for another agency (far), for
the ministry above (top), or none at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction  # noqa: F401 (named in a condition)
from django.template.backends.django import Template
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from indicators import workflow
from indicators.models import Evidence, Indicator, QuarterReport, TargetRevision
from objectives.models import Deputy, Unit, User, WorkItem
from objectives.roles import Role

from .cast import NOW

ANSWERS = {"+": 200, ">": 302, "-": 403, "0": 404, "x": 405, "?": 400}
ROLES = (Role.PLANNER, Role.HEAD, Role.REVIEWER, Role.MANAGER, Role.AUDITOR, Role.ADMINISTRATOR)
COLUMNS = {
    "own": ROLES,
    "other": ROLES,
    "far": (Role.PLANNER, Role.ADMINISTRATOR),
    "top": (Role.PLANNER, Role.REVIEWER, Role.ADMINISTRATOR),
}
TABLE = Path(__file__).with_name("every_address.txt")


def addresses(found: URLResolver, prefix: str = "", space: str = "") -> Iterator[str]:
    """Yield the name of every address, or its pattern where it has none."""
    for each in found.url_patterns:
        pattern = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from addresses(each, pattern, f"{space}{each.namespace}:" if each.namespace else space)
        elif isinstance(each, URLPattern):
            yield f"{space}{each.name}" if each.name else f"/{pattern}"


def read_table() -> dict[tuple[str, str], tuple[str, str]]:
    """Read the lines: method, name, arguments, answers. Blank ones and comments are for people."""
    rows = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            method, name, arguments, answers = line.split(maxsplit=3)
            assert (method, name) not in rows, f"{method} {name} stands there twice"
            rows[method, name] = (arguments, answers)
    return rows


@pytest.fixture
def things(plan: Any, department: Unit, planner: User) -> dict[str, Any]:
    """What the addresses are about, all of it the department's or the plan's."""
    Indicator.objects.filter(code="K1-1").update(lead_unit=department)
    indicator = Indicator.objects.get(code="K1-1")
    WorkItem.objects.update(lead_unit=department)
    report = QuarterReport.objects.get(indicator=indicator, quarter=1)
    figures = {"outbound": Decimal(1), "inbound": Decimal(2)}
    report = workflow.save_draft(report=report, by=planner, now=NOW, figures=figures)
    workflow.submit(report=report, by=planner, now=NOW)
    piece = Evidence.objects.create(report=report, document_number="1", added_by=planner, added_at=NOW)
    revision = TargetRevision.objects.create(
        indicator=indicator, from_quarter=2, target=60, old_target=55, old_formula=indicator.formula,
        reason="x", authority="x", decided_on=NOW.date(), number="1", proposed_by=planner, proposed_at=NOW,
    )  # fmt: skip
    person = User.objects.create_user("somebody", "x")
    person.memberships.create(unit=department, role=Role.MANAGER)
    goal = plan.goals.earliest("pk")
    deputyship = Deputy.objects.create(
        principal=person, deputy=planner, starts_on=date(2020, 1, 1), ends_on=date(2999, 1, 1)
    )
    return {
        "-": None, "unit": department, "user": person, "plan": plan, "goal": goal,
        "strategy": goal.strategies.earliest("pk"), "work_plan": plan.work_plans.earliest("pk"),
        "item": WorkItem.objects.earliest("pk"), "indicator": indicator,
        "variable": indicator.variables.earliest("pk"), "report": report, "evidence": piece,
        "revision": revision, "period": plan.periods.get(quarter=1), "deputyship": deputyship,
    }  # fmt: skip


@pytest.fixture
def visitors(things: dict[str, Any], ministry: Unit, department: Unit, person: Any) -> list[Any]:
    """Somebody of each kind, in the order of the table's columns."""
    places = {
        "own": department,
        "other": Unit.objects.create(code="NEXT", name="鄰司", parent=ministry),
        "far": Unit.objects.create(code="FAR", name="他部"),
        "top": ministry,
    }
    found = [AnonymousUser(), person("no_role")]
    for place, roles in COLUMNS.items():
        found += [person(f"{place}_{role.value.lower()}", (role, places[place])) for role in roles]
    return found


def address_of(name: str, arguments: str, things: dict[str, Any]) -> str:
    """Build an address from a line: keys of things, and what stands for itself, separated by commas."""
    if name.startswith("/"):
        return arguments
    parts = [part for part in arguments.split(",") if part != "-"]
    return reverse(name, args=[things[part].pk if part in things else part for part in parts])


def ask(visitor: Any, method: str, address: str) -> int:
    """Return the answer's status; nothing that it does stays."""
    client = Client(raise_request_exception=False)
    with transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        # Signed in without a session, and with rights that are read once: thousands of requests follow.
        patch.setattr("django.contrib.auth.middleware.get_user", lambda request: visitor)
        answer = client.get(address) if method == "GET" else client.post(address)
        transaction.set_rollback(True)
    return int(answer.status_code)


def test_every_address_has_its_lines() -> None:
    names = set(addresses(get_resolver()))
    lines = {name for _method, name in read_table()}
    assert names - lines == set(), "addresses without a line in every_address.txt"
    assert lines - names == set(), "lines in every_address.txt without an address"
    assert {name for method, name in read_table() if method == "POST"} == names


# Thousands of requests: rights are asked in the same way on both databases, so once is enough.
@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="of SQLite alone")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_visitor_gets_the_answer_of_the_table(
    method: str, things: dict[str, Any], visitors: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The status is known before a page is written out, which is most of the work and tested elsewhere.
    monkeypatch.setattr(Template, "render", lambda *arguments, **named: "")
    wrong = []
    letters = {status: letter for letter, status in ANSWERS.items()}
    for (asked, name), (arguments, answers) in read_table().items():
        if asked != method:
            continue
        address = address_of(name, arguments, things)
        expected = "".join(answers.split())
        found = "".join(letters.get(ask(visitor, method, address), "!") for visitor in visitors)
        if found != expected:
            wrong.append(f"{method} {name} {arguments} {expected} → {found}")
    assert not wrong, "\n" + "\n".join(wrong)
