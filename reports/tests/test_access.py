"""Who reaches which page, and what an address may say."""

from datetime import date

import pytest
from django.test import Client
from django.urls import reverse

from indicators.models import Indicator
from objectives.models import Goal, Membership, Plan, Unit
from objectives.roles import Role
from objectives.tests.pages import signed_in, text

from .markup import asked, markup

PAGES = [
    "/", "/indicators/K1-1/", "/plan/", "/export/", "/export/attainment.csv", "/export/attainment.xlsx",
    "/export/attainment.metadata.json",
]  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_a_visitor_is_asked_to_sign_in_and_comes_back(client, plan, page):
    response = client.get(f"{page}?year=99&quarter=2")
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/?next=")
    assert "quarter%3D2" in response["Location"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("role", Role.values)
def test_every_role_may_read_every_page(plan, person, page, role):
    assert signed_in(person("someone", (Role(role), plan.unit))).get(page).status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_someone_without_a_role_is_told_whom_to_ask(plan, outsider, page):
    response = signed_in(outsider).get(page)
    assert response.status_code == 403
    assert "您的帳號尚未指派角色，請洽系統管理者。" in text(response)


@pytest.mark.parametrize("page", PAGES)
def test_another_organisations_plan_does_not_exist(plan, stranger, page):
    response = signed_in(stranger).get(f"{page}?year=99")
    assert response.status_code == 404
    assert plan.title not in text(response)


@pytest.mark.parametrize("page", PAGES)
def test_a_role_taken_away_is_gone_at_the_next_request(plan, manager, page):
    client = signed_in(manager)
    assert client.get(page).status_code == 200
    Membership.objects.all().delete()
    assert client.get(page).status_code == 403


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "query",
    [
        "year=٩٩", "year=98", "year=0", "year=-99", "year=099", "year=9.9", "year=abc", "year=",
        "year=%00", "year=²", "year=999999999999999999999",
        "quarter=9", "quarter=0", "quarter=", "quarter=１", "quarter=1%00", "quarter=1.0",
        "quarter=999999999999999999999", "basis=entered", "basis=", "basis=%00",
        "agency=NOBODY", "agency=%00", "agency=", "year=99&agency=OTHER",
    ],
)  # fmt: skip
def test_an_unknown_choice_is_not_found_and_says_what_is_wrong(managing, plan, page, query):
    response = managing.get(f"{page}?{query}")
    assert response.status_code == 404
    words = text(response)
    assert "找不到頁面" in words
    assert "Http404" not in words
    assert any(part in words for part in ("網址中", "網址指定", "查無"))


@pytest.mark.parametrize("code", ["K9-9", "k1-1", "K1-1%00", "%00", "x", "K1-1'", "K1-1 ", "%FF"])
def test_an_unknown_indicator_is_not_found(managing, plan, code):
    response = managing.get(f"/indicators/{code}/")
    assert response.status_code == 404
    assert "99 年度計畫沒有此代碼之指標" in text(response)


def test_an_unknown_format_or_page_is_not_found(managing, plan):
    assert "不提供此種檔案格式" in text(managing.get("/export/attainment.pdf"))
    for address in ("/export/attainment.csv/", "/nothing/", "/%00"):
        response = managing.get(address)
        assert response.status_code == 404
        assert "此頁面不存在，或不對您開放" in text(response)


@pytest.mark.parametrize("page", PAGES)
def test_pages_only_read(managing, plan, page):
    for method in (managing.post, managing.put, managing.delete, managing.patch):
        assert method(page).status_code == 405
    # To fetch a file, not to ask about one, is written down.
    assert managing.head(page).status_code == (405 if page.startswith("/export/attainment") else 200)


@pytest.mark.parametrize("page", [*PAGES, "/accounts/login/", "/nothing/"])
def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere(managing, plan, page):
    response = managing.get(page)
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    if response["Content-Type"].startswith("text/html"):
        content = response.content.decode()
        assert "<script" not in content
        assert "style=" not in content
        assert "<style" not in content


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_kept_in_a_cache(managing, plan, page):
    assert "no-store" in managing.get(page)["Cache-Control"]
    assert "private" in managing.get(page)["Cache-Control"]


def test_two_agencies_stand_side_by_side_only_for_those_who_have_a_role_in_both(plan, person):
    other = Unit.objects.create(code="OTHER", name="他部")
    theirs = Plan.objects.create(unit=other, year=99, title="他部計畫")
    Plan.objects.create(unit=other, year=98, title="他部去年計畫")
    goal = Goal.objects.create(
        plan=theirs, kind="KEY", number=1, title="目標", outline_number=1, outline_title="目標"
    )
    Indicator.objects.create(
        goal=goal, code="Z1-1", number=1, title="他部指標", scheme=1, method="統計數據", standard="次數",
        target=1, unit="次", formula="a", lead_unit=other,
    )  # fmt: skip
    one = signed_in(person("one", (Role.MANAGER, plan.unit)))
    both = signed_in(person("both", (Role.MANAGER, plan.unit), (Role.MANAGER, other)))
    assert all("agency" not in asked(link) for link in markup(one.get("/")).links)
    assert one.get("/?agency=OTHER").status_code == 404
    assert one.get("/indicators/Z1-1/").status_code == 404

    response = both.get("/?year=99&quarter=1&agency=OTHER")
    assert "他部計畫" in text(response)
    page = markup(response)
    assert "/indicators/Z1-1/?year=99&quarter=1&agency=OTHER" in page.links
    assert "?year=98&quarter=1&agency=OTHER" in page.links
    assert "?year=99&quarter=1&agency=MOFA" in page.links
    assert "?year=98&quarter=1&agency=MOFA" not in page.links
    assert both.get("/indicators/Z1-1/?year=99&agency=MOFA").status_code == 404
    assert plan.title in text(both.get("/?year=99&agency=MOFA"))


def test_the_menu_offers_what_the_role_is_for(plan, planner, reviewer, manager, outsider):
    reports, admin = reverse("my_work"), reverse("admin:index")
    assert reports in markup(signed_in(planner).get("/plan/")).links
    assert reports in markup(signed_in(reviewer).get("/plan/")).links
    links = markup(signed_in(manager).get("/plan/")).links
    assert admin in links
    assert reports not in links
    assert admin not in markup(signed_in(outsider).get("/plan/")).links
    words = text(signed_in(planner).get("/"))
    assert "我的填報" in words
    assert "承辦人" in words


def test_signing_in_leads_back_and_signing_out_needs_a_post(client, plan, manager):
    page = client.get("/accounts/login/?next=/plan/")
    assert 'name="next" value="/plan/"' in page.content.decode()
    response = client.post(
        "/accounts/login/?next=/plan/",
        {"username": "manager", "password": "correct horse battery staple 9", "next": "/plan/"},
    )
    assert response["Location"] == "/plan/"
    assert client.get("/accounts/logout/").status_code == 405
    assert client.post("/accounts/logout/").status_code == 302
    assert client.get("/").status_code == 302


def test_a_wrong_password_is_answered_in_words(client, manager):
    response = client.post("/accounts/login/", {"username": "manager", "password": "wrong"})
    assert response.status_code == 200
    assert 'role="alert"' in response.content.decode()


def test_a_password_can_be_changed(plan, manager):
    client = signed_in(manager)
    old, new = "correct horse battery staple 9", "another horse, another staple 8"
    assert client.get("/accounts/password/").status_code == 200
    response = client.post(
        "/accounts/password/", {"old_password": old, "new_password1": new, "new_password2": new}, follow=True
    )
    assert "密碼已變更" in text(response)
    assert Client().login(username="manager", password=new)


def test_the_language_is_switched_by_a_post_and_kept(managing, plan):
    assert '<html lang="zh-hant">' in managing.get("/").content.decode()
    response = managing.post("/i18n/setlang/", {"language": "en", "next": "/?year=99&quarter=2"})
    assert response["Location"] == "/?year=99&quarter=2"
    content = managing.get("/?year=99&quarter=2").content.decode()
    assert '<html lang="en">' in content
    assert "Mean attainment" in content


def test_an_expired_form_is_explained(plan, manager):
    client = Client(enforce_csrf_checks=True)
    client.force_login(manager)
    response = client.post("/accounts/logout/")
    assert response.status_code == 403
    assert "表單已逾時" in text(response)


def test_a_bad_host_and_a_broken_server_are_answered_in_the_sites_style(client, plan, monkeypatch):
    response = client.get("/accounts/login/", headers={"host": "elsewhere.test"})
    assert response.status_code == 400
    assert "無法辨識您的要求" in text(response)

    def broken(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr("django.contrib.auth.views.LoginView.get", broken)
    client.raise_request_exception = False
    response = client.get("/accounts/login/")
    assert response.status_code == 500
    assert "系統暫時無法處理" in text(response)


def test_a_ministry_without_a_plan_says_so(person):
    empty = Unit.objects.create(code="EMPTY", name="新機關")
    response = signed_in(person("early", (Role.ADMINISTRATOR, empty))).get("/")
    assert response.status_code == 404
    assert "目前尚無年度計畫" in text(response)


def test_dates_are_by_the_roc_calendar(managing, plan):
    Plan.objects.update(adopted_on=date(2010, 3, 31), adopted_number="號")
    assert "99 年 3 月 31 日" in text(managing.get("/plan/"))
    assert "2010" not in text(managing.get("/"))
