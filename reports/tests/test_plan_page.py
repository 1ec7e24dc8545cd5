"""The plan as a document: all of it, in its order, with links both ways."""

import html
import re
from datetime import date

from indicators.models import Indicator
from objectives.models import Goal, Plan, Strategy, WorkItem
from objectives.tests.pages import text
from reports.document import lines_of, outline

from .markup import markup


def squeezed(words: str) -> str:
    """Take white space away: the page sets labels and lines apart."""
    return re.sub(r"\s", "", words)


def test_every_word_of_the_plan_is_there(managing, plan):
    words = squeezed(text(managing.get("/plan/")))
    pieces = [plan.title, plan.preamble, plan.goals_heading, plan.key_heading, plan.common_heading]
    pieces += [plan.work_heading, plan.scheme_legend]
    for goal in Goal.objects.all():
        pieces += [goal.title, goal.outline_title, goal.text]
    for strategy in Strategy.objects.all():
        pieces += [strategy.label + strategy.heading, strategy.text, strategy.closing]
    for indicator in Indicator.objects.all():
        pieces += [indicator.title, indicator.method, indicator.standard, indicator.unit]
    for item in WorkItem.objects.select_related("work_plan"):
        pieces += [item.work_plan.name, item.name, item.content]
    for piece in pieces:
        assert squeezed(piece) in words, piece


def test_the_outline_keeps_the_order_of_the_source(managing, plan):
    words = squeezed(text(managing.get("/plan/")))
    start = words.index(squeezed(plan.preamble)[-40:])
    nodes = outline(Strategy.objects.select_related("goal"))
    assert len(nodes) == Strategy.objects.count()
    for node in nodes.values():
        piece = squeezed(node.strategy.label + (node.strategy.heading or node.strategy.text))
        start = words.index(piece, start)


def test_an_enumeration_closes_after_its_items(managing, plan):
    words = squeezed(text(managing.get("/plan/")))
    closing = "等方式，以全面提升外交人員之專業知能及語文能力。"
    items = Strategy.objects.filter(parent__closing=closing).order_by("position")
    assert items.count() == 3
    assert squeezed("".join(item.label + item.text for item in items)) + closing in words


def test_strategies_and_indicators_link_to_each_other(managing, plan):
    page = markup(managing.get("/plan/?year=99&quarter=2"))
    assert len(page.ids) == len(set(page.ids))
    for indicator in Indicator.objects.prefetch_related("strategies__goal"):
        assert page.links.count(f"/indicators/{indicator.code}/?year=99&quarter=2") >= 2
    nodes = outline(Strategy.objects.select_related("goal"))
    linked = Strategy.objects.filter(indicators__isnull=False).distinct()
    for strategy in linked:
        anchor = nodes[strategy.pk].anchor
        assert anchor in page.ids
        assert f"#{anchor}" in page.links
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids, link


def test_what_no_indicator_measures_says_so(managing, plan):
    assert text(managing.get("/plan/")).count("無對應指標：計畫未就本項訂定績效指標。") == 2


def test_notes_stand_beside_what_they_are_about(managing, plan):
    content = html.unescape(managing.get("/plan/").content.decode())
    for model in (Goal, Indicator, WorkItem):
        for noted in model.objects.exclude(note=""):
            for line in noted.note.splitlines():
                assert f"<span>{line}</span>" in content
    for line in plan.note.splitlines():
        assert f"<li>{line}</li>" in content


def test_it_says_whether_the_plan_is_adopted(managing, plan):
    assert "擬定中，尚未核定" in text(managing.get("/plan/"))
    Plan.objects.update(adopted_on=date(2009, 12, 31), adopted_number="院授研綜字第 1 號")
    assert "98 年 12 月 31 日核定，文號：院授研綜字第 1 號" in text(managing.get("/plan/"))


def test_a_work_items_lines_are_indented_by_their_labels(plan):
    item = WorkItem.objects.get(name="領事事務管理")
    lines = list(lines_of(item))
    assert [line.level for line in lines[:5]] == [1, 2, 2, 1, 1]
    assert (lines[3].label, lines[4].label) == ("二、", "")
    assert lines[-1].label == "(三）"
    assert "\n".join(line.label + line.text for line in lines) == item.content


def test_the_page_takes_a_constant_number_of_queries(managing, plan, django_assert_num_queries):
    with django_assert_num_queries(14):
        managing.get("/plan/?year=99&quarter=1")
    goal = Goal.objects.get(outline_number=1)
    Strategy.objects.bulk_create(
        Strategy(goal=goal, position=number, label=f"{number}、", text="再一項") for number in range(10, 60)
    )
    with django_assert_num_queries(14):
        managing.get("/plan/?year=99&quarter=1")
