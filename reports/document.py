"""The plan as a document: the outline as a tree, the tables by goal, the work items line by line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Prefetch

from indicators.models import Indicator, TargetRevision
from objectives.models import Goal, Plan, Strategy, WorkItem, WorkPlan
from objectives.numerals import chinese_numeral

WITHOUT_INDICATOR = "無對應指標"


@dataclass
class Node:
    """A strategy in the outline."""

    strategy: Strategy
    label: str  # the labels from the goal down: 一（二）３、
    anchor: str
    indicators: Sequence[Indicator] = ()
    children: list[Node] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The heading or, where there is none, how the text begins."""
        words = (self.strategy.heading or self.strategy.text).rstrip("：")
        return words if len(words) <= 40 else words[:39] + "…"

    @property
    def without_indicator(self) -> bool:
        """Whether its note says that no indicator measures it."""
        return self.strategy.note.startswith(WITHOUT_INDICATOR)


@dataclass(frozen=True)
class GoalChapter:
    """A goal with its outline and its indicators."""

    goal: Goal
    nodes: Sequence[Node]
    indicators: Sequence[tuple[Indicator, Sequence[Node]]]

    @property
    def outline_label(self) -> str:
        return f"{chinese_numeral(self.goal.outline_number)}、"

    @property
    def label(self) -> str:
        """The number within the table of its kind."""
        return chinese_numeral(self.goal.number)

    @property
    def stray_indicators(self) -> list[Indicator]:
        """The indicators that measure the goal as a whole, with no strategy of their own."""
        return [indicator for indicator, nodes in self.indicators if not nodes]


@dataclass(frozen=True)
class Line:
    """A line of a work item's content, indented by its label."""

    level: int
    label: str
    text: str


@dataclass(frozen=True)
class Document:
    """A whole plan."""

    plan: Plan
    chapters: Sequence[GoalChapter]
    work_plans: Sequence[WorkPlan]

    @property
    def key_chapters(self) -> list[GoalChapter]:
        return self._of(Goal.Kind.KEY)

    @property
    def common_chapters(self) -> list[GoalChapter]:
        return self._of(Goal.Kind.COMMON)

    def _of(self, kind: Goal.Kind) -> list[GoalChapter]:
        chosen = [chapter for chapter in self.chapters if chapter.goal.kind == kind]
        return sorted(chosen, key=lambda chapter: chapter.goal.number)


def document_of(plan: Plan) -> Document:
    """Read a plan whole; seven queries however long it is."""
    goals = Goal.objects.filter(plan=plan).order_by("outline_number")
    strategies = list(Strategy.objects.filter(goal__plan=plan).select_related("goal"))
    indicators = list(
        Indicator.objects.filter(goal__plan=plan)
        .order_by("number")
        .select_related("goal")
        .prefetch_related(
            "strategies",
            Prefetch("revisions", TargetRevision.objects.approved(), to_attr="approved_revisions"),
        )
    )
    nodes = outline(strategies, indicators)
    tops = [node for node in nodes.values() if not node.strategy.parent_id]
    return Document(
        plan=plan,
        chapters=[
            GoalChapter(
                goal,
                [node for node in tops if node.strategy.goal_id == goal.pk],
                [(found, linked(found, nodes)) for found in indicators if found.goal_id == goal.pk],
            )
            for goal in goals
        ],
        work_plans=list(WorkPlan.objects.filter(plan=plan).order_by("position").prefetch_related("items")),
    )


def linked(indicator: Indicator, nodes: Mapping[int, Node]) -> list[Node]:
    """Return the strategies that the indicator measures, as nodes of the outline."""
    return [nodes[strategy.pk] for strategy in indicator.strategies.all() if strategy.pk in nodes]


def scheme_line(plan: Plan, scheme: int) -> str:
    """Return the line of the plan's legend that explains a code of 評估體制; empty where it has none."""
    return next((line for line in plan.scheme_legend.splitlines() if line.startswith(f"{scheme}.")), "")


def outline(strategies: Iterable[Strategy], indicators: Iterable[Indicator] = ()) -> dict[int, Node]:
    """Return the nodes by the strategies' ids, children below their parents, in the order of the source."""
    measured: dict[int, list[Indicator]] = {}
    for indicator in indicators:
        for strategy in indicator.strategies.all():
            measured.setdefault(strategy.pk, []).append(indicator)
    below: dict[int | None, list[Strategy]] = {}
    for strategy in strategies:
        below.setdefault(strategy.parent_id, []).append(strategy)
    nodes: dict[int, Node] = {}

    def add(strategy: Strategy, parent: Node | None) -> Node:
        goal = strategy.goal
        label = (parent.label if parent else chinese_numeral(goal.outline_number)) + strategy.label
        anchor = f"{parent.anchor if parent else 'strategy-' + goal.code}.{strategy.position}"
        node = nodes[strategy.pk] = Node(strategy, label, anchor, measured.get(strategy.pk, ()))
        node.children = [add(child, node) for child in _ordered(below.get(strategy.pk, ()))]
        return node

    for strategy in _ordered(below.get(None, ())):
        add(strategy, None)
    return nodes


def _ordered(strategies: Iterable[Strategy]) -> list[Strategy]:
    return sorted(strategies, key=lambda strategy: (strategy.goal.outline_number, strategy.position))


_NUMERALS = "一二三四五六七八九十"
_LABELS = re.compile(
    rf"(?P<one>[{_NUMERALS}]+、)|(?P<two>[（(][{_NUMERALS}]+[）)])|(?P<three>[0-9０-９]+[、.．])|(?P<four>[（(][0-9０-９]+[）)])"
)
_LEVELS = {"one": 1, "two": 2, "three": 3, "four": 4}


def lines_of(item: WorkItem) -> Iterator[Line]:
    """Yield the content line by line; a line without a label stands under the label before it."""
    level = 0
    for text in item.content.splitlines():
        found = _LABELS.match(text)
        if found:
            level = _LEVELS[str(found.lastgroup)]
            yield Line(level, found[0], text[found.end() :])
        else:
            yield Line(level, "", text)
