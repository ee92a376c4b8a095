"""Time zones as people write them: a name of the IANA database.

Rule: the server knows their shape, this program the zones themselves; one that it does not know is refused in a sentence.
"""

from __future__ import annotations

import re
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from .texts import Rule, Text, cel

UTC: Final = "UTC"

_ZONE: Final = r"^[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$"
IS_ZONE: Final = Rule(
    f"self.matches({cel(_ZONE)})", "timeZone must be a name of the IANA database, for example Europe/Berlin"
)


def find_zone(name: str) -> ZoneInfo:
    """The time zone of that name; ValueError with a sentence when there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(
            f"there is no time zone {name[:64]}; give a name of the IANA database, for example Europe/Berlin"
        ) from None


def read_zone(text: str) -> str:
    """The name, of a time zone that exists."""
    if not re.fullmatch(_ZONE, text):
        raise ValueError(IS_ZONE.sentence)
    return find_zone(text).key


Zone = Annotated[str, Text(read_zone, 64, (IS_ZONE,), UTC)]
