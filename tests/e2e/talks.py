"""A namespace of the test cluster in which extractions run, and what tests ask of it."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

API_VERSION = "slides-extractor.dev/v1alpha1"
POLL_S = 0.3
PATIENCE_S = 120.0
"""Chosen: far beyond what any step takes on two busy cores."""

Resource = dict[str, Any]
FINISHED = {"Completed", "Failed", "Cancelled"}


class Kubectl(Protocol):
    """Runs kubectl and returns what it printed."""

    def __call__(self, *arguments: str, input: str | None = None) -> str:  # noqa: A002 - subprocess' name
        ...


@dataclass(frozen=True)
class Talks:
    """One namespace, seen through kubectl as its users see it."""

    kubectl: Kubectl
    namespace: str
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Fields of every spec that a test does not name itself."""

    def run(self, *arguments: str, text: str | None = None) -> str:
        return self.kubectl("--namespace", self.namespace, *arguments, input=text)

    def manifest(self, name: str, url: str, **spec: Any) -> Resource:
        source = {"url": url, **spec.pop("source", {})}
        return {
            "apiVersion": API_VERSION,
            "kind": "SlideExtraction",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {**self.defaults, "source": source, **spec},
        }

    def apply(self, name: str, url: str, **spec: Any) -> None:
        self.run("apply", "-f", "-", text=json.dumps(self.manifest(name, url, **spec)))

    def patch(self, name: str, **spec: Any) -> None:
        change = json.dumps({"spec": spec})
        self.run("patch", "slx", name, "--type=merge", "--patch", change)

    def annotate(self, name: str, **annotations: str) -> None:
        pairs = [f"slides-extractor.dev/{k.replace('_', '-')}={v}" for k, v in annotations.items()]
        self.run("annotate", "--overwrite", "slx", name, *pairs)

    def get(self, name: str) -> Resource:
        found: Resource = json.loads(self.run("get", "slx", name, "-o", "json"))
        return found

    def exists(self, kind: str, name: str) -> bool:
        return bool(self.run("get", kind, name, "--ignore-not-found", "-o", "name").strip())

    def find(self, kind: str, name: str | None = None) -> list[Resource]:
        """All objects of a kind, or those that belong to one extraction."""
        arguments = ["get", kind, "-o", "json"]
        if name is not None:
            uid = self.get(name)["metadata"]["uid"]
            arguments += ["-l", f"slides-extractor.dev/extraction={uid}"]
        found: list[Resource] = json.loads(self.run(*arguments))["items"]
        return found

    def events(self, name: str) -> list[Resource]:
        chosen = f"involvedObject.name={name},involvedObject.kind=SlideExtraction"
        text = self.run("get", "events", "--field-selector", chosen, "-o", "json")
        found: list[Resource] = json.loads(text)["items"]
        return found

    def wait(
        self, name: str, is_so: Callable[[Resource], object], *, within_s: float = PATIENCE_S
    ) -> Resource:
        """Return the resource once something is so of it; fail with its state otherwise."""
        deadline = time.monotonic() + within_s
        while not is_so(seen := self.get(name)):
            assert time.monotonic() < deadline, self.describe(seen)
            time.sleep(POLL_S)
        return seen

    def wait_until(self, is_so: Callable[[], object], *, within_s: float = PATIENCE_S) -> None:
        deadline = time.monotonic() + within_s
        while not is_so():
            assert time.monotonic() < deadline, "what was waited for did not come"
            time.sleep(POLL_S)

    def wait_for_phase(self, name: str, *phases: str, within_s: float = PATIENCE_S) -> Resource:
        return self.wait(name, lambda seen: phase(seen) in phases, within_s=within_s)

    def wait_for_end(self, name: str, *, within_s: float = PATIENCE_S) -> Resource:
        return self.wait(
            name,
            lambda seen: phase(seen) in FINISHED and "completionTime" in seen["status"],
            within_s=within_s,
        )

    def wait_for_reason(self, name: str, wanted: str, *, within_s: float = PATIENCE_S) -> Resource:
        return self.wait(name, lambda seen: reason(seen) == wanted, within_s=within_s)

    def describe(self, seen: Resource) -> str:
        """Return what a person would look at when something did not come to pass."""
        name = seen["metadata"]["name"]
        pods = self.run("get", "jobs,pods", "-o", "wide")
        status = json.dumps(seen.get("status", {}), indent=1)
        return "\n".join([status, pods, self.run("describe", "slx", name)])


def phase(seen: Resource) -> str:
    return str(seen.get("status", {}).get("phase", ""))


def condition(seen: Resource, kind: str) -> Resource:
    found = [c for c in seen.get("status", {}).get("conditions", []) if c["type"] == kind]
    return found[0] if found else {}


def reason(seen: Resource) -> str:
    return str(condition(seen, "Succeeded").get("reason", ""))


def runs(seen: Resource) -> Resource:
    """Return what the runner says of itself."""
    found: Resource = seen.get("status", {}).get("run", {})
    return found


def attempts(seen: Resource) -> list[Resource]:
    found: list[Resource] = seen["status"]["attempts"]["history"]
    return found


def counted(seen: Resource) -> int:
    return int(seen["status"]["attempts"].get("counted", 0))
