r"""Regular expressions that Prometheus (RE2) and Python read alike.

Rule: Prometheus selects the series, Python tells them apart again, so only what means the same to both is let in: the
common subset, token by token. What one of them cannot do (look-around, back references, `\pL`, `[[:alpha:]]`, `\z`,
possessive repeats) is refused with a sentence. So are repeats of what varies: Python would try every way to divide a label.
"""

from __future__ import annotations

import re
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
    ("bracket", re.compile(r"\[")),
    ("unknown", re.compile(r"\\.?", re.DOTALL)),
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
    "bracket": "this class in brackets is not closed, or is read differently here ([, &&, --, ||, ~~ or an unusual escape inside);"
    " close it, or escape these characters",
    "brace": r"a brace that repeats nothing must be escaped: \\{",
    "twice": r"one repeat follows another, which Prometheus refuses; put the first in (?:…) or escape the second",
    "nested": "a repeat of something that varies can take for ever to compare; write it without the outer repeat",
    "many": "more than four repeats, or more than eight choices (? or a group with |), can take for ever to compare;"
    " name the values instead: a|b|c",
    "large": "it may repeat a thousand times at most; lower the number",
    "flags": "flags belong at the very beginning: (?i)…",
}
MANY: Final = 4
CHOICES: Final = 8


def check_regex(pattern: str) -> None:
    """ValueError with a sentence, unless Prometheus and Python agree on this pattern."""
    fault = _fault(pattern)
    if fault:
        raise ValueError(_REFUSALS[fault])
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"it cannot be compiled ({error}); correct it") from error


def _fault(pattern: str) -> str | None:
    """The name of the first refusal, or None."""
    at, open_ends, choices, before = 0, 0, 0, ""
    groups = [False]  # for each open group: whether what it matches may have several forms
    closed = False  # the same of the group that was just closed
    while at < len(pattern):
        name, token = next((n, m) for n, p in _TOKENS if (m := p.match(pattern, at)))
        if name in _REFUSALS and not (name == "flags" and at == 0):
            return name
        if name == "repeat":
            fault = _repeat_fault(token, before, closed)
            if fault:
                return fault
            varies = token["least"] is None or token["more"] is not None
            optional = token[0][0] == "?"
            choices += optional
            open_ends += varies and not optional
            groups[-1] = groups[-1] or varies
        elif name == "group":
            groups.append(False)
        elif name == "close":
            closed = groups.pop() if len(groups) > 1 else False
            groups[-1] = groups[-1] or closed
        elif name == "or":
            choices += len(groups) > 1 and not groups[-1]
            groups[-1] = True
        at, before = token.end(), name
    return "many" if open_ends > MANY or choices > CHOICES else None


def _repeat_fault(token: re.Match[str], before: str, varied: bool) -> str | None:
    """What is wrong with a repeat after `before`; `varied` says whether the group before it has several forms."""
    if before == "repeat":
        return "twice"
    if max(int(token["least"] or 0), int(token["most"] or 0)) > 1000:
        return "large"
    return "nested" if before == "close" and varied and token[0][0] != "?" else None
