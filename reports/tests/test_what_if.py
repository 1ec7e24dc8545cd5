"""試算: other figures or another target, computed as everything is, and never stored."""

from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from indicators.models import Figure, Indicator
from ledger.models import Entry
from objectives.tests.pages import text
from reports.moments import data_at
from reports.results import Supposed, plan_results

from .markup import markup


def rows(response) -> dict[str, str]:
    """Return the lines of the effect by their first word."""
    found = [row for row in markup(response).rows if "達成度" in row or "%" in row or "－" in row]
    return {row.split()[0].partition("、")[0]: row for row in found}


def test_an_indicator_its_goal_and_the_plan_are_shown_as_they_are_and_as_they_would_be(managing, approved):
    approved("K1-1", 1, outbound=5, inbound=6)
    head = Entry.objects.head().seq
    response = managing.get("/indicators/K1-1/what-if/?year=99&quarter=1&q1-inbound=１７")
    found = rows(response)
    assert "[11]11／55 達成度 [20]20%" in found["K1-1"]
    assert "[22]22／55 達成度 [40]40%" in found["K1-1"]
    for name in ("一", "外交部"):
        assert "[20]20%" in found[name].partition("[40]40%")[0]
        assert "[40]40%" in found[name]
    assert "5 + 17 = 22" in text(response)
    assert "22 ÷ 55 × 100 = 40" in text(response)
    assert Figure.objects.get(variable__symbol="inbound").value == 6
    assert Entry.objects.head().seq == head


def test_another_target_and_an_unknown_constant_can_be_supposed(managing, approved):
    approved("K1-1", 1, outbound=5, inbound=6)
    response = managing.get("/indicators/K1-1/what-if/?year=99&quarter=1&target=10")
    assert "11 ÷ 10 × 100 = 110" in text(response)
    assert "✓ 已達標" in rows(response)["K1-1"]
    for quarter in (1, 2, 3, 4):
        approved("K3-1", quarter, meetings=1, projects=1, visits=1)
    response = managing.get("/indicators/K3-1/what-if/?year=99&quarter=4&constant-baseline=9")
    assert "= 3" in text(response)
    assert "★ 綠燈" in rows(response)["K3-1"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("q1-inbound=七", "不是數字"),
        ("q1-inbound=-1", "負"),
        ("q1-inbound=1.5", "整數"),
        ("target=1e999", "不是數字"),
        ("q1-inbound=1234567890123456", "位"),
        ("q1-inbound=%00", ""),
    ],
)
def test_what_is_no_number_is_marked_and_nothing_computed(managing, approved, asked, words):
    approved("K1-1", 1, outbound=5, inbound=6)
    response = managing.get(f"/indicators/K1-1/what-if/?year=99&quarter=1&{asked}")
    assert response.status_code == 200
    assert words in text(response)
    assert "尚未試算" in text(response)
    assert "試算結果" not in text(response)


def test_what_is_not_there_is_not_found_and_later_quarters_are_not_asked_for(managing, plan):
    assert managing.get("/indicators/K9-9/what-if/").status_code == 404
    page = managing.get("/indicators/K1-1/what-if/?year=99&quarter=2&q3-inbound=5").content.decode()
    assert 'name="q2-inbound"' in page
    assert 'name="q3-inbound"' not in page


def test_the_indicator_s_page_leads_there(managing, plan):
    assert (
        "/indicators/K1-1/what-if/?year=99&quarter=2"
        in markup(managing.get("/indicators/K1-1/?year=99&quarter=2")).links
    )


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.integers(0, 40), min_size=4, max_size=4), st.integers(1, 4))
def test_what_is_supposed_is_what_saving_and_approving_it_gives(plan, approved, values, quarter):
    indicator = Indicator.objects.get(code="K5-2")
    with data_at(None) as at:
        before = plan_results(plan, quarter=quarter, at=at)
        supposed = Supposed({(number, "projects"): Decimal(value) for number, value in enumerate(values, 1)})
        expected = before.supposing(indicator, supposed)
    with transaction.atomic():
        for number, value in enumerate(values, 1):
            approved("K5-2", number, behind=True, projects=value)
        with data_at(None) as at:
            found = plan_results(plan, quarter=quarter, at=at)
        transaction.set_rollback(True)
    assert [each.attainment for each in found.results] == [each.attainment for each in expected.results]
    assert found.mean == expected.mean
