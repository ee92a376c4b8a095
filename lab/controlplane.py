"""The control plane: etcd, API server, controller manager and scheduler, each a real program.

Rule: every part can be stopped, started, frozen and restarted alone; it finds its port and data again. Only what the
lab simulates (nodes, see nodes.py) is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import requests
import yaml

from lab.access import MACHINERY, Access
from lab.keys import write_signing_key
from lab.ports import LOOPBACK, free_port, listens
from lab.process import Process

CONTROLLERS: Final = (
    "clusterrole-aggregation-controller",  # fills the roles admin, edit and view
    "daemonset-controller",
    "deployment-controller",
    "disruption-controller",
    "endpointslice-controller",
    "garbage-collector-controller",
    "horizontal-pod-autoscaler-controller",
    "job-controller",
    "namespace-controller",
    "replicaset-controller",
    "resourcequota-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "statefulset-controller",
    "validatingadmissionpolicy-status-controller",
)

_WRITES: Final = ["create", "update", "patch", "delete", "deletecollection"]
AUDIT_POLICY: Final = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [{"level": "Metadata", "verbs": _WRITES}, {"level": "None"}],
}


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """The four programs, how to reach them, and the audit log of all writes."""

    etcd: Process
    apiserver: Process
    controller_manager: Process
    scheduler: Process
    access: Access
    audit_log: Path

    def start(self) -> None:
        """From nothing to an API server that answers; the other two programs are started, not awaited."""
        self.etcd.start()
        self.etcd.wait_ready()
        self.apiserver.start()
        self.apiserver.wait_ready()
        self.controller_manager.start()
        self.scheduler.start()


def control_plane(programs: Path, folder: Path) -> ControlPlane:
    """Lay out a control plane in `folder`; nothing runs yet."""
    certificates = folder / "certificates"
    certificates.mkdir()
    port = free_port()
    access = Access(f"https://{LOOPBACK}:{port}", certificates / "apiserver.crt", folder)
    key = folder / "service-accounts.key"
    write_signing_key(key)
    access.write_token_file(folder / "tokens.csv")
    (folder / "audit-policy.yaml").write_text(yaml.safe_dump(AUDIT_POLICY))
    kubeconfig = access.kubeconfig(access.tokens[MACHINERY], MACHINERY)
    etcd_port = free_port()
    return ControlPlane(
        etcd=_etcd(programs, folder, etcd_port),
        apiserver=_apiserver(programs, folder, port=port, etcd_port=etcd_port, access=access),
        controller_manager=_controller_manager(programs, folder, kubeconfig, access.ca, key),
        scheduler=_scheduler(programs, folder, kubeconfig),
        access=access,
        audit_log=folder / "audit.log",
    )


def _etcd(programs: Path, folder: Path, port: int) -> Process:
    url = f"http://{LOOPBACK}:{port}"
    argv: list[str | Path] = [
        programs / "etcd",
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        f"--listen-peer-urls=http://{LOOPBACK}:0",
        "--unsafe-no-fsync",  # the data of a lab need not survive a power cut
        "--log-level=warn",
    ]
    return Process("etcd", argv, log=folder / "etcd.log", ready=lambda: listens(port))


def _apiserver(programs: Path, folder: Path, *, port: int, etcd_port: int, access: Access) -> Process:
    key = folder / "service-accounts.key"
    argv: list[str | Path] = [
        programs / "kube-apiserver",
        f"--etcd-servers=http://{LOOPBACK}:{etcd_port}",
        f"--secure-port={port}",
        f"--bind-address={LOOPBACK}",
        f"--advertise-address={LOOPBACK}",
        "--endpoint-reconciler-type=none",
        "--service-cluster-ip-range=10.0.0.0/24",
        "--allow-privileged=true",
        f"--cert-dir={folder / 'certificates'}",  # makes apiserver.crt: server certificate and its own authority
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--disable-admission-plugins=TaintNodesByCondition",
        f"--audit-policy-file={folder / 'audit-policy.yaml'}",
        f"--audit-log-path={folder / 'audit.log'}",
        "--audit-log-maxsize=2048",  # MB: never rotated within one lab
        "--shutdown-delay-duration=0s",
    ]
    return Process("kube-apiserver", argv, log=folder / "apiserver.log", ready=serves(access))


def serves(access: Access) -> Callable[[], bool]:
    """A probe: does the API server say that it is ready?"""

    def probe() -> bool:
        if not access.ca.exists():
            return False
        headers = {"Authorization": f"Bearer {access.admin_token}"}
        answer = requests.get(f"{access.server}/readyz", headers=headers, verify=str(access.ca), timeout=2)
        return answer.status_code == 200

    return probe


def _controller_manager(programs: Path, folder: Path, kubeconfig: Path, ca: Path, key: Path) -> Process:
    port = free_port()
    argv: list[str | Path] = [
        programs / "kube-controller-manager",
        *_kubeconfig_flags(kubeconfig),
        "--authentication-skip-lookup=true",
        f"--bind-address={LOOPBACK}",
        f"--secure-port={port}",
        "--leader-elect=false",
        f"--service-account-private-key-file={key}",
        f"--root-ca-file={ca}",
        f"--cert-dir={folder / 'certificates'}",
        "--use-service-account-credentials=true",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        f"--controllers={','.join(CONTROLLERS)}",
        "--horizontal-pod-autoscaler-sync-period=1s",
    ]
    return Process("kube-controller-manager", argv, log=folder / "controller-manager.log", ready=lambda: listens(port))


def _scheduler(programs: Path, folder: Path, kubeconfig: Path) -> Process:
    port = free_port()
    argv: list[str | Path] = [
        programs / "kube-scheduler",
        *_kubeconfig_flags(kubeconfig),
        f"--cert-dir={folder / 'certificates'}",
        "--leader-elect=false",
        f"--bind-address={LOOPBACK}",
        f"--secure-port={port}",
    ]
    return Process("kube-scheduler", argv, log=folder / "scheduler.log", ready=lambda: listens(port))


def _kubeconfig_flags(path: Path) -> tuple[str, ...]:
    return (f"--kubeconfig={path}", f"--authentication-kubeconfig={path}", f"--authorization-kubeconfig={path}")
