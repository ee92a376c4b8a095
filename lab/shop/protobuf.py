"""What does an exporter show of a native histogram? Prometheus's protobuf format, by hand: only that one carries them.

Rule: the fields of io.prometheus.client.MetricFamily that the shop's pages need, and no others.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Final

CONTENT_TYPE: Final = (
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=underscores"
)
COUNTER, GAUGE, HISTOGRAM = 0, 1, 4


def family(name: str, kind: int, metrics: list[bytes]) -> bytes:
    """One metric with all its series, with its length before it."""
    body = _text(1, name) + _text(2, name) + _number(3, kind) + b"".join(_bytes(4, metric) for metric in metrics)
    return _varint(len(body)) + body


def counter(value: float, labels: Mapping[str, str]) -> bytes:
    """One series of a counter."""
    return _labels(labels) + _bytes(3, _double(1, value))


def gauge(value: float) -> bytes:
    """The only series of a gauge."""
    return _bytes(2, _double(1, value))


def histogram(latencies: Mapping[float, int], schema: int) -> bytes:
    """A native histogram of these values (each so many times), with 2 to the power of `schema` buckets per doubling."""
    buckets: dict[int, int] = {}
    for value, n in latencies.items():
        index = math.ceil(math.log2(value) * 2**schema - 1e-9)  # a bucket includes its upper bound
        buckets[index] = buckets.get(index, 0) + n
    total = sum(buckets.values())
    body = _number(1, total) + _double(2, sum(value * n for value, n in latencies.items()))
    body += _number(5, _zigzag(schema)) + _double(6, 2.0**-128) + _number(7, 0)
    after, before = 0, 0
    for index in sorted(buckets):
        body += _bytes(12, _number(1, _zigzag(index - after)) + _number(2, 1))  # a span of one bucket
        after = index + 1
    for index in sorted(buckets):
        body += _number(13, _zigzag(buckets[index] - before))
        before = buckets[index]
    if not buckets:
        body += _bytes(12, _number(1, 0) + _number(2, 0))  # how a client says that it is native, while it is empty
    return _bytes(7, body)


def _labels(labels: Mapping[str, str]) -> bytes:
    return b"".join(_bytes(1, _text(1, name) + _text(2, value)) for name, value in labels.items())


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | 1) + struct.pack("<d", value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)
