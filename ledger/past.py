"""The past: audited tables as they stood at a moment."""

from __future__ import annotations

from contextvars import ContextVar

_shadowed: ContextVar[bool] = ContextVar("shadowed", default=False)


def refuse_writing() -> None:
    """Raise RuntimeError inside `as_of`."""
    if _shadowed.get():
        raise RuntimeError("The past is being shown here (as_of); nothing can be written.")
