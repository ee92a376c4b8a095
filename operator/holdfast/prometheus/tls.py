"""What went wrong between us and a source over TLS, in words that name the setting and no address."""

from __future__ import annotations

import ssl
from typing import Final

_OTHER_NAME: Final = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH


def trouble(error: BaseException) -> str:
    """What the source did, as the rest of a sentence."""
    cause = _cause(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        if cause.verify_code in _OTHER_NAME:
            return "has a certificate for another name; use the address that it is made out to"
        return f"has a certificate that is not trusted ({cause.verify_message}); set caFile to what has signed it"
    if isinstance(cause, ssl.SSLEOFError):
        return "broke off over TLS; if it asks for a client certificate set clientCertFile and clientKeyFile"
    why = f" ({cause.reason.replace('_', ' ').lower()})" if cause is not None and cause.reason else ""
    return f"could not be asked over TLS{why}; check its address, caFile, clientCertFile and clientKeyFile"


def _cause(error: BaseException | None) -> ssl.SSLError | None:
    """The error of the TLS library below those of the others."""
    seen: list[BaseException | None] = [error]
    for found in seen:
        if isinstance(found, ssl.SSLError):
            return found
        if found is not None and len(seen) < 20:
            inner = [x for x in found.args if isinstance(x, BaseException)]
            seen += [*inner, found.__cause__, found.__context__]
    return None
