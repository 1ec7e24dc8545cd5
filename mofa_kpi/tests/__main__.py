"""The whole suite on SQLite and on PostgreSQL, both at once.

    python -m mofa_kpi.tests [arguments for pytest]

PostgreSQL is the server that DATABASE_URL names, if it names one, else one of our own that lives as long as
the tests. What a browser shows does not depend on the database: those tests run on SQLite alone.
"""

import os
import subprocess
import sys
import tempfile
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO

from mofa_kpi.tests.browser import chromium
from mofa_kpi.tests.postgres import NoPostgreSQL, cluster, stop_on_sigterm

BASE_DIR = Path(__file__).resolve().parents[2]


def start(
    name: str, url: str, arguments: list[str], output: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    color = ["--color=yes"] if sys.stdout.isatty() else []
    # Each with its own folders: the two run at once.
    folders = [f"--override-ini=cache_dir=.pytest_cache/{name}", f"--output=test-results/{name}"]
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", *color, *folders, *arguments],
        cwd=BASE_DIR,
        env={**os.environ, "DATABASE_URL": url},
        stdout=output,
        stderr=output,
    )


def main(arguments: list[str]) -> int:
    stop_on_sigterm()
    began = time.monotonic()
    results: dict[str, int | str] = {}

    print("== Tests on SQLite, browser tests included (PostgreSQL's run meanwhile, shown below)", flush=True)
    on_sqlite = start("sqlite", "", arguments)
    try:
        with _postgres() as url, tempfile.TemporaryFile() as output:
            on_postgres = start("postgresql", url, [*arguments, "-m", "not browser"], output)
            try:
                results["SQLite"] = on_sqlite.wait()
                results["PostgreSQL"] = on_postgres.wait()
            finally:
                on_postgres.terminate()
                on_postgres.wait()
            output.seek(0)
            print("\n== Tests on PostgreSQL", flush=True)
            sys.stdout.buffer.write(output.read())
    except NoPostgreSQL as problem:
        results["SQLite"] = on_sqlite.wait()
        results["PostgreSQL"] = f"NOT RUN. {problem}"
    finally:
        on_sqlite.terminate()
        on_sqlite.wait()

    print(f"\n== Summary, after {time.monotonic() - began:.0f} s")
    for database, result in results.items():
        print(f"{database}: {'passed' if result == 0 else result if isinstance(result, str) else 'FAILED'}")
    if not chromium():
        print("Browser tests: NOT RUN. There is no Chromium on this machine.")
    return 0 if set(results.values()) == {0} else 1


def _postgres() -> AbstractContextManager[str]:
    url = os.environ.get("DATABASE_URL", "")
    return nullcontext(url) if url.startswith(("postgres:", "postgresql:")) else cluster()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
