"""Deputies: a colleague's work for some days, under one's own name."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.utils import timezone

from indicators import workflow
from ledger.models import Entry
from mofa_kpi.tests.cast import NOW
from objectives.models import Deputy, Membership, Unit, User
from objectives.people import end_deputy, name_deputy
from objectives.permissions import can
from objectives.roc import taipei
from objectives.roles import Role
from objectives.tests.pages import signed_in

SUBMIT = "indicators.submit_quarterreport"
APPROVE = "indicators.approve_quarterreport"
DAY = timedelta(days=1)
TODAY = date(2026, 8, 10)


@pytest.fixture
def today():
    """Taipei's date, for what asks the clock."""
    return taipei(timezone.now()).date()


@pytest.fixture
def name(planner, neighbour):
    """Name a deputy: of the planner, by the planner, the neighbour, unless it is said."""

    def named(first=0, last=0, *, principal=planner, deputy=neighbour, by=None, today=TODAY):
        return name_deputy(
            principal=principal,
            deputy=deputy,
            starts_on=today + first * DAY,
            ends_on=today + last * DAY,
            by=by or principal,
            today=today,
        )

    return named


def again(person):
    """The person as the next request knows them."""
    return User.objects.get(pk=person.pk)


def may_submit(person, unit):
    return can(again(person), SUBMIT, unit)


def sentences(raised):
    return "".join(raised.value.messages)


def test_the_rights_last_from_the_first_day_to_the_last_in_taipei(name, neighbour, ministry, monkeypatch):
    name(1, 2)

    def at(day, hour):
        monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 8, day, hour, tzinfo=UTC))
        return may_submit(neighbour, ministry)

    # Taipei is eight hours ahead: 11 August begins there at 16:00 of the 10th.
    assert [at(10, 15), at(10, 16), at(12, 15), at(12, 16)] == [False, True, True, False]


def test_a_deputys_deputy_gets_nothing_of_it(name, planner, neighbour, person, department, ministry, today):
    third = person("third", (Role.MANAGER, department))
    name(today=today)
    name(today=today, principal=neighbour, deputy=third)
    assert may_submit(neighbour, ministry)
    assert may_submit(third, department)
    assert not may_submit(third, ministry)


def test_neither_accounts_nor_the_ledger_pass_to_a_deputy(name, person, neighbour, ministry, today):
    principal = person(
        "many", (Role.HEAD, ministry), (Role.ADMINISTRATOR, ministry), (Role.AUDITOR, ministry)
    )
    name(today=today, principal=principal)
    assert can(again(neighbour), "indicators.endorse_quarterreport", ministry)
    assert not can(again(neighbour), "objectives.change_user")
    assert not can(again(neighbour), "ledger.view_entry")


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.ADMINISTRATOR])
def test_whose_roles_no_deputy_takes_over_names_none(name, person, ministry, role):
    with pytest.raises(ValidationError) as raised:
        name(principal=person("someone", (role, ministry)))
    assert "沒有可由代理人代理之角色" in sentences(raised)


def test_a_deputy_who_submitted_does_not_approve_in_the_principals_name(
    name, report, planner, head, reviewer, person, ministry, today
):
    deputy = person("deputy", (Role.MANAGER, ministry))
    name(today=today, deputy=deputy)
    name(today=today, principal=reviewer, deputy=deputy)
    deputy = again(deputy)
    found = workflow.save_draft(
        report=report("K1-2", 1), by=deputy, now=NOW, figures={"projects": Decimal(100)}, check_note="已確認"
    )
    found = workflow.submit(report=found, by=deputy, now=NOW)
    assert found.submitted_by == deputy
    found = workflow.endorse(report=found, by=head, now=NOW)
    assert can(deputy, APPROVE, found)
    with pytest.raises(PermissionDenied, match="填報或送審人員不得審核"):
        workflow.approve(report=found, by=deputy, now=NOW)
    assert workflow.approve(report=found, by=reviewer, now=NOW).approved_by == reviewer


def test_the_ledger_names_the_deputy_and_not_the_principal(name, report, planner, neighbour, today):
    name(today=today)
    workflow.save_draft(
        report=report("K1-2", 1), by=again(neighbour), now=NOW, figures={"projects": Decimal(100)}
    )
    entry = Entry.objects.filter(table="indicators_figure").latest("seq")
    assert entry.actor == neighbour.username


def test_naming_and_ending_are_in_the_ledger(name, planner, administrator):
    deputyship = name(1, 2, by=administrator)
    end_deputy(deputyship=deputyship, by=planner, today=TODAY)
    entries = Entry.objects.filter(table="objectives_deputy").order_by("seq")
    assert [(entry.action, entry.actor) for entry in entries] == [
        ("INSERT", "administrator"),
        ("DELETE", "planner"),
    ]


def test_a_refused_deputy_is_in_the_ledger_too(name, planner, head):
    with pytest.raises(PermissionDenied):
        name(by=head)
    assert Entry.objects.filter(action="REFUSED", actor="head", table="objectives_user").exists()


@pytest.mark.parametrize("role", [role for role in Role if role != Role.ADMINISTRATOR])
def test_colleagues_neither_name_nor_end_each_others_deputies(name, person, ministry, role):
    colleague = person("colleague", (role, ministry))
    with pytest.raises(PermissionDenied):
        name(by=colleague)
    deputyship = name()
    with pytest.raises(PermissionDenied):
        end_deputy(deputyship=deputyship, by=colleague, today=TODAY)
    assert Deputy.objects.get() == deputyship


def test_a_deputy_does_not_name_the_principals_next_one(name, neighbour, person, ministry):
    name()
    with pytest.raises(PermissionDenied):
        name(3, 4, by=again(neighbour), deputy=person("third", (Role.MANAGER, ministry)))


def test_an_administrator_names_deputies_of_their_own_people_only(name, person, department, planner):
    local = person("local", (Role.ADMINISTRATOR, department))
    with pytest.raises(PermissionDenied):
        name(by=local)
    assert name(principal=person("clerk", (Role.PLANNER, department)), deputy=planner, by=local)


def test_nobody_of_another_organisation_is_a_deputy(name, stranger, outsider):
    for person in (stranger, outsider):
        with pytest.raises(ValidationError) as raised:
            name(deputy=person)
        assert "所屬機關" in sentences(raised)
    assert not Deputy.objects.exists()


def test_who_works_in_two_organisations_needs_a_deputy_of_both(name, planner, stranger, neighbour, person):
    other = Unit.objects.get(code="OTHER")
    Membership.objects.create(user=planner, unit=other, role=Role.HEAD)
    with pytest.raises(ValidationError):
        name()
    Membership.objects.create(user=neighbour, unit=other, role=Role.MANAGER)
    assert name()


def test_a_deputy_who_leaves_the_organisation_sees_no_more_of_it(name, neighbour, ministry, today):
    name(today=today)
    assert may_submit(neighbour, ministry)
    other = Unit.objects.create(code="OTHER", name="他部")
    Membership.objects.filter(user=neighbour).update(unit=other)
    assert again(neighbour).rights.organisation == {other.pk}
    Membership.objects.filter(user=neighbour).delete()
    assert not again(neighbour).is_staff


@pytest.mark.parametrize("who", ["planner", "neighbour"])
def test_without_an_active_account_nobody_has_or_is_a_deputy(name, administrator, who):
    User.objects.filter(username=who).update(is_active=False)
    with pytest.raises(ValidationError) as raised:
        name(
            principal=User.objects.get(username="planner"),
            deputy=User.objects.get(username="neighbour"),
            by=administrator,
        )
    assert "帳號已停用" in sentences(raised)


def test_when_the_principals_account_is_closed_the_deputy_has_nothing_of_it(
    name, planner, neighbour, ministry, today
):
    name(today=today)
    User.objects.filter(pk=planner.pk).update(is_active=False)
    assert not may_submit(neighbour, ministry)


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [(-1, 1, "不得早於今日"), (2, 1, "迄日不得早於起日"), (0, -1, "迄日不得早於起日")],
)
def test_the_days_begin_today_at_the_earliest_and_are_in_order(name, first, last, words):
    with pytest.raises(ValidationError) as raised:
        name(first, last)
    assert words in sentences(raised)


def test_nobody_is_their_own_deputy(name, planner):
    with pytest.raises(ValidationError) as raised:
        name(deputy=planner)
    assert "本人" in sentences(raised)


@pytest.mark.parametrize(("first", "last"), [(0, 3), (3, 3), (4, 4), (5, 9), (0, 9)])
def test_one_deputy_at_a_time(name, person, ministry, first, last):
    name(3, 5)
    with pytest.raises(ValidationError) as raised:
        name(first, last, deputy=person("third", (Role.MANAGER, ministry)))
    assert "115 年 8 月 13 日" in sentences(raised)
    assert Deputy.objects.count() == 1


def test_the_days_before_and_after_are_free_and_other_people_too(name, head, person, ministry):
    third = person("third", (Role.MANAGER, ministry))
    name(3, 5)
    name(0, 2, deputy=third)
    name(6, 6, deputy=third)
    name(3, 5, principal=head)
    assert Deputy.objects.count() == 4


def test_ending_takes_effect_at_the_next_request(name, planner, neighbour, ministry, department, report):
    today = taipei(timezone.now()).date()
    deputyship = Deputy.objects.create(
        principal=planner, deputy=neighbour, starts_on=today - 5 * DAY, ends_on=today + 5 * DAY
    )
    address = f"/admin/indicators/quarterreport/{report('K1-1', 1).pk}/change/"
    client = signed_in(neighbour)
    assert client.get(address).status_code == 200
    end_deputy(deputyship=deputyship, by=planner, today=today)
    assert client.get(address).status_code == 404
    assert Deputy.objects.get().ends_on == today - DAY
    assert may_submit(neighbour, department)


@pytest.mark.parametrize("first", [0, 4])
def test_one_that_has_no_day_behind_it_is_deleted(name, administrator, first):
    end_deputy(deputyship=name(first, 6), by=administrator, today=TODAY)
    assert not Deputy.objects.exists()


def test_what_is_over_is_not_ended_again(name, planner):
    deputyship = name(0, 1)
    with pytest.raises(ValidationError) as raised:
        end_deputy(deputyship=deputyship, by=planner, today=TODAY + 2 * DAY)
    assert "已結束" in sentences(raised)
    assert Deputy.objects.get().ends_on == TODAY + DAY


def test_a_role_taken_from_the_principal_is_gone_for_the_deputy_too(
    name, planner, neighbour, ministry, department, today
):
    name(today=today)
    assert may_submit(neighbour, ministry)
    Membership.objects.filter(user=planner).delete()
    assert not may_submit(neighbour, ministry)
    assert may_submit(neighbour, department)


# -- Who looks after a deputy's account


@pytest.fixture
def local(person, department):
    """The administrator of the department alone."""
    return person("local", (Role.ADMINISTRATOR, department))


def looked_after_by(administrator, account):
    """Whether administrator may change the account: by both doors, and on its password's page."""
    administrator, account = again(administrator), again(account)
    page = signed_in(administrator).get(f"/admin/objectives/user/{account.pk}/password/")
    answers = {
        account in User.objects.visible_to(administrator),
        can(administrator, "objectives.change_user", account),
        page.status_code == 200,
    }
    assert len(answers) == 1
    return answers.pop()


@pytest.mark.parametrize(("first", "last"), [(0, 0), (0, 3), (30, 31)], ids=["today", "days", "to come"])
def test_a_deputys_account_is_looked_after_where_its_principal_works_too(
    name, reviewer, neighbour, local, administrator, today, first, last
):
    assert looked_after_by(local, neighbour)
    name(first, last, principal=reviewer, today=today)
    assert not looked_after_by(local, neighbour)
    assert looked_after_by(administrator, neighbour)


def test_no_password_is_set_on_the_way_to_a_principals_roles(name, reviewer, neighbour, local, today):
    name(principal=reviewer, today=today)
    password = {"password1": "another battery staple 7", "password2": "another battery staple 7"}
    signed_in(local).post(f"/admin/objectives/user/{neighbour.pk}/password/", password)
    assert not again(neighbour).check_password("another battery staple 7")


def test_an_ended_deputyship_counts_no_more(name, reviewer, neighbour, local, today):
    deputyship = name(0, 3, principal=reviewer, today=today)
    Deputy.objects.filter(pk=deputyship.pk).update(starts_on=today - 3 * DAY)
    assert not looked_after_by(local, neighbour)
    end_deputy(deputyship=deputyship, by=reviewer, today=today)
    assert looked_after_by(local, neighbour)


def test_a_principal_of_the_same_unit_changes_nothing(name, person, department, neighbour, local, today):
    name(principal=person("colleague", (Role.HEAD, department)), today=today)
    assert looked_after_by(local, neighbour)


def test_a_role_that_no_deputy_takes_over_changes_nothing(
    name, person, ministry, department, neighbour, local, today
):
    both = person("both", (Role.PLANNER, department), (Role.ADMINISTRATOR, ministry))
    name(principal=both, today=today)
    assert looked_after_by(local, neighbour)
