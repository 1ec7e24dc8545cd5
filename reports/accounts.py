"""A person's own account."""

from __future__ import annotations

from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.views import PasswordChangeView
from django.http import HttpResponse

from ledger.acting import acting, record
from ledger.models import Action


class PasswordChange(PasswordChangeView):
    """Django's page; that the password was changed is in the ledger, the password is not."""

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        with acting():
            record(Action.PASSWORD, about=form.user)
            return super().form_valid(form)
