"""What narrows the lists of indicators: unit, goal, kind, standing, scheme; it all stands in the address.

The plan's own numbers, such as the mean, are never narrowed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from indicators.value import State
from indicators.wording import STATES
from objectives.models import Goal

from .attainment import Light, Progress
from .results import PlanResults, Result
from .wording import LIGHTS, PROGRESS

Narrowing = Mapping[str, str]
"""What the address asks for, by the facet's name; a facet that it leaves open is not there."""

NOT_APPLICABLE = "not_applicable"
STANDINGS: Mapping[Progress | Light, Promise] = dict([*PROGRESS.items(), *LIGHTS.items()])


@dataclass(frozen=True)
class Facet:
    """One way to narrow the lists: what can be chosen, as (value, words), and what is."""

    name: str
    label: str | Promise
    choices: Sequence[tuple[str, str | Promise]]
    chosen: str


def _standing(result: Result) -> str:
    found = result.attainment.light or result.attainment.progress
    return _word(found) if found else NOT_APPLICABLE


def _word(standing: Progress | Light) -> str:
    prefix = "light_" if isinstance(standing, Light) else ""
    return prefix + standing.value.lower()


KEYS: Mapping[str, Callable[[Result], str]] = {
    "unit": lambda result: result.indicator.lead_unit.code,
    "goal": lambda result: result.indicator.goal.code,
    "kind": lambda result: result.indicator.goal.kind.lower(),
    "standing": _standing,
    "scheme": lambda result: str(result.indicator.scheme),
}
LABELS: Mapping[str, Promise] = {
    "unit": gettext_lazy("Lead unit"),
    "goal": gettext_lazy("Goal"),
    "kind": gettext_lazy("Kind"),
    "standing": gettext_lazy("Standing"),
    "scheme": gettext_lazy("Assessment scheme"),
}


def asked(parameters: Mapping[str, str]) -> Narrowing:
    """Return what an address asks for; nothing is said of whether there is such a thing."""
    return {name: value for name in KEYS if (value := parameters.get(name))}


def kept(results: Iterable[Result], narrowing: Narrowing) -> list[Result]:
    """Return the results that are asked for."""
    wanted = {name: value for name, value in narrowing.items() if name in KEYS}
    return [each for each in results if all(KEYS[name](each) == value for name, value in wanted.items())]


def facets(results: PlanResults, narrowing: Narrowing) -> list[Facet]:
    """Return every facet of a plan. Raises ValidationError where the address asks for what there is not."""
    found = [
        Facet(name, LABELS[name], list(choices.items()), narrowing.get(name, ""))
        for name, choices in _choices(results).items()
    ]
    for facet in found:
        # A standing of another quarter than this may be none of these, and keeps nothing.
        known = {*dict(facet.choices), *(map(_word, STANDINGS) if facet.name == "standing" else ())}
        if facet.chosen and facet.chosen not in known:
            words = _("The address asks for %(label)s «%(value)s», which there is not.")
            raise ValidationError(words % {"label": facet.label, "value": facet.chosen[:40]})
    return found


def in_words(results: PlanResults, narrowing: Narrowing) -> list[tuple[str, str]]:
    """Say what is asked for, as (label, words). Raises ValidationError as `facets` does."""
    standings = {_word(standing): words for standing, words in STANDINGS.items()}
    return [
        (str(facet.label), str(dict(facet.choices).get(facet.chosen) or standings[facet.chosen]))
        for facet in facets(results, narrowing)
        if facet.chosen
    ]


def _choices(results: PlanResults) -> dict[str, dict[str, str | Promise]]:
    """Return what can be chosen, by facet, each in the order of the plan or of its words."""
    indicators = [each.indicator for each in results.results]
    standings: Iterable[Progress | Light] = Light if results.at_year_end else Progress
    return {
        "unit": dict(sorted((each.lead_unit.code, each.lead_unit.name) for each in indicators)),
        "goal": {each.goal.code: str(each.goal) for each in indicators},
        "kind": {kind.value.lower(): kind.label for kind in Goal.Kind},
        "standing": {
            **{_word(standing): STANDINGS[standing] for standing in standings},
            NOT_APPLICABLE: STATES[State.NOT_APPLICABLE],
        },
        "scheme": {scheme: scheme for scheme in sorted({str(each.scheme) for each in indicators})},
    }
