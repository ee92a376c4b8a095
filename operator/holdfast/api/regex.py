r"""Regular expressions that Prometheus (RE2) and Python read alike.

Rule: Prometheus selects the series, Python tells them apart again, so only what means the same to both is let in: the
common subset, token by token. What one of them cannot do (look-around, back references, `\pL`, `[[:alpha:]]`, `\z`,
possessive repeats) is refused with a sentence. So are repeats of repeats: Python would try every way to divide a label.
"""

from __future__ import annotations

import re
import warnings
from typing import Final

_TOKENS: Final = (  # the first that fits; a name that says None is fine
    ("group", re.compile(r"\((?:\?:|\?P<[A-Za-z_]\w*>|\?[ims]+(?:-[ims]+)?:|(?!\?))", re.ASCII)),
    ("flags", re.compile(r"\(\?[ims]+\)")),
    ("look", re.compile(r"\(\?(?:<?[=!]|>|\()")),
    ("syntax", re.compile(r"\(\?")),
    ("close", re.compile(r"\)")),
    ("posix", re.compile(r"\[\^?\]?[^]]*\[[:.=]")),
    (
        "class",
        re.compile(r"\[\^?\]?(?:[^]\\[&~|-]|\\[dDsSwWnrtfva]|\\x[0-9a-fA-F]{2}|\\[!-/:-@[-`{-~]|[&~|-](?![&~|-]))*\]"),
    ),
    ("reference", re.compile(r"\\[0-9]|\\k")),
    ("escape", re.compile(r"\\(?:[dDsSwWbBAnrtfva]|x[0-9a-fA-F]{2}|[!-/:-@[-`{-~])")),
    ("unknown", re.compile(r"\\.?|\[", re.DOTALL)),
    ("repeat", re.compile(r"(?:[*+?]|\{(?P<least>\d{1,4})(?P<more>,(?P<most>\d{0,4}))?\})\??")),
    ("brace", re.compile(r"[{}]")),
    ("or", re.compile(r"\|")),
    ("plain", re.compile(r".", re.DOTALL)),
)
_REFUSALS: Final = {
    "look": "look-around and atomic groups are nothing Prometheus can do; list the values instead: a|b|c",
    "syntax": "only (?:…), (?P<name>…) and the flags i, m and s may follow (?; use one of those",
    "posix": r"a class such as [:alpha:] is read differently here; write the range itself: [a-zA-Z]",
    "reference": "a back reference is nothing Prometheus can do; list the values instead: a|b|c",
    "unknown": r"only \d \w \s \b \A, their capitals, \n \r \t \f \v \a, \xHH and escaped punctuation are read alike"
    " by Prometheus and by Holdfast; use those",
    "brace": r"a brace that repeats nothing must be escaped: \\{",
    "twice": r"one repeat follows another, which Prometheus refuses; put the first in (?:…) or escape the second",
    "nested": "a repeat of a repeat can take for ever to compare; write it without the outer one",
    "many": "more than four open repeats (* or +) can take for ever to compare; name the parts of the value instead",
    "large": "it may repeat a thousand times at most; lower the number",
    "flags": "flags belong at the very beginning: (?i)…",
}
MANY: Final = 4


def check_regex(pattern: str) -> None:
    """ValueError with a sentence, unless Prometheus and Python agree on this pattern."""
    fault = _fault(pattern)
    if fault:
        raise ValueError(_REFUSALS[fault])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(pattern)
    except (re.error, RecursionError, OverflowError, Warning) as error:
        raise ValueError(f"it cannot be compiled ({error}); correct it") from error


def _fault(pattern: str) -> str | None:
    """The name of the first refusal, or None."""
    at, repeats, before = 0, 0, ""
    groups = [False]  # for each open group: whether it holds a repeat or a choice
    closed = False  # the same of the group that was just closed
    while at < len(pattern):
        name, token = next((n, m) for n, p in _TOKENS if (m := p.match(pattern, at)))
        if name in _REFUSALS and not (name == "flags" and at == 0):
            return name
        if name == "repeat":
            if before == "repeat":
                return "twice"
            if max(int(token["least"] or 0), int(token["most"] or 0)) > 1000:
                return "large"
            wide = _wide(token)
            if wide and before == "close" and closed:
                return "nested"
            repeats += wide
            groups[-1] = groups[-1] or wide
        elif name == "group":
            groups.append(False)
        elif name == "close":
            closed = groups.pop() if len(groups) > 1 else False
            groups[-1] = groups[-1] or closed
        elif name == "or":
            groups[-1] = True
        at, before = token.end(), name
    return "many" if repeats > MANY else None


def _wide(token: re.Match[str]) -> bool:
    """Whether this repeat can match in many ways: no upper end, or far from the lower one."""
    if token["least"] is None:
        return token[0][0] != "?"
    if token["more"] is None:
        return int(token["least"]) > 16
    return not token["most"] or int(token["most"]) - int(token["least"]) > 16
