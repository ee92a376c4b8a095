"""Who may talk to the API server, and how? Static tokens, and a kubeconfig for each.

Rule: `admin` is the person at the keyboard; `lab` is the machinery (controllers, KWOK, the shop's pod watch), so that an
audit of `admin` shows only what somebody asked for. Both are in system:masters; every other user starts with no rights at all, tests grant what they need.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ADMIN: Final = "admin"
MACHINERY: Final = "lab"
PEOPLE: Final = ("developer", "oncall", "gitops-user")


def _tokens() -> dict[str, str]:
    return {user: secrets.token_hex(16) for user in (ADMIN, MACHINERY, *PEOPLE)}


@dataclass(frozen=True, slots=True)
class Access:
    """The address of one API server, the certificates that vouch for it, and its static users' tokens."""

    server: str
    ca: Path
    folder: Path
    tokens: dict[str, str] = field(default_factory=_tokens)

    @property
    def admin_token(self) -> str:
        """The token that may do everything."""
        return self.tokens[ADMIN]

    def write_token_file(self, path: Path) -> None:
        """Write the rows of --token-auth-file."""
        rows = [f'{self.tokens[user]},{user},{user},"system:masters"' for user in (ADMIN, MACHINERY)]
        rows += [f"{self.tokens[user]},{user},{user}" for user in PEOPLE]
        path.touch(mode=0o600)
        path.write_text("\n".join(rows) + "\n")

    def kubeconfig(self, token: str, name: str) -> Path:
        """Write a kubeconfig (JSON is YAML) for a token and return its path."""
        path = self.folder / f"{name}.kubeconfig"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": "lab", "cluster": {"server": self.server, "certificate-authority": str(self.ca)}},
            ],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": name}}],
            "current-context": "lab",
        }
        path.touch(mode=0o600)
        path.write_text(json.dumps(config, indent=1))
        return path
