"""The page on which a quarter report is filled in, submitted, approved or returned."""

import re
from decimal import Decimal

import pytest
from django.urls import reverse

from indicators import workflow
from indicators.models import Figure, Indicator, PlannedValue, QuarterReport, Status
from objectives.roles import Role
from objectives.tests.pages import change_url, filled, mistakes, signed_in, text


@pytest.fixture
def colleague(person, ministry):
    return person("colleague", (Role.PLANNER, ministry))


@pytest.fixture
def view(planner):
    """The planner's view of a report."""
    return lambda report: signed_in(planner).get(change_url(report))


@pytest.fixture
def send(planner):
    """Send the form as a browser would: every input, with what was typed over what was shown."""

    def post(report, action="save", user=planner, version=None, follow=False, **typed):
        report = QuarterReport.objects.get(pk=report.pk)
        data = {
            "action": action,
            "version": report.version if version is None else version,
            "remark": report.remark,
            "not_applicable_reason": report.not_applicable_reason,
            "reason": "",
        }
        for figure in report.figures.select_related("variable"):
            data[f"figure_{figure.variable.symbol}"] = f"{figure.value.normalize():f}"
        data |= {name if name in data else f"figure_{name}": value for name, value in typed.items()}
        return signed_in(user).post(change_url(report), data, follow=follow)

    return post


def value_url(report):
    return reverse("admin:indicators_quarterreport_value", args=[report.pk])


def figures(report):
    return {
        f.variable.symbol: f.value for f in Figure.objects.filter(report=report).select_related("variable")
    }


def status(report):
    return QuarterReport.objects.get(pk=report.pk).status


# -- What the page shows


def test_it_shows_standard_target_unit_goal_lead_unit_and_provenance(view, report):
    words = text(view(report("K2-1", 1)))
    assert "洽繫美加行政部門官員國會人士、各州（省）政府官員及議會人士等次數" in words
    assert "至少 50 洽繫次數" in words
    assert "二、落實活路外交，強化與無邦交國家友好合作關係" in words
    assert "主辦單位 外交部" in words
    assert "「官員國會人士」之間疑缺頓號，照錄原文。" in words
    assert "不得填載機密資料" in words
    assert "99 年度 · 第 1 季" in words


@pytest.mark.parametrize(
    ("code", "label"),
    [
        ("K1-1", "本季新增"),
        ("K6-1", "截至本季底"),
        ("K2-1", "本季新增"),
        ("C2-1", "截至本季底"),
    ],
)
def test_every_label_says_what_the_figure_covers(view, report, code, label):
    form = view(report(code, 1)).content.decode().partition('id="report-form"')[2]
    assert label in re.findall(r'<span class="period">(.*?)</span>', form)


def test_an_amount_given_every_quarter_is_cumulative_and_its_label_says_so_once(view, report):
    remitted = report("K7-1", 2).indicator.variables.get(symbol="remitted")
    assert f"{remitted.name} 元" in text(view(report("K7-1", 2)))
    remitted.name = "實際繳庫數"
    remitted.save()
    assert "實際繳庫數 截至本季底累計 元" in text(view(report("K7-1", 2)))


def test_yes_or_no_is_a_choice_with_nothing_chosen_at_first(view, report):
    body = view(report("K8-2", 4)).content.decode()
    radios = re.findall(r'<input type="radio"[^>]*>', body)
    assert re.findall('value="([^"]*)"', "".join(radios)) == ["1", "0", ""]
    assert ["checked" in radio for radio in radios] == [False, False, True]


def test_a_variable_that_is_not_due_can_still_be_filled_in(view, report, send):
    amended = report("C1-2", 2)
    words = text(view(amended))
    assert "本季毋須填報" in words
    send(amended, revised="4", regulations="43")
    assert figures(amended) == {"revised": 4, "regulations": 43}


def test_constants_are_shown_and_not_asked_for(view, report, send):
    words = text(view(report("K3-1", 1)))
    assert "計畫未載" in words
    send(report("K3-1", 1), meetings="1", projects="1", visits="1", baseline="7")
    assert "baseline" not in figures(report("K3-1", 1))


def test_memo_items_stand_under_their_own_heading(view, report):
    words = text(view(report("C3-2", 4)))
    assert words.index("備查項目（不列入計算）") < words.rindex("平均數位學習時數")


def test_earlier_quarters_are_laid_out_by_variable(view, report, approved):
    approved("K6-1", 1, offering=28, missions=122)
    approved("K6-1", 2, offering=31, missions=122)
    body = view(report("K6-1", 3)).content.decode()
    cells = re.findall(r'<td class="num[^>]*>(.*?)</td>', body)
    assert cells == ["28", "31", "未填", "—", "122", "122", "未填", "—"]


def test_a_stock_can_be_filled_with_its_last_figure_and_a_flow_cannot(view, report, approved):
    approved("K6-1", 1, offering=28, missions=1122)
    body = view(report("K6-1", 3)).content.decode()
    assert re.findall(r'data-value="([^"]*)"', body) == ["28", "1,122"]
    assert "第 1 季：1,122" in text(view(report("K6-1", 3)))
    approved("K1-1", 1, outbound=4, inbound=8)
    assert "data-value=" not in view(report("K1-1", 2)).content.decode()


def test_without_script_the_value_of_what_is_stored_stands_there(view, report, approved):
    approved("K1-1", 1, outbound=4, inbound=8)
    PlannedValue.objects.create(indicator=report("K1-1", 1).indicator, quarter=2, value=Decimal("27.5"))
    words = text(view(report("K1-1", 2)))
    assert "12 次數 暫計 落後 本季摘要 本季 — 累計 12 預定值 27.5 差異 －15.5" in words
    assert "年度目標值 至少 55 次數 差距 －43" in words


def test_attainment_and_lights_are_not_for_this_page(view, report, approved):
    approved("K1-1", 1, outbound=40, inbound=20)
    words = text(view(report("K1-1", 1)))
    assert "達成度" not in words
    assert "燈" not in words


def test_moments_are_by_the_roc_calendar(view, report, approved):
    approved("K1-1", 1, outbound=4, inbound=8)
    assert "審核通過 reviewer 100 年 1 月 15 日 09:30" in text(view(report("K1-1", 1)))


# -- Who may see and do what


@pytest.mark.parametrize("role", ["planner", "reviewer", "manager", "auditor", "administrator"])
def test_only_planners_get_inputs(request, report, role):
    response = signed_in(request.getfixturevalue(role)).get(change_url(report("K1-1", 1)))
    assert response.status_code == 200
    assert ('id="report-form"' in response.content.decode()) is (role == "planner")


@pytest.mark.parametrize("role", ["neighbour", "stranger"])
def test_another_units_report_does_not_exist(request, report, role):
    user = request.getfixturevalue(role)
    hidden = report("K1-1", 1)
    assert signed_in(user).get(change_url(hidden)).status_code == 404
    assert signed_in(user).post(change_url(hidden), {"action": "save"}).status_code == 404
    assert signed_in(user).post(value_url(hidden)).status_code == 404


@pytest.mark.parametrize("role", ["reviewer", "manager", "auditor", "administrator"])
@pytest.mark.parametrize("action", ["save", "submit"])
def test_nobody_else_enters_figures(request, report, send, role, action):
    target = report("K1-1", 1)
    response = send(target, action, user=request.getfixturevalue(role), outbound="4", inbound="8")
    assert response.status_code == 403
    assert figures(target) == {}


@pytest.mark.parametrize("role", ["planner", "manager", "auditor", "administrator"])
@pytest.mark.parametrize("action", ["endorse", "return"])
def test_nobody_else_decides(request, report, send, planner, role, action):
    target = report("K1-1", 1)
    send(target, "submit", outbound="4", inbound="8")
    response = send(target, action, user=request.getfixturevalue(role))
    assert response.status_code == 403
    assert status(target) == Status.SUBMITTED


def test_an_unknown_action_is_a_bad_request(report, send):
    assert send(report("K1-1", 1), "destroy").status_code == 400


def test_nothing_is_approved_where_its_effect_is_not_shown(submitted, send, head, reviewer, now):
    workflow.endorse(report=submitted, by=head, now=now)
    assert send(submitted, "approve", user=reviewer).status_code == 400
    assert status(submitted) == Status.ENDORSED


def test_reading_changes_nothing(report, planner):
    client = signed_in(planner)
    target = report("K1-1", 1)
    typed: dict[str, str | int] = {
        "action": "submit",
        "version": 0,
        "figure_outbound": 4,
        "figure_inbound": 8,
    }
    assert client.get(change_url(target), typed).status_code == 200
    assert client.get(value_url(target), typed).status_code == 405
    assert figures(target) == {}
    assert status(target) == Status.DRAFT


@pytest.mark.parametrize("role", ["planner", "administrator"])
def test_reports_are_neither_added_nor_deleted_here(request, report, role):
    client = signed_in(request.getfixturevalue(role))
    assert client.post(reverse("admin:indicators_quarterreport_add")).status_code == 403
    delete = reverse("admin:indicators_quarterreport_delete", args=[report("K1-1", 1).pk])
    assert client.post(delete, {"post": "yes"}).status_code == 403


def test_whoever_was_signed_out_comes_back_to_the_form(client, report):
    address = change_url(report("K1-1", 1))
    response = client.post(address, {"action": "save"}, follow=True)
    assert response.redirect_chain[-1][0] == f"{reverse('login')}?next={address}"


# -- Entering figures


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("１２．５", "12.5"),
        ("1,234.5", "1234.5"),
        ("１，２３４", "1234"),
        (" 7 ", "7"),
        ("0", "0"),
        ("+3", "3"),
    ],
)
def test_numbers_are_taken_as_people_type_them(report, send, typed, stored):
    target = report("K7-1", 1)
    assert send(target, remitted=typed).status_code == 302
    assert figures(target) == {"remitted": Decimal(stored)}


@pytest.mark.parametrize(
    ("code", "typed", "why"),
    [
        ("K1-1", "NaN", "不是數字"),
        ("K1-1", "Infinity", "不是數字"),
        ("K1-1", "1e999", "不是數字"),
        ("K1-1", "1_000", "不是數字"),
        ("K1-1", "٣", "不是數字"),
        ("K1-1", "十二", "不是數字"),
        ("K1-1", "12%", "百分比符號"),
        ("K1-1", "1234567890123456", "位數過多"),
        ("K1-1", "-1", "負數"),
        ("K1-1", "1.5", "須填整數"),
        ("K7-1", "1.2345678", "位數過多"),
    ],
)
def test_what_is_no_number_is_refused_with_the_reason_and_stays_in_the_input(report, send, code, typed, why):
    target = report(code, 1)
    symbol = {"K1-1": "outbound", "K7-1": "remitted"}[code]
    response = send(target, remark="已辦理", **{symbol: typed})
    assert response.status_code == 200
    assert why in mistakes(response)
    assert typed in mistakes(response)
    assert f'name="figure_{symbol}" value="{typed}"' in response.content.decode()
    assert "已辦理</textarea>" in response.content.decode()
    assert figures(target) == {}


def test_a_draft_is_saved_with_its_remark(report, send):
    target = report("K1-1", 1)
    response = send(target, outbound="4", remark="年度\uf98e開始", follow=True)
    assert "草稿已儲存。" in text(response)
    assert figures(target) == {"outbound": 4}
    assert QuarterReport.objects.get(pk=target.pk).remark == "年度年開始"


def test_an_emptied_input_takes_the_figure_back(report, send):
    target = report("K1-1", 1)
    send(target, outbound="0", inbound="8")
    assert figures(target) == {"outbound": 0, "inbound": 8}
    send(target, outbound="")
    assert figures(target) == {"inbound": 8}


def test_an_answer_can_be_taken_back(report, send):
    target = report("K8-2", 4)
    send(target, done="1")
    assert figures(target) == {"done": 1}
    send(target, done="")
    assert figures(target) == {}
    assert send(target, done="2").status_code == 200
    assert figures(target) == {}


def test_submitting_saves_what_was_typed(report, send, planner):
    target = report("K1-1", 1)
    response = send(target, "submit", outbound="4", inbound="8", follow=True)
    assert "已送審" in text(response)
    assert figures(target) == {"outbound": 4, "inbound": 8}
    assert status(target) == Status.SUBMITTED


def test_submitting_with_a_gap_names_it_and_saves_nothing(report, send):
    target = report("K1-1", 1)
    response = send(target, "submit", inbound="8")
    name = target.indicator.variables.get(symbol="outbound").name
    assert f"送審前請填報：{name}" in text(response)
    assert "如無，請填 0" in mistakes(response)
    assert 'name="figure_inbound" value="8"' in response.content.decode()
    assert figures(target) == {}
    assert status(target) == Status.DRAFT


def test_a_quarter_is_declared_not_applicable_instead_of_figures(report, send):
    target = report("K1-1", 1)
    response = send(target, not_applicable_reason="本季暫停辦理", outbound="4")
    assert "不得同時不適用又有填報值" in text(response)
    assert figures(target) == {}
    send(target, "submit", not_applicable_reason="本季暫停辦理")
    assert status(target) == Status.SUBMITTED
    assert QuarterReport.objects.get(pk=target.pk).not_applicable_reason == "本季暫停辦理"


@pytest.mark.parametrize("version", ["", "x"])
def test_a_form_without_its_version_saves_nothing(report, send, version):
    send(report("K1-1", 1), outbound="3")
    response = send(report("K1-1", 1), version=version, outbound="4")
    assert "頁面資料不完整" in text(response)
    assert "目前儲存：3" in text(response)
    assert 'name="version" value="1"' in response.content.decode()
    assert figures(report("K1-1", 1)) == {"outbound": 3}


def test_control_characters_are_refused(report, send):
    assert "控制字元" in mistakes(send(report("K1-1", 1), remark="a\x00b"))


def test_markup_in_what_people_type_is_dead(report, send, planner, reviewer, ministry):
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    ministry.name = evil
    ministry.save()
    target = report("K1-1", 1)
    send(target, "submit", outbound="4", inbound="8", remark=evil)
    send(target, "return", user=reviewer, reason=evil)
    pages = [signed_in(user).get(change_url(target)) for user in (planner, reviewer)]
    pages.append(send(target, outbound=evil))
    pages.append(send(target, outbound="5", remark=f"{evil}!", version=0))
    pages.append(signed_in(planner).get(reverse("admin:indicators_quarterreport_changelist")))
    for response in pages:
        assert response.status_code == 200
        assert "<script>alert" not in response.content.decode()
        assert "<img src=x" not in response.content.decode()
    assert "&lt;script&gt;alert(1)" in pages[0].content.decode()


# -- Two people at once, and pressing twice


def test_a_conflict_loses_nothing_and_says_who_changed_what(report, send, colleague):
    target = report("K1-1", 1)
    send(target, outbound="4", inbound="8", user=colleague)
    response = send(target, version=0, outbound="5", inbound="8", remark="我的說明")
    body, words = response.content.decode(), text(response)
    assert "您開啟本頁後，本填報已有更動" in words
    assert re.search(r"最後更動：colleague，\d+ 年 \d+ 月 \d+ 日 \d\d:\d\d", words)
    assert 'name="figure_outbound" value="5"' in body
    assert "我的說明</textarea>" in body
    assert "目前儲存：4" in words
    assert "目前儲存：8" not in words
    assert "目前儲存：（空白）" in words
    assert figures(target) == {"outbound": 4, "inbound": 8}
    (version,) = re.findall('name="version" value="([0-9]+)"', body)
    assert send(target, version=version, outbound="5", remark="我的說明").status_code == 302
    assert figures(target) == {"outbound": 5, "inbound": 8}


def opened(response):
    """Return what a browser sends back of a report's page as it was opened."""
    return filled(response) | {"action": "save"}


def test_saving_again_after_a_conflict_undoes_nothing_in_untouched_fields(
    view, report, colleague, planner, now
):
    target = report("K1-1", 1)
    workflow.save_draft(
        report=target,
        by=planner,
        now=now,
        figures={"outbound": Decimal(1), "inbound": Decimal(1)},
        remark="甲\n乙",
        response="丙",
    )
    page = opened(view(target)) | {"figure_outbound": "2"}
    address = change_url(target)
    workflow.save_draft(
        report=target,
        by=colleague,
        now=now,
        figures={"inbound": Decimal(9)},
        remark="同事\n所寫",
        improve_by=now.date(),
    )

    met = signed_in(planner).post(address, page)
    words = text(met)
    assert "目前儲存：1" in words
    assert "已另有更新，原為：1" in words
    assert "已另有更新，原為：甲 乙" in words
    assert words.count("已另有更新") == 3
    again = opened(met)
    assert (again["figure_outbound"], again["figure_inbound"]) == ("2", "9")
    assert again["remark"] == "同事\r\n所寫"

    # Somebody is quicker once more.
    workflow.save_draft(report=target, by=colleague, now=now, figures={"inbound": Decimal(10)})
    again = opened(signed_in(planner).post(address, again))
    assert figures(target) == {"outbound": 1, "inbound": 10}
    assert signed_in(planner).post(address, again).status_code == 302
    saved = QuarterReport.objects.get(pk=target.pk)
    assert figures(target) == {"outbound": 2, "inbound": 10}
    assert (saved.remark, saved.response, saved.improve_by) == ("同事\n所寫", "丙", now.date())


def test_an_answer_that_nobody_touched_follows_a_colleagues(view, report, colleague, planner, now):
    target = report("K8-2", 4)
    workflow.save_draft(report=target, by=planner, now=now, figures={"done": Decimal(1)})
    page = opened(view(target)) | {"remark": "說明"}
    workflow.save_draft(report=target, by=colleague, now=now, figures={"done": Decimal(0)})
    met = signed_in(planner).post(change_url(target), page)
    assert "已另有更新，原為：是" in text(met)
    assert signed_in(planner).post(change_url(target), opened(met)).status_code == 302
    assert figures(target) == {"done": 0}


def test_a_page_that_came_incomplete_empties_nothing(view, report, planner, now):
    target = report("K1-1", 1)
    workflow.save_draft(
        report=target, by=planner, now=now, figures={"outbound": Decimal(1)}, remark="原有說明"
    )
    came = signed_in(planner).post(change_url(target), {"action": "save", "figure_outbound": "2"})
    assert signed_in(planner).post(change_url(target), opened(came)).status_code == 302
    assert figures(target) == {"outbound": 2}
    assert QuarterReport.objects.get(pk=target.pk).remark == "原有說明"


def test_a_mistake_does_not_hide_a_conflict(report, send, colleague):
    """The page that comes back with a mistake is still about the version that was read."""
    target = report("K1-1", 1)
    send(target, outbound="4", user=colleague)
    body = send(target, version=0, outbound="5x").content.decode()
    assert 'name="version" value="0"' in body


def test_saving_twice_says_that_it_is_saved(report, send):
    target = report("K1-1", 1)
    send(target, outbound="4")
    response = send(target, version=0, outbound="4", follow=True)
    assert "您輸入的內容先前已儲存。" in text(response)
    assert "目前狀態：草稿" in text(response)


def test_submitting_twice_says_where_the_report_stands(report, send):
    target = report("K1-1", 1)
    send(target, "submit", outbound="4", inbound="8")
    response = send(target, "submit", version=0, outbound="4", inbound="8", follow=True)
    assert "目前狀態：送審" in text(response)
    assert status(target) == Status.SUBMITTED


def test_what_was_typed_is_listed_when_the_report_has_moved_on(report, send, colleague):
    target = report("K1-1", 1)
    send(target, "submit", user=colleague, outbound="4", inbound="8")
    response = send(target, version=0, outbound="5", inbound="8", remark="我的說明")
    words = text(response)
    assert "本填報已進入下一階段" in words
    assert "已輸入但未儲存" in words
    assert "5 目前儲存：4" in words
    assert "我的說明 目前儲存：（空白）" in words
    assert 'id="report-form"' not in response.content.decode()
    assert figures(target) == {"outbound": 4, "inbound": 8}


# -- Review


@pytest.fixture
def submitted(report, planner, now):
    draft = workflow.save_draft(
        report=report("K1-1", 1), by=planner, now=now, figures={"outbound": Decimal(4), "inbound": Decimal(8)}
    )
    return workflow.submit(report=draft, by=planner, now=now)


def test_the_planner_reads_a_submitted_report_without_inputs(view, submitted):
    body = view(submitted).content.decode()
    assert 'id="report-form"' not in body
    assert "送審 planner 100 年 1 月 15 日 09:30" in text(view(submitted))


def test_a_head_endorses_and_a_reviewer_is_led_to_the_effect(send, view, submitted, head, reviewer, now):
    response = send(submitted, "endorse", user=head, follow=True)
    assert "已核章，將由研考人員審核。" in text(response)
    assert status(submitted) == Status.ENDORSED
    address = f'href="{reverse("approve", args=[submitted.pk])}"'
    assert address in signed_in(reviewer).get(change_url(submitted)).content.decode()
    workflow.approve(report=submitted, by=reviewer, now=now)
    assert 'id="decision-form"' not in view(submitted).content.decode()


def test_without_the_heads_step_a_reviewer_is_led_there_from_what_was_submitted(plan, submitted, reviewer):
    plan.head_step = False
    plan.save()
    address = f'href="{reverse("approve", args=[submitted.pk])}"'
    assert address in signed_in(reviewer).get(change_url(submitted)).content.decode()


def test_endorsing_figures_that_changed_meanwhile_is_refused(send, submitted, head):
    response = send(submitted, "endorse", user=head, version=submitted.version - 1)
    assert "本填報已有他人更動" in text(response)
    assert f'name="version" value="{submitted.version}"' in response.content.decode()
    assert status(submitted) == Status.SUBMITTED


def test_a_return_needs_a_reason_and_the_planner_reads_it(send, view, submitted, reviewer):
    response = send(submitted, "return", user=reviewer, reason="  ")
    assert "請填寫退回理由" in mistakes(response)
    assert status(submitted) == Status.SUBMITTED
    send(submitted, "return", user=reviewer, reason="請附佐證")
    assert status(submitted) == Status.RETURNED
    assert "退回補正 請附佐證 reviewer" in text(view(submitted))
    assert 'id="report-form"' in view(submitted).content.decode()


def test_a_return_that_comes_too_late_keeps_its_reason(send, submitted, reviewer):
    response = send(submitted, "return", user=reviewer, reason="請附佐證", version=0)
    assert "請附佐證</textarea>" in response.content.decode()
    assert status(submitted) == Status.SUBMITTED


def test_a_head_of_unit_returns_and_does_not_approve(person, ministry, send, submitted):
    head = person("head", (Role.HEAD, ministry))
    body = signed_in(head).get(change_url(submitted)).content.decode()
    assert 'value="return"' in body
    assert reverse("approve", args=[submitted.pk]) not in body
    send(submitted, "return", user=head, reason="請再確認")
    assert status(submitted) == Status.RETURNED


def test_an_answer_typed_too_late_is_listed_in_words(report, send, colleague):
    target = report("K8-2", 4)
    send(target, "submit", user=colleague, done="1")
    assert "否 目前儲存：是" in text(send(target, version=0, done="0"))


def test_nobody_decides_about_their_own_work(person, ministry, report, send, head):
    both = person("both", *((role, ministry) for role in (Role.PLANNER, Role.HEAD, Role.REVIEWER)))
    target = report("K1-1", 1)
    send(target, "submit", user=both, outbound="4", inbound="8")
    response = signed_in(both).get(change_url(target))
    assert "須由其他人員核章或審核" in text(response)
    assert 'value="endorse"' not in response.content.decode()
    response = send(target, "endorse", user=both)
    assert response.status_code == 403
    assert "填報或送審人員不得審核" in text(response)
    send(target, "endorse", user=head)
    response = signed_in(both).get(change_url(target))
    assert "須由其他人員核章或審核" in text(response)
    assert reverse("approve", args=[target.pk]) not in response.content.decode()


# -- The value that the entry gives


def ask(user, report, **typed):
    data = {"version": 0, **{name: value for name, value in typed.items() if not name.startswith("figure_")}}
    data |= {name: value for name, value in typed.items() if name.startswith("figure_")}
    return signed_in(user).post(value_url(report), data)


def test_the_value_follows_what_is_typed_and_nothing_is_saved(report, approved, planner):
    approved("K1-1", 1, outbound=4, inbound=8)
    target = report("K1-1", 2)
    words = text(ask(planner, target, figure_outbound="５", figure_inbound="30"))
    assert words.startswith("47 次數 完整")
    assert "差距 －8" in words
    assert figures(target) == {}


def test_what_cannot_be_read_is_named_and_left_out(report, approved, planner):
    approved("K1-1", 1, outbound=4, inbound=8)
    words = text(ask(planner, report("K1-1", 2), figure_outbound="5x", figure_inbound="30"))
    assert words.startswith("42 次數 暫計")
    name = report("K1-1", 1).indicator.variables.get(symbol="outbound").name
    assert f"「{name}」尚無法辨識" in words


def test_a_value_just_below_the_target_never_looks_like_it(report, planner):
    words = text(ask(planner, report("K7-1", 1), figure_remitted="89.9999", figure_budget="100"))
    assert words.startswith("89.9999 百分比")
    assert "差距 －0.0001" in words


def test_it_says_why_there_is_no_value(report, planner):
    words = text(ask(planner, report("K3-1", 1), figure_meetings="1", figure_projects="1", figure_visits="1"))
    assert words.startswith("— 無法計算")
    assert "尚無數值：民國 98 年" in words
    words = text(ask(planner, report("K7-1", 1), figure_remitted="5", figure_budget="0"))
    assert "分母為 0：場地設施使用費及租金收入年度預算數" in words


def test_a_declaration_counts_as_reported(report, approved, planner):
    approved("K1-1", 1, outbound=4, inbound=8)
    words = text(ask(planner, report("K1-1", 2), not_applicable_reason="停辦", figure_outbound="9"))
    assert words.startswith("12 次數 完整")


def test_a_stock_that_falls_is_noticed(report, approved, planner):
    approved("K1-2", 1, projects=95)
    assert "為 94，前次為 95" in text(ask(planner, report("K1-2", 2), figure_projects="94"))
    assert "前次為" not in text(ask(planner, report("K1-2", 2), figure_projects="95"))


@pytest.mark.parametrize("role", ["reviewer", "manager", "auditor", "administrator"])
def test_only_who_may_enter_figures_may_try_some(request, report, role):
    assert ask(request.getfixturevalue(role), report("K1-1", 1)).status_code == 403


# -- The list


@pytest.fixture
def listed(planner):
    def get(user=planner, **chosen):
        response = signed_in(user).get(reverse("admin:indicators_quarterreport_changelist"), chosen)
        return [(r.indicator.code, r.quarter) for r in response.context["cl"].result_list]

    return get


def test_the_list_is_filtered_and_searched(listed, report, plan, ministry, send):
    assert len(listed()) == 80
    assert len(listed(quarter=2)) == 20
    assert listed(quarter=2, goal=report("K1-1", 1).indicator.goal_id) == [("K1-1", 2), ("K1-2", 2)]
    assert len(listed(unit=ministry.pk)) == 80
    assert listed(q="K1-1") == [("K1-1", 1), ("K1-1", 2), ("K1-1", 3), ("K1-1", 4)]
    assert ("C3-2", 1) in listed(q="終身學習")
    assert {code for code, _quarter in listed(q="活路外交")} == {"K1-1", "K1-2", "K2-1", "K2-2"}
    send(report("K1-1", 1), "submit", outbound="4", inbound="8")
    assert listed(status="SUBMITTED") == [("K1-1", 1)]
    assert len(listed(quarter="7", status="' OR 1=1", goal="x")) == 80


def test_the_list_shows_the_newest_year_first_and_all_on_request(listed, plan, ministry):
    plan.pk, plan.year = None, 100
    plan.save()
    assert listed() == []
    assert len(listed(year=99)) == 80
    assert len(listed(year="all")) == 80


def test_the_list_shows_reports_of_ones_own_units_only(listed, neighbour, department, manager):
    assert listed(neighbour) == []
    Indicator.objects.filter(code="K1-1").update(lead_unit=department)
    assert {code for code, _quarter in listed(neighbour)} == {"K1-1"}
    assert len(listed(manager)) == 80


def test_the_list_shows_the_value_so_far(planner, report, approved, send):
    approved("K1-1", 1, outbound=4, inbound=8)
    send(report("K1-1", 2), outbound="5", inbound="30")
    words = text(signed_in(planner).get(reverse("admin:indicators_quarterreport_changelist"), {"q": "K1-1"}))
    assert "第 1 季 外交部 至少 55 次數 12 ✓ 審核通過" in words
    assert "第 2 季 外交部 至少 55 次數 47 ○ 草稿" in words
    assert "第 3 季 外交部 至少 55 次數 47 暫計 ○ 草稿" in words


def test_the_list_takes_the_same_number_of_queries_at_any_size(
    planner, report, approved, django_assert_num_queries
):
    client = signed_in(planner)
    address = reverse("admin:indicators_quarterreport_changelist")
    for quarter in (1, 2):
        approved("K1-1", quarter, outbound=4, inbound=8)
        approved("K1-2", quarter, projects=90)
    some: dict[str, str | int] = {"q": "K1-1", "quarter": 1}
    for chosen in (some, {}):
        with django_assert_num_queries(22):
            client.get(address, chosen)


# -- What people stumbled over


def test_a_reason_typed_for_a_return_is_not_lost_by_endorsing(send, submitted, head):
    page = text(send(submitted, "endorse", user=head, reason="請補佐證"))
    assert status(submitted) == Status.SUBMITTED
    assert "已填退回理由" in page
    assert "請補佐證" in page


def test_fields_left_empty_are_missing_and_not_unreadable(report, send):
    page = text(send(report("K4-2", 4), "submit"))
    assert "尚無法辨識" not in page
    assert "送審前請選填「是」或「否」" in page
