"""The addresses of the entry pages."""

from django.urls import path

from . import worksheet_pages

urlpatterns = [
    path("worksheet/<int:year>/<int:quarter>/<str:code>/", worksheet_pages.worksheet, name="worksheet"),
    path(
        "worksheet/<int:year>/<int:quarter>/<str:code>/value/",
        worksheet_pages.worksheet_value,
        name="worksheet_value",
    ),
]
