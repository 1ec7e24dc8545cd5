"""The throw-away server lives exactly as long as its command."""

import os
import subprocess
import sys
from pathlib import Path


def test_a_command_gets_a_server_of_its_own(tmp_path: Path) -> None:
    code = """
import os, sys, psycopg2
url = os.environ["DATABASE_URL"]
with psycopg2.connect(url) as connection, connection.cursor() as cursor:
    cursor.execute("SHOW server_encoding")
    assert cursor.fetchone() == ("UTF8",)
print(url.partition("host=")[2])
sys.exit(7)
"""
    far = tmp_path / ("far-away-" * 20)  # a socket could not be made in here
    far.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "mofa_kpi.tests.postgres", "--", sys.executable, "-c", code],
        cwd=Path(__file__).resolve().parents[2],
        env={**os.environ, "TMPDIR": str(far)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 7, done.stderr
    assert not Path(done.stdout.strip()).exists()
