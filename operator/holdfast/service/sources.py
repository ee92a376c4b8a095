"""A metrics source as it is configured: where it is, how it is asked, what it is shown, and who may use it."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field, model_validator

from holdfast.prometheus.credentials import Credentials
from holdfast.prometheus.sources import SAME_COUNTER, TARGET_LABELS, Source

from .fields import Address, Duration, File, HeaderName, LabelName, Line, MetricName, Span, Strict, Text

OURS: Final = ("query", "time", "start", "end", "step", "timeout")
"""Parameters of a query that Holdfast sets itself."""


def _free(params: dict[str, str]) -> dict[str, str]:
    taken = sorted(set(params) & set(OURS))
    if taken:
        raise ValueError(f"{', '.join(taken)} cannot be given here, since every query has its own; remove it")
    return params


class BasicAuth(Strict):
    """A user, and the file with the password."""

    username: Line = Field(min_length=1)
    password_file: File


class SourceSettings(Strict):
    """One Prometheus, or something that answers like one."""

    name: Line = Field(default="default", min_length=1)
    url: Address
    scrape_interval: Duration = 15.0
    delay: Span = 2.0
    timeout: Duration = 10.0
    concurrency: int = Field(default=2, ge=1, le=64)
    bearer_token_file: File | None = None
    basic_auth: BasicAuth | None = None
    ca_file: File | None = None
    client_cert_file: File | None = None
    client_key_file: File | None = None
    headers: dict[HeaderName, Line] = Field(default_factory=dict)
    header_files: dict[HeaderName, File] = Field(default_factory=dict)
    params: Annotated[dict[str, Text], AfterValidator(_free)] = Field(default_factory=dict)
    target_labels: tuple[LabelName, ...] = Field(default=TARGET_LABELS, min_length=1)
    replica_labels: tuple[LabelName, ...] = ()
    start_metric: MetricName = "process_start_time_seconds"
    namespaces: tuple[str, ...] | None = None
    namespace_label: LabelName | None = None

    @model_validator(mode="after")
    def _one_way_in(self) -> SourceSettings:
        """What contradicts itself."""
        if (self.client_cert_file is None) is not (self.client_key_file is None):
            raise ValueError("clientCertFile and clientKeyFile belong together; give both or neither")
        written = [name.lower() for name in (*self.headers, *self.header_files)]
        if len(set(written)) < len(written):
            raise ValueError("headers and headerFiles name one header twice; remove one of them")
        ways = (self.bearer_token_file is not None, self.basic_auth is not None, "authorization" in written)
        if sum(ways) > 1:
            raise ValueError("bearerTokenFile, basicAuth and a header Authorization exclude each other; keep one")
        if set(self.target_labels) & set(self.replica_labels):
            raise ValueError("a label cannot be in targetLabels and in replicaLabels; remove it from one of them")
        return self

    def source(self) -> Source:
        """The source as the measuring side knows it."""
        basic = self.basic_auth
        return Source(
            name=self.name,
            url=self.url,
            scrape_interval=self.scrape_interval,
            delay=self.delay,
            timeout=self.timeout,
            concurrency=self.concurrency,
            target_labels=self.target_labels,
            same_counter=tuple(dict.fromkeys((*SAME_COUNTER, *self.replica_labels))),
            start_metric=self.start_metric,
            headers=self.headers,
            params=self.params,
            credentials=Credentials(
                token=self.bearer_token_file,
                username=basic.username if basic is not None else "",
                password=basic.password_file if basic is not None else None,
                authority=self.ca_file,
                certificate=self.client_cert_file,
                key=self.client_key_file,
                headers=self.header_files,
            ),
            namespaces=frozenset(self.namespaces) if self.namespaces is not None else None,
            namespace_label=self.namespace_label,
        )
