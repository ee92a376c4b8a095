"""Rules of several sources: each has a pace and threads of its own, and only some namespaces may use it."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import pytest

from holdfast.api.conditions import ConditionReason
from holdfast.cluster.store import Store
from holdfast.core.evidence import Fresh, Missing, Why
from holdfast.core.objective import Objective
from holdfast.core.window import Rolling
from holdfast.prometheus.poller import Poller
from holdfast.prometheus.sources import Source
from holdfast.service.accounts import Accounts
from holdfast.service.loop import Loop
from holdfast.service.metrics import Metrics
from holdfast.service.obstacles import obstacles
from holdfast.service.releases import Releases
from holdfast.service.selfcheck import SelfCheck
from holdfast.service.shelf import Shelf
from holdfast.service.trials import Trials
from holdfast.service.world import World
from tests.prometheus.answering import Reply, Request, counting, never_answering, serving
from tests.prometheus.making import errors

NOBODY: Final[Any] = None  # a part of the loop that is not reached while the cluster is not listed


def at(source: str, name: str = "slo") -> Objective:
    """An objective that is read from this source."""
    return replace(errors(name, job="web"), source=source)


async def test_a_dead_source_delays_nobody() -> None:
    """One source accepts and never answers, with a time-out of many looks. The other one's objective is seen anew at
    step after step all the same; that of the dead one has no evidence."""
    with never_answering() as nowhere, serving(counting) as server:
        dead = Source("dead", nowhere, scrape_interval=1, delay=0, timeout=30)
        live = Source("live", server.url, scrape_interval=1, delay=0, timeout=5)
        accounts = Accounts([dead, live], 1, Metrics(), Shelf(lambda: None, time.time))
        every = {o.key: o for o in (at("dead", "blind"), at("live", "seen"))}
        accounts.keep(every, ())
        loop = Loop(
            Store(),
            NOBODY,
            accounts,
            NOBODY,
            NOBODY,
            Metrics(),
            enforcement=False,
            selfcheck=SelfCheck([], time.time()),
            releases=Releases(NOBODY, NOBODY),
            trials=Trials(accounts, NOBODY),
            forgetting=NOBODY,
        )
        running, began, moments = asyncio.create_task(loop.run()), time.monotonic(), set()
        while len(moments) < 4 and time.monotonic() - began < 20:
            await asyncio.sleep(0.1)
            blind, seen = (accounts.measured(o, (), time.time()).evidence for o in every.values())
            moments |= {seen.at} if isinstance(seen, Fresh) else set()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        accounts.close()
    assert len(moments) == 4
    assert isinstance(blind, Missing)


async def test_a_source_that_does_not_answer_is_told() -> None:
    """Its objectives say which source it is and how long was waited."""
    with never_answering() as nowhere:
        accounts = Accounts(
            [Source("dead", nowhere, scrape_interval=1, timeout=0.2)], 1, Metrics(), Shelf(lambda: None, time.time)
        )
        objective = at("dead")
        accounts.keep({objective.key: objective}, ())
        await accounts.look("dead", time.time())
        blind = accounts.measured(objective, (), time.time()).evidence
        accounts.close()
    assert isinstance(blind, Missing)
    assert (blind.why, blind.note) == (Why.UNREACHABLE, "the metrics source dead did not answer within 0.2 s")


async def test_a_source_gets_so_many_queries_at_once() -> None:
    """Families of one look are asked side by side, as many as `concurrency` says and never more."""
    under_way, most = 0, 0

    def slow(request: Request) -> Reply:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        time.sleep(0.1)
        under_way -= 1
        return counting(request)

    for concurrency in (1, 3):
        most = 0
        with serving(slow) as server:
            source = Source("main", server.url, scrape_interval=1, delay=0, concurrency=concurrency)
            accounts = Accounts([source], 1, Metrics(), Shelf(lambda: None, time.time))
            every = [
                replace(errors(f"slo-{n}", f"metric_{n}_total"), window=Rolling(60), source="main") for n in range(6)
            ]
            accounts.keep({o.key: o for o in every}, ())
            await accounts.look("main", time.time())
            accounts.close()
        assert most == concurrency


async def test_a_forbidden_source_is_not_asked() -> None:
    """An objective whose namespace may not use its source sends no query: a condition and missing evidence say why."""
    with serving(counting) as server:
        source = Source("main", server.url, namespaces=frozenset({"payments"}))
        accounts = Accounts([source], 15, Metrics(), Shelf(lambda: None, time.time))
        objective = at("main")
        accounts.keep({objective.key: objective}, ())
        await accounts.look("main", time.time())
        evidence = accounts.measured(objective, (), 100).evidence
        accounts.close()
        assert not server.requests
    assert isinstance(evidence, Missing)
    assert evidence.why is Why.UNREACHABLE
    assert evidence.note == "the metrics source main may not be used from the namespace shop"
    ((reason, sentence),) = obstacles(objective, World(), {}, accounts.sources, 15)
    assert reason is ConditionReason.SOURCE_FORBIDDEN
    assert "may not be used from the namespace shop" in sentence
    allowed = replace(source, namespaces=frozenset({"payments", "shop"}))
    assert not list(obstacles(objective, World(), {}, {"main": allowed}, 15))


@pytest.mark.parametrize("name", ["clock_skew", "scrape_interval"])
async def test_what_is_known_of_a_source_is_a_metric(name: str) -> None:
    """Its clock and its pace, by its name, after a look."""
    with serving(counting) as server:
        metrics = Metrics()
        accounts = Accounts(
            [Source("main", server.url, scrape_interval=1, delay=0)], 1, metrics, Shelf(lambda: None, time.time)
        )
        objective = at("main")
        accounts.keep({objective.key: objective}, ())
        said: float | None = None
        for _ in range(10):  # the pace is asked for with a look that has caught up
            await accounts.look("main", time.time())
            said = metrics.registry.get_sample_value(f"holdfast_source_{name}_seconds", {"source": "main"})
            if said is not None:
                break
            await asyncio.sleep(0.5)
        accounts.close()
    assert said == {"clock_skew": 0.0, "scrape_interval": 1.0}[name]


async def test_a_source_that_is_down_is_asked_once_for_all() -> None:
    """Objectives are asked for in rounds; where the first one gets no answer at all, the others are not waited for."""
    with serving(lambda _: Reply(status=503)) as server:
        source = Source("main", server.url, scrape_interval=1, delay=0)
        accounts = Accounts([source], 1, Metrics(), Shelf(lambda: None, time.time))
        every = [at("main", f"slo-{n}") for n in range(2_000)]
        accounts.keep({o.key: o for o in every}, ())
        await accounts.look("main", time.time())
        blind = [accounts.measured(o, (), time.time()).evidence for o in every]
        accounts.close()
        assert len(server.requests) == 1
    assert all(isinstance(evidence, Missing) and "HTTP 503" in evidence.note for evidence in blind)


async def test_rounds_leave_nobody_out() -> None:
    """Everybody is asked for once, in parts of one length that depends on how many series an objective has."""
    with serving(counting) as server:
        poller = Poller(Source("main", server.url, scrape_interval=1, delay=0))
        parts = list(poller.rounds(range(2_500)))
        poller.close()
    assert [n for part in parts for n in part] == list(range(2_500))
    assert len({len(part) for part in parts[:-1]}) == 1
    assert len(parts) > 1
