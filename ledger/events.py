"""What Django itself tells of that is no change of a row: people coming and going."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.http import HttpRequest

from .acting import record
from .models import Action


def signed_in(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    record(Action.SIGN_IN, actor=user, about=user)


def signed_out(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    if user:
        record(Action.SIGN_OUT, actor=user, about=user)


def sign_in_failed(sender: Any, credentials: dict[str, Any], **kwargs: Any) -> None:
    """Record the account's name only where there is such an account: people type passwords there too."""
    accounts: Any = get_user_model()
    found = accounts._default_manager.filter(
        **{accounts.USERNAME_FIELD: credentials.get(accounts.USERNAME_FIELD, "")}
    ).first()
    record(Action.SIGN_IN_FAILED, about=found)
