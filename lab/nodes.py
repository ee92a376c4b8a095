"""Nodes and pods are simulated by KWOK. What does a pod do here?

Rule: the image tag of a pod's first container decides. `crash` is in CrashLoopBackOff, `never` runs but does not become
ready, everything else is ready after 200-600 ms, or after what its tag ends in (`v3-ready-8s`). A deleted pod stays,
terminating, for its grace period, but at most `linger` seconds. Two annotations override the times:
lab.holdfast.dev/ready-after and lab.holdfast.dev/linger ("8s").
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from lab.ports import LOOPBACK
from lab.process import Process

STAGES: Final = Path(__file__).parent / "stages.yaml"
NODES: Final = ("node-1", "node-2")
_READY_AFTER: Final = (
    '.metadata.annotations["lab.holdfast.dev/ready-after"] '
    '// ([.spec.containers[0].image | capture("-ready-(?<after>[0-9.]+m?s)$")] | .[0].after)'
)


def kwok(programs: Path, folder: Path, kubeconfig: Path, *, linger: float) -> Process:
    """The KWOK program with our stages; `linger` is in seconds."""
    stages = folder / "stages.yaml"
    text = STAGES.read_text().replace("READY_AFTER", _READY_AFTER).replace("LINGER_SECONDS", f"{linger:g}")
    stages.write_text(text)
    argv: list[str | Path] = [
        programs / "kwok",
        f"--kubeconfig={kubeconfig}",
        "--manage-all-nodes=true",
        f"--config={stages}",
        "--cidr=10.1.0.0/16",
        f"--node-ip={LOOPBACK}",
        "--node-lease-duration-seconds=0",  # nobody watches leases here: no writes while idle
        f"--server-address={LOOPBACK}:0",
    ]
    return Process("kwok", argv, log=folder / "kwok.log")


def node(name: str) -> dict[str, object]:
    """A Node object with room for 1000 pods."""
    room = {"cpu": "1000", "memory": "1Ti", "pods": "1000"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}},
        "status": {"allocatable": room, "capacity": room},
    }
