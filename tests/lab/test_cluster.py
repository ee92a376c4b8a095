"""Rules of the lab as a whole: real behaviour, several side by side, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import lab
from lab.errors import CommandError, WaitError

pytestmark = pytest.mark.lab

OWNER = """
import time, lab
with lab.cluster("owner") as c:
    print(c.dir, flush=True)
    time.sleep(600)
"""


def processes_of(folder: str) -> list[str]:
    """The command lines of all processes that mention a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if folder in command:
            found.append(command)
    return found


def pods(cluster: lab.Cluster, namespace: str) -> list[dict[str, Any]]:
    """The pods of a namespace."""
    return list(cluster.raw("GET", f"/api/v1/namespaces/{namespace}/pods")["items"])


def ready(pod: dict[str, Any]) -> bool:
    """Whether the pod is ready."""
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))


def test_a_deployment_rolls_out_and_is_updated(lab_cluster: lab.Cluster, namespace: str) -> None:
    """The real controllers create ReplicaSets and pods, and replace them when the template changes."""
    lab_cluster.deployment(namespace, "web", "shop:v1")
    lab_cluster.wait_rollout(namespace, "web")
    lab_cluster.deployment(namespace, "web", "shop:v3")
    lab_cluster.wait_rollout(namespace, "web")
    alive = [pod for pod in pods(lab_cluster, namespace) if "deletionTimestamp" not in pod["metadata"]]
    assert [pod["spec"]["containers"][0]["image"] for pod in alive] == ["shop:v3"] * 4
    assert all(ready(pod) for pod in alive)


def test_a_crashing_release_never_becomes_ready(lab_cluster: lab.Cluster, namespace: str) -> None:
    """The tag `crash` ends in CrashLoopBackOff: the rollout stands still and the old pods go on serving."""
    lab_cluster.deployment(namespace, "web", "shop:v1")
    lab_cluster.wait_rollout(namespace, "web")
    lab_cluster.deployment(namespace, "web", "shop:crash")

    def crashing() -> list[dict[str, Any]]:
        states = [pod["status"].get("containerStatuses", [{}])[0] for pod in pods(lab_cluster, namespace)]
        return [s for s in states if s.get("state", {}).get("waiting", {}).get("reason") == "CrashLoopBackOff"]

    lab_cluster.wait(crashing, 15, "a crashing pod")
    with pytest.raises(WaitError):
        lab_cluster.wait_rollout(namespace, "web", timeout=2)
    assert [p["spec"]["containers"][0]["image"] for p in pods(lab_cluster, namespace) if ready(p)] == ["shop:v1"] * 3


def test_a_release_that_is_never_ready_runs(lab_cluster: lab.Cluster, namespace: str) -> None:
    """The tag `never` runs without becoming ready, as with a failing readiness probe."""
    lab_cluster.deployment(namespace, "web", "shop:never", replicas=1)

    def running() -> bool:
        return [pod["status"]["phase"] for pod in pods(lab_cluster, namespace)] == ["Running"]

    lab_cluster.wait(running, 15, "the pod to run")
    time.sleep(1)
    assert not any(ready(pod) for pod in pods(lab_cluster, namespace))
    assert lab_cluster.shop.truth(namespace, "web").total.requests == 0


def test_a_deleted_pod_lingers_for_its_grace_period(lab_cluster: lab.Cluster, namespace: str) -> None:
    """It stays, terminating, at most the lab's `linger`; with a grace period of 0 it is gone at once."""
    quick = {"template": {"spec": {"terminationGracePeriodSeconds": 0}}}
    lab_cluster.deployment(namespace, "slowly", replicas=1)
    lab_cluster.deployment(namespace, "quickly", replicas=1, **quick)
    lab_cluster.wait_rollout(namespace, "slowly")
    lab_cluster.wait_rollout(namespace, "quickly")
    left = {}
    for app in ("slowly", "quickly"):
        name = next(
            p["metadata"]["name"] for p in pods(lab_cluster, namespace) if p["metadata"]["labels"]["app"] == app
        )
        lab_cluster.raw("DELETE", f"/api/v1/namespaces/{namespace}/pods/{name}")
        began = time.monotonic()
        lab_cluster.wait(
            lambda name=name: name not in {p["metadata"]["name"] for p in pods(lab_cluster, namespace)}, every=0.05
        )
        left[app] = time.monotonic() - began
    assert 1.5 < left["slowly"] < 5
    assert left["quickly"] < 1


def test_the_api_server_comes_back_with_its_data(lab_cluster: lab.Cluster, namespace: str) -> None:
    """A restart of one part keeps port, certificates, tokens and objects, and the shop finds new pods afterwards."""
    lab_cluster.deployment(namespace, "web", replicas=1)
    lab_cluster.wait_rollout(namespace, "web")
    before, pid = lab_cluster.get("deployment", namespace, "web"), lab_cluster.apiserver.pid
    lab_cluster.apiserver.kill()
    with pytest.raises(CommandError):
        lab_cluster.kubectl("get", "namespaces", "--request-timeout=2s")
    lab_cluster.apiserver.start()
    lab_cluster.apiserver.wait_ready()
    assert lab_cluster.apiserver.pid != pid
    assert lab_cluster.get("deployment", namespace, "web")["metadata"]["uid"] == before["metadata"]["uid"]
    lab_cluster.deployment(namespace, "late", replicas=1)
    lab_cluster.wait_rollout(namespace, "late")
    lab_cluster.wait(lambda: lab_cluster.shop.truth(namespace, "late").total.requests, 15, "requests to the new pod")


def test_the_audit_shows_who_wrote_what(lab_cluster: lab.Cluster, namespace: str) -> None:
    """Every write is recorded with user, verb, object and outcome, refused ones too; reads are not."""
    began = time.time() - 0.001
    lab_cluster.kubectl("create", "configmap", "note", "-n", namespace, "--from-literal=a=b")
    lab_cluster.kubectl("get", "configmap", "note", "-n", namespace)
    lab_cluster.kubectl("delete", "configmap", "note", "-n", namespace, user="developer", check=False)
    mine = [e for e in lab_cluster.audit(began) if (e.namespace, e.name) == (namespace, "note")]
    assert [(e.user, e.verb, e.resource, e.code) for e in mine] == [
        ("admin", "create", "configmaps", 201),
        ("developer", "delete", "configmaps", 403),
    ]
    assert lab_cluster.audit(time.time() + 1) == []


def test_people_start_without_rights(lab_cluster: lab.Cluster, namespace: str) -> None:
    """The static users can do what a role binding grants, and nothing else."""
    asked = ("auth", "can-i", "create", "deployments.apps", "-n", namespace)
    assert lab_cluster.kubectl(*asked, user="developer", check=False).stdout.strip() == "no"
    lab_cluster.kubectl("create", "rolebinding", "d", "-n", namespace, "--clusterrole=edit", "--user=developer")
    lab_cluster.wait(lambda: lab_cluster.kubectl(*asked, user="developer").stdout.strip() == "yes", 10)
    assert lab_cluster.kubectl(*asked, user="oncall", check=False).stdout.strip() == "no"


def test_a_service_account_token_is_that_account(lab_cluster: lab.Cluster, namespace: str) -> None:
    """A requested token authenticates as the ServiceAccount: the key made without openssl is a good one."""
    token = lab_cluster.service_account_token(namespace, "default")
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    answer = lab_cluster.raw("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review, token=token)
    assert answer["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:default"
    config = lab_cluster.kubeconfig_for(token, "account")
    assert "no" in lab_cluster.kubectl("auth", "can-i", "list", "pods", f"--kubeconfig={config}", check=False).stdout


def test_a_failed_wait_tells_what_was_seen(lab_cluster: lab.Cluster) -> None:
    """The sentence names what was awaited and the last value."""
    with pytest.raises(WaitError, match=r"Waited 0\.2 s for a miracle\. Last seen: \[\]"):
        lab_cluster.wait(list, 0.2, "a miracle")


def test_helm_works_with_the_lab(lab_cluster: lab.Cluster, namespace: str, tmp_path: Path) -> None:
    """Helm installs into the lab and keeps its files out of the user's home."""
    chart = tmp_path / "tiny"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: tiny\nversion: 0.1.0\nkubeVersion: '>=1.36.0-0'\n")
    (chart / "templates" / "map.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: made-by-helm}\n")
    lab_cluster.helm("install", "tiny", str(chart), "-n", namespace, "--wait")
    assert lab_cluster.get("configmap", namespace, "made-by-helm")["metadata"]["labels"] == {
        "app.kubernetes.io/managed-by": "Helm"
    }


def test_two_labs_run_side_by_side(lab_cluster: lab.Cluster) -> None:
    """A second lab shares no port, file or object with the first, and ends alone."""
    with lab.cluster("second", prometheus=False) as second:
        folder = str(second.dir)
        assert second.namespace("only-here") == "only-here"
        assert "only-here" not in lab_cluster.kubectl("get", "namespaces").stdout
        assert second.access.server != lab_cluster.access.server
        assert len(processes_of(folder)) >= 5
    assert processes_of(folder) == []
    assert not Path(folder).exists()
    assert lab_cluster.raw("GET", "/readyz") == "ok"


def test_a_failing_test_ends_its_lab() -> None:
    """An exception in the block leaves neither a process nor a folder."""
    with pytest.raises(ZeroDivisionError), lab.cluster("failing", prometheus=False) as cluster:
        folder = str(cluster.dir)
        raise ZeroDivisionError
    assert processes_of(folder) == []
    assert not Path(folder).exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_nothing_outlives_a_killed_owner(number: signal.Signals) -> None:
    """kill -9, Ctrl-C or SIGTERM of the owner: within a second no program of its lab runs."""
    root = Path(__file__).parents[2]
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=root
    )
    assert owner.stdout is not None
    folder = owner.stdout.readline().strip()
    assert len(processes_of(folder)) >= 7
    os.kill(owner.pid, number)
    owner.wait(20)
    owner.stdout.close()
    time.sleep(1)
    assert processes_of(folder) == []


def test_a_mended_lab_works_again(lab_cluster: lab.Cluster, namespace: str) -> None:
    """Whatever a test killed, stopped or froze runs again, with its data, so that no test spoils the next."""
    lab_cluster.controller_manager.kill()
    lab_cluster.kwok.stop()
    lab_cluster.apiserver.freeze()
    lab_cluster.prometheus.kill()
    lab_cluster.shop.set_fault(None, errors=1.0)
    lab_cluster.proxy.mode("refuse")
    lab_cluster.mend()
    lab_cluster.deployment(namespace, "web", replicas=1)
    lab_cluster.wait_rollout(namespace, "web")
    lab_cluster.wait(lambda: lab_cluster.shop.truth(namespace, "web").total.requests > 20, 10, "traffic")
    assert lab_cluster.shop.truth(namespace, "web").total.bad == 0
    assert lab_cluster.prometheus.value("vector(1)") == 1


def test_the_command_keeps_a_lab_up() -> None:
    """`python -m lab up` prints lines a shell can evaluate, and Ctrl-C ends everything with exit code 0."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "lab", "up"]
    up = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=root)
    assert up.stdout is not None
    lines = [up.stdout.readline() for _ in range(7)]
    script = "".join(lines) + "kubectl get nodes -o name && command -v prometheus helm kwok >/dev/null && echo complete"
    shell = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    up.send_signal(signal.SIGINT)
    _, errors = up.communicate(timeout=20)
    assert shell.stdout.split() == ["node/node-1", "node/node-2", "complete"], shell.stderr
    assert up.returncode == 0, errors
    assert processes_of(lines[0].removeprefix("export KUBECONFIG=").rsplit("/", 1)[0]) == []
