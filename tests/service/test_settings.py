"""Rules of the configuration: what it may say of a source, and that a mistake is a sentence without a secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from holdfast.prometheus.credentials import Credentials
from holdfast.prometheus.sources import SAME_COUNTER, Source
from holdfast.service.settings import Settings, SettingsError, load

URL = "http://p:9090"


def said(tmp_path: Path, *sources: dict[str, Any]) -> str:
    """What is wrong with these sources."""
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump({"sources": list(sources)}))
    with pytest.raises(SettingsError) as error:
        load(file)
    return str(error.value)


def test_a_source_with_everything() -> None:
    """Each setting arrives where measuring looks for it."""
    written = {
        "name": "mimir",
        "url": "https://mimir.example/prometheus/",
        "scrapeInterval": "30s",
        "delay": "1m",
        "timeout": "20s",
        "concurrency": 4,
        "basicAuth": {"username": "holdfast", "passwordFile": "/s/password"},
        "caFile": "/s/ca.crt",
        "clientCertFile": "/s/tls.crt",
        "clientKeyFile": "/s/tls.key",
        "headers": {"X-Scope-OrgID": "team-a"},
        "headerFiles": {"X-Api-Key": "/s/key"},
        "params": {"partial_response": False, "nocache": 1, "dedup": "true"},
        "targetLabels": ["cluster", "instance"],
        "replicaLabels": ["replica"],
        "startMetric": "app:start",
        "namespaces": ["shop"],
        "namespaceLabel": "tenant",
    }
    (source,) = (s.source() for s in Settings.model_validate({"sources": [written]}).sources)
    assert source == Source(
        name="mimir",
        url="https://mimir.example/prometheus",
        scrape_interval=30,
        delay=60,
        timeout=20,
        concurrency=4,
        target_labels=("cluster", "instance"),
        same_counter=(*SAME_COUNTER, "replica"),
        start_metric="app:start",
        headers={"X-Scope-OrgID": "team-a"},
        params={"partial_response": "false", "nocache": "1", "dedup": "true"},
        credentials=Credentials(
            username="holdfast",
            password=Path("/s/password"),
            authority=Path("/s/ca.crt"),
            certificate=Path("/s/tls.crt"),
            key=Path("/s/tls.key"),
            headers={"X-Api-Key": Path("/s/key")},
        ),
        namespaces=frozenset({"shop"}),
        namespace_label="tenant",
    )


def test_an_empty_list_of_namespaces_allows_none() -> None:
    """Absent is all; empty is nobody."""
    open_, closed = (
        Settings.model_validate({"sources": [{"url": URL, **more}]}).sources[0].source()
        for more in ({}, {"namespaces": []})
    )
    assert open_.allows("shop")
    assert not closed.allows("shop")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"scrapeInterval": "0s"}, "no time at all"),
        ({"scrapeInterval": 0}, "must be above zero"),
        ({"timeout": -1}, "must be a duration"),
        ({"delay": float("nan")}, "must be a duration"),
        ({"concurrency": 0}, "sources.0.concurrency"),
        ({"bearerTokenFile": "token"}, "must be an absolute path"),
        ({"basicAuth": {"username": "me"}}, "sources.0.basicAuth.passwordFile"),
        ({"bearerTokenFile": "/t", "basicAuth": {"username": "me", "passwordFile": "/p"}}, "exclude each other"),
        ({"bearerTokenFile": "/t", "headers": {"authorization": "x"}}, "exclude each other"),
        ({"clientCertFile": "/c"}, "belong together"),
        ({"headers": {"X-A": "1"}, "headerFiles": {"x-a": "/f"}}, "name one header twice"),
        ({"headers": {"X A": "1"}}, "not the name of an HTTP header"),
        ({"headers": {"X-A": "1\r\nX-B: 2"}}, "must be one line"),
        ({"params": {"query": "up"}}, "query cannot be given here"),
        ({"targetLabels": []}, "sources.0.targetLabels"),
        ({"targetLabels": ["a-b"]}, "not the name of a label"),
        ({"targetLabels": ["pod"], "replicaLabels": ["pod"]}, "in targetLabels and in replicaLabels"),
        ({"startMetric": "up{}"}, "not the name of a metric"),
        ({"namespaceLabel": 'a"}'}, "not the name of a label"),
        ({"insecureSkipVerify": True}, "sources.0.insecureSkipVerify"),
    ],
)
def test_a_mistake_is_told(tmp_path: Path, more: dict[str, Any], words: str) -> None:
    """Where it is and what is wrong, before anything starts."""
    assert words in said(tmp_path, {"url": URL, **more})


@pytest.mark.parametrize("url", ["htp://me:hunter2@p", "hunter2", "http://me:hunter2@p:port", "http://[hunter2"])
def test_a_wrong_address_is_not_shown(tmp_path: Path, url: str) -> None:
    """It may hold a password."""
    sentence = said(tmp_path, {"url": url})
    assert "sources.0.url: this is not an http(s) address" in sentence
    assert "hunter2" not in sentence


def test_names_are_distinct(tmp_path: Path) -> None:
    """An objective would not know which one it means."""
    assert "two sources have the same name" in said(tmp_path, {"url": URL}, {"url": URL})
