from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _


class IndicatorsConfig(AppConfig):
    name = "indicators"
    verbose_name = _("Indicators and quarter reports")

    def ready(self) -> None:
        from . import locks

        pre_migrate.connect(locks.before_migrations, sender=self)
        post_migrate.connect(locks.after_migrations, sender=self)
