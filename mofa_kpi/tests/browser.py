"""Where the browser for the browser tests is."""

import os
import shutil


def chromium() -> str | None:
    """Find the system's Chromium."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    return None


def browser_required() -> bool:
    """Whether a machine without Chromium is at fault (REQUIRE_BROWSER), instead of excused."""
    return os.environ.get("REQUIRE_BROWSER", "") not in ("", "0")
