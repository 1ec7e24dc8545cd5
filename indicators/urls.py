"""The addresses of the entry pages."""

from django.urls import path

from . import evidence_pages, import_pages, worksheet_pages
from .my_work_page import my_work
from .printed_page import print_report, print_unit
from .workbook_pages import download_workbook

urlpatterns = [
    path("my-work/", my_work, name="my_work"),
    # A unit's code may have any character, a slash too, so the longer address stands first.
    path(
        "worksheet/<int:year>/<int:quarter>/<path:code>/value/",
        worksheet_pages.worksheet_value,
        name="worksheet_value",
    ),
    path(
        "worksheet/<int:year>/<int:quarter>/<path:code>/workbook.<str:extension>",
        download_workbook,
        name="workbook",
    ),
    path("worksheet/<int:year>/<int:quarter>/<path:code>/", worksheet_pages.worksheet, name="worksheet"),
    path("evidence/<int:pk>/", evidence_pages.evidence, name="evidence"),
    path("evidence/file/<int:pk>/", evidence_pages.download, name="evidence_file"),
    path("evidence/<int:pk>/remove/", evidence_pages.remove, name="evidence_remove"),
    path("print/report/<int:pk>/", print_report, name="print_report"),
    path("print/<int:year>/<int:quarter>/<path:code>/", print_unit, name="print_unit"),
    path("imports/", import_pages.imports, name="imports"),
    path("imports/upload/", import_pages.import_upload, name="import_upload"),
    path("imports/<int:pk>/", import_pages.import_batch, name="import_batch"),
    path("imports/<int:pk>/apply/", import_pages.import_apply, name="import_apply"),
    path("imports/<int:pk>/withdraw/", import_pages.import_withdraw, name="import_withdraw"),
    path("imports/<int:pk>/file/", import_pages.import_file, name="import_file"),
    path("imports/<int:pk>/marked/", import_pages.import_marked, name="import_marked"),
]
