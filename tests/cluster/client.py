"""A cluster as its users see it: a kubeconfig and kubectl."""

import json
import re
import subprocess
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.tools import REPOSITORY, tool

KUBECTL_LIMIT_S = 120.0
"""Chosen: longer than any single command of a test takes."""


class KubectlError(Exception):
    """kubectl ended with an error; the message is what it printed."""


@dataclass(frozen=True)
class Cluster:
    """A cluster that can be talked to."""

    kubeconfig: Path

    def kubectl(
        self,
        *arguments: str | Path,
        input: str | None = None,  # noqa: A002 - subprocess.run calls it so too
        timeout: float = KUBECTL_LIMIT_S,
    ) -> str:
        """Run kubectl and return what it prints. Raises KubectlError."""
        done = subprocess.run(
            [tool("kubectl"), "--kubeconfig", self.kubeconfig, *arguments],
            input=input,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if done.returncode != 0:
            raise KubectlError(f"kubectl {' '.join(map(str, arguments))}: {done.stderr.strip()}")
        return done.stdout

    def as_token(self, token: str) -> "Cluster":
        """Return the same cluster, as a token's owner sees it."""
        config = json.loads(
            self.kubectl("config", "view", "--raw", "--minify", "--flatten", "--output=json")
        )
        config["users"][0]["user"] = {"token": token}
        with tempfile.NamedTemporaryFile("w", prefix="token-", delete=False) as file:
            json.dump(config, file)
        seen = Cluster(Path(file.name))
        weakref.finalize(seen, Path(file.name).unlink)
        return seen

    @contextmanager
    def forward(self, target: str, port: int, *, namespace: str = "default") -> Iterator[int]:
        """Give the local port that leads to a pod's or service's, until the block ends."""
        options = (f"--kubeconfig={self.kubeconfig}", f"--namespace={namespace}")
        with subprocess.Popen(
            [tool("kubectl"), *options, "port-forward", target, f":{port}"],
            stdout=subprocess.PIPE,
            text=True,
        ) as forwarder:
            assert forwarder.stdout is not None
            try:
                # The line ends in the two ports: 127.0.0.1:40001 -> 7070
                found = re.search(r":(\d+) ->", forwarder.stdout.readline())
                if found is None:
                    raise KubectlError(f"kubectl port-forward {target}: it does not listen")
                yield int(found[1])
            finally:
                forwarder.terminate()

    def answers(self) -> bool:
        """Return whether the API server is ready."""
        try:
            return self.kubectl("get", "--raw", "/readyz", "--request-timeout=5s") == "ok"
        except KubectlError:
            return False

    def apply_crds(self, files: Iterable[Path]) -> None:
        """Create or update CRDs and wait until the API server serves them."""
        chosen = [f"--filename={path}" for path in files]
        if chosen:
            self.kubectl("apply", "--server-side", *chosen)
            self.kubectl("wait", "--for=condition=Established", "--timeout=30s", *chosen)


def crd_files() -> list[Path]:
    """Return this project's CRDs."""
    return sorted((REPOSITORY / "crds").glob("*.yaml"))
