"""What the pure rules found, in people's words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .checks import Finding, Problem
from .formula import FormulaError, FormulaProblem
from .numbers import format_number
from .value import State, Value

STATES: dict[State, Promise] = {
    State.COMPLETE: gettext_lazy("Complete"),
    State.PROVISIONAL: gettext_lazy("Partial"),
    State.EMPTY: gettext_lazy("Not reported"),
    State.NOT_APPLICABLE: gettext_lazy("Not applicable"),
    State.UNDEFINED: gettext_lazy("Not computable"),
}

FORMULA_PROBLEMS: dict[FormulaProblem, Promise] = {
    FormulaProblem.EMPTY: gettext_lazy("The formula is empty."),
    FormulaProblem.TOO_LONG: gettext_lazy("The formula is too long: at most 500 characters."),
    FormulaProblem.TOO_DEEP: gettext_lazy("The formula has too many parentheses within parentheses."),
    FormulaProblem.SYNTAX: gettext_lazy(
        "Character %(place)s, «%(excerpt)s»: this cannot be read as a formula."
    ),
    FormulaProblem.NOT_ALLOWED: gettext_lazy(
        "Character %(place)s, «%(excerpt)s» is not allowed: a formula has symbols, numbers, + - * / ( ), "
        "comparisons, and, or, not."
    ),
    FormulaProblem.BAD_NUMBER: gettext_lazy(
        "Character %(place)s, «%(excerpt)s»: write numbers such as 12 or 0.5, of at most 15 digits."
    ),
    FormulaProblem.BAD_NAME: gettext_lazy(
        "Character %(place)s, «%(excerpt)s»: a symbol is a lower-case word such as inbound_visits."
    ),
    FormulaProblem.UNKNOWN_NAME: gettext_lazy(
        "Character %(place)s, «%(excerpt)s»: no variable of this indicator has this symbol."
    ),
}


def formula_problem(error: FormulaError) -> str:
    """Say what is wrong with a formula and where, counting characters from 1."""
    excerpt = error.excerpt if len(error.excerpt) <= 30 else error.excerpt[:29] + "…"
    return FORMULA_PROBLEMS[error.code] % {"place": error.position + 1, "excerpt": excerpt}


def why_no_value(value: Value, names: Mapping[str, str]) -> str:
    """Say why a value is missing or partial; empty for a complete one.

    names maps symbols to the variables' names.
    """
    parts = []
    if value.state is State.EMPTY and not value.missing:
        parts.append(_("Nothing is due yet."))
    if value.lacking:
        parts.append(_("No figure for: %(names)s.") % {"names": _listed(names[s] for s in value.lacking)})
    if value.denominator is not None:
        parts.append(
            _("The denominator is 0: %(expression)s.") % {"expression": _named(value.denominator, names)}
        )
    if value.missing:
        parts.append(_("Missing: %(figures)s.") % {"figures": missing_figures(value, names)})
    return " ".join(parts)


def missing_figures(value: Value, names: Mapping[str, str]) -> str:
    """List the figures that are due and not there, by quarter."""
    by_quarter: dict[int, list[str]] = {}
    for quarter, symbol in value.missing:
        by_quarter.setdefault(quarter, []).append(names[symbol])
    return _("; ").join(
        _("quarter %(quarter)s %(names)s") % {"quarter": quarter, "names": _listed(listed)}
        for quarter, listed in sorted(by_quarter.items())
    )


def _listed(names: Iterable[str]) -> str:
    return _(", ").join(names)


def _named(expression: str, names: Mapping[str, str]) -> str:
    """Put the variables' names in place of their symbols."""
    return re.sub(r"[a-z][a-z0-9_]*", lambda match: names.get(match[0], match[0]), expression)


FINDINGS: dict[Problem, Promise] = {
    Problem.FALLS: gettext_lazy(
        "«%(name)s» is %(value)s and was %(other)s before; it normally does not fall."
    ),
    Problem.LEAPS: gettext_lazy(
        "«%(name)s» is %(value)s, more than three times the %(other)s of the quarters before."
    ),
    Problem.EXCEEDS: gettext_lazy(
        "«%(name)s» is %(value)s and cannot be above «%(whole)s», which is %(other)s."
    ),
}


def finding_words(finding: Finding, names: Mapping[str, str]) -> str:
    """Say what was noticed about a figure; names are the variables' by symbol."""
    return str(FINDINGS[finding.problem]) % {
        "name": names[finding.symbol],
        "value": format_number(finding.value),
        "other": format_number(finding.other),
        "whole": names.get(finding.whole, ""),
    }
