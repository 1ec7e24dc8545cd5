"""季填報表: everything that a report says, for whoever may read it."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from indicators import workflow
from indicators.models import Evidence, Indicator, QuarterReport, TargetRevision, Variable
from indicators.tests.test_my_work import multiply
from ledger.models import Entry
from objectives.models import WorkItem
from objectives.tests.pages import signed_in, text

MINE = "/print/99/2/MOFA/"


def form_of(report, user):
    return text(signed_in(user).get(f"/print/report/{report.pk}/"))


def save(report, planner, now, **values):
    figures = {name: Decimal(value) for name, value in values.pop("figures", {}).items()}
    return workflow.save_draft(report=report, by=planner, now=now, figures=figures, **values)


@pytest.fixture
def full(approved, report, planner, now):
    """K1-1 in quarter 2, with everything that can be said of it."""
    approved("K1-1", 1, outbound=4, inbound=8)
    found = report("K1-1", 2)
    found.indicator.planned_values.create(quarter=2, value=Decimal(28))
    saved = save(
        found, planner, now,
        figures={"outbound": 0, "inbound": 10},
        remark="互訪十次。\n<b>&", lag_reason="行程延期", response="下季補辦", improve_by=date(2010, 9, 30),
        coordination="請主計處協助",
    )  # fmt: skip
    Evidence.objects.create(
        report=found, document_number="外北美字第0990001號", added_by=planner, added_at=now
    )
    Evidence.objects.create(
        report=found, name="名冊.pdf", stored_name="a" * 32, content_type="application/pdf", size=10,
        sha256="ab" * 32, added_by=planner, added_at=now,
    )  # fmt: skip
    gone = Evidence.objects.create(report=found, document_number="誤植號", added_by=planner, added_at=now)
    Evidence.objects.filter(pk=gone.pk).update(removed_by=planner, removed_at=now)
    return saved


def test_the_form_says_everything(full, planner):
    words = form_of(full, planner)
    for piece in (
        "外交部 99 年度施政目標與重點", "年度季別 99 年度 第 2 季", "主辦單位 外交部",
        "K1-1 加強雙方政要互訪", "衡量標準", "至少 55 次數", "未修正", "第 1 季 本季 累計",
        "互訪十次。 <b>&", "行程延期", "下季補辦",
        "99 年 9 月 30 日", "請主計處協助", "公文文號 外北美字第0990001號", "名冊.pdf SHA-256 " + "ab" * 32,
        "累計達成值 22 次數", "預定值 28 次數 · 差異 －6", "尚未審核通過",
        "核章欄 承辦人 單位主管 研考人員 機關首長",
    ):  # fmt: skip
        assert piece in words, piece
    assert "誤植號" not in words


def test_previous_quarters_stand_beside_this_one(full, planner):
    names = dict(full.indicator.variables.values_list("symbol", "name"))
    words = form_of(full, planner)
    assert f"{names['outbound']} 次 4 0 4" in words
    assert f"{names['inbound']} 次 8 10 18" in words


def test_the_ledgers_head_and_the_moment_are_printed(full, planner):
    words = form_of(full, planner)
    head = Entry.objects.head()
    assert f"{head.hash[:12]}" in words
    assert head.hash not in words
    assert f"{head.seq}" in words
    assert "列印時間：1" in words  # an ROC year of three digits


def test_every_round_stays_on_the_form(approved, planner, reviewer, now):
    done = approved("K1-1", 1, outbound=4, inbound=8)
    workflow.reopen(report=done, by=reviewer, now=now, reason="數字有誤")
    words = form_of(done, planner)
    steps = words[words.index("辦理紀錄") :]
    order = ["送審 planner", "單位主管核章 head", "審核通過 reviewer", "reviewer", "數字有誤"]
    assert sorted(order, key=steps.index) == order
    assert "尚未送審" not in words
    assert "尚未審核通過" in words


def test_an_approved_form_is_no_draft(approved, planner):
    done = approved("K1-1", 1, outbound=4, inbound=8)
    words = form_of(done, planner)
    assert "尚未審核通過" not in words
    assert "狀態 審核通過" in words
    assert "審核通過 reviewer 100 年 1 月 15 日 09:30" in words


def test_zero_not_applicable_and_not_reported_are_three_things(report, planner, now):
    save(report("K1-1", 1), planner, now, not_applicable_reason="本季無此業務")
    save(report("K1-1", 3), planner, now, figures={"outbound": 0, "inbound": 1})
    name = report("K1-1", 3).indicator.variables.get(symbol="outbound").name
    assert f"{name} 次 不適用 未填 0 0" in form_of(report("K1-1", 3), planner)


def test_shares_are_printed_by_unit(report, planner, neighbour, department, ministry, now):
    found = report("K1-1", 1)
    found.indicator.contributing_units.add(department)
    Variable.objects.filter(indicator=found.indicator, symbol="inbound").update(by_unit=True)
    figures = {"outbound": 4, ("inbound", ministry.pk): 5}
    save(found, planner, now, figures=figures)
    words = form_of(found, neighbour)
    assert "協辦單位 亞東太平洋司" in words
    assert "其中 外交部 次 5 5" in words
    assert "其中 亞東太平洋司 次" in words
    found.indicator.contributing_units.clear()
    assert "其中 外交部 次 5 5" in form_of(found, planner)


def test_a_revised_target_stands_beside_the_original(report, planner, reviewer, administrator, now):
    TargetRevision.objects.create(
        indicator=report("K1-1", 2).indicator, from_quarter=2, target=60, old_target=55, reason="業務增加",
        authority="行政院", decided_on=date(2010, 5, 1), number="院授研字第1號", proposed_by=administrator,
        proposed_at=now, approved_by=reviewer, approved_at=now,
    )  # fmt: skip
    words = form_of(report("K1-1", 2), planner)
    assert "至少 55 次數" in words
    assert "60 次數，自第 2 季起（行政院 99 年 5 月 1 日 院授研字第1號 核定）" in words
    assert "未修正" in form_of(report("K1-1", 1), planner)


def test_a_units_form_holds_what_it_is_asked_for(planner, department, report, now):
    Indicator.objects.filter(code="K1-2").update(lead_unit=department)
    workflow.save_progress(item=WorkItem.objects.all()[0], quarter=2, text="已召開會議", by=planner, now=now)
    page = signed_in(planner).get(MINE)
    words = text(page)
    asked = QuarterReport.objects.asked_for().filter(quarter=2).exclude(indicator__code="K1-2")
    assert page.content.decode().count('<section class="form" aria-labelledby') == asked.count()
    assert "K1-2 " not in words
    assert "已召開會議" in words
    assert words.count("核章欄") == 1
    assert "K1-2 " in text(signed_in(planner).get("/print/99/2/DEPT/"))


def test_a_unit_of_work_items_alone_has_a_form(neighbour, department, plan):
    WorkItem.objects.filter(pk=WorkItem.objects.first().pk).update(lead_unit=department)
    assert WorkItem.objects.first().name in text(signed_in(neighbour).get("/print/99/1/DEPT/"))


@pytest.mark.parametrize("who", ["neighbour", "stranger"])
def test_who_may_not_read_a_report_cannot_print_it(request, report, who):
    found = report("K1-1", 2)
    client = signed_in(request.getfixturevalue(who))
    assert client.get(f"/print/report/{found.pk}/").status_code == 404
    assert client.get(MINE).status_code == 404


@pytest.mark.parametrize("who", ["planner", "head", "reviewer", "manager", "auditor", "administrator"])
def test_every_reader_may_print(request, report, who):
    found = report("K1-1", 2)
    client = signed_in(request.getfixturevalue(who))
    assert client.get(f"/print/report/{found.pk}/").status_code == 200
    assert client.get(MINE).status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "/print/report/0/", "/print/report/99999999999999999999999/", "/print/98/2/MOFA/",
        "/print/99/5/MOFA/", "/print/99/0/MOFA/", "/print/99/2/NONE/",
        "/print/99999999999999999999999/2/MOFA/",
        "/print/99/2/%00/",
    ],
)  # fmt: skip
def test_what_there_is_not_is_answered_with_404(planner, plan, address):
    assert signed_in(planner).get(address).status_code == 404


def test_visitors_and_people_without_a_role(client, outsider, plan):
    assert client.get(MINE).status_code == 302
    assert signed_in(outsider).get(MINE).status_code == 403


def test_nothing_inline_is_in_the_page(full, planner):
    page = signed_in(planner).get(MINE).content.decode()
    assert "style=" not in page
    assert "<script" not in page
    assert "<b>&" not in page


def test_printing_takes_a_constant_number_of_queries(planner, plan):
    client = signed_in(planner)
    taken = []
    for number in (20, 100):
        multiply(plan, number)
        with CaptureQueriesContext(connection) as queries:
            client.get(MINE)
        taken.append(len(queries))
    assert taken[0] == taken[1] <= 40
