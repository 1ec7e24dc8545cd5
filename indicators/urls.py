"""The addresses of the entry pages."""

from django.urls import path

from .my_work_page import my_work
from .printed_page import print_report, print_unit

urlpatterns = [
    path("my-work/", my_work, name="my_work"),
    path("print/report/<int:pk>/", print_report, name="print_report"),
    path("print/<int:year>/<int:quarter>/<path:code>/", print_unit, name="print_unit"),
]
