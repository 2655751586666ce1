"""Keep secrets of the environment out of what is kept and shown.

What an asset prints, how it failed and which values a generated asset closes
over may hold a password that came from a variable. The code itself stays as its
author wrote it: a secret in a source file is in the project already.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping

#: Variables whose values are taken for secrets, by their names.
_SECRET_NAME = re.compile(
    r"PASSW|PASSPHRASE|SECRET|TOKEN|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY"
    r"|AUTH|DSN|(^|_)(PWD|PASS|KEY|SAS|PAT)$",
    re.IGNORECASE,
)
#: Shorter values stand in many a word by chance; in characters.
_SHORTEST = 6
#: The password of an address, as in ``postgresql://user:password@host/``.
_IN_ADDRESS = re.compile(r"(?<=://)([^\s/:@]*):[^\s/@]+(?=@)")
#: Shell variables that a name would give away, and that are no secrets.
_HARMLESS = frozenset({"PWD", "OLDPWD", "SSH_AUTH_SOCK", "XAUTHORITY"})


def masked(text: str, environ: Mapping[str, str] | None = None) -> str:
    """Return `text` with ``$NAME`` in place of each secret of the environment.

    A variable is secret by its name (``DB_PASSWORD``, ``API_TOKEN``, ...), and
    so is the password within an address.

    Args:
        text: Any.
        environ: The process's own by default.

    >>> masked("log in with s3cr3t!", {"DB_PASSWORD": "s3cr3t!"})
    'log in with $DB_PASSWORD'
    >>> masked("postgresql://me:s3cr3t!@db/sales", {})
    'postgresql://me:***@db/sales'
    """
    if not text:
        return text
    found = sorted(_secrets(os.environ if environ is None else environ))
    # The longest first: one may be part of another.
    for _, value, name in found:
        text = text.replace(value, f"${name}")
    return _IN_ADDRESS.sub(r"\1:***", text) if "://" in text else text


def _secrets(environ: Mapping[str, str]) -> Iterator[tuple[int, str, str]]:
    for name, value in environ.items():
        if len(value) < _SHORTEST or name in _HARMLESS:
            continue
        if _SECRET_NAME.search(name):
            yield -len(value), value, name
