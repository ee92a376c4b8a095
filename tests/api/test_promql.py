"""Selectors: one metric and conditions on labels, safe to parse, and read alike by Prometheus and by us."""

from __future__ import annotations

import subprocess
import sys
import time
import warnings
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.api import parse_selector
from holdfast.api.native import LONGEST
from holdfast.api.regex import check_regex
from holdfast.core.objective import Match, Matcher, Selector, quote

if TYPE_CHECKING:
    from lab import Cluster

# pattern -> values that match it, and values that do not; compared with Prometheus in the lab
ALIKE: Final = {
    "5..": (["500", "5xx"], ["50", "5000"]),
    "a|b": (["a", "b"], ["ab", ""]),
    "(?:a|b)c": (["ac"], ["a"]),
    "(?i)get|post": (["GET", "pOst"], ["put"]),
    "(?i:GET)x": (["getx"], ["getX"]),
    "(?P<v>v[12])": (["v1"], ["v3"]),
    "[a-z0-9]+": (["abc9"], ["A", ""]),
    "[^a]": (["b"], ["a"]),
    "[]a]": (["]", "a"], ["b"]),
    "[a-]": (["-"], ["b"]),
    r"\d{3}": (["123"], ["12", "1234"]),
    r"\w+\.\w+": (["a.b"], ["ab"]),
    r"\S+\s\S+": (["a b"], ["ab"]),
    "a{2,3}": (["aa", "aaa"], ["a", "aaaa"]),
    "a{2,}?": (["aaaa"], ["a"]),
    "/api/.*": (["/api/", "/api/x/y"], ["/ap"]),
    ".+": (["x"], [""]),
    "": ([""], ["x"]),
    "^a$": (["a"], ["ab"]),
    r"\x41": (["A"], ["x41"]),
    r"\$\{\}\-\_": (["${}-_"], ["x"]),
    r"a\b.b": (["a.b"], ["acb"]),
    "(a|ab)(c|bcd)": (["abcd", "ac"], ["ab"]),
    "(v1)?": (["", "v1"], ["v"]),
    "é.": (["éa"], ["e"]),
}
UNLIKE: Final = {
    "(?=a)a": "look-around",
    "(?!a)b": "look-around",
    "(?<=a)b": "look-around",
    "(?>a)": "look-around and atomic",
    r"(a)\1": "back reference",
    r"(?P<a>b)(?P=a)": "only",
    "(?<n>a)": "only",
    "(?x)a": "only",
    "(?a)b": "only",
    "(?#c)": "only",
    "(?U)a": "only",
    "a(?i)b": "flags belong",
    "[[:alpha:]]": "[:alpha:]",
    "[^[:digit:]x]": "[:alpha:]",
    r"\pL": r"only \d",
    r"\p{Greek}": r"only \d",
    r"\z": r"only \d",
    r"\Z": r"only \d",
    r"\Qa\E": r"only \d",
    r"\u0041": r"only \d",
    r"\é": r"only \d",
    r"[\b]": "class in brackets",
    "[a&&b]": "class in brackets",
    "[[]": "class in brackets",
    "[a": "class in brackets",
    "[a--z]": "class in brackets",
    "a{,5}": "brace",
    "a{": "brace",
    "a++": "one repeat follows",
    "a**": "one repeat follows",
    "a{2}{3}": "one repeat follows",
    "a{1001}": "a thousand",
    "(a+)+": "a repeat of something",
    "(a|a)*": "a repeat of something",
    "((a*)b)*": "a repeat of something",
    "(a{0,99}){20}": "a repeat of something",
    ".*a.*b.*c.*d.*": "more than four repeats",
    "((a|a){2,9}){2,9}": "a repeat of something",
    "(a?){9}": "a repeat of something",
    "a?" * 9: "more than eight choices",
    "(a|a)" * 9: "more than eight choices",
    "(": "it cannot be compiled",
    "*": "it cannot be compiled",
    "[b-a]": "it cannot be compiled",
    "(?P<a>b)(?P<a>c)": "it cannot be compiled",
}


@pytest.mark.parametrize(("pattern", "values"), ALIKE.items())
def test_the_common_subset_is_let_in(pattern: str, values: tuple[list[str], list[str]]) -> None:
    """A pattern of the common subset selects what it says."""
    check_regex(pattern)
    selector = parse_selector(f"m{{b=~{quote(pattern)}}}")
    assert selector == Selector("m", (Matcher("b", Match.REGEX, pattern),))
    assert all(selector.matches({"b": value}) for value in values[0])
    assert not any(selector.matches({"b": value}) for value in values[1])


@pytest.mark.lab
def test_prometheus_agrees(lab_cluster: Cluster) -> None:
    """Prometheus matches the same values with each of these patterns as we do."""
    for pattern, values in ALIKE.items():
        for value in (*values[0], *values[1]):
            named = f'label_replace(vector(1), "b", {quote(value.replace("$", "$$"))}, "", "")'
            (found,) = lab_cluster.prometheus.query(f'label_replace({named}, "hit", "yes", "b", {quote(pattern)})')
            assert ("hit" in found.labels) is (value in values[0]), (pattern, value)


@pytest.mark.parametrize(("pattern", "sentence"), UNLIKE.items())
def test_the_rest_is_refused(pattern: str, sentence: str) -> None:
    """What one of the two cannot do, or does otherwise, or does for ever, is refused with a sentence."""
    with pytest.raises(ValueError, match=r".") as caught:
        check_regex(pattern)
    assert sentence in str(caught.value)


@given(st.text(st.sampled_from(r"ab1\.|()[]{}*+?^$-,:=!<>PiQdwpz&é" + "\n"), max_size=24))
def test_no_pattern_is_a_surprise(pattern: str) -> None:
    """Any text is either a pattern that Python compiles, or refused."""
    try:
        check_regex(pattern)
    except ValueError:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Python warns of classes that it will read differently one day
        Selector("m", (Matcher("b", Match.REGEX, pattern),)).matches({"b": "x"})


@given(st.text(st.sampled_from("ab.|()*+?{2,9}[]"), max_size=16))
def test_no_pattern_takes_for_ever(pattern: str) -> None:
    """A pattern that is let in is compared with a label of ordinary length in no time."""
    try:
        check_regex(pattern)
    except ValueError:
        return
    began = time.perf_counter()
    Selector("m", (Matcher("b", Match.REGEX, pattern),)).matches({"b": "a" * 40 + "!"})
    assert time.perf_counter() - began < 1


LABELS = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True).filter(lambda label: label != "__name__")
METRICS = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_:]{0,12}_total", fullmatch=True)
MATCHERS = st.builds(
    Matcher, LABELS, st.sampled_from([Match.EQUAL, Match.NOT_EQUAL]), st.text(max_size=20)
) | st.builds(Matcher, LABELS, st.sampled_from([Match.REGEX, Match.NOT_REGEX]), st.sampled_from(list(ALIKE)))
SELECTORS = st.builds(Selector, METRICS, st.lists(MATCHERS, max_size=4).map(tuple))


@given(SELECTORS)
def test_what_is_written_is_what_is_read(selector: Selector) -> None:
    """Writing a selector into a query and reading it again gives the same selector, whatever its values hold."""
    assert parse_selector(str(selector)) == selector


TOKENS = [
    "a",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "5m",
    '"',
    "'",
    "`",
    "\\",
    "=",
    "=~",
    "!=",
    "+",
    "-",
    "*",
    "#",
    "\n",
    " ",
    ",",
]
TOKENS += [
    "sum",
    "rate",
    "by",
    "on",
    "offset",
    "@",
    "Inf",
    "histogram_quantile",
    "or",
    "bool",
    ":",
    "1",
    "__name__",
    "b",
    '"x"',
    "b=~",
]


@given(st.lists(st.sampled_from(TOKENS), max_size=40).map("".join) | st.text(max_size=40))
def test_any_text_is_a_selector_or_a_sentence(text: str) -> None:
    """No text gets anything but a selector or a ValueError out of the parser."""
    try:
        parse_selector(text)
    except ValueError as error:
        assert str(error)


HOSTILE: Final = (
    "(" * 12_000,
    "(" * 4_000,
    "{" * 4_000,
    "[" * 4_000,
    "1" + "+1" * 2_000,
    "-" * 4_000 + "a",
    "a" + " and a" * 600,
    "a" + " offset 5m" * 400,
    "# `\n" + "(" * 3_000 + "\n# `",
    '# "\n' + "(" * 3_000 + '\n# "',
    "a{" + 'b="c",' * 600 + "}",
    "histogram_quantile offset - Inf",
    "a == " * 700 + "a",
    "sum by(" * 500,
)


def test_hostile_texts_do_not_take_the_process_down() -> None:
    """Deep nesting ends native parsers, and the process with them: each text is refused or read, in a process of its own."""
    program = "import sys\nfrom holdfast.api import parse_selector\nfor text in eval(sys.stdin.read()):\n try: parse_selector(text)\n except ValueError: pass\nprint('alive')"
    done = subprocess.run(
        [sys.executable, "-c", program], input=repr(HOSTILE), capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.strip() == "alive", done.stderr


def test_an_objective_with_many_conditions_is_read() -> None:
    """The guards let everything through that somebody might mean."""
    many = ",".join(f'label_{n}!="value-{n}"' for n in range(60))
    assert len(parse_selector(f"m{{{many}}}").matchers) == 60
    long = 'm{b="' + "x" * (LONGEST - 7) + '"}'
    assert len(parse_selector(long).matchers[0].value) == LONGEST - 7
