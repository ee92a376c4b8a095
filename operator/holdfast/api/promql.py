"""Selectors as people write them, parsed into core values.

Rule: one metric and conditions on its labels, nothing else.
"""

from __future__ import annotations

import re
from typing import Final

import promql_parser

from holdfast.core.objective import Match, Matcher, Selector

from .native import parse
from .regex import check_regex

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
_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII)
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)


def parse_selector(text: str) -> Selector:
    """The selector; ValueError with a sentence that says how to mend it when it is none."""
    found = parse(text, "selector", EXAMPLE)
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
