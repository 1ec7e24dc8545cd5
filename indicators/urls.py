"""The addresses of the pages for entry."""

from django.urls import path

from . import evidence_pages

urlpatterns = [
    path("evidence/<int:pk>/", evidence_pages.evidence, name="evidence"),
    path("evidence/file/<int:pk>/", evidence_pages.download, name="evidence_file"),
    path("evidence/<int:pk>/remove/", evidence_pages.remove, name="evidence_remove"),
]
