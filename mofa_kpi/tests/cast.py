"""The standing cast of every test: the ROC 99 plan and the people around it, as fixtures.

planner, head, reviewer, manager, auditor and administrator have their role for the ministry; outsider is
signed up without any role; neighbour is a planner of another department of the ministry, stranger of another
agency.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker

from indicators import workflow
from indicators.models import Indicator, QuarterReport, ReportingPeriod, Variable
from ledger.models import moment_text
from objectives.models import Goal, Membership, Plan, Strategy, Unit, User, WorkItem, WorkPlan
from objectives.roles import Role

PASSWORD = "correct horse battery staple 9"
NOW = datetime(2011, 1, 15, 1, 30, tzinfo=UTC)  # ROC 99 is over

_LINKS: Any = Indicator.strategies.through
_LOADED: tuple[Any, ...] = (
    Unit, Plan, Goal, Strategy, WorkPlan, WorkItem, Indicator, _LINKS, Variable, ReportingPeriod,
    QuarterReport,
)  # fmt: skip


@pytest.fixture
def now() -> datetime:
    """A moment after the end of ROC 99."""
    return NOW


Statements = list[tuple[str, list[Any]]]


@pytest.fixture(scope="session")
def written_plan(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Statements:
    """Leave the plan in the database for the tests that follow; return the statements that wrote it."""
    with django_db_blocker.unblock():
        with transaction.atomic():
            call_command("loaddata", "fy99_plan", verbosity=0)
            workflow.create_reports(Indicator.objects.all())
            with connection.cursor() as cursor:
                statements = [_insert(cursor, model._meta.db_table) for model in _LOADED]
            transaction.set_rollback(True)  # `loaddata` is not how a plan gets there otherwise
        _write(statements)
    return statements


@pytest.fixture
def plan(written_plan: Statements, db: None) -> Plan:
    """The ROC 99 plan with its quarter reports laid out, nothing reported yet.

    It is in the database before the test begins (see `plan_last` in conftest.py), but for a test that
    commits, which begins with empty tables.
    """
    if not Plan.objects.exists():
        _write(written_plan)
    return Plan.objects.get()


def _write(statements: Statements) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        for statement, values in statements:
            cursor.execute(statement, values)


def _insert(cursor: Any, table: str) -> tuple[str, list[Any]]:
    """Return the statement that writes the table's rows again, and its values."""
    cursor.execute(f'SELECT * FROM "{table}" ORDER BY id')  # noqa: S608 (the name is a model's)
    columns = ", ".join(f'"{column[0]}"' for column in cursor.description)
    rows = cursor.fetchall()
    places = ", ".join([f"({', '.join(['%s'] * len(cursor.description))})"] * len(rows))
    statement = f'INSERT INTO "{table}" ({columns}) VALUES {places}'  # noqa: S608
    return statement, [value for row in rows for value in row]


@pytest.fixture
def ministry(plan: Plan) -> Unit:
    return plan.unit


@pytest.fixture
def department(ministry: Unit) -> Unit:
    """A department of the ministry that leads no indicator yet."""
    return Unit.objects.create(code="DEPT", name="亞東太平洋司", parent=ministry)


@pytest.fixture
def person(db: None) -> Callable[..., User]:
    """Make a person: person("name", (role, unit), …)."""

    def make(username: str, *roles: tuple[Role, Unit]) -> User:
        user = User.objects.create_user(username, PASSWORD)
        Membership.objects.bulk_create(Membership(user=user, role=role, unit=unit) for role, unit in roles)
        return user

    return make


@pytest.fixture
def planner(person: Callable[..., User], ministry: Unit) -> User:
    return person("planner", (Role.PLANNER, ministry))


@pytest.fixture
def head(person: Callable[..., User], ministry: Unit) -> User:
    return person("head", (Role.HEAD, ministry))


@pytest.fixture
def reviewer(person: Callable[..., User], ministry: Unit) -> User:
    return person("reviewer", (Role.REVIEWER, ministry))


@pytest.fixture
def manager(person: Callable[..., User], ministry: Unit) -> User:
    return person("manager", (Role.MANAGER, ministry))


@pytest.fixture
def auditor(person: Callable[..., User], ministry: Unit) -> User:
    return person("auditor", (Role.AUDITOR, ministry))


@pytest.fixture
def administrator(person: Callable[..., User], ministry: Unit) -> User:
    return person("administrator", (Role.ADMINISTRATOR, ministry))


@pytest.fixture
def outsider(person: Callable[..., User]) -> User:
    return person("outsider")


@pytest.fixture
def neighbour(person: Callable[..., User], department: Unit) -> User:
    return person("neighbour", (Role.PLANNER, department))


@pytest.fixture
def stranger(person: Callable[..., User]) -> User:
    return person("stranger", (Role.PLANNER, Unit.objects.create(code="OTHER", name="他部")))


@pytest.fixture
def report(plan: Plan) -> Callable[[str, int], QuarterReport]:
    """Find a quarter report: report("K1-1", 2)."""

    def find(code: str, quarter: int) -> QuarterReport:
        return QuarterReport.objects.get(indicator__code=code, quarter=quarter)

    return find


@pytest.fixture
def approve(head: User, reviewer: User) -> Callable[[QuarterReport], QuarterReport]:
    """Endorse and approve a submitted report."""

    def decide(submitted: QuarterReport) -> QuarterReport:
        endorsed = workflow.endorse(report=submitted, by=head, now=NOW)
        return workflow.approve(report=endorsed, by=reviewer, now=NOW)

    return decide


@pytest.fixture
def approved(
    report: Callable[[str, int], QuarterReport],
    planner: User,
    approve: Callable[[QuarterReport], QuarterReport],
) -> Callable[..., QuarterReport]:
    """Enter, submit, endorse and approve a quarter: approved("K1-1", 1, outbound=4, inbound=8).

    Where that is behind the planned value, behind=True adds what has to be said then.
    """

    explained: Any = {"lag_reason": "原因", "response": "對策", "improve_by": date(2010, 12, 31)}

    def make(code: str, quarter: int, *, behind: bool = False, **figures: Any) -> QuarterReport:
        found = workflow.save_draft(
            report=report(code, quarter),
            by=planner,
            now=NOW,
            figures={symbol: Decimal(str(value)) for symbol, value in figures.items()},
            check_note="已確認",
            **(explained if behind else {}),
        )
        return approve(workflow.submit(report=found, by=planner, now=NOW))

    return make


@pytest.fixture
def a_moment_later() -> Callable[[], str]:
    """Return the present moment, as addresses have it, once it is over: what follows is later."""

    def wait() -> str:
        moment = timezone.now()
        time.sleep(0.003)  # the ledger tells milliseconds apart
        return moment_text(moment)

    return wait
