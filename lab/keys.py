"""How does the API server sign service account tokens without openssl? With a P-256 key written by hand.

Rule: no external tool. An EC private key is 32 random bytes below the group order in a fixed DER frame (RFC 5915); the
optional public half is left out, Go computes it. The server certificate is made by the API server itself (--cert-dir).
"""

from __future__ import annotations

import base64
import secrets
from pathlib import Path
from typing import Final

_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_FRAME: Final = "30310201010420{secret}a00a06082a8648ce3d030107"  # SEQUENCE{1, OCTET STRING, [0] prime256v1}


def write_signing_key(path: Path) -> None:
    """Write a new P-256 private key as PEM, readable by its owner only."""
    secret = secrets.randbelow(_ORDER - 1) + 1
    der = bytes.fromhex(_FRAME.format(secret=f"{secret:064x}"))
    body = base64.b64encode(der).decode()
    path.touch(mode=0o600)
    path.write_text(f"-----BEGIN EC PRIVATE KEY-----\n{body[:64]}\n{body[64:]}\n-----END EC PRIVATE KEY-----\n")
