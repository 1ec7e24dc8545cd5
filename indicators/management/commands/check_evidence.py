from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from indicators import evidence_store
from indicators.models import Evidence

ON_ITS_WAY = 10 * 60  # seconds in which a file may wait for its row to be saved


class Command(BaseCommand):
    help = (
        "Compare the files of evidence with what is recorded of them: missing, altered, belonging to "
        "nothing. Exit status 1 where anything does not fit."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        there = evidence_store.files()  # first: what is stored meanwhile belongs to something
        kept = Evidence.objects.kept().exclude(stored_name="")
        problems = [*_faults(kept), *_orphans(there)]
        if problems:
            raise CommandError("\n".join(problems))
        self.stdout.write(
            _("%(number)s files of evidence, all as they were stored.") % {"number": f"{kept.count():,}"}
        )


def _faults(kept: Any) -> Iterator[str]:
    """Name the pieces whose file is not as it was stored."""
    for piece in kept.select_related("report__indicator").order_by("pk").iterator():
        try:
            evidence_store.opened(piece.stored_name, piece.sha256).close()
        except evidence_store.Missing:
            if kept.filter(pk=piece.pk).exists():  # not removed meanwhile
                yield _("missing: %(piece)s") % {"piece": _named(piece)}
        except evidence_store.Altered:
            yield _("altered: %(piece)s") % {"piece": _named(piece)}


def _named(piece: Evidence) -> str:
    return f"{piece.stored_name} «{piece.name}» ({piece.report}, #{piece.pk})"


def _orphans(there: list[Path]) -> Iterator[str]:
    """Name the files that belong to nothing and are not just being stored or deleted."""
    known = set(Evidence.objects.kept().values_list("stored_name", flat=True))
    for file in there:
        if file.name not in known and file.exists() and time.time() - file.stat().st_mtime > ON_ITS_WAY:
            yield _("belongs to nothing: %(file)s") % {"file": file.name}
