"""The whole ledger: for auditors of every organisation, by filters that stand in the address."""

from datetime import date, timedelta
from decimal import Decimal
from urllib.parse import quote

import pytest
from django.utils import timezone

from indicators import workflow
from indicators.models import Indicator
from ledger import check_export
from ledger.acting import acting, record
from ledger.models import Action, Entry, Source
from mofa_kpi.tests.cast import NOW
from objectives.models import Goal, Plan, Unit, User
from objectives.roc import roc_year, taipei
from objectives.roles import Role
from objectives.tests.pages import signed_in, text
from reports.ledger_access import PAGE

from .markup import markup

ADDRESSES = [
    "/ledger/",
    "/ledger/export.csv",
    "/ledger/export.xlsx",
    "/ledger/export.jsonl",
    "/ledger/check_export.py",
]


@pytest.fixture
def auditing(auditor):
    return signed_in(auditor)


def status(client, address):
    response = client.get(address)
    if response.streaming:
        b"".join(response)  # the end of it closes the file
    return response.status_code


def found(client, query):
    """Return the entries that a query finds."""
    response = client.get(f"/ledger/?{query}")
    assert response.status_code == 200
    assert response.context["form"].is_valid(), response.context["form"].errors
    return response.context["part"].entries


# -- Who reads it ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_auditor_of_every_organisation_reads_the_ledger(auditor, address):
    assert status(signed_in(auditor), address) == 200


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("role", ["planner", "reviewer", "manager", "administrator", "neighbour", "stranger"])
def test_nobody_else_does(request, plan, address, role):
    response = signed_in(request.getfixturevalue(role)).get(address)
    assert response.status_code == 403
    assert "異動紀錄僅開放予對所有機關均具稽核權限者查閱" in text(response)


@pytest.mark.parametrize("address", ADDRESSES)
def test_someone_without_a_role_does_not(plan, outsider, address):
    assert signed_in(outsider).get(address).status_code == 403


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_auditor_of_one_organisation_or_department_does_not(plan, person, department, auditor, address):
    assert signed_in(person("inner", (Role.AUDITOR, department))).get(address).status_code == 403
    other = Unit.objects.create(code="OTHER", name="他部")
    assert signed_in(auditor).get(address).status_code == 403
    both = person("both", (Role.AUDITOR, plan.unit), (Role.AUDITOR, other))
    assert status(signed_in(both), address) == 200


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_visitor_is_asked_to_sign_in(client, plan, address):
    response = client.get(address)
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_ledger_is_only_read(auditing, address):
    for method in (auditing.post, auditing.put, auditing.delete):
        assert method(address).status_code == 405


def test_the_menu_shows_it_to_those_who_may_read_it(auditor, manager, person, department):
    assert "/ledger/" in markup(signed_in(auditor).get("/")).links
    for other in (manager, person("inner", (Role.AUDITOR, department))):
        assert "/ledger/" not in markup(signed_in(other).get("/")).links


# -- What it finds -----------------------------------------------------------------------------------------


def test_by_person_by_name_and_account(auditing, plan, planner, reviewer):
    User.objects.filter(pk=planner.pk).update(name="王曉明")
    with acting(actor=planner):
        Plan.objects.update(note="甲")
    with acting(actor=reviewer):
        Plan.objects.update(note="乙")
    for words in ("王曉明", "曉明", "planner", "PLANNER", "plan"):
        assert {entry.actor for entry in found(auditing, f"person={quote(words)}")} == {"planner"}


def test_by_a_program_and_by_somebody_who_is_no_more(auditing, plan, person):
    gone = person("gone")
    with acting(actor=gone):
        Plan.objects.update(note="甲")
    gone.delete()
    assert {entry.actor for entry in found(auditing, "person=gone")} == {"gone"}
    with acting(source=Source.COMMAND):
        Plan.objects.update(note="乙")
    program = Entry.objects.latest("seq").actor
    assert program.startswith("os:")
    assert {entry.actor for entry in found(auditing, f"person={program}")} == {program}


def test_by_day_in_taipei_by_either_calendar(auditing, plan):
    Plan.objects.update(note="今日")
    today = taipei(Entry.objects.latest("seq").moment).date()
    for day, expected in (
        (today, True),
        (today - timedelta(days=1), False),
        (today + timedelta(days=1), False),
    ):
        for words in (f"{roc_year(day)}.{day.month}.{day.day}", day.isoformat()):
            entries = found(auditing, f"kind=objectives_plan&first={words}&last={words}")
            assert bool(entries) is expected, words


def test_a_day_ends_at_midnight_in_taipei(auditing, plan):
    from reports.ledger_form import _midnight

    assert _midnight(date(2026, 5, 19)) == "2026-05-18T16:00:00.000Z"


def test_by_kind_of_object_action_and_way(auditing, plan, planner):
    with acting(actor=planner, source=Source.API):
        Goal.objects.filter(number=1).update(note="甲")
    record(Action.EXPORT, actor=planner)
    assert {entry.table for entry in found(auditing, "kind=objectives_goal")} == {"objectives_goal"}
    assert {entry.action for entry in found(auditing, "action=EXPORT")} == {"EXPORT"}
    assert {entry.source for entry in found(auditing, "way=api")} == {"api"}
    assert not found(auditing, "way=api&action=EXPORT")


def test_by_an_indicators_code_all_that_belongs_to_it(auditing, report, planner):
    workflow.save_draft(report=report("K1-1", 1), by=planner, now=NOW, figures={"outbound": Decimal(4)})
    Indicator.objects.filter(code="K1-2").update(note="另一")
    for code in ("K1-1", "k1-1"):
        entries = found(auditing, f"object={code}")
        assert {"indicators_indicator", "indicators_quarterreport", "indicators_figure"} <= {
            entry.table for entry in entries
        }
        assert "另一" not in text(auditing.get(f"/ledger/?object={code}"))


@pytest.mark.parametrize("words", ['說「他」"好"', "a\\b", "兩行", "100%_", "'; DROP TABLE"])
def test_by_any_text_in_the_data(auditing, plan, words):
    Goal.objects.filter(number=1, kind="KEY").update(note=f"前{words}後")
    Goal.objects.filter(number=2, kind="KEY").update(note="100XX 別的")
    entries = found(auditing, f"object={quote(words)}&kind=objectives_goal")
    assert [entry.new["note"] for entry in entries] == [f"前{words}後"]


def test_pages_go_back_and_forth_without_gap(auditing, plan):
    for number in range(130):
        Plan.objects.update(note=str(number))
    address, seen = "/ledger/?kind=objectives_plan", []
    while address:
        response = auditing.get(address)
        part = response.context["part"]
        assert len(part.entries) <= PAGE
        seen += [entry.seq for entry in part.entries]
        older = [link for link in markup(response).links if "before=" in link]
        address = f"/ledger/{older[0]}" if older else ""
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) >= 130
    newer = next(link for link in markup(response).links if "after=" in link)
    assert "kind=objectives_plan" in newer
    assert len(auditing.get(f"/ledger/{newer}").context["part"].entries) == PAGE


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ("first=x", "first", "請以民國年填寫日期"),
        ("first=115.13.1", "first", "請以民國年填寫日期"),
        ("first=2026-02-30", "first", "請以民國年填寫日期"),
        ("last=9999-12-31", "last", "請以民國年填寫日期"),
        ("first=0001-01-01", "first", "請以民國年填寫日期"),
        ("first=115.5.2&last=115.5.1", "last", "迄日不得早於起日"),
        ("person=nobody-at-all", "person", "查無此姓名或帳號之人員"),
        ("person=%00", "person", "null"),
        ("object=a%00b", "object", "null"),
        ("object=%1b", "object", "控制字元"),
        ("object=" + "x" * 101, "object", "100"),
        ("kind=nothing", "kind", "nothing"),
        ("action=%00", "action", ""),
        ("way=x", "way", "x"),
    ],
)
def test_what_cannot_be_read_is_said_at_the_field(auditing, plan, query, field, message):
    response = auditing.get(f"/ledger/?{query}")
    assert response.status_code == 200
    errors = response.context["form"].errors
    assert list(errors) == [field]
    assert message.lower() in str(errors[field]).lower() or message == "null"
    assert not response.context["part"].entries
    for extension in ("csv", "xlsx", "jsonl"):
        back = auditing.get(f"/ledger/export.{extension}?{query}")
        assert back.status_code == 302
        assert back["Location"].startswith("/ledger/?")


@pytest.mark.parametrize("query", ["before=x", "after=%00", "before=-1", "after=", "before=1e3", "before=²"])
def test_a_page_that_is_no_number_is_not_found(auditing, plan, query):
    assert auditing.get(f"/ledger/?{query}").status_code == 404


def test_the_utmost_days_are_days(auditing, plan):
    assert found(auditing, "first=1.1.1&last=999.12.31")
    assert not found(auditing, "first=999.1.1")
    assert not found(auditing, "last=1.1.1")


def test_the_head_and_the_verifier_are_there(auditing, plan):
    response = auditing.get("/ledger/")
    head = Entry.objects.head()
    assert f"第 {head.seq} 筆" in text(response)
    assert head.hash in text(response)
    assert "/ledger/check_export.py" in markup(response).links
    program = auditing.get("/ledger/check_export.py")
    with open(check_export.__file__, "rb") as file:
        assert program.content == file.read()
    assert program["Content-Disposition"] == 'attachment; filename="check_export.py"'


def test_the_page_keeps_to_the_policy_and_typed_text_stays_text(auditing, planner, plan):
    with acting(actor=planner, reason="<script>alert(1)</script>"):
        Plan.objects.update(note='"><img src=x onerror=alert(1)>')
    response = auditing.get("/ledger/?object=%22%3E%3Cimg")
    page = response.content.decode()
    assert len(response.context["part"].entries) == 1
    for dead in ("<script", "<img", "style=", "<style"):
        assert dead not in page
    assert "no-store" in response["Cache-Control"]


def test_the_number_of_queries_does_not_grow_with_the_entries(
    auditing, plan, django_assert_max_num_queries, django_assert_num_queries
):
    Goal.objects.filter(number=1, kind="KEY").update(note="甲")
    query = f"/ledger/?kind=objectives_goal&first={timezone.now():%Y-%m-%d}"
    with django_assert_max_num_queries(20) as few:
        auditing.get(query)
    Goal.objects.update(note="乙")
    with django_assert_num_queries(len(few)):
        auditing.get(query)
