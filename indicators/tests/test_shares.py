"""A variable that is given by unit: each unit's share is its own, and the figure is their sum."""

import re
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse

from indicators import workflow
from indicators.models import Indicator, QuarterReport, Status
from indicators.readings import Basis, readings
from indicators.report_page import entered_value
from indicators.value import State
from indicators.wording import why_no_value
from indicators.workflow import Conflict, Refusal
from objectives.models import Unit
from objectives.tests.pages import signed_in, text


@pytest.fixture
def shared(plan, department):
    """K5-2, whose projects the ministry and the department count each for themselves."""
    indicator = Indicator.objects.get(code="K5-2")
    indicator.contributing_units.add(department)
    indicator.variables.update(by_unit=True)
    return indicator


@pytest.fixture
def first(shared, report):
    return report("K5-2", 1)


def save(report, by, now, *, shares, **options):
    figures = {
        ("projects", unit.pk): None if value is None else Decimal(value) for unit, value in shares.items()
    }
    return workflow.save_draft(report=report, by=by, now=now, figures=figures, **options)


def test_each_unit_enters_its_share_and_the_figure_is_their_sum(
    first, planner, neighbour, ministry, department, now
):
    save(first, planner, now, shares={ministry: 3})
    save(first, neighbour, now, shares={department: 4})
    reading = readings([first.indicator], Basis.ENTERED)[first.indicator_id]
    assert reading.figures == {(1, "projects"): 7}
    assert reading.shares == {(1, "projects"): {ministry.pk: 3, department.pk: 4}}
    assert {figure.unit: figure.changed_by for figure in first.figures.all()} == {
        ministry: planner,
        department: neighbour,
    }


def test_a_contributing_unit_writes_its_own_share_and_nothing_else(
    first, neighbour, ministry, department, now
):
    with pytest.raises(PermissionDenied):
        save(first, neighbour, now, shares={ministry: 3})
    with pytest.raises(PermissionDenied):
        save(first, neighbour, now, shares={department: 4}, remark="x")
    with pytest.raises(PermissionDenied):
        save(first, neighbour, now, shares={}, remark="x")
    save(first, neighbour, now, shares={department: 4})
    with pytest.raises(PermissionDenied):
        workflow.submit(report=first, by=neighbour, now=now)
    assert not QuarterReport.objects.get(pk=first.pk).remark


def test_a_unit_that_does_not_contribute_has_no_share(first, planner, stranger, report, ministry, now):
    other = stranger.memberships.get().unit
    with pytest.raises(ValidationError, match="非本項之填報單位"):
        save(first, planner, now, shares={other: 3})
    with pytest.raises(PermissionDenied):
        save(first, stranger, now, shares={other: 3})
    with pytest.raises(ValidationError, match="請指明單位"):
        workflow.save_draft(report=first, by=planner, now=now, figures={"projects": Decimal(3)})
    with pytest.raises(ValidationError, match="非按單位填報"):
        workflow.save_draft(
            report=report("K8-1", 1), by=planner, now=now, figures={("rotations", ministry.pk): Decimal(3)}
        )


def test_the_lead_unit_submits_the_whole_and_not_before_every_share_is_there(
    first, planner, neighbour, ministry, department, approve, now
):
    save(first, planner, now, shares={ministry: 3})
    with pytest.raises(Refusal, match="亞東太平洋司"):
        workflow.submit(report=first, by=planner, now=now)
    save(first, neighbour, now, shares={department: 0})
    done = approve(workflow.submit(report=first, by=planner, now=now))
    assert done.status == Status.APPROVED


def test_a_unit_that_contributes_no_more_keeps_its_share_until_the_lead_unit_clears_it(
    first, shared, planner, neighbour, ministry, department, now
):
    save(first, neighbour, now, shares={department: 4})
    save(first, planner, now, shares={ministry: 3})
    shared.contributing_units.clear()
    with pytest.raises(PermissionDenied):
        save(first, neighbour, now, shares={department: 5})
    assert first.figures.count() == 2
    save(first, planner, now, shares={department: None})
    assert [figure.unit for figure in first.figures.all()] == [ministry]


def test_with_one_unit_alone_its_share_needs_no_name(first, shared, planner, ministry, now):
    shared.contributing_units.clear()
    workflow.save_draft(report=first, by=planner, now=now, figures={"projects": Decimal(3)})
    assert first.figures.get().unit == ministry


def test_shares_of_two_units_never_conflict_and_the_same_cell_does(
    first, planner, neighbour, ministry, department, now
):
    mine, theirs = ("projects", ministry.pk), ("projects", department.pk)
    save(first, planner, now, shares={ministry: 3}, seen={mine: None})
    save(first, neighbour, now, shares={department: 4}, seen={theirs: None})
    with pytest.raises(Conflict) as conflict:
        save(first, planner, now, shares={ministry: 5}, seen={mine: None})
    assert conflict.value.cells == [mine]
    save(first, planner, now, shares={ministry: 3}, seen={mine: None})  # both typed the same
    save(first, planner, now, shares={ministry: 5}, seen={mine: Decimal(3)})
    assert {figure.value for figure in first.figures.all()} == {4, 5}


def test_a_text_that_somebody_else_changed_is_a_conflict(first, planner, now):
    save(first, planner, now, shares={}, remark="甲", seen={"remark": ""})
    with pytest.raises(Conflict) as conflict:
        save(first, planner, now, shares={}, remark="乙", response="丙", seen={"remark": "", "response": ""})
    assert conflict.value.cells == ["remark"]
    assert QuarterReport.objects.get(pk=first.pk).response == ""


def test_a_contributing_units_planner_reads_the_report(first, neighbour, stranger):
    assert first in QuarterReport.objects.visible_to(neighbour)
    assert neighbour.has_perm("indicators.view_quarterreport", first)
    assert not neighbour.has_perm("indicators.change_quarterreport", first)
    assert first not in QuarterReport.objects.visible_to(stranger)


def test_handing_an_indicator_over_changes_no_figure_and_no_author(
    first, shared, planner, ministry, department, now
):
    saved = save(first, planner, now, shares={ministry: 3})
    before = list(first.figures.values())
    shared.lead_unit = department
    shared.save()
    assert list(first.figures.values()) == before
    assert QuarterReport.objects.get(pk=first.pk).changed_by == saved.changed_by


# -- A figure of which a share is missing -------------------------------------------------------------------


@pytest.fixture
def partial(first, planner, ministry, now):
    """The ministry has given its share, the department not."""
    return save(first, planner, now, shares={ministry: 70})


@pytest.mark.parametrize(
    "address",
    [
        lambda report: reverse("admin:indicators_quarterreport_change", args=[report.pk]),
        lambda report: reverse("admin:indicators_quarterreport_changelist") + "?quarter=1&q=K5-2",
        lambda report: reverse("worksheet", args=[99, 1, "MOFA"]),
        lambda report: reverse("print_report", args=[report.pk]),
    ],
    ids=["report", "list", "worksheet", "print"],
)
def test_a_sum_without_a_share_is_never_shown_as_complete(
    partial, neighbour, department, planner, now, address
):
    def state():
        page = text(signed_in(planner).get(address(partial)))
        return page, re.search(r"\b70\D{0,40}暫計", page)

    page, provisional = state()
    assert provisional, page
    save(partial, neighbour, now, shares={department: 0})
    page, provisional = state()
    assert not provisional, page


def test_a_unit_added_later_makes_the_figures_so_far_partial(partial, department, ministry, plan):
    reading = readings([partial.indicator], Basis.ENTERED)[partial.indicator_id]
    assert reading.partial == reading.until(1).partial == {(1, "projects")}
    assert reading.without(1).partial == set()
    partial.indicator.contributing_units.remove(department)
    assert readings([partial.indicator], Basis.ENTERED)[partial.indicator_id].partial == set()


def test_what_was_approved_stays_whole_when_a_unit_comes_later(
    first, planner, neighbour, approve, ministry, department, now
):
    save(first, planner, now, shares={ministry: 3})
    first = save(first, neighbour, now, shares={department: 4})
    approve(workflow.submit(report=first, by=planner, now=now))
    third = Unit.objects.create(code="THIRD", name="第三司", parent=ministry)
    Indicator.objects.get(code="K5-2").contributing_units.add(third)
    reading = readings([first.indicator], Basis.OFFICIAL)[first.indicator_id]
    assert reading.figures == {(1, "projects"): 7}
    assert reading.partial == set()


def test_a_figure_given_whole_before_units_shared_it_is_complete(report, planner, department, now):
    found = report("K5-2", 1)
    workflow.save_draft(report=found, by=planner, now=now, figures={"projects": Decimal(3)})
    found.indicator.contributing_units.add(department)
    found.indicator.variables.update(by_unit=True)
    assert readings([report("K5-2", 1).indicator], Basis.ENTERED)[found.indicator_id].partial == set()


def test_what_is_missing_is_said_to_be_a_part(partial):
    reading = readings([partial.indicator], Basis.ENTERED)[partial.indicator_id]
    value = entered_value(partial, reading)
    assert value.state is State.PROVISIONAL
    assert "（部分單位未填）" in why_no_value(value, {"projects": "新案數"})


def test_clearing_demonstration_units_keeps_shares_shares(shared, first, department, planner, ministry, now):
    department.demo = True
    department.save()
    save(first, planner, now, shares={ministry: 3})
    workflow.clear_demonstration_units()
    assert not first.indicator.contributing_units.exists()
    assert first.indicator.variables.get().by_unit
    assert list(workflow.missing_figures(QuarterReport.objects.get(pk=first.pk))) == []
    workflow.save_draft(report=first, by=planner, now=now, figures={"projects": Decimal(4)})
    reading = readings([first.indicator], Basis.ENTERED)[first.indicator_id]
    assert reading.figures == {(1, "projects"): 4}


def test_clearing_demonstration_units_leaves_whole_what_nobody_shared(shared, first, department):
    department.demo = True
    department.save()
    workflow.clear_demonstration_units()
    assert not shared.variables.get().by_unit


def test_a_whole_is_never_added_to_shares_nor_a_share_to_a_whole(
    shared, first, report, planner, ministry, department, now
):
    save(first, planner, now, shares={ministry: 3})
    shared.variables.update(by_unit=False)
    with pytest.raises(ValidationError, match=r"擇一填報.*外交部）：3"):
        workflow.save_draft(report=first, by=planner, now=now, figures={"projects": Decimal(3)})
    figures = {("projects", ministry.pk): None, "projects": Decimal(3)}
    workflow.save_draft(report=first, by=planner, now=now, figures=figures)
    shared.variables.update(by_unit=True)
    with pytest.raises(ValidationError, match="擇一填報"):
        save(first, planner, now, shares={department: 4})
    assert readings([shared], Basis.ENTERED)[shared.pk].figures == {(1, "projects"): 3}


def test_declaring_a_report_not_applicable_names_who_clears_what(
    first, planner, neighbour, department, ministry, now
):
    save(first, planner, now, shares={ministry: 3})
    save(first, neighbour, now, shares={department: 4})
    with pytest.raises(ValidationError, match=r"亞東太平洋司）：4.*該單位自行清除"):
        save(first, planner, now, shares={ministry: None}, not_applicable_reason="停辦")
    save(first, neighbour, now, shares={department: None})
    done = save(first, planner, now, shares={ministry: None}, not_applicable_reason="停辦")
    assert done.not_applicable_reason == "停辦"
