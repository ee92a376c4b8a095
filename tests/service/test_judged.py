"""Whose releases are looked at."""

from __future__ import annotations

from dataclasses import replace

from holdfast.core.hold import Quarantined
from holdfast.service.judged import Judged
from holdfast.service.world import World
from tests.core.making import NEW, NOW, SHOP, on_record

HELD = on_record()
KNOWN_BAD = replace(HELD, quarantined=(Quarantined("bad-release-x7k2p", NEW, NOW),))


def test_a_template_in_quarantine_is_looked_after_when_no_rule_asks_any_more() -> None:
    """A person may still let it out, and that is said on the record of its release."""
    assert Judged(World(holds={SHOP: KNOWN_BAD}), {}, {}, enforcing=True).followed(SHOP)
    assert not Judged(World(holds={SHOP: HELD}), {}, {}, enforcing=True).followed(SHOP)
    assert not Judged(World(holds={SHOP: KNOWN_BAD}), {}, {}, enforcing=True, follow=False).followed(SHOP)
