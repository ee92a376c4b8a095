"""A ledger as bytes, and back: what a checkpoint stores of it.

Decoding believes nothing: whatever the bytes are, the answer is a whole ledger's state or a ValueError. A number takes as
many bytes as the largest step in its column needs, so that thousands of ledgers are read in seconds. Who changes this
raises the version of the shards; a docket has a version of its own.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from math import isfinite
from typing import Any, Final, NoReturn

from holdfast.core.points import Columns
from holdfast.core.slices import Slice
from holdfast.core.state import LedgerState
from holdfast.core.targets import Reading, Seen

from .encoding_docket import docket, docket_of
from .values import either, flag, maybe, number, whole, words

LARGEST: Final = 16 << 20
"""Bytes of one ledger, unpacked. The columns of 400 days and ten thousand targets stay far below."""

WIDTHS: Final = {"b": 1, "h": 2, "i": 4, "q": 8}
"""Signed integers by their code in `struct`, the narrowest first; a column of "d" has floats instead of steps."""

_HEAD: Final = struct.Struct("<I")


def encode(state: LedgerState) -> bytes:
    """The bytes of a ledger."""
    columns = [_narrow(column) for column in state.points[1:]]
    head = [
        [state.window, state.epoch, state.newest, state.asked, state.gap, state.forgotten, state.looks, state.slice],
        [_seen(seen) for seen in state.processes],
        [[*target, place] for target, place in state.targets.items()],
        [[*name, place] for name, place in state.named.items()],
        state.gone,
        [state.points.base, *([code, count] for code, count, _ in columns)],
        state.pins,
        *([] if state.docket is None else [docket(state.docket)]),
    ]
    text = json.dumps(head, separators=(",", ":"), allow_nan=False).encode()
    return zlib.compress(_HEAD.pack(len(text)) + text + b"".join(packed for *_, packed in columns), 6)


def decode(data: bytes) -> LedgerState:
    """The ledger that these bytes are of; ValueError when they are of none."""
    try:
        return _decode(data)
    except (TypeError, LookupError, OverflowError, RecursionError, struct.error, zlib.error) as error:
        raise ValueError(f"not a ledger: {error}") from error


def _decode(data: bytes) -> LedgerState:
    unpacker = zlib.decompressobj()
    raw = unpacker.decompress(data, LARGEST)
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("not a ledger: it is cut, or something follows it")
    (length,) = _HEAD.unpack_from(raw)
    begin = _HEAD.size + length
    head = json.loads(raw[_HEAD.size : begin].decode(), parse_constant=_refused)
    (window, epoch, newest, asked, gap, forgotten, looks, piece), processes, targets, named, gone, points, *more = head
    pins, trials = more if len(more) == 2 else (*more, None)
    base, *specs = points
    seen = [_seen_of(values) for values in processes]
    return LedgerState(
        window=number(window),
        epoch=maybe(epoch),
        newest=maybe(newest),
        asked=maybe(asked),
        gap=either(gap, lambda pair: (number(pair[0]), number(pair[1]))),
        forgotten=maybe(forgotten),
        looks=whole(looks),
        processes=seen,
        targets={words(name): _place(place, seen) for *name, place in targets},
        named={words(name): _place(place, seen) for *name, place in named},
        gone=[(_place(place, seen), maybe(started)) for place, started in gone],
        slice=either(piece, _slice),
        points=Columns(number(base), *_columns(raw, begin, specs)),
        pins=tuple(map(number, pins)),
        docket=either(trials, docket_of),
    )


def _narrow(column: Sequence[float]) -> tuple[str, int, bytes]:
    """A column as (code, count, bytes): the steps between whole numbers, else the numbers."""
    count = len(column)
    if all(map(float.is_integer, map(float, column))):
        steps = [second - first for first, second in pairwise((0, *map(int, column)))]
        most = max((max(steps), -min(steps) - 1)) if steps else 0
        for code, width in WIDTHS.items():
            if most < 1 << (8 * width - 1):
                return code, count, _turned(struct.pack(f"<{count}{code}", *steps), width)
    return "d", count, struct.pack(f"<{count}d", *column)


def _columns(raw: bytes, begin: int, specs: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for place, (code, count) in enumerate(specs):
        is_time = place in (0, 2, 4)
        width = 8 if code == "d" and not is_time else WIDTHS[code]
        end = begin + width * whole(count)
        piece, begin = raw[begin:end], end
        if end > len(raw):
            raise ValueError("not a ledger: a column is cut")
        if code == "d":
            values: Sequence[float] = struct.unpack(f"<{count}d", piece)
        else:
            values = list(accumulate(struct.unpack(f"<{count}{code}", _turned_back(piece, width))))
        yield values if is_time else _finite(list(map(float, values)))
    if begin != len(raw):
        raise ValueError("not a ledger: its columns do not end where it does")


def _turned(packed: bytes, width: int) -> bytes:
    """All first bytes, then all second ones and so on: they are alike, and pack better."""
    return b"".join(packed[place::width] for place in range(width))


def _turned_back(turned: bytes, width: int) -> bytearray:
    packed, count = bytearray(len(turned)), len(turned) // width
    for place in range(width):
        packed[place::width] = turned[place * count : (place + 1) * count]
    return packed


def _finite(column: Sequence[float]) -> Sequence[float]:
    if not all(map(isfinite, column)):
        raise ValueError("not a ledger: a count is not finite")
    return column


def _seen(seen: Seen) -> list[object]:
    named = None if seen.process is None else list(seen.process)
    rare = seen.owed and _reading(seen.owed), seen.mixed and _reading(seen.mixed), seen.doubted, seen.born
    return [seen.total, seen.part, seen.started, seen.at, seen.alive, named, *(() if rare == (None,) * 4 else rare)]


def _seen_of(values: Any) -> Seen:
    total, part, started, at, alive, named, *more = values
    owed, mixed, doubted, born = more or (None,) * 4
    return Seen(
        number(total),
        number(part),
        maybe(started),
        number(at),
        number(alive),
        either(owed, _reading_of),
        either(mixed, _reading_of),
        maybe(doubted),
        either(named, _process),
        maybe(born),
    )


def _reading(reading: Reading) -> list[object]:
    named = None if reading.process is None else list(reading.process)
    return [reading.total, reading.bad, reading.started, reading.derived, named]


def _reading_of(values: Any) -> Reading:
    total, bad, started, derived, named = values
    return Reading(number(total), number(bad), maybe(started), flag(derived), either(named, _process))


def _slice(values: Any) -> Slice:
    index, total, bad, torn, early = values
    return Slice(either(index, whole), number(total), number(bad), flag(torn), number(early))


def _place(value: Any, of: Sequence[object]) -> int:
    if whole(value) >= len(of):
        raise ValueError(f"not a ledger: it has no process {value}")
    return int(value)


def _process(values: Any) -> tuple[str, ...]:
    name = words(values)
    if len(name) < 2:
        raise ValueError("not a ledger: a process has no namespace, or no name")
    return name


def _refused(constant: str) -> NoReturn:
    raise ValueError(f"not a ledger: {constant} is no number")
