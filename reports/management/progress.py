"""How far a command is, told on standard error where it takes longer than a second."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.core.management.base import OutputWrapper
from django.utils.translation import gettext as _

EVERY = 1_000  # rows after which the clock is looked at


def told_on(stream: OutputWrapper) -> Callable[[int], None]:
    """Return what, told of each row by its number, says once a second how many there are."""
    last = time.monotonic()

    def watch(rows: int) -> None:
        nonlocal last
        if rows % EVERY == 0 and time.monotonic() - last >= 1:
            last = time.monotonic()
            stream.write(_("%(count)s rows written …") % {"count": f"{rows:,}"})

    return watch
