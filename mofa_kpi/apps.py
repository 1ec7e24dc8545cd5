from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ProjectConfig(AppConfig):
    """The project itself, for `manage.py bootstrap`."""

    name = "mofa_kpi"


class SiteAdminConfig(AdminConfig):
    """Django's admin with our own site in its place."""

    default_site = "mofa_kpi.admin.SiteAdmin"
