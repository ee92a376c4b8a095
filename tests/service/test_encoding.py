"""A ledger as bytes: nothing is lost on the way there and back, and whatever else comes is refused whole."""

from __future__ import annotations

import json
import random
import struct
import zlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.core.docket import Docket
from holdfast.core.ledger import Ledger, Reading
from holdfast.core.objective import Workload
from holdfast.core.pods import Candidate, Pod
from holdfast.core.state import LedgerState
from holdfast.service.encoding import LARGEST, decode, encode
from tests.core.histories import WINDOWS, History, figures, histories

A = ("job", "10.0.0.1:8080", "shop", "checkout-7f9c-abcde", "app")


def usual(points: int = 800, targets: int = 8) -> Ledger:
    """A ledger of a service in production: irregular traffic, and failures now and then."""
    chance, ledger = random.Random(7), Ledger(1e9, 45)
    ledger._feeds = 0  # its turn in thinning, which depends on where it is in memory
    counted = [[0, 0] for _ in range(targets)]
    for n in range(points):
        for pair in counted:
            pair[0] += chance.randrange(20_000)
            pair[1] += chance.randrange(9) if chance.random() < 0.03 else 0
        found = {(*A, str(k)): Reading(t, b, -9.25, process=(*A[2:], str(k))) for k, (t, b) in enumerate(counted)}
        ledger.feed(1_760_000_000.0 + n * 15, found)
    return ledger


@settings(deadline=None)
@given(histories(), st.integers(0, 100))
def test_a_ledger_that_was_stored_goes_on_as_if_it_had_not_been(history: History, stop: int) -> None:
    """At whatever look it is stored and restored, everything afterwards is as without."""
    steady = stopped = history.begin()
    for number, look in enumerate(history.looks):
        if number == stop % len(history.looks):
            stopped = Ledger.restored(decode(encode(steady.state())), WINDOWS[0], history.reach, history.slices)
        look(steady)
        if stopped is not steady:
            look(stopped)
        assert figures(stopped) == figures(steady)


def same(one: LedgerState, other: LedgerState) -> bool:
    """Whether two states are of equal ledgers."""
    columns = [list(a) == list(b) for a, b in zip(one.points[1:], other.points[1:], strict=True)]
    return all(columns) and replace(one, points=other.points) == other and one.points.base == other.points.base


def test_every_field_comes_back() -> None:
    """Also those that are seldom set, and counts that are no whole numbers, or too large for steps."""
    state = usual(30).state()
    reading = Reading(3.5, 1.0, None, True, ("shop", "p"))
    first = replace(state.processes[0], owed=reading, mixed=reading, doubted=4.5, started=None, process=None)
    odd = replace(
        state,
        asked=1e9 + 0.25,
        gap=(1.0, 2.5),
        forgotten=-7.0,
        processes=[first, *state.processes[1:]],
        gone=[(0, None), (1, 2.0)],
        pins=(3.0, 4.25),
        points=state.points._replace(total=[n * 1e300 for n in range(30)], lost_at=[3, 9], lost=[0.1, 0.25]),
    )
    for one in (state, odd):
        assert same(decode(encode(one)), one)


def test_ten_thousand_ledgers_are_small() -> None:
    """Less than 30 MB for ten thousand ledgers of 800 points and 8 processes."""
    assert len(encode(usual().state())) < 3_000


def test_a_count_that_is_not_finite_is_not_stored_as_a_ledger() -> None:
    """Should one ever arise, the ledger is refused when it is read."""
    state = usual(3).state()
    broken = replace(state, points=state.points._replace(total=[0.0, float("inf"), 1.0]))
    with pytest.raises(ValueError, match="finite"):
        decode(encode(broken))


def repacked(change: Any, ledger: Ledger | None = None) -> bytes:
    """A ledger whose head was changed by somebody who knows how: `change` gets it as JSON."""
    raw = zlib.decompress(encode((ledger or usual(5, 2)).state()))
    (length,) = struct.unpack_from("<I", raw)
    head = json.loads(raw[4 : 4 + length])
    text = change(head) or json.dumps(head)
    return zlib.compress(struct.pack("<I", len(text)) + text.encode() + raw[4 + length :])


def put(*path: Any) -> Any:
    """Sets what is at the end of the path to its last element."""

    def change(head: Any) -> None:
        *where, last, value = path
        for step in where:
            head = head[step]
        head[last] = value

    return change


def on_trial() -> Ledger:
    """A ledger with a release on trial: pods that are known, some that wait, and events of nobody."""
    web, base = Workload("shop", "Deployment", "web"), Workload("shop", "StatefulSet", "db")
    ledger, docket = usual(5, 2), Docket()
    at = ledger.at or 0.0
    new = Candidate(web, "uid", "digest", at, ("new",))
    docket.keep({web: new, base: Candidate(base, "uid 2", "digest 2", at + 0.5, ("db-2", "db-3"), True)})
    docket.learn(web, [Pod("web-new-aaaaa", "1", "new", at + 1), Pod("web-old-aaaaa", "2", "old", at - 9)], at + 5)
    docket.take(at, at + 20, [(("shop", "web-lost", at + 3), (7.0, 1.5)), (("shop", "web-new-aaaaa", at + 2), (4, 1))])
    docket.take(at + 20, at + 900, [(("shop", "db-0", None), (3.0, 0)), (("shop", "web-old-aaaaa", 1.0), (9, 2))])
    docket.learn(web, [], at + 1_000)
    docket.take(at + 900, at + 1_000, [])
    ledger.docket = docket
    return ledger


def test_a_docket_comes_back() -> None:
    """With all that is known, that waits, and that is nobody's."""
    state = on_trial().state()
    assert state.docket is not None
    assert state.docket.waiting
    assert [case.nobodys for case in state.docket.cases] == [(7.0, 1.5), (0.0, 0.0)]
    assert same(decode(encode(state)), state)


def test_without_a_trial_a_ledger_is_stored_as_before() -> None:
    """To the byte: checkpoints from before there were trials are read, and cost nothing more."""
    ledger = on_trial()
    ledger.docket = None
    assert encode(ledger.state()) == encode(usual(5, 2).state())
    raw = zlib.decompress(encode(ledger.state()))
    assert len(json.loads(raw[4 : 4 + struct.unpack_from("<I", raw)[0]])) == 7


def test_a_trial_takes_little_room() -> None:
    """Six hundred intervals of a hundred pods: some ten kilobytes, while it lasts."""
    web, chance = Workload("shop", "Deployment", "web"), random.Random(5)
    ledger, docket = usual(), Docket()
    docket.keep({web: Candidate(web, "uid", "digest", 1_000.0, ("6466864d89",))})
    pods = [Pod(f"web-6466864d89-{n:05}", "", "6466864d89", 1_000.0 + n) for n in range(100)]
    docket.learn(web, pods, 2_000.0)
    for look in range(600):
        gains = [(("shop", pod.name, 1_100.0), (float(chance.randrange(99)), 0.0)) for pod in pods]
        docket.take(2_000.0 + 15 * look, 2_015.0 + 15 * look, gains)
    before, ledger.docket = len(encode(ledger.state())), docket
    assert len(encode(ledger.state())) < before + 10_000


def test_a_docket_of_another_version_is_left_out() -> None:
    """The ledger itself loses nothing."""
    found = decode(repacked(put(7, 0, 2), on_trial()))
    assert found.docket is None
    assert found.newest == on_trial().at


HOSTILE_DOCKETS = [
    pytest.param(put(7, []), id="nothing"),
    pytest.param(put(7, 1, 0, 0, ["shop"]), id="half a name"),
    pytest.param(put(7, 1, 0, 1, "a"), id="a word for a time"),
    pytest.param(put(7, 1, 0, 2, 1), id="a number for a truth"),
    pytest.param(put(7, 1, 0, 3, 0, ["web", [[1]]]), id="half a pod"),
    pytest.param(put(7, 1, 0, 4, [[5, 1, 0, 1, 0], [4, 1, 0, 1, 0]]), id="times that fall"),
    pytest.param(put(7, 1, 0, 4, [[5, 1, 0, 1]]), id="half an interval"),
    pytest.param(put(7, 1, 0, 5, [1]), id="half a count"),
    pytest.param(put(7, 2, 0, 0, ["shop", 1, 2]), id="a number for a pod"),
    pytest.param(put(7, 2, 0, 1, []), id="waiting for nothing"),
    pytest.param(put(7, 2, 0, 1, [[1, 2, 3]]), id="half of what waits"),
    pytest.param(lambda head: head.append(1), id="a part too many"),
]


@pytest.mark.parametrize("change", HOSTILE_DOCKETS)
def test_what_is_no_docket_is_refused(change: Any) -> None:
    """With the ledger: what is well packed and makes no sense was written by nobody we know."""
    with pytest.raises(ValueError):
        decode(repacked(change, on_trial()))


HOSTILE = [
    pytest.param(put(0, 0, "a"), id="a word for a number"),
    pytest.param(put(0, 1, True), id="a truth for a number"),
    pytest.param(put(0, 4, [1]), id="half a gap"),
    pytest.param(put(0, 6, -1), id="a negative count"),
    pytest.param(put(0, 6, 1.5), id="a fraction for a count"),
    pytest.param(put(0, 7, [1, 2, 3, 4, 5]), id="a number for a truth"),
    pytest.param(put(1, 0, [1]), id="half a process"),
    pytest.param(put(1, 0, 5, "abc"), id="a word for a name"),
    pytest.param(put(1, 0, 5, ["shop"]), id="a process without a name"),
    pytest.param(put(6, ["a"]), id="a word for a pin"),
    pytest.param(put(2, 0, [1, 2, 0]), id="numbers for words"),
    pytest.param(put(2, 0, ["a", 99]), id="no such process"),
    pytest.param(put(2, 0, ["a", -1]), id="a place from the end"),
    pytest.param(put(5, 1, ["x", 5]), id="no such width"),
    pytest.param(put(5, 1, ["d", 5]), id="times that are fractions"),
    pytest.param(put(5, 1, ["b", 10**12]), id="more than there is"),
    pytest.param(put(5, 1, [["b"], 5]), id="a width that is a list"),
    pytest.param(put(5, 1, ["b", 1]), id="less than there is"),
    pytest.param(lambda head: json.dumps(head).replace("-9.25", "NaN"), id="NaN"),
    pytest.param(lambda head: json.dumps(head).replace("-9.25", "1e999"), id="more than a number can be"),
    pytest.param(lambda head: json.dumps(head[:-1]), id="a part is missing"),
    pytest.param(lambda head: "[" * 100_000, id="very deep"),
    pytest.param(lambda head: "{}", id="another shape"),
    pytest.param(lambda head: "null", id="nothing"),
]


@pytest.mark.parametrize("change", HOSTILE)
def test_what_is_no_ledger_is_refused(change: Any) -> None:
    """Well-packed nonsense is a ValueError: never another exception, never half a ledger."""
    with pytest.raises(ValueError):
        decode(repacked(change))


def test_unchanged_it_would_have_been_one() -> None:
    """The way in which the hostile ones are packed is the right one."""
    found = decode(repacked(lambda head: None))
    assert same(found, replace(usual(5, 2).state(), looks=found.looks))


def test_a_bomb_is_refused() -> None:
    """What unpacks to more than any ledger has is not unpacked."""
    with pytest.raises(ValueError, match="cut"):
        decode(zlib.compress(bytes(LARGEST + 1)))


def test_mutations_are_refused_or_are_whole_ledgers() -> None:
    """Thousands of changes to the unpacked bytes: each is refused, or decodes to a state that is a ledger or refused as one."""
    both = [zlib.decompress(encode(ledger.state())) for ledger in (usual(40, 3), on_trial())]
    chance, refused = random.Random(3), 0
    for turn in range(4_000):
        raw = both[turn % 4 == 0]
        mutated = bytearray(raw)
        for _ in range(chance.choice((1, 1, 2, 8))):
            place = chance.randrange(len(mutated))
            match chance.randrange(3):
                case 0:
                    mutated[place] = chance.randrange(256)
                case 1:
                    del mutated[place : place + chance.choice((1, 7, 100))]
                case _:
                    mutated[place:place] = chance.randbytes(chance.choice((1, 9)))
        try:
            ledger = Ledger.restored(decode(zlib.compress(bytes(mutated), 1)), 1e9, 45)
        except ValueError:
            refused += 1
            continue
        ledger.feed((ledger.at or 0) + 15, {A: Reading(1, 0, 0, process=A[2:])})
        ledger.counts(3_600)
    assert refused > 2_000
