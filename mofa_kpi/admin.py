"""The admin site: open to whoever has a role, signed in through the site's own login page."""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


class SiteAdmin(admin.AdminSite):
    site_header = gettext_lazy("Foreign affairs performance")
    site_title = site_header
    index_title = gettext_lazy("Work and administration")
    enable_nav_sidebar = False

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send visitors to the site's login page and back; someone without a role is told so."""
        wanted = request.GET.get("next", "")
        safe = url_has_allowed_host_and_scheme(
            wanted, {request.get_host()}, require_https=request.is_secure()
        )
        target = wanted if safe else reverse("admin:index", current_app=self.name)
        if self.has_permission(request):
            return HttpResponseRedirect(target)
        if request.user.is_authenticated:
            raise PermissionDenied(_("Your account has no role yet. Please ask an administrator for one."))
        return redirect_to_login(target, resolve_url(settings.LOGIN_URL))

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """List what is used every day first: the quarter reports, then the plan."""
        order = ["indicators", "objectives"]
        models = [
            "QuarterReport",
            "ReportingPeriod",
            "Indicator",
            "Plan",
            "Goal",
            "Strategy",
            "WorkPlan",
            "WorkItem",
            "Unit",
            "User",
        ]
        apps = sorted(
            super().get_app_list(request, app_label), key=lambda app: _position(order, app["app_label"])
        )
        for app in apps:
            app["models"].sort(key=lambda model: _position(models, model["object_name"]))
        return apps


def _position(order: list[str], name: str) -> int:
    return order.index(name) if name in order else len(order)
