"""A SlideExtraction in a real API server, and `slides` in what would be its pod."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cluster.client import KubectlError
from tests.cluster.light import LightCluster
from tests.runner.command import command, environment

LIMIT_S = 120.0
"""A run of a small talk that takes longer hangs."""
POLL_S = 0.1

Status = dict[str, Any]


@dataclass(frozen=True)
class Extraction:
    """A SlideExtraction of the namespace `default`."""

    cluster: LightCluster
    name: str
    uid: str

    def read(self) -> dict[str, Any]:
        """Return the object."""
        text = self.cluster.kubectl("get", "slideextraction", self.name, "--output=json")
        found: dict[str, Any] = json.loads(text)
        return found

    def status(self) -> Status:
        """Return its status."""
        status: Status = self.read().get("status", {})
        return status

    def wait_for(self, condition: Callable[[Status], object]) -> Status:
        """Return the first status that is seen to meet a condition."""
        deadline = time.monotonic() + LIMIT_S
        while not condition(status := self.status()):
            assert time.monotonic() < deadline, f"never came to it: {status}"
            time.sleep(POLL_S)
        return status

    def apply_status(self, status: Status, *, manager: str = "slides-operator") -> None:
        """Apply a part of the status, as the operator does."""
        body = {
            "apiVersion": "slides-extractor.dev/v1alpha1",
            "kind": "SlideExtraction",
            "metadata": {"name": self.name},
            "status": status,
        }
        self.cluster.kubectl(
            "apply",
            "--server-side",
            "--force-conflicts",
            f"--field-manager={manager}",
            "--subresource=status",
            "--filename=-",
            input=json.dumps(body),
        )

    def managers(self) -> dict[str, set[str]]:
        """Return which fields of the status each field manager owns."""
        text = self.cluster.kubectl(
            "get", "slideextraction", self.name, "--output=json", "--show-managed-fields"
        )
        rows = json.loads(text)["metadata"]["managedFields"]
        return {
            row["manager"]: {name.removeprefix("f:") for name in row["fieldsV1"]["f:status"]}
            for row in rows
            if "f:status" in row["fieldsV1"]
        }

    def delete(self) -> None:
        """Delete it, if it is still there."""
        self.cluster.kubectl("delete", "slideextraction", self.name, "--ignore-not-found")


@dataclass(frozen=True)
class Ended:
    """How a pod's process ended."""

    exit_code: int
    log: str
    words: dict[str, Any] = field(default_factory=dict)
    """The termination message."""

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The log, a document a line."""
        return [json.loads(line) for line in self.log.splitlines()]


@dataclass
class Pod:
    """The surroundings of one pod; what is in them may be changed before it starts."""

    folder: Path
    variables: dict[str, str]
    task: dict[str, Any] = field(default_factory=dict)

    @property
    def termination_log(self) -> Path:
        """Where the kubelet would read the last words."""
        return self.folder / "termination-log"

    @property
    def work_dir(self) -> Path:
        """The work volume."""
        return self.folder / "data"

    def environment(self) -> Mapping[str, str]:
        """Return what the process finds in its environment."""
        self.work_dir.mkdir(exist_ok=True)
        return {
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "SERVICE_ACCOUNT_DIR": str(self.folder / "account"),
            "TERMINATION_LOG": str(self.termination_log),
            "WORK_DIR": str(self.work_dir),
            "ALLOW_PRIVATE_ADDRESSES": "true",
            "JOB_INPUT": json.dumps(self.task),
            **self.variables,
        }

    @contextmanager
    def running(self, what: str = "run") -> Iterator[subprocess.Popen[str]]:
        """Yield the process while it runs; it is gone at the end in any case."""
        with (self.folder / "log").open("w") as log:
            process = subprocess.Popen(
                command(what),
                cwd=self.folder,
                env=environment(self.folder, self.environment()),
                stdout=subprocess.DEVNULL,
                stderr=log,
                text=True,
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def run(self, what: str = "run") -> Ended:
        """Run the process to its end."""
        with self.running(what) as process:
            return self.ended(process)

    def ended(self, process: subprocess.Popen[str], *, within_s: float = LIMIT_S) -> Ended:
        """Wait for the end of the process."""
        code = process.wait(within_s)
        log, last = (self.folder / "log").read_text(), self.termination_log
        return Ended(code, log, json.loads(last.read_bytes()) if last.exists() else {})


def is_gone(extraction: Extraction) -> bool:
    """Return whether nobody finds it any more."""
    try:
        extraction.read()
    except KubectlError:
        return True
    return False
