"""A late edit is refused on every path, and is told who closed the quarter, when and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from indicators import workflow
from indicators.models import Figure, ItemProgress, QuarterReport
from ledger.models import Entry
from objectives.models import Plan, WorkItem
from objectives.roc import roc_moment
from objectives.tests.pages import change_url, filled, signed_in, text

REASON = "填報期間已結束"


@pytest.fixture
def reports(report, planner, approved, head, now) -> dict[str, QuarterReport]:
    """One report of the first quarter in each status."""
    figures = {"projects": Decimal(92)}
    draft = workflow.save_draft(report=report("K1-2", 1), by=planner, now=now, figures=figures)
    found = {"draft": draft, "approved": approved("K1-1", 1, outbound=4, inbound=8)}
    for name, code in (("submitted", "K2-2"), ("endorsed", "K8-1")):
        [variable] = report(code, 1).indicator.variables.all()
        values = {variable.symbol: Decimal(3)}
        saved = workflow.save_draft(report=report(code, 1), by=planner, now=now, figures=values)
        found[name] = workflow.submit(report=saved, by=planner, now=now)
    found["endorsed"] = workflow.endorse(report=found["endorsed"], by=head, now=now)
    return found


@pytest.fixture
def closed(plan, administrator, reports) -> str:
    """Close the first quarter, and return the words that everybody is to read."""
    period = plan.periods.get(quarter=1)
    now = timezone.now()
    workflow.close_period(period=period, by=administrator, now=now, reason=REASON)
    return f"administrator於 {roc_moment(now)}"


def rows() -> list[Any]:
    return [
        *QuarterReport.objects.order_by("pk").values(),
        *Figure.objects.order_by("pk").values(),
        *ItemProgress.objects.order_by("pk").values(),
    ]


LATE: dict[str, Callable[..., Any]] = {
    "save": lambda reports, people: workflow.save_draft(
        report=reports["draft"], figures={"projects": Decimal(93)}, **people("planner")
    ),
    "clear": lambda reports, people: workflow.save_draft(
        report=reports["draft"], figures={"projects": None}, **people("planner")
    ),
    "text": lambda reports, people: workflow.save_draft(
        report=reports["draft"], figures={}, remark="晚了", **people("planner")
    ),
    "submit": lambda reports, people: workflow.submit(report=reports["draft"], **people("planner")),
    "withdraw": lambda reports, people: workflow.withdraw(report=reports["submitted"], **people("planner")),
    "endorse": lambda reports, people: workflow.endorse(report=reports["submitted"], **people("head")),
    "approve": lambda reports, people: workflow.approve(report=reports["endorsed"], **people("reviewer")),
    "return": lambda reports, people: workflow.return_for_correction(
        report=reports["endorsed"], reason="x", **people("reviewer")
    ),
    "reopen": lambda reports, people: workflow.reopen(
        report=reports["approved"], reason="x", **people("reviewer")
    ),
    "progress": lambda reports, people: workflow.save_progress(
        item=WorkItem.objects.earliest("pk"), quarter=1, text="晚了", **people("planner")
    ),
}


@pytest.fixture
def people(request) -> Callable[[str], dict[str, Any]]:
    return lambda name: {"by": request.getfixturevalue(name), "now": timezone.now()}


@pytest.mark.parametrize("late", LATE.values(), ids=LATE)
def test_every_verb_refuses_and_says_who_closed_it_and_when(reports, closed, people, late):
    before = rows()
    with pytest.raises(workflow.Closed) as refusal:
        late(reports, people)
    [words] = refusal.value.messages
    assert closed in words
    assert REASON in words
    assert rows() == before


@pytest.mark.parametrize("late", LATE.values(), ids=LATE)
def test_every_verb_goes_on_while_the_unit_is_reopened_and_stops_by_itself(
    plan, reports, closed, administrator, ministry, people, late
):
    now = timezone.now()
    workflow.reopen_period(
        period=plan.periods.get(quarter=1), unit=ministry, until=now + timedelta(minutes=5), reason="更正",
        by=administrator, now=now,
    )  # fmt: skip
    with pytest.raises(workflow.Closed):
        late(reports, lambda name: people(name) | {"now": now + timedelta(minutes=6)})
    late(reports, people)


def test_approving_many_refuses_all_of_them(reports, closed, reviewer):
    before = rows()
    pairs = [(reports["endorsed"], reports["endorsed"].version)]
    with pytest.raises(workflow.Refusal) as refusal:
        workflow.approve_all(reports=pairs, by=reviewer, now=timezone.now())
    assert closed in " ".join(refusal.value.messages)
    assert rows() == before


@pytest.mark.parametrize("action", ["save", "submit"])
def test_the_reports_page_refuses_and_keeps_what_was_typed(reports, closed, planner, action):
    client, before = signed_in(planner), rows()
    address = change_url(reports["draft"])
    data = filled(client.get(address)) | {"version": reports["draft"].version, "action": action}
    page = client.post(address, data | {"remark": "晚了一天"})
    assert page.status_code == 200
    assert closed in text(page)
    assert "晚了一天" in page.content.decode()
    assert rows() == before


def test_the_reports_page_decides_nothing(reports, closed, reviewer):
    client, before = signed_in(reviewer), rows()
    data = {"action": "return", "reason": "x", "version": reports["endorsed"].version}
    page = client.post(change_url(reports["endorsed"]), data)
    assert closed in text(page)
    assert rows() == before


@pytest.mark.parametrize("flags", [[], ["--submit"], ["--dry-run"]])
def test_an_import_is_refused_whole(reports, closed, planner, tmp_path: Path, flags):
    file, before = tmp_path / "figures.csv", rows()
    lines = [
        "年度,季別,指標代碼,填報項目,數值,備註",
        "99,2,K1-2,執行中計畫數,95,",
        "99,1,K1-2,執行中計畫數,93,",
    ]
    name = reports["draft"].indicator.variables.get().name
    file.write_text("\n".join(lines).replace("執行中計畫數", name), encoding="utf-8")
    with pytest.raises(CommandError) as refusal:
        call_command("import_figures", str(file), "--as", planner.username, *flags)
    assert closed in str(refusal.value)
    assert rows() == before


def test_another_quarter_stays_open(reports, closed, report, planner):
    figures = {"projects": Decimal(95)}
    workflow.save_draft(report=report("K1-2", 2), by=planner, now=timezone.now(), figures=figures)


def test_a_closed_year_refuses_everything_and_says_so(plan, reports, people, administrator):
    moment = timezone.now()
    Plan.objects.update(closed_at=moment, closed_by=administrator)
    for name in LATE:
        with pytest.raises(workflow.Closed) as refusal:
            LATE[name](reports, people)
        assert roc_moment(moment) in " ".join(refusal.value.messages)
        assert "administrator" in " ".join(refusal.value.messages)


def test_what_was_refused_is_in_the_ledger(reports, closed, planner):
    with pytest.raises(workflow.Closed):
        workflow.submit(report=reports["draft"], by=planner, now=timezone.now())
    entry = Entry.objects.latest("seq")
    assert (entry.action, entry.actor, entry.key) == ("REFUSED", "planner", str(reports["draft"].pk))
    assert closed in entry.reason
