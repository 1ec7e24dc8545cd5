"""What a row of a downloaded plan carries, hidden: which row of which plan it was made from, and a digest."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from objectives.models import Plan

STAMP = re.compile(r"(?P<agency>[^|]+)\|(?P<year>[0-9]{1,3})\|(?P<key>[^|]+)\|(?P<digest>[0-9a-f]{12})")


@dataclass(frozen=True)
class PlanStamp:
    """A row as it stood when it was downloaded; written as 「MOFA|99|K1-1|3f5a9c0b21de」."""

    agency: str
    year: int
    key: str
    digest: str

    @classmethod
    def of(cls, plan: Plan, key: str, cells: Mapping[str, str]) -> Self:
        """Make the stamp of a row of plan from what its cells say, by their headers."""
        return cls(plan.unit.code, plan.year, key, digest(cells))

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Read what `str` wrote; None for anything else: the row was made by hand."""
        match = STAMP.fullmatch(text)
        return cls(match["agency"], int(match["year"]), match["key"], match["digest"]) if match else None

    def __str__(self) -> str:
        return f"{self.agency}|{self.year}|{self.key}|{self.digest}"

    def is_of(self, plan: Plan | None) -> bool:
        return plan is not None and (self.agency, self.year) == (plan.unit.code, plan.year)


def digest(cells: Mapping[str, str]) -> str:
    """Return what tells the content of a row from any other."""
    said = json.dumps(list(cells.items()), ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()[:12]
