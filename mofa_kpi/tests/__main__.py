"""The whole suite on SQLite, and meanwhile on PostgreSQL, and the pages in Chromium.

    python -m mofa_kpi.tests [arguments for pytest]

PostgreSQL is the server that DATABASE_URL names, if it names one, else one of our own that lives as long as
the tests. What a browser shows does not depend on the database, nor does what touches none: those tests run
on SQLite alone. All three run at once, since a browser's test waits for most of its time.
"""

import os
import subprocess
import sys
import tempfile
import time
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path

import pytest

from mofa_kpi.tests.browser import browser_required, chromium
from mofa_kpi.tests.postgres import NoPostgreSQL, cluster, stop_on_sigterm

BASE_DIR = Path(__file__).resolve().parents[2]
PASSED = "passed"


class Run:
    """A part of the suite in a process of its own; what it says is shown live, or kept until asked for."""

    def __init__(self, name: str, url: str, arguments: list[str], *, live: bool = False) -> None:
        self.name = name
        self.output = None if live else tempfile.TemporaryFile()  # noqa: SIM115 (until the process is done)
        color = ["--color=yes"] if sys.stdout.isatty() else []
        # Each with its own folders: they run at once.
        folders = [f"--override-ini=cache_dir=.pytest_cache/{name}", f"--output=test-results/{name}"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *color, *folders, *arguments],
            cwd=BASE_DIR,
            env={**os.environ, "DATABASE_URL": url},
            stdout=self.output,
            stderr=self.output,
        )

    def result(self, *, may_be_empty: bool) -> str:
        """Wait for the end, show what was said, and say how it went."""
        code = self.process.wait()
        if self.output:
            print(f"\n== {self.name}", flush=True)
            self.output.seek(0)
            sys.stdout.buffer.write(self.output.read())
        nothing_chosen = may_be_empty and code == pytest.ExitCode.NO_TESTS_COLLECTED
        return PASSED if code == pytest.ExitCode.OK or nothing_chosen else "FAILED"

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


def main(arguments: list[str]) -> int:
    stop_on_sigterm()
    began = time.monotonic()
    results: dict[str, str] = {}
    with ExitStack() as stack:

        def start(name: str, url: str, chosen: str, *, live: bool = False) -> Run:
            run = Run(name, url, [*arguments, "-m", chosen], live=live)
            stack.callback(run.stop)
            return run

        print("== SQLite (the others run meanwhile, and are shown below)", flush=True)
        runs = [start("SQLite", "", "not browser", live=True)]
        if chromium() or browser_required():
            runs.append(start("Chromium", "", "browser"))
        try:
            server = stack.enter_context(_postgres())
            runs.append(start("PostgreSQL", server, "database and not browser"))
        except NoPostgreSQL as problem:
            results["PostgreSQL"] = f"NOT RUN. {problem}"
        for run in runs:
            results[run.name] = run.result(may_be_empty=bool(arguments))

    print(f"\n== Summary, after {time.monotonic() - began:.0f} s")
    for name, result in results.items():
        print(f"{name}: {result}")
    if "Chromium" not in results:
        print("Chromium: NOT RUN. There is none on this machine.")
    return 0 if set(results.values()) == {PASSED} else 1


def _postgres() -> AbstractContextManager[str]:
    url = os.environ.get("DATABASE_URL", "")
    return nullcontext(url) if url.startswith(("postgres:", "postgresql:")) else cluster()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
