"""Links of the documentation lead somewhere."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from tests.docs.pages import ROOT, anchors, links, page, pages


@pytest.mark.parametrize("name", sorted(pages()))
def test_relative_links_resolve(name: str) -> None:
    """A link within the repository names a file that is there, and a heading that this file has."""
    dead = []
    for link in links(page(name)):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            dead.append(link)
    assert dead == []


def test_every_page_can_be_found() -> None:
    """Each page of docs/ is linked from another page: nobody looks through folders."""
    linked = {
        ((ROOT / name).parent / link.partition("#")[0]).resolve()
        for name, text in pages().items()
        for link in links(text)
        if "://" not in link and link.partition("#")[0]
    }
    linked |= {path / "README.md" for path in linked}
    lost = [name for name in pages() if name.startswith("docs/") and (ROOT / name).resolve() not in linked]
    assert lost == []
