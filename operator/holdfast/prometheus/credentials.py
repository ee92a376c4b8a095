"""What a source must be shown, read from files anew for every query: a secret that is rotated is used at once.

Nothing of a secret is in a message, a representation or a log: sentences name the file and stop there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import requests
from requests.auth import HTTPBasicAuth


class Unreadable(Exception):  # noqa: N818 - it is a finding more than an error
    """A file that a source needs cannot be used; the text names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the files said; two that are equal need no new connection."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    basic: tuple[str, str] | None = field(default=None, repr=False)
    trusted: Path | None = None
    shown: tuple[Path, Path] | None = None
    versions: tuple[tuple[int, ...], ...] = ()

    def give(self, session: requests.Session) -> None:
        """Let a session use them for every request."""
        session.headers.update(self.headers)
        if self.basic is not None:
            name, password = self.basic
            session.auth = HTTPBasicAuth(name.encode(), password.encode())
        if self.trusted is not None:
            session.verify = str(self.trusted)
        if self.shown is not None:
            session.cert = str(self.shown[0]), str(self.shown[1])


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where the secrets for a source are; nothing of it need be set."""

    token: Path | None = None
    username: str = ""
    password: Path | None = None
    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    headers: Mapping[str, Path] = field(default_factory=dict, hash=False)

    def read(self) -> Secrets:
        """The files as they are now; `Unreadable` when one cannot be used."""
        headers = {name: _line(path, "headerFiles") for name, path in self.headers.items()}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {_line(self.token, 'bearerTokenFile')}"
        basic = None
        if self.password is not None:
            basic = self.username, _line(self.password, "basicAuth.passwordFile")
        shown = (self.certificate, self.key) if self.certificate is not None and self.key is not None else None
        files = ((self.authority, "caFile"), (self.certificate, "clientCertFile"), (self.key, "clientKeyFile"))
        versions = tuple(_version(path, setting) for path, setting in files if path is not None)
        return Secrets(headers, basic, self.authority, shown, versions)


def _line(path: Path, setting: str) -> str:
    """The one line of a file that holds a secret."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _cannot(path, setting, error) from None
    if not text:
        raise Unreadable(f"{setting} {path} is empty; write the secret into it")
    if not text.isprintable():
        raise Unreadable(f"{setting} {path} holds more than one line of text; write nothing but the secret into it")
    return text


def _version(path: Path, setting: str) -> tuple[int, ...]:
    """What changes when a file is replaced; TLS reads it by itself."""
    try:
        with path.open("rb") as file:  # there, and ours to read
            if not file.read(1):
                raise Unreadable(f"{setting} {path} is empty; write the PEM blocks into it")
        seen = path.stat()
    except OSError as error:
        raise _cannot(path, setting, error) from None
    return seen.st_mtime_ns, seen.st_ino, seen.st_size


def _cannot(path: Path, setting: str, error: OSError | UnicodeDecodeError) -> Unreadable:
    why = (error.strerror or "it failed").lower() if isinstance(error, OSError) else "it is not text"
    return Unreadable(f"{setting} {path} cannot be read ({why}); mount the file, or correct its path")
