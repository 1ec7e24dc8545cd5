"""What the ministry publishes, beside what the system computes."""

from .publications import Publication, PublishedFile, report_title

__all__ = ["Publication", "PublishedFile", "report_title"]
