"""Searching the plan: any words, anywhere in it, in any spelling, marked where they stand."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from indicators.models import Indicator
from objectives.models import Goal, Strategy, WorkItem
from objectives.tests.pages import text
from reports.search import Text, words_of

from .markup import markup


def hits(client: Client, query: str) -> list[str]:
    """Return the addresses of what is found, without the query that they carry."""
    page = client.get("/search/", {"year": "99", "quarter": "2", "q": query}).content.decode()
    found = re.findall(r'<a href="(/(?:plan|indicators)/[^"]*)"', page.partition('role="status"')[2])
    return [re.sub(r"\?[^#]*", "", link) for link in found]


def test_words_are_found_wherever_they_stand(managing, plan):
    goal = Goal.objects.get(kind="KEY", number=7)
    item = WorkItem.objects.select_related("work_plan").get(name="外賓邀訪計畫")
    assert f"/plan/#goal-{goal.code}" in hits(managing, "場地租借")
    assert "/indicators/K1-1/" in hits(managing, "部次長級")
    assert "/indicators/K7-1/" in hits(managing, "實際繳庫數")
    assert f"/plan/#work-{item.work_plan.position}-{item.position}" in hits(managing, "外賓邀訪計畫")
    strategy = Strategy.objects.exclude(text="").order_by("pk").first()
    assert any(link.startswith("/plan/#strategy-") for link in hits(managing, strategy.text[:12]))


def test_every_word_must_be_there_in_whatever_order(managing, plan):
    assert "/indicators/K2-2/" in hits(managing, "會議 台日")
    assert "/indicators/K2-2/" not in hits(managing, "台日 植樹")


@pytest.mark.parametrize("query", ["臺日政府間", "台日政府間", "ｋ2-2", "K2-2"])
def test_spellings_that_people_use_alike_are_alike(managing, plan, query):
    assert "/indicators/K2-2/" in hits(managing, query)


def test_the_words_are_marked_and_markup_in_them_is_dead(managing, plan):
    Indicator.objects.filter(code="K1-1").update(standard="<b>甲</b> 雙方部次長級以上官員互訪次數")
    page = managing.get("/search/", {"q": "<b>甲"}).content.decode()
    assert "<mark>&lt;b&gt;甲</mark>" in page
    assert "<b>甲" not in page


def test_links_keep_what_was_chosen(managing, plan):
    page = markup(managing.get("/search/", {"year": 99, "quarter": 2, "q": "K1-1"}))
    assert "/indicators/K1-1/?year=99&quarter=2" in page.links


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "搜尋"),
        ("   ", "共找到 0 處"),
        ("無此字詞", "共找到 0 處"),
        ("長" * 101, "至多 100 字"),
        ("a\0b", "控制字元"),
        ("' OR 1=1 --", "共找到 0 處"),
    ],
)
def test_what_finds_nothing_is_answered_in_words(managing, plan, query, words):
    response = managing.get("/search/", {"q": query})
    assert response.status_code == 200
    assert words in text(response)


def test_another_agency_finds_nothing_of_it(client, plan, stranger):
    client.force_login(stranger)
    assert client.get("/search/", {"q": "外交"}).status_code == 404


def test_queries_do_not_grow_with_what_is_found(managing, plan):
    def number(query: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            managing.get("/search/", {"q": query})
        return len(queries)

    number("外交")
    assert number("外交") == number("無此字詞")


def test_a_passage_shows_the_surroundings_of_the_first_word():
    text = Text("前" * 60 + "臺灣" + "後" * 100)
    [before, lead, word, tail, after] = text.passage(words_of("台灣"))
    assert (before, word, after) == (("…", False), ("臺灣", True), ("…", False))
    assert (len(lead[0]), len(tail[0])) == (36, 70)
    assert Text("沒有").passage(words_of("台灣")) == []
