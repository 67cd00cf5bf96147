"""What GitOps controllers think of objects, by the examples in docs/gitops and their own code."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.tools import REPOSITORY, tool

EXAMPLES = REPOSITORY / "docs" / "gitops"
HEALTH_KEY = "resource.customizations.health."
LIMIT_S = 60.0


@dataclass(frozen=True)
class Verdicts:
    """One object's: kstatus' status, Argo CD's health, Flux' status by its health expressions."""

    kstatus: str
    argo: str
    flux: str


@dataclass(frozen=True)
class Judged:
    """Verdicts, and what Argo CD would show beside its own."""

    verdicts: Verdicts
    message: str


def judge(objects: Sequence[Mapping[str, Any]]) -> list[Judged]:
    """Return what each controller thinks of each object."""
    question = {"objects": objects, "argo": argo_scripts(), "flux": flux_expressions()}
    done = subprocess.run(
        [tool("verdicts")],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [
        Judged(
            Verdicts(**{name: answer[name]["status"] for name in ("kstatus", "argo", "flux")}),
            answer["argo"]["message"],
        )
        for answer in json.loads(done.stdout)
    ]


def argo_scripts() -> dict[str, str]:
    """Return Argo CD's health scripts, by group_kind."""
    (config,) = documents(EXAMPLES / "argocd" / "argocd-cm.yaml")
    return {
        name.removeprefix(HEALTH_KEY): script
        for name, script in config["data"].items()
        if name.startswith(HEALTH_KEY)
    }


def flux_expressions() -> list[dict[str, str]]:
    """Return the health expressions of the Kustomization."""
    (kustomization,) = documents(EXAMPLES / "flux" / "kustomization.yaml")
    found: list[dict[str, str]] = kustomization["spec"]["healthCheckExprs"]
    return found


def documents(path: Path) -> list[dict[str, Any]]:
    """Return the YAML documents of a file."""
    return list(yaml.safe_load_all(path.read_text()))
