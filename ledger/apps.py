from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate


class LedgerConfig(AppConfig):
    name = "ledger"

    def ready(self) -> None:
        from django.contrib.auth import signals

        from . import events, triggers

        connection_created.connect(triggers.prepare)
        pre_migrate.connect(triggers.before_migrations, sender=self)
        post_migrate.connect(triggers.after_migrations, sender=self)
        signals.user_logged_in.connect(events.signed_in)
        signals.user_login_failed.connect(events.sign_in_failed)
        signals.user_logged_out.connect(events.signed_out)
