"""Where the browser for the browser tests is."""

import shutil


def chromium() -> str | None:
    """Find the system's Chromium."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    return None
