import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster import tools
from tests.cluster.packages import PACKAGES, install_packages, missing_packages
from tests.cluster.tools import REPOSITORY, Module, ToolMissingError

PROGRAM = 'package main\n\nvar word = "none"\n\nfunc main() { println(word) }\n'


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Module:
    """A module of one program, which is built into a folder of its own."""
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "go.mod").write_text("module example.com/tool\n\ngo 1.21\n")
    (folder / "go.sum").write_text("")
    (folder / "main.go").write_text(PROGRAM)
    module = Module(folder, {"main.word": "said"})
    # Found, or fetched, where it stays: not anew for every test.
    monkeypatch.setenv("PATH", str(Path(tools.find_go(module)).parent), prepend=os.pathsep)
    monkeypatch.setattr(tools, "TOOLS", tmp_path / "tools")
    monkeypatch.setattr(tools, "PACKAGES", {"tool": (module, "example.com/tool")})
    return module


@pytest.mark.slow
def test_builds_a_tool_once(module: Module) -> None:
    binary = tools.tool("tool")
    made = binary.stat().st_mtime_ns
    assert subprocess.run([binary], capture_output=True, check=True).stderr == b"said\n"
    assert tools.tool("tool").stat().st_mtime_ns == made


@pytest.mark.slow
def test_builds_anew_what_has_changed_and_drops_the_old(module: Module) -> None:
    before = tools.tool("tool")
    (module.folder / "main.go").write_text(PROGRAM.replace("word)", "word, 2)"))
    after = tools.tool("tool")
    assert subprocess.run([after], capture_output=True, check=True).stderr == b"said 2\n"
    assert not before.exists()


@pytest.mark.slow
def test_says_why_a_tool_cannot_be_built(module: Module) -> None:
    (module.folder / "main.go").write_text("package main\n\nfunc main() { absent() }\n")
    with pytest.raises(ToolMissingError, match="undefined: absent"):
        tools.tool("tool")


@pytest.mark.slow
def test_says_that_it_waits_for_another_build(
    module: Module, capfd: pytest.CaptureFixture[str]
) -> None:
    tools.TOOLS.mkdir()
    holds = (
        "import fcntl, sys, time; lock = open(sys.argv[1], 'w'); fcntl.flock(lock, fcntl.LOCK_EX); "
        "print('held', flush=True); time.sleep(1)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holds, tools.TOOLS / ".lock"], stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        tools.tool("tool")
    assert "waiting for another process" in capfd.readouterr().err


def test_sources_of_another_module_below_do_not_count(module: Module) -> None:
    before = module.binaries
    other = module.folder / "other"
    other.mkdir()
    (other / "go.mod").write_text("module example.com/other\n")
    (other / "main.go").write_text(PROGRAM)
    assert module.binaries == before


def test_the_versions_of_kubernetes_agree() -> None:
    pinned = (REPOSITORY / "tests" / "tools" / "go.mod").read_text()
    assert f"k8s.io/kubernetes v{tools.KUBERNETES_VERSION} " in pinned


def test_every_go_is_new_enough() -> None:
    ours = tools.GO_DISTRIBUTION.partition("==")[2].split(".")
    for module in {module.folder: module for module, _ in tools.PACKAGES.values()}.values():
        wanted = next(
            line.split()[1]
            for line in (module.folder / "go.mod").read_text().splitlines()
            if line.startswith("go ")
        )
        assert [int(part) for part in ours] >= [int(part) for part in wanted.split(".")]


def test_finds_missing_packages() -> None:
    assert missing_packages({"sh": "dash", "/no/such/program": "one", "neither": "two"}) == [
        "one",
        "two",
    ]


def test_says_what_to_install_where_it_may_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ToolMissingError, match="needs nothing-known\\. Install"):
        install_packages({"/no/such/program": "nothing-known"})
    assert "containerd" in PACKAGES.values()
