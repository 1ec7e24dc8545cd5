"""What was typed before a sign-out is carried through the sign-in page and can be sent on."""

from html import unescape
from html.parser import HTMLParser

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from indicators.models import QuarterReport
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
    asked = sign_in(browser, browser.post(sheet, {"action": "save", "cell": ["1", "2"]}))
    assert inputs(asked).to == sheet
    assert inputs(asked).found == [("action", "save"), ("cell", "1"), ("cell", "2")]


def test_files_are_not_carried_and_the_page_says_so(browser, draft):
    file = SimpleUploadedFile("a.csv", b"1,2\n")
    refused = browser.post(f"/evidence/{draft.pk}/", {"action": "files", "files": file})
    assert "檔案須重新選取" in text(refused)
    assert "a.csv" not in refused.content.decode()


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
    carried = "remark=x"
    data = {"username": "planner", "password": PASSWORD, "next": to, "carried": carried}
    response = browser.post("/accounts/login/", data)
    assert response.status_code == 302
    assert response.url == "/"


def test_a_forged_form_is_not_carried(draft):
    browser = Client(enforce_csrf_checks=True, headers={"accept": "text/html"})
    refused = browser.post(change_url(draft), typed(draft))
    assert refused.status_code == 403
    assert unescape(REMARK) not in unescape(refused.content.decode())


def test_who_is_signed_in_is_not_asked(draft, planner):
    browser = signed_in(planner)
    assert browser.post(change_url(draft), typed(draft), headers={"accept": "text/html"}).status_code == 302
