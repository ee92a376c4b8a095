"""A real HTTP server on loopback that answers as a test wants, with or without TLS, and certificates for it.

Certificates come from the `openssl` command; a machine without it fails these tests and says so.
"""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

ONE = {"metric": {"pod": "p"}, "value": [100, "7"]}


def body(result: object, shape: str = "vector", **more: object) -> dict[str, Any]:
    """A response body as Prometheus sends it."""
    return {"status": "success", "data": {"resultType": shape, "result": result}, **more}


@dataclass
class Request:
    """What was asked: the headers in lower case, the form, and by whom the connection is."""

    path: str
    headers: Mapping[str, str]
    form: Mapping[str, str]
    connection: int


@dataclass
class Reply:
    """What is answered. `headers` stand over those that belong to the content."""

    content: bytes = field(default_factory=lambda: json.dumps(body([ONE])).encode())
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0  # before the answer
    drip: float = 0.0  # between two bytes of it


class Server:
    """Answers every request with what `reply` gives for it, and remembers the requests."""

    def __init__(self, reply: Callable[[Request], Reply], tls: ssl.SSLContext | None) -> None:
        """Listens already."""
        self.requests: list[Request] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version, disable_nagle_algorithm = "HTTP/1.1", True

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                form = {key: values[0] for key, values in parse_qs(self.rfile.read(length).decode()).items()}
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Request(self.path, headers, form, self.client_address[1])
                outer.requests.append(request)
                outer._write(self, reply(request))

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign,assignment] # who breaks off is no news
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        port = self._server.server_address[1]
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @staticmethod
    def _write(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        time.sleep(reply.seconds)
        with suppress(OSError):
            handler.send_response_only(reply.status)
            headers = {"Content-Length": str(len(reply.content)), "Date": handler.date_time_string(), **reply.headers}
            for name, value in headers.items():
                if value:
                    handler.send_header(name, value)
            handler.end_headers()
            for piece in [reply.content] if not reply.drip else [bytes([b]) for b in reply.content]:
                handler.wfile.write(piece)
                time.sleep(reply.drip)
            wrong = headers["Content-Length"] != str(len(reply.content))
            handler.close_connection = handler.close_connection or wrong


def counting(request: Request, pace: float = 1.0, namespace: str = "shop") -> Reply:
    """As a Prometheus that has scraped one process for ever: one event a second, none of them bad."""
    form, labels = request.form, {"job": "web", "instance": "i", "namespace": namespace, "pod": "p", "code": "200"}
    value = (lambda at: "7") if form["query"].startswith("max by") else (lambda at: f"{at:.0f}")
    if "start" in form:
        first, last, step = (float(form[name]) for name in ("start", "end", "step"))
        times = [first + n * step for n in range(round((last - first) / step) + 1)]
        return Reply(
            json.dumps(body([{"metric": labels, "values": [[t, value(t)] for t in times]}], "matrix")).encode()
        )
    at = float(form["time"])
    if form["query"].endswith("]"):
        values = [[at - n * pace, "7"] for n in reversed(range(1, round(600 / pace)))]
        return Reply(json.dumps(body([{"metric": labels, "values": values}], "matrix")).encode())
    return Reply(json.dumps(body([{"metric": labels, "value": [at, value(at)]}])).encode())


@contextmanager
def serving(
    reply: Callable[[Request], Reply] = lambda _: Reply(), tls: ssl.SSLContext | None = None
) -> Iterator[Server]:
    """A server for the time of a test."""
    server = Server(reply, tls)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def never_answering() -> Iterator[str]:
    """The address of a server that accepts every connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@dataclass(frozen=True)
class Authority:
    """A certificate authority of its own, in a directory."""

    directory: Path
    name: str

    @property
    def file(self) -> Path:
        """Its certificate."""
        return self.directory / f"{self.name}.crt"

    def issue(self, name: str, subject: str = "IP:127.0.0.1") -> tuple[Path, Path]:
        """Certificate and key for a server at this address, or for a client."""
        request, made = self.directory / f"{name}.csr", self.directory / f"{name}.crt"
        extensions = self.directory / f"{name}.ext"
        extensions.write_text(f"subjectAltName={subject}\n")
        _openssl("req", "-new", *_KEY, "-subj", f"/CN={name}", "-keyout", self._key(name), "-out", request)
        _openssl(
            *("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self._key(self.name), "-CAcreateserial"),
            *("-days", "2", "-extfile", extensions, "-out", made),
        )
        return made, self._key(name)

    def _key(self, name: str) -> Path:
        return self.directory / f"{name}.key"


_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def authority(directory: Path, name: str = "ca") -> Authority:
    """A new certificate authority."""
    made = Authority(directory, name)
    _openssl(
        *("req", "-x509", *_KEY, "-days", "2", "-subj", f"/CN={name}"),
        *("-keyout", directory / f"{name}.key", "-out", made.file),
    )
    return made


def context(certificate: tuple[Path, Path], clients: Path | None = None) -> ssl.SSLContext:
    """TLS as a server speaks it; `clients` is the authority that must have signed who connects."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*certificate)
    if clients is not None:
        made.verify_mode = ssl.CERT_REQUIRED
        made.load_verify_locations(clients)
    return made


def _openssl(*words: object) -> None:
    try:
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
    except FileNotFoundError:
        raise AssertionError("these tests make certificates with the command openssl; install it") from None
