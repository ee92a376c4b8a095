"""How do samples get into the memory of a Prometheus? By its remote write protocol, version 1.

Rule: the newest hours of a running Prometheus are in memory and not in blocks, and queries of the newest values are cheaper
for it; so what is measured here has them there too.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import requests

from bench.frame import BenchError
from lab.prometheus import Prometheus

CHUNK: Final = 65_536
HEADERS: Final = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}


@dataclass(frozen=True, slots=True)
class Series:
    """A metric with its labels, sampled every `step` seconds from `begin` on; its value grows by `rate` a second."""

    metric: str
    labels: Mapping[str, str]
    begin: int
    step: int
    rate: float = 0.0
    base: float = 0.0

    def samples(self, after: int, until: int) -> Iterator[tuple[int, float]]:
        """(time, value), later than `after` and not later than `until`."""
        skipped = max(0, (after - self.begin) // self.step + 1)
        for at in range(self.begin + skipped * self.step, until + 1, self.step):
            yield at, self.base + self.rate * (at - self.begin)

    def __str__(self) -> str:
        inner = ",".join(f'{name}="{value}"' for name, value in self.labels.items())
        return f"{self.metric}{{{inner}}}"


def write(prometheus: Prometheus, every: Iterable[Series], after: int, until: int) -> None:
    """Send what these series have in a stretch of time of an hour at most; stretches must follow one another."""
    body = b"".join(_field(1, _series(series, after, until)) for series in every)
    answer = requests.post(
        f"{prometheus.url}/api/v1/write", data=_snappy(body), headers=HEADERS, timeout=120, proxies={"http": ""}
    )
    if not answer.ok:
        raise BenchError(f"Prometheus did not take what was written ({answer.status_code}): {answer.text.strip()}")


def _series(series: Series, after: int, until: int) -> bytes:
    """The message TimeSeries: labels in the order of their names, then samples."""
    labels = sorted({"__name__": series.metric, **series.labels}.items())
    named = (_field(1, _field(1, name.encode()) + _field(2, value.encode())) for name, value in labels)
    samples = (
        _field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(1000 * at))
        for at, value in series.samples(after, until)
    )
    return b"".join((*named, *samples))


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _snappy(content: bytes) -> bytes:
    """The block format without any compression: literals only."""
    parts = [content[i : i + CHUNK] for i in range(0, len(content), CHUNK)]
    literals = (b"\xf4" + struct.pack("<H", len(part) - 1) + part for part in parts)
    return b"".join((_varint(len(content)), *literals))
