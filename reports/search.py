"""Searching a plan by words: goals, strategies, indicators, work plans and items, wherever the words stand.

A plan is some forty thousand characters, so its texts are read and compared here, the same on every database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from indicators.models import Indicator
from objectives.fields import folded, refuse_control_characters, trimmed
from objectives.models import Goal, Plan, Strategy, WorkPlan

from .document import outline

MOST_CHARACTERS = 100
AROUND = 36  # characters shown before and after the first word that was found

# One word in two spellings that people use alike.
_SPELLINGS = str.maketrans("臺昇飢", "台升饑")

Pieces = Sequence[tuple[str, bool]]
"""A text in pieces, each with whether it is one of the words looked for."""


CUT = ("…", False)


class Text:
    """A text as it is shown, and as it is compared, each character beside the place it came from."""

    def __init__(self, shown: str) -> None:
        self.shown = shown
        compared = [(each, place) for place, sign in enumerate(shown) for each in _compared(sign)]
        self.compared = "".join(each for each, _place in compared)
        self.places = [place for _each, place in compared]

    def passage(self, words: Sequence[str]) -> Pieces:
        """Return what stands around the first of the words, each of them marked; [] where none is there."""
        marked = {place for word in words for place in self._found(word)}
        if not marked:
            return []
        start, end = max(0, min(marked) - AROUND), min(len(self.shown), min(marked) + 2 * AROUND)
        pieces = [
            ("".join(self.shown[place] for place in places), is_marked)
            for is_marked, places in groupby(range(start, end), key=marked.__contains__)
        ]
        before, after = [CUT] * (start > 0), [CUT] * (end < len(self.shown))
        return [*before, *pieces, *after]

    def _found(self, word: str) -> Iterator[int]:
        """Yield every place of the text that is part of the word."""
        start = self.compared.find(word)
        while start >= 0:
            yield from self.places[start : start + len(word)]
            start = self.compared.find(word, start + 1)


@dataclass(frozen=True)
class Hit:
    """Something that has all the words: what it is called, where it stands, the passages with the words."""

    title: Pieces
    address: str
    passages: Sequence[Pieces]


@dataclass(frozen=True)
class Found:
    """What was found of a kind, in the order of the plan."""

    kind: str | Promise
    hits: Sequence[Hit]


def words_of(query: str) -> list[str]:
    """Return the words to look for, as they are compared. Raises ValidationError for what is none."""
    refuse_control_characters(query)
    if len(query) > MOST_CHARACTERS:
        raise ValidationError(_("Search for at most %(number)s characters.") % {"number": MOST_CHARACTERS})
    return [word for each in trimmed(query).split() if (word := _compared(each))]


def _compared(text: str) -> str:
    return folded(text).translate(_SPELLINGS)


def search(plan: Plan, words: Sequence[str], query: str) -> list[Found]:
    """Return what of the plan has all the words, by kind; query is what links carry. Six queries."""
    if not words:
        return []
    goals, strategies = Goal.objects.filter(plan=plan), Strategy.objects.filter(goal__plan=plan)
    indicators = Indicator.objects.filter(goal__plan=plan).prefetch_related("variables")
    work_plans = list(WorkPlan.objects.filter(plan=plan).order_by("position").prefetch_related("items"))
    document = reverse("plan") + query
    found = [
        Found(
            str(Goal._meta.verbose_name_plural),
            list(_goals(goals.order_by("outline_number"), words, document)),
        ),
        Found(
            str(Strategy._meta.verbose_name_plural),
            list(_strategies(strategies.select_related("goal"), words, document)),
        ),
        Found(
            str(Indicator._meta.verbose_name_plural),
            list(_indicators(indicators.order_by("goal__outline_number", "number"), words, query)),
        ),
        Found(gettext_lazy("Work plans and items"), list(_works(work_plans, words, document))),
    ]
    return [each for each in found if each.hits]


def _hit(words: Sequence[str], address: str, title: str, *texts: str) -> Iterator[Hit]:
    """Yield what is called title and says the texts, where these have all the words together."""
    heading, body = Text(title), [Text(text) for text in texts if text]
    said = "\n".join(each.compared for each in (heading, *body))
    if all(word in said for word in words):
        passages = [passage for each in body if (passage := each.passage(words))]
        yield Hit(heading.passage(words) or [(title, False)], address, passages)


def _goals(goals: Iterable[Goal], words: Sequence[str], document: str) -> Iterator[Hit]:
    for goal in goals:
        texts = (goal.code, goal.outline_title, goal.preamble_title, goal.text, goal.note)
        others = [text for text in texts if text != goal.title]
        yield from _hit(words, f"{document}#goal-{goal.code}", str(goal), *others)


def _strategies(strategies: Iterable[Strategy], words: Sequence[str], document: str) -> Iterator[Hit]:
    for node in outline(strategies).values():
        each = node.strategy
        texts = [text for text in (each.heading, each.text) if text.rstrip("：") != node.title]
        title = f"{node.label} {node.title}"
        yield from _hit(words, f"{document}#{node.anchor}", title, *texts, each.closing, each.note)


def _indicators(indicators: Iterable[Indicator], words: Sequence[str], query: str) -> Iterator[Hit]:
    for each in indicators:
        variables = "、".join(variable.name for variable in each.variables.all())
        address = reverse("indicator", args=[each.code]) + query
        title = f"{each.code} {each.title}"
        yield from _hit(words, address, title, each.standard, each.unit, variables, each.note)


def _works(work_plans: Iterable[WorkPlan], words: Sequence[str], document: str) -> Iterator[Hit]:
    for work_plan in work_plans:
        place = f"{document}#work-{work_plan.position}"
        yield from _hit(words, place, work_plan.name, work_plan.note)
        for item in work_plan.items.all():
            title = f"{work_plan.name} · {item.name}"
            yield from _hit(words, f"{place}-{item.position}", title, item.content, item.note)
