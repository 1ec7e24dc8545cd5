"""What was typed before a sign-out is carried through the sign-in page and can be sent on."""

from html import unescape
from html.parser import HTMLParser
from random import Random

import pytest
from django.test import Client

from indicators.models import QuarterReport, Status
from objectives.tests.pages import change_url, signed_in, text

PASSWORD = "open sesame, please"
REMARK = '第一行\r\n第二行 "<b>" & \''


class Inputs(HTMLParser):
    """The inputs of a page, name and value, and where its stacked form goes."""

    def __init__(self, page):
        super().__init__()
        self.found, self.to, self.inside = [], "", False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "form":
            self.inside = given.get("class") == "stacked"
            self.to = given.get("action", "") if self.inside else self.to
        if tag == "input" and self.inside and given.get("name") != "csrfmiddlewaretoken":
            self.found.append((given["name"], given.get("value", "")))


@pytest.fixture
def draft(report, planner):
    planner.set_password(PASSWORD)
    planner.save()
    return report("K1-1", 1)


@pytest.fixture
def browser():
    """A browser whose person was signed out meanwhile."""
    return Client(headers={"accept": "text/html,application/xhtml+xml"})


def typed(report):
    return {
        "action": "save",
        "version": report.version,
        "figure_outbound": "4",
        "figure_inbound": "８",
        "remark": REMARK,
        "not_applicable_reason": "",
    }


def inputs(response):
    return Inputs(response.content.decode())


def sign_in(browser, page, password=PASSWORD):
    data = dict(inputs(page).found) | {"username": "planner", "password": password}
    return browser.post(inputs(page).to, data)


def test_what_was_typed_before_the_sign_out_is_sent_on_after_the_sign_in(browser, draft):
    refused = browser.post(change_url(draft), typed(draft))
    assert refused.status_code == 200
    assert "尚未儲存" in text(refused)
    assert QuarterReport.objects.get(pk=draft.pk).version == draft.version

    wrong = sign_in(browser, refused, "not this")
    assert "尚未儲存" in text(wrong)
    asked = sign_in(browser, wrong)
    assert QuarterReport.objects.get(pk=draft.pk).version == draft.version
    assert "planner" in text(asked)
    assert "第一行 第二行" in text(asked)
    page = inputs(asked)
    assert page.to == change_url(draft)
    assert dict(page.found) == typed(draft) | {"version": str(draft.version)}

    assert browser.post(page.to, dict(page.found)).status_code == 302
    saved = QuarterReport.objects.get(pk=draft.pk)
    assert saved.remark.replace("\r\n", "\n") == REMARK.replace("\r\n", "\n")
    assert {figure.variable.symbol: figure.value for figure in saved.figures.all()} == {
        "outbound": 4,
        "inbound": 8,
    }


def test_the_worksheet_is_carried_too(browser, draft):
    sheet = "/worksheet/99/1/MOFA/?scope=own"
    asked = sign_in(browser, browser.post(sheet, {"action": "save", "cell": ["1", "2"], "state": "{}"}))
    assert inputs(asked).to == sheet
    assert inputs(asked).found == [("action", "save"), ("cell", "1"), ("cell", "2"), ("state", "{}")]
    assert asked.context["typed"] == [("cell", "1"), ("cell", "2")]


def test_what_nobody_typed_is_not_shown(browser, draft):
    data = typed(draft) | {"remark": "原有", "initial-remark": "原有", "initial-figure_outbound": "3"}
    asked = sign_in(browser, browser.post(change_url(draft), data))
    assert asked.context["typed"] == [("figure_outbound", "4"), ("figure_inbound", "８")]
    assert ("initial-remark", "原有") in inputs(asked).found


def test_a_plans_own_page_is_carried_too(browser, draft):
    page = change_url(draft.indicator)
    asked = sign_in(browser, browser.post(page, {"title": "新名稱", "_shown": "x", "_spread": "y"}))
    assert inputs(asked).to == page
    assert inputs(asked).found == [("title", "新名稱"), ("_shown", "x")]


@pytest.mark.parametrize("action", ["submit", "save"])
def test_a_submission_is_carried_as_a_draft(browser, draft, action):
    asked = sign_in(browser, browser.post(change_url(draft), typed(draft) | {"action": action}))
    page = inputs(asked)
    assert ("action", "save") in page.found
    browser.post(page.to, dict(page.found))
    assert QuarterReport.objects.get(pk=draft.pk).status == Status.DRAFT
    sheet = "/worksheet/99/1/MOFA/"
    browser.logout()
    asked = browser.post(sheet, {"action": "submit-all", "cell": "1"})
    assert ("action", "save") in inputs(sign_in(browser, asked)).found


def test_a_decision_is_never_carried(browser, draft, planner):
    decisions: dict[str, list[str | None]] = {
        change_url(draft): ["approve", "endorse", "return", "reopen", "withdraw", "follow_up"],
        f"/approve/{draft.pk}/": ["approve", "return", None],
        f"/evidence/{draft.pk}/remove/": [None],
        "/admin/indicators/quarterreport/": ["approve"],
        "/admin/indicators/indicator/": ["delete_selected"],
        f"/admin/indicators/indicator/{draft.indicator_id}/delete/": [None],
        change_url(planner): [None],
        "/deputies/": [None],
    }
    for page, actions in decisions.items():
        for action in actions:
            data = {"reason": "理由", "version": "1", "post": "yes"} | ({"action": action} if action else {})
            response = browser.post(page, data)
            assert response.status_code == 302, (page, action)
            assert "login" in response.url


def test_a_long_text_is_carried_and_one_that_is_too_long_is_said_to_be_lost(browser, draft, settings):
    long = typed(draft) | {"remark": "長" * 400_000}
    asked = sign_in(browser, browser.post(change_url(draft), long))
    assert dict(inputs(asked).found)["remark"] == long["remark"]
    browser.logout()
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 120_000
    noise = Random(1).randbytes(30_000).hex()
    refused = browser.post(change_url(draft), typed(draft) | {"remark": noise})
    assert "無法於登入時保留" in text(refused)
    assert "carried" not in dict(inputs(refused).found)


def test_reloading_the_page_that_asks_shows_it_again(draft):
    browser = Client(enforce_csrf_checks=True, headers={"accept": "text/html"})
    browser.get("/accounts/login/")
    token = {"csrfmiddlewaretoken": browser.cookies["csrftoken"].value}
    page = browser.post(change_url(draft), typed(draft) | token)
    data = dict(inputs(page).found) | token | {"username": "planner", "password": PASSWORD}
    first = browser.post(inputs(page).to, data)
    again = browser.post(inputs(page).to, data)
    assert inputs(again).found == inputs(first).found
    assert browser.post(inputs(page).to, data | {"username": "head"}).status_code == 403


def test_signing_in_needs_the_token(draft):
    browser = Client(enforce_csrf_checks=True)
    assert browser.post("/accounts/login/", {"username": "planner", "password": PASSWORD}).status_code == 403
    assert "_auth_user_id" not in browser.session


def test_scripts_and_empty_forms_are_sent_to_the_sign_in_page(browser, draft):
    script = Client(headers={"accept": "*/*"})
    assert script.post(change_url(draft), typed(draft)).status_code == 302
    assert browser.post(change_url(draft)).status_code == 302


def test_a_password_is_never_carried(browser, administrator, planner):
    data = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    refused = browser.post(f"/admin/objectives/user/{planner.pk}/password/", data)
    assert refused.status_code == 302
    assert PASSWORD not in refused.content.decode()


def test_what_is_no_form_is_no_reason_to_fail(browser, draft):
    for carried in ("", "=", "%00%ff&&", "[" * 100_000):
        data = {"username": "planner", "password": PASSWORD, "next": "/plan/", "carried": carried}
        assert browser.post("/accounts/login/", data).status_code in (200, 302)


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example/", "/\\evil.example/", ""])
def test_nothing_is_sent_on_to_another_site(browser, draft, to):
    data = {"username": "planner", "password": PASSWORD, "next": to, "carried": "remark=x"}
    response = browser.post("/accounts/login/", data)
    assert response.status_code == 302
    assert response.url == "/"
    browser.logout()
    carried = dict(inputs(browser.post(change_url(draft), typed(draft))).found)["carried"]
    asked = browser.post("/accounts/login/", data | {"carried": carried})
    assert inputs(asked).to == change_url(draft)


def test_a_forged_form_is_not_carried(draft):
    browser = Client(enforce_csrf_checks=True, headers={"accept": "text/html"})
    refused = browser.post(change_url(draft), typed(draft))
    assert refused.status_code == 403
    assert unescape(REMARK) not in unescape(refused.content.decode())


def test_who_is_signed_in_is_not_asked(draft, planner):
    browser = signed_in(planner)
    assert browser.post(change_url(draft), typed(draft), headers={"accept": "text/html"}).status_code == 302
