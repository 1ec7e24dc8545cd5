"""The pages' addresses."""

from django.contrib.auth import views as auth
from django.urls import path

from . import views
from .accounts import PasswordChange

accounts = [
    path("accounts/login/", auth.LoginView.as_view(), name="login"),
    path("accounts/logout/", auth.LogoutView.as_view(), name="logout"),
    path("accounts/password/", PasswordChange.as_view(), name="password_change"),
    path("accounts/password/done/", auth.PasswordChangeDoneView.as_view(), name="password_change_done"),
]

urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("indicators/<str:code>/", views.indicator, name="indicator"),
    path("plan/", views.plan, name="plan"),
    path("export/attainment.<str:extension>", views.export, name="export"),
    *accounts,
]
