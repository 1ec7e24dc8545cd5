"""目標值修正 for the pages: what each revision changed, beside what the plan has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from indicators.models import Indicator, TargetRevision
from indicators.numbers import format_number
from indicators.wording import formula_in_names, formula_in_symbols


@dataclass(frozen=True)
class Revised:
    """Something before and after a revision; in symbols is a formula's second line."""

    before: str
    after: str
    before_in_symbols: str = ""
    after_in_symbols: str = ""


@dataclass(frozen=True)
class RevisionShown:
    """An approved revision with whatever it changed; None is what it left as it was."""

    revision: TargetRevision
    target: Revised | None
    formula: Revised | None
    constant: tuple[str, Revised] | None  # under the variable's name


def revisions_shown(indicator: Indicator) -> Iterator[RevisionShown]:
    """Yield the approved revisions, the earliest first, from `variables` and `revisions` as prefetched."""
    names = {variable.symbol: variable.name for variable in indicator.variables.all()}
    by_key = {variable.pk: variable.name for variable in indicator.variables.all()}
    approved = [revision for revision in indicator.revisions.all() if revision.is_approved]
    for revision in sorted(approved, key=lambda each: (each.from_quarter, each.pk)):
        yield RevisionShown(
            revision, _target(revision), _formula(revision, names), _constant(revision, by_key)
        )


def _target(revision: TargetRevision) -> Revised | None:
    if revision.target is None:
        return None
    return Revised(format_number(revision.old_target), format_number(revision.target))


def _formula(revision: TargetRevision, names: Mapping[str, str]) -> Revised | None:
    if not revision.formula:
        return None
    before, after = revision.old_formula, revision.formula
    return Revised(
        formula_in_names(before, names),
        formula_in_names(after, names),
        formula_in_symbols(before),
        formula_in_symbols(after),
    )


def _constant(revision: TargetRevision, names: Mapping[int, str]) -> tuple[str, Revised] | None:
    if revision.variable_id is None or revision.constant is None:
        return None
    before = "" if revision.old_constant is None else format_number(revision.old_constant)
    return names[revision.variable_id], Revised(before, format_number(revision.constant))
