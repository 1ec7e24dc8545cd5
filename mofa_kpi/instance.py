"""The folder `instance/`: what one installation makes for itself and nobody else may see.

It holds the secret key, the SQLite database (unless DATABASE_URL names another) and the demonstration
accounts. It is not in version control.
"""

import os
import secrets
from pathlib import Path

INSTANCE = Path(__file__).resolve().parent.parent / "instance"


def make_instance() -> Path:
    """Return the folder, made first where it is missing, open to its owner only."""
    INSTANCE.mkdir(mode=0o700, exist_ok=True)
    return INSTANCE


def secret_key_file() -> Path:
    """Say where the secret key is kept: SECRET_KEY_FILE, by default `instance/secret_key`."""
    return Path(os.environ.get("SECRET_KEY_FILE") or INSTANCE / "secret_key")


def read_secret_key() -> str:
    """Return SECRET_KEY from the environment, else from its file, else ""."""
    if key := os.environ.get("SECRET_KEY"):
        return key
    file = secret_key_file()
    return file.read_text(encoding="ascii").strip() if file.is_file() else ""


def make_secret_key() -> None:
    """Write a fresh key to its file, readable by its owner only, unless there is a key already."""
    if read_secret_key():
        return
    file = secret_key_file()
    if file.parent == INSTANCE:
        make_instance()
    file.unlink(missing_ok=True)  # an empty one is of no use
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        opened.write(secrets.token_urlsafe(50) + "\n")
