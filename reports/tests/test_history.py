"""The history of an object: who reads it, and how it words what was done."""

import time
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from indicators import workflow
from indicators.models import Figure, Indicator, PlannedValue, QuarterReport, Variable
from ledger.acting import acting, record
from ledger.models import Action, Entry, Source
from mofa_kpi.tests.cast import NOW
from objectives.models import Goal, Membership, Plan, Unit, User
from objectives.roc import taipei
from objectives.roles import Role
from objectives.tests.pages import change_url, signed_in, text
from reports.history import tell
from reports.images import name
from reports.ledger_access import PAGE

from .markup import markup
from .test_pages_browser import objections, opened, without_404

__all__ = ["opened"]


def history(thing):
    return reverse("history", args=[thing._meta.label_lower, thing.pk])


def told(*entries, about=None):
    """Return the items of entries (the newest, without any) as plain words."""
    found = entries or [Entry.objects.latest("seq")]
    return [words(item) for happening in tell(found, about=about) for item in happening.items]


def words(item):
    changes = [
        f"{change.label}：{change.before}→{change.after}".removeprefix("：") for change in item.changes
    ]
    return " ".join(filter(None, [str(item.verb), item.kind, item.label, *changes, item.aside]))


def plan_value(indicator, value):
    with acting():  # the ledger's lock comes before that of the row
        PlannedValue.objects.update_or_create(indicator=indicator, quarter=2, defaults={"value": value})


@pytest.fixture
def k11(plan):
    return Indicator.objects.get(code="K1-1")


# -- Who reads it ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["planner", "reviewer", "manager", "auditor", "administrator"])
def test_whoever_sees_an_object_reads_its_history(request, plan, k11, role):
    client = signed_in(request.getfixturevalue(role))
    for thing in (plan, plan.unit, Goal.objects.first(), k11, k11.variables.first(), k11.reports.first()):
        assert client.get(history(thing)).status_code == 200, thing


@pytest.mark.parametrize(("role", "status"), [("stranger", 404), ("outsider", 403)])
def test_for_others_there_is_no_history(request, plan, k11, role, status):
    client = signed_in(request.getfixturevalue(role))
    for thing in (plan, plan.unit, Goal.objects.first(), k11, k11.variables.first(), k11.reports.first()):
        assert client.get(history(thing)).status_code == status, thing


def test_a_visitor_is_asked_to_sign_in(client, k11):
    response = client.get(history(k11))
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


def test_a_quarter_reports_history_follows_its_unit(report, planner, neighbour):
    assert signed_in(planner).get(history(report("K1-1", 1))).status_code == 200
    assert signed_in(neighbour).get(history(report("K1-1", 1))).status_code == 404


def test_an_indicators_history_keeps_drafts_from_other_units(report, k11, planner, neighbour):
    workflow.save_draft(
        report=report("K1-1", 1), by=planner, now=NOW, figures={"outbound": Decimal(4321)}, remark="機關草稿"
    )
    PlannedValue.objects.create(indicator=k11, quarter=2, value=765)
    mine, theirs = (text(signed_in(user).get(history(k11))) for user in (planner, neighbour))
    assert "765" in mine
    assert "765" in theirs
    for private in ("4,321", "機關草稿", "季填報"):
        assert private in mine
        assert private not in theirs


def test_a_persons_history_is_for_those_who_administer_them_and_for_auditors(
    planner, administrator, auditor, manager
):
    page = "/admin/objectives/user/"
    for reader, may_open_the_page in ((administrator, True), (auditor, False)):
        response = signed_in(reader).get(history(planner))
        assert "承辦人" in text(response)
        assert any(page in link for link in markup(response).links) == may_open_the_page
    for other in (manager, planner):
        assert signed_in(other).get(history(planner)).status_code == 404


def test_what_is_gone_has_a_history_for_those_who_read_the_whole_ledger(k11, planner, auditor):
    variable = Variable.objects.create(
        indicator=k11, symbol="gone", name="過境次數", rollup="SUM", kind="COUNT", position=9
    )
    address = history(variable)
    variable.delete()
    response = signed_in(auditor).get(address)
    assert response.status_code == 200
    assert "K1-1 · 過境次數" in text(response)
    assert signed_in(planner).get(address).status_code == 404
    assert "刪除 填報項目 過境次數" in text(signed_in(planner).get(history(k11)))


@pytest.mark.parametrize(
    "address",
    [
        "/history/indicators.indicator/999999/", "/history/indicators.figure/1/", "/history/ledger.entry/1/",
        "/history/objectives.membership/1/", "/history/nothing/1/", "/history/indicators.indicator/x/",
        "/history/indicators.indicator/99999999999999999999999/", "/history/sessions.session/1/",
        "/history/indicators.indicator/1/?before=x", "/history/indicators.indicator/1/?after=%00",
        "/history/indicators.indicator/1/?before=-1", "/history/indicators.indicator/1/?before=",
        "/history/indicators.indicator/1/?before=99999999999999999999999",
    ],
)  # fmt: skip
def test_an_address_of_nothing_is_not_found(plan, auditor, address):
    assert signed_in(auditor).get(address).status_code == 404


def test_histories_only_read(plan, auditor):
    client = signed_in(auditor)
    for method in (client.post, client.put, client.delete):
        assert method(history(plan)).status_code == 405


# -- From where it is reached ------------------------------------------------------------------------------


def test_the_admin_leads_there_in_place_of_its_own_log(plan, k11, administrator, report):
    client = signed_in(administrator)
    for thing in (plan, plan.unit, Goal.objects.first(), k11, administrator):
        page = client.get(change_url(thing))
        log = change_url(thing).replace("/change/", "/history/")
        assert log in markup(page).links
        response = client.get(log)
        assert response.status_code == 302
        assert response["Location"] == history(thing)
    assert history(report("K1-1", 1)) in markup(client.get(change_url(report("K1-1", 1)))).links


def test_the_admin_leads_nobody_to_what_they_do_not_see(plan, stranger, planner, administrator):
    log = change_url(plan).replace("/change/", "/history/")
    assert signed_in(stranger).get(log).status_code == 404
    person = change_url(administrator).replace("/change/", "/history/")
    assert signed_in(planner).get(person).status_code in (403, 404)


def test_the_indicator_page_shows_the_latest_five(k11, manager):
    for value in range(7):
        with acting(reason=f"第 {value} 次調整"):
            plan_value(k11, value)
    response = signed_in(manager).get("/indicators/K1-1/")
    shown = text(response)
    assert all(f"第 {value} 次調整" in shown for value in (2, 3, 4, 5, 6))
    assert "第 1 次調整" not in shown
    assert history(k11) in markup(response).links


@pytest.mark.django_db(transaction=True)
def test_a_look_back_shows_no_later_changes(k11, manager):
    with acting(reason="當時"):
        PlannedValue.objects.create(indicator=k11, quarter=2, value=1)
    moment = taipei(Entry.objects.latest("seq").moment + timedelta(milliseconds=1))
    time.sleep(0.02)
    with acting(reason="後來"):
        PlannedValue.objects.update(value=2)
    response = signed_in(manager).get("/indicators/K1-1/", {"as_of": moment.replace(tzinfo=None).isoformat()})
    assert response.status_code == 200
    assert "當時" in text(response)
    assert "後來" not in text(response)


# -- How it is worded --------------------------------------------------------------------------------------


def test_steps_of_a_report_read_as_what_people_did(report, planner, head, reviewer):
    now = timezone.now()
    found = report("K1-1", 1)
    with acting(actor=planner):
        found = workflow.save_draft(
            report=found, by=planner, now=now, figures={"outbound": Decimal(4), "inbound": Decimal("8")}
        )
        assert told(about=found) == ["修改 季填報 最後更動人員、最後更動時間、版次"]
        found = workflow.submit(report=found, by=planner, now=now)
    assert told(about=found) == ["送審 季填報"]
    with acting(actor=reviewer, reason="數字與月報不符"):
        found = workflow.return_for_correction(report=found, by=reviewer, now=now, reason="數字與月報不符")
    assert told(about=found) == ["退回補正 季填報"]
    assert tell([Entry.objects.latest("seq")])[0].reason == "數字與月報不符"
    with acting(actor=planner):
        found = workflow.submit(report=found, by=planner, now=now)
    with acting(actor=head):
        found = workflow.endorse(report=found, by=head, now=now)
    assert told(about=found) == ["單位主管核章 季填報"]
    with acting(actor=reviewer):
        found = workflow.approve(report=found, by=reviewer, now=now)
    assert told() == ["審核通過 季填報 K1-1 加強雙方政要互訪（第 1 季）"]


def test_who_approved_is_named_where_somebody_else_wrote_it(approved, reviewer, planner):
    found = approved("K1-1", 1, outbound=4, inbound=8)
    with acting(actor=planner, source=Source.DATABASE):
        QuarterReport.objects.filter(pk=found.pk).update(approved_by=planner)
    assert told(about=found)[0].startswith("修改 季填報")
    with acting(actor=planner, source=Source.DATABASE):
        QuarterReport.objects.filter(pk=found.pk).update(approved_by=reviewer)
    assert told(about=found) == ["修改 季填報 審核人員：planner→reviewer"]


def test_numbers_choices_answers_days_and_names_are_shown_as_on_the_screens(k11, administrator):
    with acting(actor=administrator):
        k11.target, k11.direction, k11.weight = Decimal("1234.500000"), "AT_MOST", Decimal("2")
        k11.save()
    assert told(about=k11) == ["修改 績效指標 年度目標值：55→1,234.5 達標方向：至少→至多 權重：1→2"]
    with acting(actor=administrator):
        Variable.objects.filter(indicator=k11, symbol="outbound").update(may_be_negative=True)
    assert told(about=k11)[0].endswith("可為負數：否→是")
    with acting(actor=administrator):
        Plan.objects.update(adopted_on=date(2010, 3, 31), adopted_number="外研字第 1 號")
    assert "核定日期：→99 年 3 月 31 日" in told()[0]


def test_a_moment_is_in_taipeis_time_to_the_second(approved, planner):
    found = approved("K1-1", 1, outbound=4, inbound=8)
    with acting(actor=planner):
        QuarterReport.objects.filter(pk=found.pk).update(approved_at=NOW.replace(second=7))
    assert told(about=found) == [
        "修改 季填報 審核通過時間：100 年 1 月 15 日 09:30:00→100 年 1 月 15 日 09:30:07"
    ]


def test_a_yes_or_no_is_an_answer_and_a_count_a_number(report, planner):
    for answer, change in ((1, "→是"), (0, "是→否")):
        with acting(actor=planner):
            workflow.save_draft(
                report=report("K8-2", 4), by=planner, now=NOW, figures={"done": Decimal(answer)}
            )
        figure = Entry.objects.filter(table=Figure._meta.db_table).latest("seq")
        assert f" {change}" in told(figure)[0]
        assert "K8-2" in told(figure)[0]


def test_a_foreign_key_is_called_what_it_is_called_today_or_was_last(k11, department):
    k11.lead_unit = department
    k11.save()
    assert told(about=k11) == ["修改 績效指標 主辦單位：外交部→亞東太平洋司"]
    entry = Entry.objects.latest("seq")
    Unit.objects.filter(pk=department.pk).update(name="亞太司")
    assert told(entry, about=k11) == ["修改 績效指標 主辦單位：外交部→亞太司"]
    Indicator.objects.filter(pk=k11.pk).update(lead_unit=k11.goal.plan.unit)
    department.delete()
    assert told(entry, about=k11) == ["修改 績效指標 主辦單位：外交部→亞太司"]


def test_links_between_objects_are_named_by_their_ends(k11):
    strategy = k11.strategies.first()
    k11.strategies.remove(strategy)
    assert told(about=k11) == [f"刪除 施政重點 {strategy}→"]
    assert told() == [f"刪除 施政重點 {k11} {strategy}→"]
    k11.strategies.add(strategy)
    assert told(about=k11) == [f"新增 施政重點 →{strategy}"]


def test_a_role_given_and_taken_is_part_of_the_persons_history(administrator, planner, ministry):
    membership = Membership.objects.create(user=planner, unit=ministry, role=Role.HEAD)
    assert told(about=planner)[0].startswith("新增 角色指派 外交部 · 單位主管")
    membership.delete()
    shown = text(signed_in(administrator).get(history(planner)))
    assert "刪除 角色指派 外交部 · 單位主管" in shown


@pytest.mark.django_db(transaction=True)  # whose behalf it is ends with a transaction
def test_who_is_a_person_with_the_account_or_a_program(plan, planner):
    User.objects.filter(pk=planner.pk).update(name="王曉明")
    with acting(actor=planner, source=Source.PAGE):
        Plan.objects.update(note="甲")
    happening = tell([Entry.objects.latest("seq")])[0]
    assert (happening.who.name, happening.who.account, str(happening.way)) == (
        "王曉明",
        "planner",
        "查詢頁面",
    )
    with connection.cursor() as cursor:
        cursor.execute("UPDATE objectives_plan SET note = '乙'")
    happening = tell([Entry.objects.latest("seq")])[0]
    assert happening.who.name.startswith(("系統（os:", "資料庫帳號（db:"))
    assert happening.bypassed_the_site
    begin = tell([Entry.objects.earliest("seq")])[0]
    assert (begin.who.name, str(begin.items[0].verb)) == ("系統", "開始異動紀錄")


def test_events_have_their_own_sentence(client, plan, planner, report):
    client.force_login(planner)
    assert told() == ["登入"]
    client.logout()
    assert told() == ["登出"]
    client.post("/accounts/login/", {"username": "planner", "password": "wrong"})
    assert told() == ["登入失敗 人員 planner"]
    client.post("/accounts/login/", {"username": "nobody", "password": "wrong"})
    assert told() == ["登入失敗"]
    record(Action.PASSWORD, actor=planner, about=planner)
    assert told() == ["密碼已變更"]
    asked = {"person": "wang", "kind": "objectives_goal", "action": "UPDATE", "way": "api"}
    record(Action.EXPORT, details={"what": "ledger", "format": "csv", "entries": 1234, "filters": asked})
    assert told() == [
        "匯出 檔案內容：→異動紀錄 檔案格式：→csv 筆數：→1,234 人員：→wang 資料種類：→目標 動作：→修改 "
        "方式：→程式介面"
    ]
    record(Action.REFUSED, actor=planner, reason="您的角色無權執行此作業", about=report("K1-1", 1))
    assert told() == ["未獲准許 季填報 K1-1 加強雙方政要互訪（第 1 季）"]


def test_the_entries_of_one_save_stand_together(report, planner):
    with acting(actor=planner, reason="第一季"):
        workflow.save_draft(
            report=report("K1-1", 1), by=planner, now=NOW,
            figures={"outbound": Decimal(4), "inbound": Decimal(8)}, remark="說明",
        )  # fmt: skip
    latest = list(Entry.objects.filter(reason="第一季").order_by("-seq"))
    assert len({entry.at[:19] for entry in latest}) > 1 or len(tell(latest)) == 1
    numbers = [item.entry.seq for happening in tell(latest)[::-1] for item in happening.items]
    assert numbers == sorted(numbers)


def test_a_long_text_is_shown_where_it_differs_and_whole_on_demand(k11, manager):
    k11.standard = "甲" * 300 + "舊" + "乙" * 300
    k11.save()
    k11.standard = "甲" * 300 + "新" + "乙" * 300
    k11.save()
    item = tell([Entry.objects.latest("seq")], about=k11)[0].items[0]
    assert item.changes[0].parts == ("…" + "甲" * 12, "舊", "新", "乙" * 12 + "…")
    page = signed_in(manager).get(history(k11)).content.decode()
    assert "<del>舊</del><ins>新</ins>" in page
    assert "甲" * 300 + "新" in page


def test_a_column_that_is_no_more_keeps_its_name_and_value(k11):
    entry = Entry(
        seq=1, at="2026-05-19T06:05:09.000Z", action="UPDATE", table="indicators_indicator", key=str(k11.pk),
        before='{"former": 1}', after='{"former": 2}',
    )  # fmt: skip
    assert told(entry, about=k11) == ["修改 績效指標 former：1→2"]


@pytest.mark.parametrize("image", ['{"target": "x", "goal_id": "x", "weight": {}, "id": []}', "{}"])
def test_an_image_that_nobody_can_read_is_told_all_the_same(k11, image):
    entry = Entry(
        seq=1, at="2026-05-19T06:05:09.000Z", action="UPDATE", table="indicators_indicator", key="x' OR 1=1",
        before='{"target": []}', after=image,
    )  # fmt: skip
    assert "績效指標" in told(entry)[0]


def test_an_entry_of_a_table_that_is_no_more_is_still_told(plan):
    entry = Entry(
        seq=1,
        at="2026-05-19T06:05:09.000Z",
        action="INSERT",
        table="former_table",
        key="7",
        after='{"id": 7}',
    )
    assert told(entry)[0].startswith("新增 former_table")


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_the_words_are_the_same_whichever_database_wrote_the_image(report, planner, database):
    found = report("K1-1", 1)
    variable = found.indicator.variables.get(symbol="outbound")
    before, after = {
        "sqlite": (
            f'{{"id":1,"report_id":{found.pk},"variable_id":{variable.pk},"value":57,"demo":1,"changed_by_id":'
            f'{planner.pk},"changed_at":"2011-01-15 01:30:00"}}',
            f'{{"id":1,"report_id":{found.pk},"variable_id":{variable.pk},"value":0.5,"demo":0,"changed_by_id":'
            f'{planner.pk},"changed_at":"2011-01-15 01:30:01.5"}}',
        ),
        "postgresql": (
            f'{{"id": 1, "demo": true, "value": 57.000000, "report_id": {found.pk}, "variable_id": '
            f'{variable.pk}, "changed_by_id": {planner.pk}, "changed_at": "2011-01-15T01:30:00+00:00"}}',
            f'{{"id": 1, "demo": false, "value": 0.500000, "report_id": {found.pk}, "variable_id": '
            f'{variable.pk}, "changed_by_id": {planner.pk}, "changed_at": "2011-01-15T01:30:01.5+00:00"}}',
        ),
    }[database]
    entry = Entry(
        seq=1, at="2026-05-19T06:05:09.000Z", actor="planner", source="admin", action="UPDATE",
        table="indicators_figure", key="1", before=before, after=after,
    )  # fmt: skip
    item = tell([entry], about=found)[0].items[0]
    assert sorted((c.label, c.before, c.after) for c in item.changes) == [
        ("", "57", "0.5"),
        ("更動時間", "100 年 1 月 15 日 09:30:00", "100 年 1 月 15 日 09:30:01"),
        ("示範資料", "是", "否"),
    ]


def test_an_object_alone_is_called_by_all_that_it_needs(report, planner, k11):
    figure = Figure(report=report("K1-1", 1), variable=k11.variables.first(), value=1)
    assert name(figure) == f"K1-1 加強雙方政要互訪（第 1 季） · {k11.variables.first()}"
    assert name(Figure(pk=7)) == "填報值 #7"


# -- The page ----------------------------------------------------------------------------------------------


def test_a_page_has_fifty_entries_and_leads_to_older_and_newer_ones(k11, manager):
    for value in range(120):
        plan_value(k11, value)
    client, address, seen = signed_in(manager), history(k11), []
    while address:
        response = client.get(address)
        part = response.context["part"]
        seen += [entry.seq for entry in part.entries]
        assert len(part.entries) <= PAGE
        older = [link for link in markup(response).links if link.startswith("?before=")]
        address = history(k11) + older[0] if older else ""
    assert seen == sorted(set(seen), reverse=True)
    assert len(seen) > 120
    newer = [link for link in markup(response).links if link.startswith("?after=")]
    before = client.get(history(k11) + newer[0]).context["part"].entries
    assert [entry.seq for entry in before] == seen[-len(part.entries) - PAGE : -len(part.entries)]


def test_what_people_typed_is_text(k11, manager, planner):
    with acting(actor=planner, reason="<script>alert('理由')</script>"):
        Indicator.objects.filter(pk=k11.pk).update(standard="<img src=x onerror=alert(1)>" * 5)
    page = signed_in(manager).get(history(k11)).content.decode()
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(&#x27;理由&#x27;)" in page


def test_the_number_of_queries_does_not_grow_with_the_entries(
    k11, manager, planner, report, django_assert_max_num_queries
):
    for quarter in range(1, 5):
        for number in range(6):
            workflow.save_draft(
                report=report("K1-1", quarter), by=planner, now=NOW, figures={"outbound": Decimal(number)}
            )
    client = signed_in(manager)
    with django_assert_max_num_queries(30) as few:
        client.get(history(k11))
    for symbol in "abcdefgh":
        Variable.objects.create(
            indicator=k11, symbol=symbol, name=symbol, rollup="SUM", kind="COUNT", position=9
        )
    k11.strategies.clear()
    with django_assert_max_num_queries(len(few) + 4):  # two more kinds of object
        client.get(history(k11))


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    opened, approved, k11, auditor, complaints, scheme, width
):
    approved("K1-1", 1, outbound=4, inbound=8)
    with acting(reason="理由" * 80):
        Indicator.objects.filter(pk=k11.pk).update(standard="長" * 900 + "\n" + "A" * 300)
    page = opened("auditor", width=width, scheme=scheme, bypass_csp=True)
    for address in (history(k11), "/ledger/", "/ledger/?last=x&person=nobody", "/indicators/K1-1/"):
        page.goto(address)
        for summary in page.locator("main summary").all():
            summary.click()
        assert objections(page) == [], address
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
    without_404(complaints)  # axe looks for what the stylesheet imports in the wrong place


def test_an_auditor_searches_opens_and_pages_in_the_browser(opened, k11, auditor):
    for value in range(60):
        plan_value(k11, value)
    page = opened("auditor")
    page.get_by_role("link", name="異動紀錄").click()
    page.get_by_label("資料內容").fill("K1-1")
    page.get_by_label("資料種類").select_option(label="預定值")
    page.get_by_role("button", name="查詢").click()
    expect(page.get_by_text("K1-1 加強雙方政要互訪（第 2 季）").first).to_be_visible()
    page.get_by_role("link", name="較舊").click()
    expect(page.get_by_label("資料內容")).to_have_value("K1-1")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV", exact=True).click()
    assert download.value.suggested_filename.startswith("異動紀錄")
