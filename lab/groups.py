"""What the lab builds: one group per set of programs that can share module versions.

Rule: the versions live in tools/<group>/go.mod alone; version stamps are read from there. A new group is one row in
`GROUPS` and a folder with go.mod and go.sum.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.errors import LabError

TOOLS: Final = Path(__file__).parent / "tools"


@dataclass(frozen=True, slots=True)
class Step:
    """One `go build`: packages, the names of the programs it leaves, and its flags without -ldflags."""

    packages: tuple[str, ...]
    programs: tuple[str, ...]
    flags: tuple[str, ...] = ("-trimpath",)


@dataclass(frozen=True, slots=True)
class Group:
    """Programs built from one go.mod. `module` names the required module whose version is stamped ("" for none)."""

    name: str
    module: str
    steps: tuple[Step, ...]
    stamps: Callable[[str], tuple[str, ...]]
    folder: Path

    @property
    def version(self) -> str:
        """The version of `module` in go.mod, such as v1.36.3."""
        if not self.module:
            return ""
        text = (self.folder / "go.mod").read_text()
        found = re.search(rf"^\s*(?:require\s+)?{re.escape(self.module)}\s+(v\S+)", text, re.MULTILINE)
        if found is None:
            raise LabError(f"{self.folder / 'go.mod'} does not require {self.module}; the group cannot be built.")
        return found[1]

    @property
    def ldflags(self) -> str:
        """Linker flags: no debug information, and the version stamps."""
        return " ".join(("-s -w", *(f"-X {stamp}" for stamp in self.stamps(self.version))))


def _kubernetes_stamps(version: str) -> tuple[str, ...]:
    major, minor = version.removeprefix("v").split(".")[:2]
    facts = {
        "gitVersion": version,
        "gitMajor": major,
        "gitMinor": minor,
        "gitCommit": hashlib.sha1(version.encode()).hexdigest(),
        "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z",
    }
    places = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return tuple(f"{place}.{key}={value}" for place in places for key, value in facts.items())


def _helm_stamps(version: str) -> tuple[str, ...]:
    _, minor = _kubernetes_minor()
    places = ("helm.sh/helm/v3/pkg/chartutil", "helm.sh/helm/v3/pkg/lint/rules")
    kubernetes = tuple(f"{p}.k8sVersionMajor=1" for p in places) + tuple(f"{p}.k8sVersionMinor={minor}" for p in places)
    return (f"helm.sh/helm/v3/internal/version.version={version}", *kubernetes)


def _kubernetes_minor() -> tuple[str, str]:
    major, minor = GROUPS["kubernetes"].version.removeprefix("v").split(".")[:2]
    return major, minor


def _prometheus_stamps(version: str) -> tuple[str, ...]:
    _, minor, patch = version.removeprefix("v").split(".")  # module v0.314.0 is Prometheus 3.14.0
    return (f"github.com/prometheus/common/version.Version={minor[0]}.{int(minor[1:])}.{patch}",)


def _no_stamps(_version: str) -> tuple[str, ...]:
    return ()  # the module knows its own version


_COMMANDS: Final = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
_KUBERNETES_FLAGS: Final = ("-trimpath", "-pgo=off")
_PROMETHEUS: Final = "github.com/prometheus/prometheus"

GROUPS: Final[dict[str, Group]] = {
    group.name: group
    for group in (
        Group(
            "kubernetes",
            "k8s.io/kubernetes",
            (
                Step(tuple(f"k8s.io/kubernetes/cmd/{c}" for c in _COMMANDS), _COMMANDS, _KUBERNETES_FLAGS),
                Step(("go.etcd.io/etcd/server/v3",), ("etcd",), _KUBERNETES_FLAGS),
            ),
            _kubernetes_stamps,
            TOOLS / "kubernetes",
        ),
        Group(
            "prometheus",
            _PROMETHEUS,
            (
                Step(
                    (f"{_PROMETHEUS}/cmd/prometheus", f"{_PROMETHEUS}/cmd/promtool"),
                    ("prometheus", "promtool"),
                    ("-trimpath", "-tags", "netgo,remove_all_sd"),
                ),
            ),
            _prometheus_stamps,
            TOOLS / "prometheus",
        ),
        Group(
            "kwok", "sigs.k8s.io/kwok", (Step(("sigs.k8s.io/kwok/cmd/kwok",), ("kwok",)),), _no_stamps, TOOLS / "kwok"
        ),
        Group(
            "helm", "helm.sh/helm/v3", (Step(("helm.sh/helm/v3/cmd/helm",), ("helm",)),), _helm_stamps, TOOLS / "helm"
        ),
    )
}
