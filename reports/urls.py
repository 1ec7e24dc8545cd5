"""The pages' addresses."""

from django.contrib.auth import views as auth
from django.urls import path

from . import approval_pages, deputy_pages, ledger_pages, people_pages, publication_pages, views
from .accounts import PasswordChange
from .exports import pages as export_pages
from .sign_in import SignIn

accounts = [
    path("accounts/login/", SignIn.as_view(), name="login"),
    path("accounts/logout/", auth.LogoutView.as_view(), name="logout"),
    path("accounts/password/", PasswordChange.as_view(), name="password_change"),
    path("accounts/password/done/", auth.PasswordChangeDoneView.as_view(), name="password_change_done"),
]

urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("indicators/<str:code>/", views.indicator, name="indicator"),
    path("indicators/<str:code>/what-if/", views.what_if, name="what_if"),
    path("plan/", views.plan, name="plan"),
    path("search/", views.search, name="search"),
    path("export/", export_pages.exports, name="exports"),
    path("export/<slug:name>.metadata.json", export_pages.describe, name="export_metadata"),
    path("export/<slug:name>.<str:extension>", export_pages.export, name="export"),
    path("history/<str:label>/<int:key>/", ledger_pages.history, name="history"),
    path("ledger/", ledger_pages.ledger, name="ledger"),
    path("ledger/export.<str:extension>", ledger_pages.ledger_export, name="ledger_export"),
    path("ledger/check_export.py", ledger_pages.verifier, name="verifier"),
    path("approve/<int:pk>/", approval_pages.approve, name="approve"),
    path("approve/<int:year>/<int:quarter>/<path:code>/", approval_pages.approve_unit, name="approve_unit"),
    path("published/draft.<str:extension>", publication_pages.draft, name="draft"),
    path("published/", publication_pages.publications, name="publications"),
    path("published/new/", publication_pages.new_publication, name="publish"),
    # A number begins with an agency's code, which may have any character, a slash too.
    path("published/<path:number>.<slug:extension>", publication_pages.published_file, name="published_file"),
    path("published/<path:number>/", publication_pages.publication, name="publication"),
    path("verify/", publication_pages.verify, name="verify"),
    path("people/", people_pages.people, name="people"),
    path("deputies/", deputy_pages.deputies, name="deputies"),
    path("deputies/<int:pk>/end/", deputy_pages.end, name="end_deputy"),
    *accounts,
]
