"""稽催: who is to be reminded of what on a day, in which words, and the mail that says it.

Written in the language of the site, whatever the process that runs it speaks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from objectives.models import User
from objectives.roc import TAIPEI, roc_date, taipei

from .models import Reminder
from .my_work import Task, explain, tasks

SOON = 3  # days before something is due


@dataclass(frozen=True)
class Letter:
    """What one person is to be reminded of on a day."""

    person: User
    day: date
    subject: str
    body: str


def moment_of(day: date | None) -> datetime:
    """Return the moment that a run for day judges by: noon in Taipei; without a day the present."""
    return datetime.combine(day, time(12), TAIPEI) if day else timezone.now()


def is_pressing(task: Task) -> bool:
    """Whether the person is to be reminded: it is overdue, due within days, or came back."""
    return task.is_returned or task.days_left <= SOON


def letters(now: datetime) -> Iterator[Letter]:
    """Yield a letter for each active person with something pressing, by user name."""
    for person in User.objects.filter(is_active=True).order_by("username"):
        pressing = [task for task in tasks(person, now) if is_pressing(task)]
        if pressing:
            yield _letter(person, taipei(now).date(), explain(pressing))


@translation.override(settings.LANGUAGE_CODE)
def _letter(person: User, day: date, pressing: list[Task]) -> Letter:
    overdue = sum(task.is_overdue for task in pressing)
    numbers = {"number": len(pressing), "overdue": overdue}
    if overdue:
        subject = _("Quarter reports: %(number)s to do, %(overdue)s of them overdue") % numbers
    else:
        subject = _("Quarter reports: %(number)s to do") % numbers
    paragraphs = [
        _("Dear %(name)s,") % {"name": one_line(str(person))},
        _("on %(day)s this is due from you:") % {"day": roc_date(day)},
        *("\n".join(_lines(task)) for task in pressing),
        _("Everything at a glance: %(address)s") % {"address": address("/my-work/")},
    ]
    return Letter(person, day, one_line(subject), "\n\n".join(paragraphs))


def _lines(task: Task) -> Iterator[str]:
    yield _("* ROC year %(year)s, quarter %(quarter)s, %(unit)s: %(what)s, %(subject)s") % {
        "year": task.period.plan.year,
        "quarter": task.period.quarter,
        "unit": one_line(str(task.unit)),
        "what": task.kind.label,
        "subject": one_line(task.subject),
    }
    yield _("  due %(day)s, %(words)s") % {"day": roc_date(task.due), "words": task.due_words}
    if task.is_returned and task.report:
        reason = one_line(task.report.return_reason)
        yield _("  returned for correction: %(reason)s") % {"reason": reason}
    yield f"  {address(task.url)}"


def one_line(text: str) -> str:
    """Return a text without line breaks: a name must not begin a line, or a header, of its own."""
    return " ".join(text.split())


def address(path: str) -> str:
    """Return a page's full address where the site's is known (SITE_URL), its path otherwise."""
    return settings.SITE_URL.rstrip("/") + path


def already_reminded(found: Iterable[Letter]) -> set[int]:
    """Return the ids of the people who were reminded on their letter's day."""
    found = list(found)
    days = {letter.day for letter in found}
    sent = Reminder.objects.filter(day__in=days, person__in=[letter.person for letter in found])
    return set(sent.values_list("person", flat=True))


def send(letter: Letter) -> bool:
    """Keep the letter among the person's notifications and mail it; False where they had one that day.

    Somebody without an address has it on their page only. Raises what sending raises; then nothing is kept,
    so that the next run tries again. The row comes first: of two runs at a time only one mails.
    """
    to = letter.person.email
    try:
        with transaction.atomic():
            kept = Reminder.objects.create(
                person=letter.person,
                day=letter.day,
                subject=letter.subject,
                body=letter.body,
                mailed_to=to,
            )
    except IntegrityError:
        return False
    if to:
        try:
            EmailMessage(letter.subject, letter.body, to=[to]).send(fail_silently=False)
        except BaseException:
            kept.delete()
            raise
    return True
