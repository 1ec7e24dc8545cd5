"""The page of one's deputies, and the page that shows who may do what."""

import re
from datetime import date, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from objectives.models import Deputy, Membership, Unit, User
from objectives.roc import roc_date, roc_year, taipei
from objectives.roles import ALL_PERMISSIONS, DEPUTISED, PERMISSIONS, READABLE_BY_ALL_ROLES, Role
from objectives.tests.pages import signed_in, text
from reports.people_pages import WORDS

from .markup import markup

PAGES = ["/deputies/", "/people/"]
DAY = timedelta(days=1)


@pytest.fixture
def today() -> date:
    return taipei(timezone.now()).date()


@pytest.fixture
def deputyship(planner, neighbour, today):
    """The neighbour deputises for the planner, since yesterday."""
    return Deputy.objects.create(
        principal=planner, deputy=neighbour, starts_on=today - DAY, ends_on=today + 3 * DAY
    )


def written(day):
    return f"{roc_year(day)}.{day.month}.{day.day}"


def post(user, deputy, first, last, **data):
    data = {"deputy": deputy.pk, "starts_on": written(first), "ends_on": written(last), **data}
    return signed_in(user).post("/deputies/", data, follow=True)


def end(user, deputyship):
    return signed_in(user).post(f"/deputies/{deputyship.pk}/end/", follow=True)


def offered(response, name):
    """The names among which a select of the page's form lets people choose."""
    return {field.username for field in response.context["form"].fields[name].queryset}


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("role", Role)
def test_every_role_reads_both_pages(plan, person, page, role):
    assert signed_in(person("someone", (role, plan.unit))).get(page).status_code == 200


@pytest.mark.parametrize("page", [*PAGES, "/deputies/1/end/"])
def test_without_a_role_there_is_nothing_and_without_an_account_the_sign_in(plan, outsider, page):
    method = "post" if page.endswith("end/") else "get"
    assert getattr(signed_in(outsider), method)(page).status_code == 403
    response = getattr(Client(), method)(page)
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/?next=")


def test_reading_changes_nothing(planner, deputyship):
    client = signed_in(planner)
    assert client.get(f"/deputies/{deputyship.pk}/end/").status_code == 405
    assert client.post("/people/").status_code == 405
    assert Deputy.objects.get() == deputyship


def test_what_is_posted_needs_the_pages_token(planner, deputyship):
    client = Client(enforce_csrf_checks=True)
    client.force_login(planner)
    for address in ("/deputies/", f"/deputies/{deputyship.pk}/end/"):
        assert client.post(address).status_code == 403


def test_a_person_names_a_deputy_who_can_then_work(planner, neighbour, report, today):
    response = post(planner, neighbour, today, today + 2 * DAY)
    assert "已設定「neighbour代理planner」。" in text(response)
    named = Deputy.objects.get()
    assert (named.principal, named.deputy) == (planner, neighbour)
    assert (named.starts_on, named.ends_on) == (today, today + 2 * DAY)
    address = f"/admin/indicators/quarterreport/{report('K1-1', 1).pk}/change/"
    assert signed_in(neighbour).get(address).status_code == 200


def test_the_deputy_sees_for_whom_and_until_when_and_cannot_end_it(neighbour, deputyship):
    response = signed_in(neighbour).get("/deputies/")
    assert f"{roc_date(deputyship.starts_on)}至{roc_date(deputyship.ends_on)}" in text(response)
    assert f"/deputies/{deputyship.pk}/end/" not in response.content.decode()
    assert end(neighbour, deputyship).status_code == 403
    assert Deputy.objects.get().ends_on == deputyship.ends_on


def test_the_account_menu_says_for_whom_one_deputises_now(neighbour, planner, plan, deputyship, today):
    words = f"您目前代理：planner，至{roc_date(deputyship.ends_on)}"
    assert words in text(signed_in(neighbour).get("/plan/"))
    assert "您目前代理" not in text(signed_in(planner).get("/plan/"))
    Deputy.objects.update(starts_on=today + DAY)
    assert "您目前代理" not in text(signed_in(neighbour).get("/plan/"))


def test_a_person_ends_a_deputyship_at_once(planner, neighbour, deputyship, report, today):
    assert f"/deputies/{deputyship.pk}/end/" in signed_in(planner).get("/deputies/").content.decode()
    assert "已終止" in text(end(planner, deputyship))
    assert Deputy.objects.get().ends_on == today - DAY
    assert "已結束" in text(end(planner, deputyship))


def test_what_is_over_is_no_longer_listed(planner, neighbour, today):
    Deputy.objects.create(principal=planner, deputy=neighbour, starts_on=today - 9 * DAY, ends_on=today - DAY)
    assert not markup(signed_in(planner).get("/deputies/")).rows


@pytest.mark.parametrize("who", ["stranger", "head", "reviewer"])
def test_other_peoples_deputyships_do_not_exist(request, deputyship, who):
    user = request.getfixturevalue(who)
    assert "neighbour代理" not in text(signed_in(user).get("/deputies/"))
    assert end(user, deputyship).status_code == 404


def test_the_choice_is_of_active_colleagues_by_name_and_unit(planner, neighbour, stranger, outsider, head):
    User.objects.filter(pk=head.pk).update(is_active=False)
    Membership.objects.create(user=neighbour, unit=stranger.memberships.get().unit, role=Role.HEAD)
    response = signed_in(planner).get("/deputies/")
    assert offered(response, "deputy") == {"neighbour"}
    assert "neighbour（亞東太平洋司）" in text(response)


@pytest.mark.parametrize("who", ["stranger", "outsider", "planner"])
def test_a_forged_choice_is_refused(request, planner, today, who):
    response = post(planner, request.getfixturevalue(who), today, today)
    assert response.status_code == 200
    assert "選" in text(response)
    assert not Deputy.objects.exists()


def test_a_forged_principal_is_of_no_effect(planner, neighbour, head, today):
    post(planner, neighbour, today, today, principal=head.pk)
    assert Deputy.objects.get().principal == planner


def test_the_form_says_what_is_wrong_and_keeps_what_was_typed(planner, neighbour, today):
    response = post(planner, neighbour, today - DAY, today)
    assert "代理期間不得早於今日開始。" in text(response)
    assert f'value="{written(today - DAY)}"' in response.content.decode()
    assert "如 98.12.31" in text(post(planner, neighbour, today, today, starts_on="2026-08-01"))
    assert not Deputy.objects.exists()


def test_an_administrator_names_and_ends_their_peoples_deputies(administrator, planner, neighbour, today):
    response = signed_in(administrator).get("/deputies/")
    assert offered(response, "principal") == {"planner", "neighbour"}
    post(administrator, neighbour, today, today, principal=planner.pk)
    named = Deputy.objects.get()
    assert (named.principal, named.deputy) == (planner, neighbour)
    assert "neighbour" in text(signed_in(administrator).get("/deputies/"))
    end(administrator, named)
    assert not Deputy.objects.exists()


def test_an_administrator_does_not_reach_people_elsewhere(administrator, planner, stranger, today):
    post(administrator, planner, today, today, principal=stranger.pk)
    assert not Deputy.objects.exists()


def test_an_administrators_choice_begins_with_themselves(person, ministry, neighbour):
    both = person("both", (Role.ADMINISTRATOR, ministry), (Role.REVIEWER, ministry))
    page = signed_in(both).get("/deputies/").content.decode()
    assert f'<option value="{both.pk}" selected>' in page


def test_an_auditor_has_nothing_to_name_a_deputy_for(auditor, neighbour, today):
    assert "不得代理" in text(signed_in(auditor).get("/deputies/"))
    post(auditor, neighbour, today, today)
    assert not Deputy.objects.exists()


# -- Who may do what ---------------------------------------------------------------------------------------


def test_people_stand_by_unit_and_role(planner, neighbour, reviewer, manager):
    rows = markup(signed_in(manager).get("/people/")).rows
    assert next(row for row in rows if row.startswith("外交部")) == "外交部 planner － reviewer manager － －"
    assert next(row for row in rows if row.startswith("亞東太平洋司")).startswith(
        "亞東太平洋司外交部 neighbour －"
    )


def test_deputies_are_marked_with_their_days_where_the_role_passes_to_them(
    deputyship, planner, ministry, manager
):
    Membership.objects.create(user=planner, unit=ministry, role=Role.AUDITOR)
    days = f"{roc_date(deputyship.starts_on)}至{roc_date(deputyship.ends_on)}"
    words = text(signed_in(manager).get("/people/"))
    assert words.count(days) == 1


def test_deputies_without_effect_are_left_out(deputyship, neighbour, manager, today):
    days = roc_date(deputyship.starts_on)
    User.objects.filter(pk=neighbour.pk).update(is_active=False)
    assert days not in text(signed_in(manager).get("/people/"))
    User.objects.filter(pk=neighbour.pk).update(is_active=True)
    assert days in text(signed_in(manager).get("/people/"))
    Deputy.objects.update(starts_on=today - 2 * DAY, ends_on=today - DAY)
    assert roc_date(today - DAY) not in text(signed_in(manager).get("/people/"))


def test_a_closed_account_may_do_nothing(planner, manager):
    User.objects.filter(pk=planner.pk).update(is_active=False)
    assert "planner" not in text(signed_in(manager).get("/people/"))


def test_a_unit_stands_above_those_below_it(manager, ministry):
    order = ["外交部", "甲司", "甲科", "乙司"]
    below = Unit.objects.create(code="A", name="甲司", parent=ministry)
    Unit.objects.create(code="0", name="甲科", parent=below)
    Unit.objects.create(code="B", name="乙司", parent=ministry)
    page = signed_in(manager).get("/people/").content.decode()
    names = re.findall(r'<th scope="row" lang="zh-Hant">([^<]+)<', page)
    assert [name for name in names if name in order] == order


def test_each_organisation_sees_its_own_people(planner, neighbour, stranger):
    ours, theirs = (text(signed_in(user).get("/people/")) for user in (planner, stranger))
    assert "neighbour" in ours
    assert "stranger" not in ours
    assert "他部" not in ours
    assert "stranger" in theirs
    assert "planner" not in theirs
    assert "亞東太平洋司" not in theirs


@pytest.mark.parametrize("page", PAGES)
def test_more_people_ask_no_more_of_the_database(
    manager, administrator, person, ministry, today, django_assert_max_num_queries, page
):
    client = signed_in(administrator)

    def queries():
        with django_assert_max_num_queries(30) as asked:
            client.get(page)
        return len(asked)

    def more(number):
        unit = Unit.objects.create(code=f"U{number}", name=f"單位{number}", parent=ministry)
        someone = person(f"p{number}", (Role.PLANNER, unit))
        Deputy.objects.create(principal=someone, deputy=manager, starts_on=today, ends_on=today + DAY)

    more(0)
    client.get(page)  # what a process looks up once is not counted
    few = queries()
    for number in range(1, 6):
        more(number)
    assert queries() == few


def test_every_permission_has_words_and_every_word_a_permission():
    assert WORDS.keys() == ALL_PERMISSIONS


@pytest.mark.parametrize("role", Role)
def test_the_words_say_of_a_role_neither_more_nor_less_than_it_may(role):
    """Permissions that share their words are held together or not at all."""
    held = PERMISSIONS[role] - READABLE_BY_ALL_ROLES
    said = {WORDS[permission] for permission in held}
    assert {name for name, words in WORDS.items() if words in said} == held


def test_the_page_says_what_each_role_allows(manager):
    rows = markup(signed_in(manager).get("/people/")).rows
    reviewer = next(row for row in rows if row.startswith("研考人員"))
    assert "審核通過季填報" in reviewer
    assert "核章" not in reviewer
    assert sum("得由代理人代理" in row for row in rows) == len(DEPUTISED)


def test_the_menus_lead_there(manager, administrator):
    links = markup(signed_in(manager).get("/plan/", follow=True)).links
    assert {"/people/", "/deputies/"} <= set(links)
    admin = markup(signed_in(administrator).get("/admin/")).links
    assert {"/people/", "/deputies/"} <= set(admin)
    assert "/people/" not in markup(signed_in(manager).get("/admin/")).links
