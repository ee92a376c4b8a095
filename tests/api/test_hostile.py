"""Hostile texts by the hundred thousand: each is a value or a sentence, and the process lives.

The native parser may end its process instead of raising, so the texts are read in a child, which says before each text
which one is next: a text that ends it is known by its number.
"""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Final

import pytest

from holdfast.api import parse_expression, parse_selector

READERS: Final = {"selector": parse_selector, "expression": parse_expression}
COUNTS: Final = {"selector": 100_000, "expression": 20_000}
SEED: Final = 20_260_101

TOKENS: Final = (
    *"abxyz0159{}()[]\"'`\\=!~<>+-*/%^@#,:.|&?$_ \n\t\r\0\x0b\x7f\x85\u2028\ufeff\ufffdéß日\U0001f600\ud800\udfff",
    *("=~", "!~", "!=", "==", ">=", "and", "or", "unless", "by", "without", "on", "ignoring", "bool", "offset", "fill"),
    *("sum", "topk", "count_values", "quantile", "limitk", "rate", "increase", "label_replace", "histogram_quantile"),
    *("absent", "vector", "scalar", "time", "info", "start", "end", "step", "group_left", "group_right", "atan2"),
    *("5m", "1d2h", "-5m", "0s", "[5m]", "[5m:1m]", "[5m:]", "Inf", "NaN", "0x1F", "1e309", "-1", "__name__", "le"),
    *(
        '"x"',
        "'x'",
        "`x`",
        '"(.*)+"',
        "=~`\\d`",
        '="\\',
        "{a=",
        'a{b="c"}',
        "$__interval",
        "${x}",
        "{{",
        "}}",
        "/*",
        "# ",
    ),
    *(".*", "(?i)", "(?=a)", "(?P<", "[[:alpha:]]", "\\p{Greek}", "{1001}", "a{2,}", "(a+)+", "\\x", "\\u00", "\\777"),
)
SEEDS: Final = (
    'http_requests_total{job="checkout",code=~"5..",path!~"/api/.*|/x"}',
    "a:b_c {\n x = 'a\\'b', y!~`z` , } ",
    'm{a="",b!="c",d=~"(?i)get|post"}',
    "sum by (x) (rate(a[5m])) / on (x) group_left (y) sum by (x) (rate(b[5m] offset 1d))",
    'max_over_time(label_replace(a / b, "x", "$1", "y", "(.*)")[1h:1m])',
    "min(probe_ssl_earliest_cert_expiry) - time() > bool -1e-7",
    'histogram_quantile(0.9, sum by (le) (rate(h_bucket{a="b"}[5m])))',
)


def text_of(number: int) -> str:
    """The text of a number, always the same."""
    random = Random(SEED + number)
    match number % 8:
        case 0 | 1:
            return random.choice(("", " ")).join(random.choices(TOKENS, k=random.randrange(1, 24)))
        case 2:
            return 'm{b=~"' + "".join(random.choices(TOKENS, k=random.randrange(1, 12))) + '"}'
        case 3 | 4 | 5:
            return _mutated(random)
        case 6:
            return "".join(chr(random.randrange(0x11_0000)) for _ in range(random.randrange(1, 16)))
        case _:
            return _deep(random)


def _mutated(random: Random) -> str:
    """A text in which some characters were replaced, doubled, moved or cut."""
    text = random.choice(SEEDS)
    for _ in range(random.randrange(1, 5)):
        begin = random.randrange(len(text) + 1)
        end = min(len(text), begin + random.randrange(4))
        text = text[:begin] + random.choice((random.choice(TOKENS), text[begin:end] * 2, "")) + text[end:]
    return text


def _deep(random: Random) -> str:
    """One thing again and again: inside itself, or behind it."""
    opening, closing = random.choice(
        (("(", ")"), ("sum(", ")"), ("rate(", "[5m])"), ("-", ""), ("a+", ""), ("{", "}"), ("a{b=", "}"), ("[", "]"), ('"', '"'),
         ("a[5m:", "]"), ("a or ", ""), ("max_over_time(", "[5m:])"), ("`", ""), ("a offset ", ""), ("'\\", "'"), ("))((", ""))
    )  # fmt: skip
    times = random.choice((2, 30, 63, 64, 65, 500, 4_000, 20_000))
    return opening * times + "a" + closing * random.choice((0, 1, times))


def said_badly(error: ValueError) -> str | None:
    """What is wrong with a sentence; None when people can read it in one line."""
    sentence = str(error)
    if not sentence.strip() or len(sentence) > 500 or len(sentence.splitlines()) != 1:
        return f"no sentence of one line: {sentence[:600]!r}"
    try:
        sentence.encode()
    except UnicodeEncodeError:
        return f"a sentence that cannot be written down: {sentence!r}"
    return None


def read_all(kind: str, progress: Path) -> None:
    """Read every text of a kind; in the child. Says how many were sound, or what surprised it first."""
    sound = 0
    with progress.open("wb", buffering=0) as at:
        for number in range(COUNTS[kind]):
            at.seek(0)
            at.write(struct.pack("<I", number))
            try:
                READERS[kind](text_of(number))
                sound, fault = sound + 1, None
            except ValueError as error:
                fault = said_badly(error)
            except BaseException as error:
                fault = f"{type(error).__name__}: {error}"
            if fault is not None:
                print(fault)
                sys.exit(1)
    print(sound)


@pytest.mark.parametrize("kind", READERS)
def test_hostile_texts(kind: str, tmp_path: Path) -> None:
    """Whatever is written where a selector or an expression belongs is read, or refused in a sentence of one line."""
    progress = tmp_path / "progress"
    program = f"from pathlib import Path; from tests.api.test_hostile import read_all; read_all({kind!r}, Path({str(progress)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, errors="replace", check=False, timeout=120
    )
    if done.returncode:
        (number,) = struct.unpack("<I", progress.read_bytes()) if progress.exists() else (0,)
        pytest.fail(
            f"text {number}, {text_of(number)[:300]!r}: {done.stdout or done.stderr or f'ended by {done.returncode}'}"
        )
    assert struct.unpack("<I", progress.read_bytes()) == (COUNTS[kind] - 1,)
    assert COUNTS[kind] / 50 < int(done.stdout) < COUNTS[kind] / 2  # or it would show nothing
