"""Events as people find them."""

from __future__ import annotations

import pytest

from holdfast.cluster.client import Client
from holdfast.cluster.connection import connect
from holdfast.cluster.errors import Rejected
from holdfast.cluster.events import LONGEST_NOTE, REPEAT, Recorder, Regarding, cut, micro
from holdfast.cluster.resources import DEPLOYMENTS, EVENTS
from lab import Cluster
from tests.cluster.making import NOW


def test_times_have_six_digits() -> None:
    """The server accepts no other number of them."""
    assert micro(NOW) == "2025-11-21T04:40:00.000000Z"


@pytest.mark.parametrize("note", ["short", "ä" * 512, "word " * 400, "→" * 2000])
def test_notes_are_cut_at_a_word_and_by_bytes(note: str) -> None:
    """What fits stays as it is."""
    said = cut(note)
    assert len(said.encode()) <= LONGEST_NOTE
    if said != note:
        assert said.endswith("…")
        assert note.startswith(said[:-1])
        assert not said[:-1].endswith(" ")


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


def regarding(cluster: Cluster, namespace: str) -> Regarding:
    cluster.deployment(namespace, "web", "shop:v1", 0)
    return Regarding.of(DEPLOYMENTS, cluster.get("deployment", namespace, "web"))


async def ours(client: Client, namespace: str) -> list[dict[str, object]]:
    found = await client.everything(EVENTS, namespace)
    return [dict(e) for e in found if e.get("reportingController") == "holdfast.dev/holdfast"]


@pytest.mark.lab
async def test_the_server_counts_bytes(admin: Client, lab_cluster: Cluster, namespace: str) -> None:
    """A note of 1,024 characters is too long when they are not all ASCII."""
    recorder = Recorder(admin, "pod-1")
    await recorder.record(regarding(lab_cluster, namespace), "Normal", "BudgetLow", "a" * LONGEST_NOTE, "Judge")
    (event,) = await ours(admin, namespace)
    assert len(str(event["note"])) == LONGEST_NOTE
    metadata = {"name": "too-long", "namespace": namespace}
    kept = {k: v for k, v in event.items() if k not in ("metadata", "note")}
    with pytest.raises(Rejected, match="1024"):
        await admin.create(EVENTS, namespace, {**kept, "metadata": metadata, "note": "ä" * LONGEST_NOTE})


@pytest.mark.lab
async def test_kubectl_shows_them(operator: Client, admin: Client, lab_cluster: Cluster, namespace: str) -> None:
    """With the operator's rights, in `kubectl describe` of the object, and in the list of events."""
    about = regarding(lab_cluster, namespace)
    recorder = Recorder(operator, "pod-1")
    await recorder.record(about, "Warning", "BudgetExhausted", "Held: −3.1 % left. " + "ä" * 2000, "Hold")
    assert len(await ours(admin, namespace)) == 1
    described = lab_cluster.kubectl("-n", namespace, "describe", "deployment", "web").stdout
    assert "BudgetExhausted" in described
    assert "Held: −3.1 % left." in described
    assert "BudgetExhausted" in lab_cluster.kubectl("-n", namespace, "get", "events").stdout


@pytest.mark.lab
async def test_repeats_are_counted_on_one_event(
    operator: Client, admin: Client, lab_cluster: Cluster, namespace: str
) -> None:
    """The same sentence within ten minutes is one Event; another sentence, or one later, is its own."""
    about, clock = regarding(lab_cluster, namespace), Clock()
    recorder = Recorder(operator, "pod-1", clock)
    for _ in range(3):
        await recorder.record(about, "Normal", "BudgetLow", "the same", "Judge")
        clock.now += REPEAT
    (event,) = await ours(admin, namespace)
    assert event["series"] == {"count": 3, "lastObservedTime": micro(NOW + 2 * REPEAT)}
    await recorder.record(about, "Normal", "BudgetLow", "another", "Judge")
    clock.now += REPEAT + 1
    await recorder.record(about, "Normal", "BudgetLow", "the same", "Judge")
    assert len(await ours(admin, namespace)) == 3


@pytest.mark.lab
async def test_an_event_that_expired_is_written_anew(
    operator: Client, admin: Client, lab_cluster: Cluster, namespace: str
) -> None:
    """The server forgets Events after an hour, or somebody deletes them."""
    about = regarding(lab_cluster, namespace)
    recorder = Recorder(operator, "pod-1")
    await recorder.record(about, "Normal", "BudgetLow", "the same", "Judge")
    lab_cluster.kubectl("-n", namespace, "delete", "events", "--all")
    await recorder.record(about, "Normal", "BudgetLow", "the same", "Judge")
    assert len(await ours(admin, namespace)) == 1


@pytest.mark.lab
async def test_an_event_that_cannot_be_written_stops_nothing(lab_cluster: Cluster, namespace: str) -> None:
    """No right, no namespace, no server: logged, never raised."""
    about = regarding(lab_cluster, namespace)
    nobody = lab_cluster.kubeconfig_for(lab_cluster.access.tokens["developer"], "developer-events")
    async with Client(await connect(nobody)) as client:
        await Recorder(client, "pod-1").record(about, "Normal", "BudgetLow", "n", "Judge")
