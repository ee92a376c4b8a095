"""Keeps an objective to its own namespace: on a source that many teams share nobody reads the series of another.

The label is demanded beside whatever the author wrote, never instead of it: a selector for another namespace then
matches nothing, and that is said.
"""

from __future__ import annotations

from holdfast.core.objective import Match, Matcher, Selector


def confined(selector: Selector, label: str | None, namespace: str) -> Selector:
    """The selector with this label held to this namespace; unchanged where no label is enforced.

    The condition comes first: it is what narrows the query where the author asks for something of the same label.
    """
    if label is None:
        return selector
    return Selector(selector.metric, (Matcher(label, Match.EQUAL, namespace), *selector.matchers))
