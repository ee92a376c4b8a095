"""The PromQL parser, kept from taking the process down.

Rule: nothing reaches it unmeasured. It is native code that deep nesting ends together with the process, so length and
depth are checked before it sees a text, here and not only at apply: an object in the cluster may be older than our
validation. What it then says is a value or a ValueError with a sentence.
"""

from __future__ import annotations

import re
from typing import Final

import promql_parser

LONGEST: Final = 4096
DEEPEST: Final = 64

_QUOTED: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|`[^`]*`', re.DOTALL)
_BRACKET: Final = re.compile(r"[(\[{}\])]")
_OPERATOR: Final = re.compile(r"[-+*/%^@]|[=!<>]=|[<>]|\b(?:and|or|unless|atan2|offset|bool)\b", re.IGNORECASE)


def parse(text: str, what: str, example: str) -> promql_parser.Expr:
    """The tree of a text; `what` it should be and an example of it are for the sentence of a refusal."""
    _guard(text, what, example)
    try:
        return promql_parser.parse(text)
    except (ValueError, TypeError) as error:
        raise ValueError(f"this is no PromQL ({_brief(error)}); give a {what} such as {example}") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # pyo3's, which is no Exception
            raise
        raise ValueError(f"this is no PromQL; give a {what} such as {example}") from None


def _guard(text: str, what: str, example: str) -> None:
    """Refuse what could take the parser, and with it the process, down."""
    if not text.strip():
        raise ValueError(f"the {what} is empty; give one such as {example}")
    if len(text) > LONGEST:
        raise ValueError(f"the {what} has {len(text)} characters; {LONGEST} are allowed, so shorten it")
    bare = _QUOTED.sub("", text)
    if "#" in bare:  # a quote inside a comment would hide what follows it from the count
        raise ValueError("leave out the comment (#)")
    if "$" in bare:
        raise ValueError(
            "a variable such as $__interval means nothing to Prometheus; write what it stands for, for example 5m"
        )
    if _nesting(bare) > DEEPEST or len(_OPERATOR.findall(bare)) > DEEPEST:
        raise ValueError(
            f"the {what} is too large to be read safely: more than {DEEPEST} brackets inside each other, or operators; "
            "record parts of it with a rule of Prometheus, and use their names"
        )
    if any(quoted[0] == "`" and "\\" in quoted for quoted in _QUOTED.findall(text)):
        raise ValueError(
            'write a value that has a backslash in double quotes, with two backslashes for one: code=~"\\\\d+"'
        )


def _nesting(bare: str) -> int:
    """How many brackets are open at once; one that closes nothing is none."""
    deepest = depth = 0
    for bracket in _BRACKET.findall(bare):
        depth = depth + 1 if bracket in "([{" else max(0, depth - 1)
        deepest = max(deepest, depth)
    return deepest


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
