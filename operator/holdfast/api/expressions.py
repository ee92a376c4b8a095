"""PromQL expressions as people write them, for indicators that are no counters.

Rule: an expression must mean the same whenever it is asked about a time, since the past is read again with it: what pins
the time of the asking, or looks ahead of it, is refused. A label that is enforced is in every selector of the text that is
sent, or nothing is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import promql_parser

from holdfast.core.objective import Match, quote

from .native import parse

EXAMPLE: Final = 'min(probe_ssl_earliest_cert_expiry{job="shop"}) - time()'

_HOW: Final = (  # MatchOp can be compared, and not hashed
    (promql_parser.MatchOp.Equal, Match.EQUAL),
    (promql_parser.MatchOp.NotEqual, Match.NOT_EQUAL),
    (promql_parser.MatchOp.Re, Match.REGEX),
    (promql_parser.MatchOp.NotRe, Match.NOT_REGEX),
)
_PLAIN: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*", re.ASCII)
_METRIC: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*", re.ASCII)
_OF_THE_ASKING: Final = frozenset({"start", "end", "range", "step"})

_RANGE: Final = (
    "this is a range, and a value is needed for each time; put a function around it, such as avg_over_time(…)"
)
_NO_VALUE: Final = {
    promql_parser.MatrixSelector: _RANGE,
    promql_parser.SubqueryExpr: _RANGE,
    promql_parser.StringLiteral: f"this is a text and no figure; give a query such as {EXAMPLE}",
}


def parse_expression(text: str) -> str:
    """The expression without the space around it; ValueError with a sentence when it cannot be an indicator."""
    tree = _tree(text)
    result = tree
    while isinstance(result, promql_parser.ParenExpr):
        result = result.expr
    fault = next((said for kind, said in _NO_VALUE.items() if isinstance(result, kind)), None)
    if fault is not None:
        raise ValueError(fault)
    for node in _nodes(tree):
        _check(node)
    return text.strip()


def enforce(text: str, label: str, value: str) -> str:
    """The expression in which every selector also demands this value of this label.

    The condition is added to those that are there: who asks for another value gets nothing, and never another's series.
    """
    demanded = f"{_name(label)}={quote(value)}"

    def narrowed(node: promql_parser.Expr) -> promql_parser.Expr | None:
        if not isinstance(node, promql_parser.VectorSelector):
            return None
        return promql_parser.parse(_written(node.matchers.matchers, node.name, demanded) + _offset(node.offset))

    tree = _tree(parse_expression(text))
    if any(isinstance(node, promql_parser.Call) and node.func.name == "info" for node in _nodes(tree)):
        raise ValueError(f"info() reads series that no selector names, so {label} cannot be enforced; leave it out")
    made = promql_parser.transform(tree, narrowed).prettify().replace("\ufffd", "\\ufffd")  # as quote() does
    before, after = _selectors(tree), _selectors(promql_parser.parse(made))
    if [conditions | {(label, Match.EQUAL, value)} for conditions in before] != after:
        raise ValueError(f"{label} cannot be enforced in this expression; write it in a simpler way")
    return made


def _tree(text: str) -> promql_parser.Expr:
    return parse(text, "query", EXAMPLE)


def _nodes(tree: promql_parser.Expr) -> Iterator[promql_parser.Expr]:
    found: list[promql_parser.Expr] = []
    promql_parser.walk(tree, found.append)
    return iter(found)


def _check(node: promql_parser.Expr) -> None:
    if isinstance(node, promql_parser.VectorSelector | promql_parser.SubqueryExpr):
        if node.at is not None:
            raise ValueError("@ pins the time that is looked at, so that every look would find the same; leave it out")
        if node.offset is not None and node.offset < timedelta(0):
            raise ValueError("a negative offset looks at what has not happened yet; give one above zero")
    if isinstance(node, promql_parser.VectorSelector) and node.matchers.or_matchers:
        raise ValueError(
            "'or' between conditions is nothing Prometheus knows; use one regular expression: code=~\"a|b\""
        )
    if isinstance(node, promql_parser.Call) and node.func.name in _OF_THE_ASKING:
        raise ValueError(f"{node.func.name}() depends on how the query is asked, not on what is measured; leave it out")


def _selectors(tree: promql_parser.Expr) -> list[frozenset[tuple[str, Match, str]]]:
    """What each selector demands, of the name of its metric and of labels."""
    return [
        frozenset(
            [
                *([("__name__", Match.EQUAL, n.name)] if n.name else []),
                *((m.name, _how(m), m.value) for m in n.matchers.matchers),
            ]
        )
        for n in _nodes(tree)
        if isinstance(n, promql_parser.VectorSelector)
    ]


def _written(matchers: list[promql_parser.Matcher], name: str | None, *more: str) -> str:
    """A selector in PromQL; the parser's own printing does not escape values."""
    plain = name is not None and _METRIC.fullmatch(name)
    named = [f"__name__={quote(name)}"] if name is not None and not plain else []
    inner = ",".join((*named, *(f"{_name(m.name)}{_how(m)}{quote(m.value)}" for m in matchers), *more))
    return f"{name if plain else ''}{{{inner}}}"


def _name(label: str) -> str:
    return label if _PLAIN.fullmatch(label) else quote(label)


def _how(matcher: promql_parser.Matcher) -> Match:
    return next(how for op, how in _HOW if op == matcher.op)


def _offset(given: timedelta | None) -> str:
    return "" if given is None else f" offset {round(given / timedelta(milliseconds=1))}ms"
