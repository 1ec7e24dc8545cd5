"""A row in every audited table, a place to write to, and a way to see what was recorded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.utils import translation

from ledger.audited import tables
from ledger.models import Entry
from ledger.triggers import dialect


@pytest.fixture
def everything(
    plan: Any,
    report: Callable[[str, int], Any],
    planner: Any,
    manager: Any,
    auditor: Any,
    department: Any,
    now: datetime,
) -> None:
    """At least one row in every audited table, the last report still open; the ledger's triggers alone."""
    workflow = import_module("indicators.workflow")
    found = report("K1-1", 1)
    figures = {"outbound": Decimal(4), "inbound": Decimal(8)}
    found = workflow.save_draft(report=found, by=planner, now=now, figures=figures)
    found = workflow.submit(report=found, by=planner, now=now)
    found = workflow.withdraw(report=found, by=planner, now=now)
    group = apps.get_model("auth.Group").objects.create(name="a group")
    group.permissions.add(apps.get_model("auth.Permission").objects.earliest("pk"))
    indicator = apps.get_model("indicators.Indicator").objects.earliest("pk")
    apps.get_model("indicators.PlannedValue").objects.create(indicator=indicator, quarter=1, value=7)
    indicator.contributing_units.add(department)
    by_planner = {"added_by": planner, "added_at": now}
    apps.get_model("indicators.Evidence").objects.create(report=found, document_number="1", **by_planner)
    item = apps.get_model("objectives.WorkItem").objects.earliest("pk")
    apps.get_model("indicators.ItemProgress").objects.create(
        item=item, quarter=1, text="x", changed_by=planner, changed_at=now
    )
    apps.get_model("indicators.TargetRevision").objects.create(
        indicator=indicator, from_quarter=2, target=60, old_target=55, old_formula=indicator.formula,
        reason="x", authority="x", decided_on=now.date(), number="1", proposed_by=planner, proposed_at=now,
    )  # fmt: skip
    apps.get_model("indicators.ImportBatch").objects.create(
        kind="FIGURES", state="CHECKED", unit=department, name="x.csv", size=1, sha256="0",
        uploaded_by=planner, uploaded_at=now,
    )  # fmt: skip
    period = plan.periods.get(quarter=3)  # the last one can be deleted
    period.closed_at, period.closed_by = now, planner
    period.save()
    apps.get_model("indicators.Reopening").objects.create(
        period=period, unit=department, until=now + timedelta(days=1), reason="x", by=planner, at=now
    )
    apps.get_model("objectives.Deputy").objects.create(
        principal=planner, deputy=manager, starts_on=now.date(), ends_on=now.date()
    )
    publication = apps.get_model("reports.Publication").objects.create(
        plan=plan, quarter=1, version=1, number="x", as_of=now, head_seq=1, head_hash="0",
        published_by=planner, published_at=now,
    )  # fmt: skip
    apps.get_model("reports.PublishedFile").objects.create(
        publication=publication, format="pdf", name="x.pdf", size=1, sha256="0", content=b"x"
    )
    connection.check_constraints()  # PostgreSQL drops no trigger while a check is to come
    with connection.cursor() as cursor:
        import_module("indicators.locks").uninstall(cursor)  # they refuse what is done to rows here


@pytest.fixture
def written() -> Callable[[], Any]:
    """Gather what a block writes: `with written() as entries`, filled when the block ends."""

    @contextmanager
    def gather() -> Iterator[list[Entry]]:
        head = Entry.objects.order_by("-seq").values_list("seq", flat=True)[0]
        found: list[Entry] = []
        yield found
        found += Entry.objects.filter(seq__gt=head).order_by("seq")

    return gather


@pytest.fixture
def row() -> Callable[..., dict[str, Any]]:
    """Read a row as an image should have it: row(table, key)."""

    def read(name: str, key: Any) -> dict[str, Any]:
        [table] = [table for table in tables() if table.name == name]
        columns = ", ".join(f'CAST("{column}" AS text)' for column in table.columns)
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT {columns} FROM "{name}" WHERE "{table.key}" = %s', [key])
            return {
                column: _moment(value) for column, value in zip(table.columns, cursor.fetchone(), strict=True)
            }

    return read


def as_text(image: str | None) -> dict[str, Any] | None:
    """Read an image with its values as the database writes them as text."""
    if image is None:
        return None
    found = json.loads(image, parse_float=str, parse_int=str)
    return {column: _moment(_word(value)) for column, value in found.items()}


def _word(value: Any) -> Any:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else value


def _moment(value: Any) -> Any:
    """PostgreSQL writes a moment with a T in JSON and with a space as text."""
    try:
        return datetime.fromisoformat(value) if value and len(value) > 18 else value
    except ValueError:
        return value


@pytest.fixture
def english() -> Iterator[None]:
    """Let messages be in English."""
    with translation.override("en"):
        yield


@pytest.fixture
def unseen(db: None) -> Callable[..., None]:
    """Do what the database's owner can: take the triggers out, run statements, put the triggers back."""

    def run(*statements: str) -> None:
        connection.check_constraints()  # PostgreSQL drops no trigger while a check is to come
        with connection.cursor() as cursor:
            dialect().uninstall(cursor)
            for statement in statements:
                cursor.execute(statement)
            dialect().install(cursor, list(tables()))

    return run
