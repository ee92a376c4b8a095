"""Rules of how a source is shown who asks: on real servers, with files that change while it is asked."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from holdfast.core.evidence import Missing, Why
from holdfast.prometheus.connection import Connection
from holdfast.prometheus.credentials import Credentials
from holdfast.prometheus.sources import Answer, Source
from tests.prometheus.answering import Authority, Reply, Request, authority, context, serving


def ask(connection: Connection) -> Answer:
    """One question that every server here answers."""
    return connection.instant("up", 100)


def note(answer: Answer) -> str:
    """The sentence of evidence that is unreachable."""
    assert isinstance(answer, Missing)
    assert answer.why is Why.UNREACHABLE
    return answer.note


def replace(path: Path, text: str) -> None:
    """As the kubelet does it: another file takes the place at once."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


@pytest.fixture
def ca(tmp_path: Path) -> Authority:
    """An authority that signs servers and clients."""
    return authority(tmp_path)


def test_a_token_is_rotated_while_running(tmp_path: Path) -> None:
    """Each query carries what the file says then; an old token that is refused is told, and never shown."""
    file = tmp_path / "token"
    file.write_text("first-token\n")
    valid = "first-token"

    def guard(request: Request) -> Reply:
        if request.headers.get("authorization") == f"Bearer {valid}":
            return Reply()
        said = request.headers.get("authorization", "")
        return Reply(f'{{"status":"error","error":"{said} is wrong"}}'.encode(), 401)

    with serving(guard) as server:
        connection = Connection(Source("main", server.url, credentials=Credentials(token=file)))
        assert not isinstance(ask(connection), Missing)
        valid = "second-token"
        refusal = note(ask(connection))
        assert refusal.startswith("the metrics source main does not let the operator in (HTTP 401)")
        assert "token" not in refusal.partition("check its")[0]
        assert "first-token" not in refusal
        replace(file, "second-token")
        assert not isinstance(ask(connection), Missing)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read (no such file or directory); mount the file, or correct its path"),
        ("", "is empty; write the secret into it"),
        ("\n \n", "is empty; write the secret into it"),
        ("secret-1\nsecret-2", "holds more than one line of text; write nothing but the secret into it"),
        (b"secret-\xff", "cannot be read (it is not text); mount the file, or correct its path"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, content: str | bytes | None, words: str) -> None:
    """Without the secret nothing is sent; the sentence names source, setting and file, and no secret. Once the file is
    right the source is asked."""
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with serving() as server:
        connection = Connection(Source("main", server.url, credentials=Credentials(token=file)))
        said = note(ask(connection))
        assert said == f"the metrics source main is not asked: its bearerTokenFile {file} {words}"
        assert not server.requests
        file.write_text("right")
        assert not isinstance(ask(connection), Missing)
    assert server.requests[0].headers["authorization"] == "Bearer right"


def test_basic_auth(tmp_path: Path) -> None:
    """User and password go as the standard says, whatever letters they have, and a new password is used at once."""
    file = tmp_path / "password"
    with serving() as server:
        connection = Connection(Source("main", server.url, credentials=Credentials(username="mañana", password=file)))
        for password in ("pass:wörd", "next"):
            file.write_text(password + "\n")
            assert not isinstance(ask(connection), Missing)
            shown = server.requests[-1].headers["authorization"].removeprefix("Basic ")
            assert base64.b64decode(shown).decode() == f"mañana:{password}"


def test_a_tenant_goes_with_every_query(tmp_path: Path) -> None:
    """Plain headers, headers from files, and parameters are sent; what Holdfast asks stands over parameters."""
    file = tmp_path / "key"
    file.write_text("secret-key")
    source = Source(
        "main",
        "",
        headers={"X-Scope-OrgID": "team-a"},
        params={"partial_response": "false", "dedup": "true"},
        credentials=Credentials(headers={"X-Api-Key": file}),
    )
    with serving() as server:
        connection = Connection(Source(**{**{k: getattr(source, k) for k in source.__slots__}, "url": server.url}))
        ask(connection)
        connection.range("up", 100, 110, 1)
    assert [r.path for r in server.requests] == ["/api/v1/query", "/api/v1/query_range"]
    for request in server.requests:
        assert (request.headers["x-scope-orgid"], request.headers["x-api-key"]) == ("team-a", "secret-key")
        assert (request.form["partial_response"], request.form["dedup"]) == ("false", "true")
        assert request.form["query"] == "up"


def test_a_connection_is_kept_until_secrets_change(tmp_path: Path) -> None:
    """Queries share a connection; after a rotation there is a new one."""
    file = tmp_path / "token"
    file.write_text("a")
    with serving() as server:
        connection = Connection(Source("main", server.url, credentials=Credentials(token=file)))
        for _ in range(3):
            ask(connection)
        assert len({r.connection for r in server.requests}) == 1
        replace(file, "b")
        ask(connection)
        assert len({r.connection for r in server.requests}) == 2


def test_the_configured_authority_is_what_counts(ca: Authority, tmp_path: Path) -> None:
    """A server that the CA file vouches for is asked; another authority, or none, is a sentence about certificates.
    The right file in the place of the wrong one helps at once."""
    file = tmp_path / "trusted.crt"
    file.write_bytes(authority(tmp_path, "other").file.read_bytes())
    with serving(tls=context(ca.issue("server"))) as server:
        unknown = (
            "the metrics source main has a certificate that is not trusted (unable to get local issuer certificate)"
        )
        bare = note(ask(Connection(Source("main", server.url))))
        connection = Connection(Source("main", server.url, credentials=Credentials(authority=file)))
        assert note(ask(connection)) == bare == f"{unknown}; set caFile to what has signed it"
        replace(file, ca.file.read_text())
        assert not isinstance(ask(connection), Missing)
        replace(file, "no certificate")
        assert "check its address, caFile, clientCertFile" in note(ask(connection))
        file.unlink()
        assert f"its caFile {file} cannot be read" in note(ask(connection))


def test_a_certificate_for_another_name_is_told_without_the_address(ca: Authority) -> None:
    """The name that was asked for is part of the address, so it is not shown."""
    with serving(tls=context(ca.issue("server", "DNS:elsewhere.example"))) as server:
        said = note(ask(Connection(Source("main", server.url, credentials=Credentials(authority=ca.file)))))
    assert said == (
        "the metrics source main has a certificate for another name; use the address that it is made out to"
    )


def test_a_client_certificate(ca: Authority, tmp_path: Path) -> None:
    """Who shows the right certificate is let in; without one, or with a stranger's, the sentence says where to look.
    A certificate that is replaced is shown from then on."""
    stranger = authority(tmp_path, "stranger")
    mine, other = ca.issue("client", "DNS:client"), stranger.issue("foreign", "DNS:client")
    shown = tmp_path / "shown.crt", tmp_path / "shown.key"
    for path, source in zip(shown, other, strict=True):
        path.write_bytes(source.read_bytes())
    with serving(tls=context(ca.issue("server"), clients=ca.file)) as server:
        bare = Connection(Source("main", server.url, credentials=Credentials(authority=ca.file)))
        assert "clientCertFile and clientKeyFile" in note(ask(bare))
        credentials = Credentials(authority=ca.file, certificate=shown[0], key=shown[1])
        connection = Connection(Source("main", server.url, credentials=credentials))
        assert "clientCertFile and clientKeyFile" in note(ask(connection))
        for path, source in zip(shown, mine, strict=True):
            replace(path, source.read_text())
        assert not isinstance(ask(connection), Missing)


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    """Neither a source, nor what its files said, tells a secret when it is printed."""
    for name in ("token", "password", "key"):
        (tmp_path / name).write_text("hunter2")
    credentials = Credentials(
        token=tmp_path / "token", username="me", password=tmp_path / "password", headers={"X-Key": tmp_path / "key"}
    )
    source = Source("main", "http://me:hunter2@127.0.0.1:9", headers={"X": "hunter2"}, credentials=credentials)
    assert "hunter2" not in f"{source!r} {credentials.read()!r}"
    assert "hunter2" not in note(ask(Connection(source)))


def test_a_file_without_the_right_to_read_it(tmp_path: Path) -> None:
    """A file that is there and closed is told as such."""
    file = tmp_path / "token"
    file.mkdir()  # reading it fails for everybody, also for who may read everything
    with serving() as server:
        said = note(ask(Connection(Source("main", server.url, credentials=Credentials(token=file)))))
    assert f"cannot be read ({os.strerror(21).lower()})" in said
