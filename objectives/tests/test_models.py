from datetime import date

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction

from objectives.fields import folded, trimmed
from objectives.models import Goal, Plan, Strategy, Unit
from objectives.numerals import chinese_numeral
from objectives.roc import roc_date, roc_moment
from objectives.workflow import adopt_plan

COMPATIBILITY_YEAR = "\uf98e"  # looks like 年


def test_text_is_stored_and_searched_in_one_spelling(ministry):
    Unit.objects.create(code="A", name=f"{COMPATIBILITY_YEAR}度計畫處")
    assert Unit.objects.get(code="A").name == "年度計畫處"
    Unit.objects.filter(code="A").update(name=f"新{COMPATIBILITY_YEAR}處")
    assert Unit.objects.get(name=f"新{COMPATIBILITY_YEAR}處").name == "新年處"
    assert Unit.objects.filter(name__icontains="年").count() == 1


def test_control_characters_are_refused():
    with pytest.raises(ValidationError):
        Unit(code="A", name="a\x00b").clean_fields(exclude=["parent"])


UNSEEN = [
    " ", "　", "\u200b", "\u3164", "\u115f", "\u1160", "\uffa0", "\ufeff", "\u00ad", "\u2800", "\u202e",
    "\u2060\u200d", "\u2028", "\n\t ", "\ufe0f", "\u200b\U000e0100",
]  # fmt: skip


@pytest.mark.parametrize("unseen", UNSEEN, ids=ascii)
def test_a_text_that_nobody_can_see_is_empty(unseen, ministry):
    with pytest.raises(ValidationError) as refused:
        Unit(code="A", name=unseen, parent=ministry).full_clean()
    assert "name" in refused.value.message_dict
    unit = Unit.objects.create(code="A", name=f"{unseen}處{unseen[0]}")
    assert Unit.objects.get(pk=unit.pk).name.rstrip("\ufe0f") == "處"
    Unit.objects.filter(pk=unit.pk).update(name=f"甲處{unseen}")
    assert Unit.objects.get(name=f"甲處{unseen}").pk == unit.pk


def test_what_belongs_to_a_text_stays_in_it():
    chosen = "葛\U000e0101"  # one of the ways in which the character is written
    assert trimmed(f" {chosen} ") == chosen
    assert trimmed("第一段\n\n　　第二段") == "第一段\n\n　　第二段"
    assert trimmed("造字\ue000") == "造字\ue000"


def test_what_looks_alike_is_the_same_when_it_is_compared():
    assert folded("外亞字第１２ 號\u200b") == folded("外亞字第\u300012\ufe0f號")
    assert folded("ABC") == folded("ａｂｃ")
    assert folded("外亞字第1號") != folded("外亞字第2號")


@pytest.mark.parametrize(
    ("number", "text"), [(1, "一"), (10, "十"), (11, "十一"), (20, "二十"), (99, "九十九")]
)
def test_headings_have_chinese_numerals(number, text):
    assert chinese_numeral(number) == text


def test_dates_are_shown_in_roc_years(now):
    assert roc_date(date(2010, 3, 31)) == "99 年 3 月 31 日"
    assert roc_moment(now) == "100 年 1 月 15 日 09:30"


def test_a_unit_cannot_stand_below_itself(ministry, department):
    ministry.parent = department
    with pytest.raises(ValidationError):
        ministry.full_clean()


def test_a_strategy_stays_within_its_goal_and_its_tree(plan):
    first, other = Goal.objects.all()[:2]
    parent = Strategy.objects.filter(goal=first, parent=None).first()
    with pytest.raises(ValidationError):
        Strategy(goal=other, parent=parent, position=99, text="x").full_clean()
    child = Strategy.objects.filter(parent__isnull=False).select_related("parent").first()
    child.parent.parent = child
    with pytest.raises(ValidationError):
        child.parent.full_clean()


def test_a_plan_is_adopted_once_with_date_and_number_by_an_administrator(plan, planner, administrator):
    with pytest.raises(PermissionDenied):
        adopt_plan(plan=plan, by=planner, on=date(2010, 1, 1), number="外研字第 1 號")
    with pytest.raises(ValidationError):
        adopt_plan(plan=plan, by=administrator, on=date(2010, 1, 1), number="  ")
    assert not Plan.objects.get().is_adopted
    adopt_plan(plan=plan, by=administrator, on=date(2010, 1, 1), number="外研字第 1 號")
    assert Plan.objects.get().adopted_number == "外研字第 1 號"
    with pytest.raises(ValidationError, match="外研字第 1 號"):
        adopt_plan(plan=plan, by=administrator, on=date(2010, 1, 2), number="2")


@pytest.mark.parametrize(
    "change",
    [
        {"green_threshold": 80, "amber_threshold": 80},
        {"green_threshold": 101},
        {"amber_threshold": -1},
        {"adopted_number": "no date"},
        {"adopted_on": date(2010, 1, 1)},
    ],
)
def test_the_database_refuses_a_plan_that_makes_no_sense(plan, change):
    with pytest.raises(IntegrityError), transaction.atomic():
        Plan.objects.update(**change)
