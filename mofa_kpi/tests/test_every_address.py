"""Every address of the site, for every kind of visitor: the answer is the one that stands in the table.

An address without a line in the table fails. Everything that is asked about belongs to one department of the
ministry; visitors have their role for it (own), for a neighbour of it (other), for another agency (far), for
the ministry above (top), for a neighbour that contributes to its indicator (part), or none at all.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import repeat
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.template.backends.django import Template
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from indicators import workflow
from indicators.imports import batches
from indicators.models import Evidence, ImportBatch, Indicator, QuarterReport
from indicators.tests.test_file_check import pdf, png
from ledger.models import Action, Entry
from objectives.models import Deputy, Goal, Plan, Unit, User, WorkItem
from objectives.roles import Role
from objectives.tests.pages import filled
from reports.publishing import publish

from .cast import NOW

ANSWERS = {"+": 200, ">": 302, "-": 403, "0": 404, "x": 405, "?": 400}
DONE = "*"
ROLES = (Role.PLANNER, Role.HEAD, Role.REVIEWER, Role.MANAGER, Role.AUDITOR, Role.ADMINISTRATOR)
COLUMNS = {
    "own": ROLES,
    "other": ROLES,
    "far": (Role.PLANNER, Role.ADMINISTRATOR),
    "top": (Role.PLANNER, Role.REVIEWER, Role.AUDITOR, Role.ADMINISTRATOR),
    "part": (Role.PLANNER,),
}
CHANGES = (Action.INSERT, Action.UPDATE, Action.DELETE, Action.PASSWORD)
FIGURES = "年度,季別,指標代碼,填報項目,數值,備註\n99,4,K1-1,outbound,1,說明".encode()
TABLE = Path(__file__).with_name("every_address.txt")


def addresses(found: URLResolver, prefix: str = "", space: str = "") -> Iterator[str]:
    """Yield the name of every address, or its pattern where it has none."""
    for each in found.url_patterns:
        pattern = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from addresses(each, pattern, f"{space}{each.namespace}:" if each.namespace else space)
        elif isinstance(each, URLPattern):
            yield f"{space}{each.name}" if each.name else f"/{pattern}"


@dataclass(frozen=True)
class Line:
    """A line of the table: who is answered what, asked for the address with what is sent along."""

    method: str
    name: str
    asked: str
    answers: str

    @classmethod
    def of(cls, text: str) -> Line:
        method, name, asked, answers = text.split(maxsplit=3)
        return cls(method, name, asked, "".join(answers.split()))

    @property
    def is_plain(self) -> bool:
        """Whether nothing is asked or sent beside the address itself."""
        return not set("?!") & set(self.asked)

    def address(self, things: dict[str, Any]) -> str:
        path, _mark, query = self.asked.partition("!")[0].partition("?")
        if not self.name.startswith("/"):
            parts = [part for part in path.split(",") if part != "-"]
            path = reverse(self.name, args=[things[part].pk if part in things else part for part in parts])
        return f"{path}?{urlencode(_filled_in(query, things))}" if query else path

    def sent(self, things: dict[str, Any]) -> dict[str, Any]:
        """Return what is posted; a file is read once, so each visitor sends another one."""
        data: dict[str, Any] = _filled_in(self.asked.partition("!")[2], things)
        if data.get("uploads"):
            data["uploads"] = SimpleUploadedFile(data["uploads"], pdf())
        if data.get("file"):
            data["file"] = SimpleUploadedFile(data["file"], FIGURES)
        return data

    def __str__(self) -> str:
        return f"{self.method} {self.name} {self.asked} {self.answers}"


def _filled_in(query: str, things: dict[str, Any]) -> dict[str, str]:
    return {name.format(**things): word.format(**things) for name, word in parse_qsl(query)}


def read_table() -> list[Line]:
    """Read the lines; blank ones and comments are for people."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return [Line.of(line) for line in lines if line.strip() and not line.startswith("#")]


@pytest.fixture
def part(plan: Plan, department: Unit) -> Unit:
    """A neighbour that contributes to the department's indicator."""
    Indicator.objects.filter(code="K1-1").update(lead_unit=department)
    indicator = Indicator.objects.get(code="K1-1")
    indicator.variables.filter(symbol="inbound").update(by_unit=True)
    unit = Unit.objects.create(code="PART", name="協辦司", parent=plan.unit)
    indicator.contributing_units.add(unit)
    return unit


@pytest.fixture
def reports(department: Unit, part: Unit, planner: User, head: User, reviewer: User) -> dict[str, Any]:
    """The reports of the department's indicator, one of each status; something is to be followed up."""
    shares = {("inbound", unit.pk): Decimal(2) for unit in (department, part)}
    figures: dict[Any, Decimal] = {"outbound": Decimal(1), **shares}
    first, second, third, draft = (
        workflow.save_draft(report=report, by=planner, now=NOW, figures=figures, response="對策")
        for report in QuarterReport.objects.filter(indicator__code="K1-1").order_by("quarter")
    )
    submitted, second, third = (
        workflow.submit(report=report, by=planner, now=NOW) for report in (first, second, third)
    )
    endorsed, third = (workflow.endorse(report=report, by=head, now=NOW) for report in (second, third))
    approved = workflow.approve(report=third, by=reviewer, now=NOW)
    return {"report": submitted, "endorsed": endorsed, "approved": approved, "draft": draft}


@pytest.fixture
def evidence(reports: dict[str, Any], planner: User, settings: Any, tmp_path: Path) -> dict[str, Any]:
    """A document's number behind the submitted report, a file behind the draft."""
    settings.EVIDENCE_DIR = tmp_path
    submitted, draft = reports["report"], reports["draft"]
    files = [SimpleUploadedFile("a.png", png())]
    [file] = workflow.add_files(report=draft, files=files, by=planner, now=NOW)
    draft.refresh_from_db()
    number = Evidence.objects.create(report=submitted, document_number="1", added_by=planner, added_at=NOW)
    return {"number": number, "file": file}


@pytest.fixture
def last_year(reports: dict[str, Any], plan: Plan, administrator: User) -> dict[str, Any]:
    """A plan in force, of a year that can be closed; its first quarter is, and a revision waits."""
    in_force = {"adopted_on": date(2008, 12, 31), "adopted_number": "1"}
    old = Plan.objects.create(unit=plan.unit, year=98, title="98 年度", **in_force)
    led = Indicator.objects.get(code="K1-2")
    [variable] = led.variables.all()
    led.pk, led.goal = None, Goal.objects.create(plan=old, kind="KEY", number=1, title="甲", outline_number=1)
    led.save()
    variable.pk, variable.indicator = None, led
    variable.save()
    workflow.create_reports([led])
    closed = old.periods.get(quarter=1)
    workflow.close_period(period=closed, by=administrator, now=NOW)
    revision = workflow.propose_revision(
        indicator=led, from_quarter=2, target=Decimal(60), reason="x", authority="x", number="1",
        decided_on=NOW.date(), by=administrator, now=NOW,
    )  # fmt: skip
    return {"old": old, "led": led, "closed": closed, "revision": revision}


@pytest.fixture
def publication(quick: None, plan: Plan, reviewer: User) -> dict[str, Any]:
    """The first quarter's report, published by the ministry."""
    return {"publication": publish(plan=plan, quarter=1, by=reviewer, now=NOW)}


@pytest.fixture
def uploaded(reports: dict[str, Any], planner: User) -> dict[str, Any]:
    """A file that writes into the draft, and one that was refused."""
    return {
        "batch": batches.upload(content=FIGURES, name="a.csv", by=planner, now=NOW),
        "refused": batches.upload(
            content=FIGURES.replace(b"K1-1", b"K1-9"), name="b.csv", by=planner, now=NOW
        ),
    }


@pytest.fixture
def people(department: Unit, planner: User, person: Any) -> dict[str, Any]:
    """A manager of the department with a deputy, a planner of it, and somebody of another agency."""
    user, far = person("somebody", (Role.MANAGER, department)), Unit.objects.create(code="FAR", name="他部")
    days = {"starts_on": date(2020, 1, 1), "ends_on": date(2999, 1, 1)}
    return {
        "user": user,
        "deputyship": Deputy.objects.create(principal=user, deputy=planner, **days),
        "worker": person("worker", (Role.PLANNER, department)),
        "far": far,
        "stranger": person("stranger", (Role.HEAD, far)),
    }


@pytest.fixture
def things(
    plan: Plan, department: Unit, part: Unit, reports: dict[str, Any], evidence: dict[str, Any],
    last_year: dict[str, Any], uploaded: dict[str, Any], publication: dict[str, Any], people: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """What the addresses are about: all of it the department's or the plan's, but for what is named below."""
    WorkItem.objects.update(lead_unit=department)
    goal, draft = plan.goals.earliest("pk"), reports["draft"]
    foreign = QuarterReport.objects.get(indicator__goal__plan=plan, indicator__code="K1-2", quarter=4)
    versions = {draft.pk: draft.version}
    return {
        "-": None, "unit": department, "part": part, "plan": plan, "goal": goal,
        "strategy": goal.strategies.earliest("pk"), "work_plan": plan.work_plans.earliest("pk"),
        "item": WorkItem.objects.earliest("pk"), "indicator": draft.indicator,
        "variable": draft.indicator.variables.earliest("pk"), "period": plan.periods.get(quarter=1),
        "spare": Unit.objects.create(code="SPARE", name="科", parent=department),  # nothing hangs on it
        "foreign": foreign, "unused": foreign.indicator,  # the ministry's own
        "state": json.dumps({"was": {}, "theirs": {}, "versions": versions}),  # what a worksheet held
        **reports, **evidence, **last_year, **uploaded, **publication, **people,
    }  # fmt: skip


@pytest.fixture
def visitors(things: dict[str, Any], ministry: Unit, department: Unit, person: Any) -> list[Any]:
    """Somebody of each kind, in the order of the table's columns; the department's planner uploads."""
    places = {
        "own": department,
        "other": Unit.objects.create(code="NEXT", name="鄰司", parent=ministry),
        "far": things["far"],
        "top": ministry,
        "part": things["part"],
    }
    found = [AnonymousUser(), person("no_role")]
    for place, roles in COLUMNS.items():
        found += [person(f"{place}_{role.value.lower()}", (role, places[place])) for role in roles]
    ImportBatch.objects.update(uploaded_by=found[2], unit=department)
    return found


@dataclass(frozen=True)
class Answer:
    """What came back, and whether anything was written before that."""

    response: Any
    changed: bool

    @property
    def letter(self) -> str:
        """Return the table's letter; a change that is not answered by sending the visitor on is none."""
        letters = {status: letter for letter, status in ANSWERS.items()}
        if self.changed:
            return DONE if self.response.status_code == ANSWERS[">"] else "!"
        return letters.get(self.response.status_code, "!")


Ask = Callable[..., Answer]


@pytest.fixture
def ask(visitors: list[Any], caplog: pytest.LogCaptureFixture) -> Ask:
    """Ask as a visitor: ask(visitor, "POST", address, data); nothing that it does stays.

    The page is written out only where it is to be shown: that is most of the work, and tested elsewhere.
    """
    caplog.set_level(logging.CRITICAL, "django")  # no tracebacks of refusals
    client = Client(raise_request_exception=False)
    head = Entry.objects.head().seq

    def asking(visitor: Any, method: str, address: str, data: Any = None, *, shown: bool = False) -> Answer:
        client.cookies.clear()
        with transaction.atomic(), pytest.MonkeyPatch.context() as patch:
            # Signed in without a session, and with rights that are read once: thousands of requests follow.
            patch.setattr("django.contrib.auth.middleware.get_user", lambda request: visitor)
            if not shown:
                patch.setattr(Template, "render", lambda *arguments, **named: "")
            response = getattr(client, method.lower())(address, data)
            if response.streaming:
                b"".join(response)  # which closes its file
            changed = Entry.objects.filter(seq__gt=head, action__in=CHANGES).exists()
            transaction.set_rollback(True)
        return Answer(response, changed)

    return asking


def test_every_address_has_its_lines() -> None:
    names = set(addresses(get_resolver()))
    lines = [(line.method, line.name, line.asked) for line in read_table()]
    assert len(lines) == len(set(lines)), "lines that stand twice in every_address.txt"
    for method in ("GET", "POST"):
        asked_for = {line.name for line in read_table() if line.method == method and line.is_plain}
        assert names - asked_for == set(), f"addresses without a {method} line in every_address.txt"
        assert asked_for - names == set(), f"{method} lines in every_address.txt without an address"


# Thousands of requests: rights are asked in the same way on both databases, so once is enough.
@pytest.mark.skipif(connection.vendor != "sqlite", reason="of SQLite alone")
@pytest.mark.parametrize("method", ["GET", "POST", "SAVE"])
def test_every_visitor_gets_the_answer_of_the_table(
    method: str, things: dict[str, Any], visitors: list[Any], ask: Ask
) -> None:
    wrong = []
    for line in read_table():
        if line.method == method:
            address = line.address(things)
            shown = forms(line, address, visitors, ask) if method == "SAVE" else repeat({})
            answers = (
                ask(visitor, "GET" if method == "GET" else "POST", address, form | line.sent(things)).letter
                for visitor, form in zip(visitors, shown, strict=False)
            )
            found = "".join(answers)
            if found != line.answers:
                wrong.append(f"{line} → {found}")
    assert not wrong, "\n" + "\n".join(wrong)


def forms(line: Line, address: str, visitors: list[Any], ask: Ask) -> list[dict[str, Any]]:
    """Return what each visitor's page has in its form; who can save nothing there sends the first one's."""
    wanted = DONE if DONE in line.answers else "+_"
    theirs = [
        filled(ask(visitor, "GET", address, shown=True).response) if answer in wanted else {}
        for visitor, answer in zip(visitors, line.answers, strict=True)
    ]
    first = next(filter(None, theirs))
    return [form or first for form in theirs]


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "DELETE"])
def test_another_method_opens_no_door_and_writes_nothing(
    method: str, things: dict[str, Any], visitors: list[Any], ask: Ask
) -> None:
    """Who is answered in some way with a GET is answered so, or told that the method is none."""
    open_to_all = {"login", "admin:jsi18n", "set_language"}
    for line in read_table():
        if line.method == "GET" and line.is_plain and line.name not in open_to_all:
            for visitor, expected in zip(visitors, line.answers, strict=True):
                if str(visitor) in ("far_planner", "top_administrator"):
                    answer = ask(visitor, method, line.address(things))
                    told = method == "OPTIONS" and "Allow" in answer.response.headers  # which there are
                    assert answer.letter in (expected, "x") or told, f"{method} {line}"
                    assert not answer.changed, f"{method} {line}"
