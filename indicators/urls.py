"""The addresses of the entry pages."""

from django.urls import path

from . import worksheet_pages

urlpatterns = [
    # Before the sheet's own address, whose unit's code may have any character.
    path(
        "worksheet/<int:year>/<int:quarter>/<path:code>/value/",
        worksheet_pages.worksheet_value,
        name="worksheet_value",
    ),
    path("worksheet/<int:year>/<int:quarter>/<path:code>/", worksheet_pages.worksheet, name="worksheet"),
]
