"""A correction of an earlier quarter is checked against the later quarters that rest on it."""

from decimal import Decimal

import pytest
from django.urls import reverse

from indicators import workflow
from indicators.models import QuarterReport
from indicators.workflow import Refusal
from objectives.tests.pages import change_url, mistakes, signed_in

MENDED = {"revised": Decimal(2), "regulations": Decimal(5)}


def stored(report):
    return QuarterReport.objects.get(pk=report.pk)


@pytest.fixture
def reopened(approved, reviewer, now):
    """C1-2 with three approved quarters, the first of them open again for a correction."""
    first = approved("C1-2", 1, revised=2, regulations=42)
    approved("C1-2", 2, revised=1)
    approved("C1-2", 3, revised=3)
    return workflow.reopen(report=first, by=reviewer, now=now, reason="數字有誤")


@pytest.fixture
def correct(planner, now):
    def save(report, **changes):
        given = changes.pop("figures", {})
        figures = {symbol: value if value is None else Decimal(value) for symbol, value in given.items()}
        return workflow.save_draft(report=stored(report), by=planner, now=now, figures=figures, **changes)

    return save


def test_a_correction_that_puts_a_later_part_above_its_whole_is_refused(reopened, correct, planner, now):
    corrected = correct(reopened, figures=MENDED, check_note="已確認")
    [finding] = workflow.notices(corrected)
    assert (finding.later, finding.value, finding.other) == (3, 6, 5)
    with pytest.raises(Refusal, match=r"第 3 季：.*為 6，不得大於.*之 5"):
        workflow.submit(report=corrected, by=planner, now=now)
    corrected = correct(reopened, figures={"regulations": 6})
    assert workflow.submit(report=corrected, by=planner, now=now).submitted_by == planner


def test_a_later_draft_does_not_stand_in_the_way(reopened, correct, report, reviewer, planner, now):
    """It is looked at when it is submitted itself."""
    workflow.reopen(report=report("C1-2", 3), by=reviewer, now=now, reason="一併更正")
    assert workflow.notices(correct(reopened, figures=MENDED)) == []
    workflow.submit(report=stored(reopened), by=planner, now=now)
    with pytest.raises(Refusal, match="不得大於"):
        workflow.submit(report=report("C1-2", 3), by=planner, now=now)


def test_a_quarter_declared_not_applicable_is_checked_as_well(approved, reviewer, correct, planner, now):
    """The whole of the first quarter is in force again."""
    approved("C1-2", 1, revised=2, regulations=5)
    second = approved("C1-2", 2, revised=1, regulations=42)
    approved("C1-2", 3, revised=6)
    workflow.reopen(report=second, by=reviewer, now=now, reason="數字有誤")
    nothing = {"revised": None, "regulations": None}
    correct(second, figures=nothing, not_applicable_reason="本季未辦理", check_note="已確認")
    with pytest.raises(Refusal, match="第 3 季："):
        workflow.submit(report=stored(second), by=planner, now=now)


def test_a_fall_that_a_correction_brings_about_is_explained_with_it(
    approved, reviewer, correct, planner, now
):
    first = approved("K1-2", 1, projects=50)
    approved("K1-2", 2, projects=60)
    workflow.reopen(report=first, by=reviewer, now=now, reason="數字有誤")
    corrected = correct(first, figures={"projects": 500}, check_note="")
    with pytest.raises(Refusal, match=r"第 2 季：.*為 60，前次為 500"):
        workflow.submit(report=corrected, by=planner, now=now)
    corrected = correct(first, check_note="第 2 季已有計畫結束")
    assert workflow.submit(report=corrected, by=planner, now=now).submitted_by == planner


def test_report_page_and_worksheet_say_so_while_it_is_typed(reopened, planner):
    client = signed_in(planner)
    of_the_report = reverse("admin:indicators_quarterreport_value", args=[reopened.pk])
    typed = {"figure_revised": "2", "figure_regulations": "5", "version": reopened.version}
    assert "第 3 季：" in client.post(of_the_report, typed).content.decode()
    of_the_sheet = reverse("worksheet", args=[99, 1, reopened.indicator.lead_unit.code]) + "value/"
    regulations = reopened.indicator.variables.get(symbol="regulations")
    typed = {f"f{reopened.pk}-{regulations.symbol}": "5"}
    assert "第 3 季：" in "".join(client.post(of_the_sheet, typed).json()["pieces"].values())


def test_a_refused_submission_says_so_beside_the_figure(reopened, planner):
    typed = {"figure_revised": "2", "figure_regulations": "5", "check_note": "無誤", "action": "submit"}
    page = signed_in(planner).post(change_url(reopened), {**typed, "version": reopened.version})
    assert "第 3 季：" in mistakes(page)
