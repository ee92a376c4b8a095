"""Selectors as people write them, parsed into core values.

Rule: one metric and conditions on its labels, nothing else. The parser is native code that deep nesting takes down with
the whole process, so length and depth are checked before it sees the text, here and not only at apply: an object in the
cluster may be older than our validation.
"""

from __future__ import annotations

import re
from typing import Final

import promql_parser

from holdfast.core.objective import Match, Matcher, Selector

from .regex import check_regex

LONGEST: Final = 4096
DEEPEST: Final = 64
EXAMPLE: Final = 'http_requests_total{job="checkout",code=~"5.."}'

NO_SELECTOR: Final = (
    "must be one selector, a metric's name and conditions on labels, without functions or ranges, "
    f"for example {EXAMPLE}"
)
_STRING: Final = r"""("([^"\\]|\\.)*"|'([^'\\]|\\.)*'|`[^`]*`)"""
_MATCHER: Final = rf"[a-zA-Z_][a-zA-Z0-9_]*\s*(=|!=|=~|!~)\s*{_STRING}"
SHAPE: Final = rf"^\s*[a-zA-Z_:][a-zA-Z0-9_:]*\s*(\{{\s*({_MATCHER}\s*(,\s*{_MATCHER}\s*)*,?\s*)?\}})?\s*$"
"""What a selector looks like, as the API server checks it. The parser knows it better, and says more."""

_HOW: Final = (  # MatchOp can be compared, and not hashed
    (promql_parser.MatchOp.Equal, Match.EQUAL),
    (promql_parser.MatchOp.NotEqual, Match.NOT_EQUAL),
    (promql_parser.MatchOp.Re, Match.REGEX),
    (promql_parser.MatchOp.NotRe, Match.NOT_REGEX),
)
_INSTEAD: Final = {
    promql_parser.Call: "a function; give the counter inside it, Holdfast computes the rates itself",
    promql_parser.AggregateExpr: "an aggregation; give the counter inside it, Holdfast adds up all its series itself",
    promql_parser.MatrixSelector: "a range; leave out the […], the windows are those of the objective and its rules",
    promql_parser.SubqueryExpr: "a subquery; give the counter alone",
    promql_parser.BinaryExpr: "a calculation; give one counter here and the other one beside it",
    promql_parser.UnaryExpr: "a calculation; give the counter without a sign",
    promql_parser.ParenExpr: "in parentheses; leave them out",
    promql_parser.NumberLiteral: "a number; give a counter",
    promql_parser.StringLiteral: "a text; give a counter without the quotes around it",
}
_QUOTED: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|`[^`]*`', re.DOTALL)
_BRACKET: Final = re.compile(r"[(\[{]")
_OPERATOR: Final = re.compile(r"[-+*/%^@]|[=!<>]=|[<>]|\b(?:and|or|unless|atan2|offset|bool)\b", re.IGNORECASE)
_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII)
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)


def parse_selector(text: str) -> Selector:
    """The selector; ValueError with a sentence that says how to mend it when it is none."""
    _guard(text)
    found = _parse(text)
    if not isinstance(found, promql_parser.VectorSelector):
        is_what = next((said for kind, said in _INSTEAD.items() if isinstance(found, kind)), "no selector")
        raise ValueError(f"this is {is_what}: {EXAMPLE}")  # noqa: TRY004 - it is the text that is wrong
    if found.offset is not None or found.at is not None:
        raise ValueError("offset and @ look at another time than the one that is judged; leave them out")
    if found.matchers.or_matchers:
        raise ValueError("'or' between conditions is not read by Holdfast; use one regular expression: code=~\"a|b\"")
    if not found.name or not _METRIC.fullmatch(found.name):
        raise ValueError(f"it must begin with the name of one metric, for example {EXAMPLE}")
    if not re.fullmatch(SHAPE, text, re.ASCII | re.DOTALL):
        raise ValueError(NO_SELECTOR)
    return Selector(found.name, tuple(_matcher(m) for m in found.matchers.matchers))


def _guard(text: str) -> None:
    """Refuse what could take the parser, and with it the process, down."""
    if not text.strip():
        raise ValueError(f"the selector is empty; give a counter, for example {EXAMPLE}")
    if len(text) > LONGEST:
        raise ValueError(f"the selector has {len(text)} characters; {LONGEST} are allowed, so shorten it")
    bare = _QUOTED.sub("", text)
    if "#" in bare:  # a quote inside a comment would hide what follows it from the count
        raise ValueError("leave out the comment (#)")
    if len(_BRACKET.findall(bare)) > DEEPEST or len(_OPERATOR.findall(bare)) > DEEPEST:
        raise ValueError(f"this is no selector but a large expression; give one counter: {EXAMPLE}")
    if any(quoted[0] == "`" and "\\" in quoted for quoted in _QUOTED.findall(text)):
        raise ValueError(
            'write a value that has a backslash in double quotes, with two backslashes for one: code=~"\\\\d+"'
        )


def _parse(text: str) -> promql_parser.Expr:
    try:
        return promql_parser.parse(text)
    except (ValueError, TypeError) as error:
        raise ValueError(f"this is no PromQL ({_brief(error)}); give a selector such as {EXAMPLE}") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # pyo3's, which is no Exception
            raise
        raise ValueError(f"this is no PromQL; give a selector such as {EXAMPLE}") from None


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:120]


def _matcher(given: promql_parser.Matcher) -> Matcher:
    if given.name == "__name__":
        raise ValueError("write the metric's name before the brace instead of __name__")
    if not _LABEL.fullmatch(given.name):
        raise ValueError(
            f"{given.name[:60]!r} is no label name that Holdfast reads; use letters, digits and underscores"
        )
    matcher = Matcher(given.name, next(how for op, how in _HOW if op == given.op), given.value)
    if matcher.how in (Match.REGEX, Match.NOT_REGEX):
        try:
            check_regex(matcher.value)
        except ValueError as error:
            raise ValueError(f"the regular expression of {matcher.label}: {error}") from None
    return matcher
