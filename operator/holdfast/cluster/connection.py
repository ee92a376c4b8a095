"""Which API server, and as whom? A kubeconfig or the service account of a pod.

Rule: what was asked for explicitly, then KUBECONFIG, then the service account, then ~/.kube/config. A projected token
is read again while it is used, any other credentials when the server refuses them. The environment is looked at when
`connect` is called, never at import.
"""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from kubernetes.aio.client import Configuration
from kubernetes.aio.config import load_kube_config
from kubernetes.aio.config.config_exception import ConfigException

from .errors import BadConnection

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_HOME: Final = "~/.kube/config"
TOKEN_AGE: Final = 30.0
"""Seconds for which a token that was read from a file is used without looking again; kubelet swaps it long before."""


@dataclass
class Connection:
    """One API server and the credentials for it. `renew` is needed after a 401 only."""

    server: str
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    verify: bool = True
    server_name: str | None = None
    proxy: str | None = None
    namespace: str | None = None
    _authorization: str | None = None
    _token_file: Path | None = None
    _source: tuple[str, str | None] | None = None
    _read_at: float = field(default=float("-inf"))

    @property
    def authorization(self) -> str | None:
        """The value of the header Authorization; None with a client certificate."""
        if self._token_file is not None and time.monotonic() - self._read_at > TOKEN_AGE:
            self._authorization = f"Bearer {_read(self._token_file)}"
            self._read_at = time.monotonic()
        return self._authorization

    async def renew(self) -> None:
        """Read the credentials again, from where they came. Raises BadConnection."""
        self._read_at = float("-inf")
        if self._source is not None:
            newer = await _from_kubeconfig(*self._source)
            self.cert_file, self.key_file = newer.cert_file, newer.key_file
            self._authorization = newer._authorization

    @property
    def trust_env(self) -> bool:
        """Whether a proxy of the environment may be used: as with kubectl never for this machine itself."""
        return urlsplit(self.server).hostname not in {"127.0.0.1", "localhost", "::1"}

    def ssl_context(self) -> ssl.SSLContext:
        """A context that accepts the certificates kubectl accepts (older clusters lack a key identifier)."""
        context = ssl.create_default_context(cafile=self.ca_file)
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if self.cert_file:
            context.load_cert_chain(self.cert_file, self.key_file)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def configuration(self) -> Any:
        """The same for the Kubernetes client; it asks for the token before each request."""
        made = Configuration(host=self.server)
        made.ssl_ca_cert, made.verify_ssl = self.ca_file, self.verify
        made.cert_file, made.key_file = self.cert_file, self.key_file
        made.tls_server_name, made.proxy = self.server_name, self.proxy
        made.disable_strict_ssl_verification = True
        made.client_session_kwargs = {"trust_env": self.trust_env}

        def refresh(asked: Any) -> None:
            asked.api_key = {} if self.authorization is None else {"BearerToken": self.authorization}

        refresh(made)  # the hook is asked only when there is a token already
        made.refresh_api_key_hook = refresh
        return made


async def connect(
    kubeconfig: Path | str | None = None,
    context: str | None = None,
    *,
    environment: Mapping[str, str] = os.environ,
    service_account: Path = SERVICE_ACCOUNT,
) -> Connection:
    """The connection that was asked for, or the one at hand. Raises BadConnection."""
    named = str(kubeconfig) if kubeconfig else environment.get("KUBECONFIG", "")
    if not named and context is None and "KUBERNETES_SERVICE_HOST" in environment and _mounted(service_account):
        return _in_cluster(environment, service_account)
    return await _from_kubeconfig(named or _HOME, context)


def _in_cluster(environment: Mapping[str, str], folder: Path) -> Connection:
    host, port = environment["KUBERNETES_SERVICE_HOST"], environment.get("KUBERNETES_SERVICE_PORT", "443")
    made = Connection(
        server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        ca_file=str(folder / "ca.crt"),
        namespace=_read(folder / "namespace"),
        _token_file=folder / "token",
    )
    _ = made.authorization  # a missing token is told now
    return made


def _mounted(folder: Path) -> bool:
    return folder.is_dir()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BadConnection(f"{path} cannot be read: {error.strerror}. Is a service account mounted?") from error


async def _from_kubeconfig(path: str, context: str | None) -> Connection:
    loaded = Configuration(host="")
    try:
        loader = await load_kube_config(path, context, loaded, persist_config=False)
        namespace = loader._current_context["context"].safe_get("namespace")  # the loader has no public way
    except (ConfigException, OSError, ValueError, TypeError) as error:
        raise BadConnection(f"The kubeconfig {path} cannot be used: {error}.") from error
    if not loaded.host:
        raise BadConnection(f"The kubeconfig {path} names no server.")
    return Connection(
        server=loaded.host,
        ca_file=loaded.ssl_ca_cert,
        cert_file=loaded.cert_file,
        key_file=loaded.key_file,
        verify=loaded.verify_ssl,
        server_name=loaded.tls_server_name,
        proxy=loaded.proxy,
        namespace=namespace,
        _authorization=loaded.api_key.get("BearerToken"),
        _source=(path, context),
    )
