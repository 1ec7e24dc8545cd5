"""稽催: one mail a person and day, and nothing that a name or a mail server could spoil."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.core.management import CommandError, call_command
from django.utils import timezone, translation

from indicators import workflow
from indicators.models import Reminder
from indicators.reminders import is_pressing, letters
from indicators.tests.test_my_work import due
from objectives.models import Deputy, User
from objectives.roc import TAIPEI
from objectives.roles import Role
from objectives.tests.pages import signed_in, text

DAY = "2010-04-12"  # two days after the submission of quarter 1 was due
IN_APRIL = datetime(2010, 4, 12, 12, tzinfo=TAIPEI)


class Failing(EmailBackend):
    """A mail server that knows one address not."""

    def send_messages(self, messages):
        if any("planner@example.test" in message.to for message in messages):
            raise OSError("550 no such\nmailbox")
        return super().send_messages(messages)


def run(*arguments):
    """Run the command; return what it said."""
    out, err = StringIO(), StringIO()
    call_command("send_reminders", *arguments, stdout=out, stderr=err)
    return out.getvalue() + err.getvalue()


@pytest.fixture
def addresses(planner, head, reviewer):
    for person in User.objects.all():
        person.email = f"{person.username}@example.test"
        person.save()


@pytest.fixture
def submitted(report, planner, now):
    """K1-1, quarter 1."""
    figures = {"outbound": Decimal(4), "inbound": Decimal(8)}
    saved = workflow.save_draft(report=report("K1-1", 1), by=planner, now=now, figures=figures)
    return workflow.submit(report=saved, by=planner, now=now)


def test_each_person_gets_one_mail_with_everything(addresses, planner, submitted):
    assert "站內通知 2 人，寄發郵件 2 封。" in run("--day", DAY)
    by_address = {message.to[0]: message for message in mail.outbox}
    assert set(by_address) == {"planner@example.test", "head@example.test"}
    letter = by_address["planner@example.test"]
    overdue = len(due(planner, IN_APRIL))
    assert letter.subject == f"【施政績效稽催】待辦 {overdue} 件，其中逾期 {overdue} 件"
    assert "K1-2" in letter.body
    assert "逾期 2 日" in letter.body
    assert "K1-1" not in letter.body
    head_letter = by_address["head@example.test"].body
    assert "K1-1" in head_letter
    assert "尚餘 3 日" in head_letter


def test_the_words_are_chinese_whatever_the_process_speaks(addresses, plan):
    with translation.override("en"):
        letter = next(letters(IN_APRIL))
        assert translation.get_language() == "en"
    assert "逾期 2 日" in letter.body
    assert "填報並送審" in letter.body
    assert letter.subject.startswith("【施政績效稽催】")


def test_a_second_run_on_the_day_sends_nothing(addresses, plan):
    run("--day", DAY)
    sent = len(mail.outbox)
    assert "站內通知 0 人，寄發郵件 0 封。" in run("--day", DAY)
    assert len(mail.outbox) == sent > 0
    run("--day", "2010-04-13")
    assert len(mail.outbox) == 2 * sent
    assert Reminder.objects.filter(day=date(2010, 4, 12)).count() == sent


def test_a_dry_run_sends_and_keeps_nothing(addresses, plan):
    said = run("--day", DAY, "--dry-run")
    assert "planner" in said
    assert "K1-1" in said
    assert mail.outbox == []
    assert not Reminder.objects.exists()


def test_only_what_presses_is_in_it(addresses, planner, head, submitted, now):
    """The head's date is five days off: no mail, unless it came back."""
    early = datetime(2010, 4, 5, 12, tzinfo=TAIPEI)
    assert not any(is_pressing(task) for task in due(head, early))
    assert list(letters(early)) == []
    workflow.return_for_correction(report=submitted, by=head, now=now, reason="請查明\n並補正")
    [letter] = letters(early)
    assert letter.person == planner
    assert "退回補正意見：請查明 並補正" in letter.body
    assert "K1-2" not in letter.body


def test_people_with_nothing_to_do_and_inactive_ones_get_none(addresses, planner, manager, auditor, plan):
    planner.is_active = False
    planner.save()
    run("--day", DAY)
    assert mail.outbox == []
    assert not Reminder.objects.exists()


def test_somebody_without_an_address_is_named_and_sees_it_on_the_page(planner, plan):
    assert "planner 未設電子郵件地址。" in run("--day", DAY)
    assert mail.outbox == []
    assert Reminder.objects.get().mailed_to == ""
    words = text(signed_in(planner).get("/my-work/"))
    assert "99 年 4 月 12 日 · 【施政績效稽催】" in words
    assert "您尚未設定電子郵件地址" in words


def test_a_mail_that_fails_is_named_and_tried_again(addresses, settings, neighbour, planner, submitted):
    settings.EMAIL_BACKEND = "indicators.tests.test_reminders.Failing"
    with pytest.raises(CommandError, match="planner") as raised:
        run("--day", DAY)
    assert raised.value.returncode == 1
    assert [message.to for message in mail.outbox] == [["head@example.test"]]
    assert not Reminder.objects.filter(person=planner).exists()
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert "站內通知 1 人，寄發郵件 1 封。" in run("--day", DAY)


def test_a_name_or_an_address_adds_no_header(addresses, planner, head, plan):
    User.objects.filter(pk=planner.pk).update(name="甲\r\nBcc: all@example.test")
    run("--day", DAY)
    [message] = mail.outbox
    assert message.recipients() == ["planner@example.test"]
    assert "\nBcc" not in message.body
    User.objects.filter(pk=planner.pk).update(email="a@example.test\nBcc: all@example.test")
    with pytest.raises(CommandError):
        run("--day", "2010-04-13")
    assert len(mail.outbox) == 1
    assert Reminder.objects.count() == 1


def test_a_deputy_is_reminded_of_their_principals_work(addresses, planner, person, plan):
    deputy = person("deputy", (Role.MANAGER, plan.unit))
    today = timezone.localdate()
    Deputy.objects.create(
        principal=planner, deputy=deputy, starts_on=today, ends_on=today + timedelta(days=1)
    )
    by_person = {letter.person.username: letter for letter in letters(IN_APRIL)}
    assert set(by_person) == {"planner", "deputy"}
    assert by_person["deputy"].subject == by_person["planner"].subject


def test_links_are_whole_where_the_site_is_known(addresses, plan, settings):
    assert "\n  /worksheet/99/1/MOFA/" in next(letters(IN_APRIL)).body
    settings.SITE_URL = "https://kpi.example.gov.tw/"
    body = next(letters(IN_APRIL)).body
    assert "https://kpi.example.gov.tw/worksheet/99/1/MOFA/" in body
    assert "全部待辦事項請見：https://kpi.example.gov.tw/my-work/" in body


def test_the_page_lists_the_latest_twenty_of_ones_own(planner, head, plan):
    for number in range(1, 23):
        Reminder.objects.create(person=planner, day=date(2010, 5, number), subject=f"通知{number}。", body="")
    Reminder.objects.create(person=head, day=date(2010, 5, 30), subject="別人的", body="")
    words = text(signed_in(planner).get("/my-work/"))
    assert words.index("通知22。") < words.index("通知21。") < words.index("通知3。")
    assert "通知2。" not in words
    assert "別人的" not in words


def test_a_day_that_is_none_is_refused(db):
    with pytest.raises(CommandError):
        run("--day", "2010-02-30")
