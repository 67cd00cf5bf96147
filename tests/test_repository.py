"""What has to hold for the repository itself: its locks, links, targets and version."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer.core
import typer.main
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import slides_api
from slides_runner.cli.app import app
from slides_runner.settings import RunnerSettings

ROOT = Path(__file__).parent.parent
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
NOT_OURS = {".git", ".hypothesis", ".venv", "build", "dist", "node_modules", "__pycache__"}
"""Folders that nobody commits; caches begin with a dot and end in _cache."""
REGISTRIES = tuple(
    ".".join(parts)
    for parts in [
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("golang", "org/dl"),
        ("proxy", "golang", "org"),
        ("sum", "golang", "org"),
        ("repo", "maven"),
        ("deb", "debian", "org"),
    ]
)
"""Where a file was fetched from is no part of the repository; in parts, lest this file be found."""
LOCKED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)")
LINK = re.compile(r"(?<!`)!?\[[^]\n]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
NAMED_IN = re.compile(r"`([\w/]+\.py)`(?:\*\*)? · ((?:`\w+`(?:, )?)+)")
"""`module.py` · `function`, `another`, as docs/architecture.md walks."""
PACKAGES = ("crds/slides_api", "operator/slides_operator", "runner/slides_runner")
"""Where such a module may lie."""
IGNORED_RULE = re.compile(r'^ +"[A-Z]+\d*",(?P<rest>.*)$', re.MULTILINE)


def _is_ours(path: Path) -> bool:
    folders = path.relative_to(ROOT).parts
    return not any(p in NOT_OURS or (p[0] == "." and p.endswith("_cache")) for p in folders)


def _texts() -> Iterator[tuple[Path, str]]:
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [f for f in folders if _is_ours(Path(folder, f))]
        for name in names:
            path = Path(folder, name)
            content = path.read_bytes() if path.is_file() else b""
            if b"\0" not in content and name not in {"uv.lock", ".env"}:
                yield path, content.decode(errors="replace")


def _markdown() -> list[Path]:
    return [path for path, _ in _texts() if path.suffix == ".md"]


def _locked(name: str) -> dict[str, Version]:
    lines = (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()
    found = (LOCKED.match(line) for line in lines)
    return {canonicalize_name(m[1]): Version(m[2]) for m in found if m}


def _named(requirement: str | dict[str, str]) -> Iterator[Requirement]:
    if isinstance(requirement, str) and not requirement.startswith(PYPROJECT["project"]["name"]):
        yield Requirement(requirement)


def _wanted(name: str) -> list[Requirement]:
    project, groups = PYPROJECT["project"], PYPROJECT["dependency-groups"]
    extras = project["optional-dependencies"]
    wanted = {
        "operator": project["dependencies"] + extras["operator"],
        "runner": project["dependencies"] + extras["runner"],
        "dev": project["dependencies"] + extras["runner"] + groups["tools"],
        "build": groups["build"],
        "uv": groups["uv"],
    }[name]
    return [r for text in wanted for r in _named(text)]


def _prose(path: Path) -> str:
    return FENCE.sub("", path.read_text())


def _resolves(path: Path, link: str) -> bool:
    if re.match(r"[a-z]+:", link):
        return True  # elsewhere: no test here depends on the network
    file, _, anchor = link.partition("#")
    linked = path.parent / file if file else path
    if not anchor:
        return linked.exists()
    return linked.is_file() and anchor in map(_slug, HEADING.findall(_prose(linked)))


def _defines(module: str, name: str) -> bool:
    paths = [ROOT / package / module for package in PACKAGES]
    texts = [path.read_text() for path in paths if path.is_file()]
    defined = re.compile(rf"^(?: *(?:async )?def |class )?{name}\b", re.MULTILINE)
    return any(defined.search(text) for text in texts)


def _slug(heading: str) -> str:
    words = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return words.replace(" ", "-")


def test_no_file_names_a_package_registry() -> None:
    found = [(path, host) for path, text in _texts() for host in REGISTRIES if host in text]

    assert found == []


def test_no_file_names_a_folder_of_this_machine() -> None:
    folders = [f"{folder}/" for folder in (ROOT, Path.home()) if folder != Path("/")]

    found = [(path, folder) for path, text in _texts() for folder in folders if folder in text]

    assert found == []


@pytest.mark.parametrize("name", ["dev", "runner", "operator", "build", "uv"])
def test_locks_every_requirement_by_hash(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    entries = re.split(r"\n(?=[A-Za-z0-9])", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))

    unlocked = [e.splitlines()[0] for e in entries if "==" not in e or "--hash=sha256:" not in e]

    assert entries
    assert unlocked == []


@pytest.mark.parametrize("name", ["dev", "runner", "operator", "build", "uv"])
def test_locks_follow_pyproject(name: str) -> None:
    locked = _locked(name)

    drifted = [
        str(r)
        for r in _wanted(name)
        if (at := locked.get(canonicalize_name(r.name))) is None or at not in r.specifier
    ]

    assert drifted == [], "run `make lock`"


@pytest.mark.parametrize("name", ["runner", "operator", "build"])
def test_images_install_what_is_tested(name: str) -> None:
    assert _locked(name).items() <= _locked("dev").items()


def test_operator_installs_no_video_library() -> None:
    heavy = {"av", "numpy", "opencv-python-headless", "yt-dlp", "deno"}

    assert not heavy & _locked("operator").keys()


def test_every_ignored_rule_has_a_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    lint = text[text.index("[tool.ruff.lint]") : text.index("[tool.ruff.lint.flake8")]

    rules = list(IGNORED_RULE.finditer(lint))

    assert rules
    assert [m[0].strip() for m in rules if "# " not in m["rest"]] == []


def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert phony

    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)

    assert re.findall(r"^  make (\S+) +\S", listed.stdout, re.MULTILINE) == phony[1].split()


def test_documents_name_only_targets_that_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z0-9-]+):", makefile, re.MULTILINE))
    commands = re.compile(r"(?:`|^ *\$ |^)make ([a-z][a-z0-9-]*)", re.MULTILINE)

    named = {(p.name, t) for p in _markdown() for t in commands.findall(p.read_text())}

    assert {(document, t) for document, t in named if t not in targets} == set()


def test_links_of_documents_resolve() -> None:
    links = [(p, link) for p in _markdown() for link in LINK.findall(_prose(p))]

    broken = [(path.name, link) for path, link in links if not _resolves(path, link)]

    assert links
    assert broken == []


def test_readme_names_every_setting() -> None:
    readme = (ROOT / "README.md").read_text()

    missing = [n.upper() for n in RunnerSettings.model_fields if f"`{n.upper()}`" not in readme]

    assert missing == []


def test_guide_has_every_command_and_option() -> None:
    guide = (ROOT / "docs" / "extract.md").read_text()
    command = typer.main.get_command(app)
    assert isinstance(command, typer.core.TyperGroup)

    commands = {name: one for name, one in command.commands.items() if not one.hidden}
    options = {
        (name, option)
        for name, one in commands.items()
        for parameter in one.params
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("-")
    }

    assert [name for name in commands if f"\n## slides {name}\n" not in guide] == []
    assert {(name, option) for name, option in options if f"`{option}`" not in guide} == set()


def test_walk_names_only_what_is_there() -> None:
    walk = (ROOT / "docs" / "architecture.md").read_text().replace("**`", "`")
    named = [(m[1], name) for m in NAMED_IN.finditer(walk) for name in re.findall(r"\w+", m[2])]

    missing = [(module, name) for module, name in named if not _defines(module, name)]

    assert named
    assert missing == []


def test_documents_link_every_guide_and_decision() -> None:
    guides = {str(p.relative_to(ROOT)) for p in (ROOT / "docs").glob("*.md")}
    decisions = {p.name for p in (ROOT / "docs" / "decisions").glob("*.md")}
    linked = {link.partition("#")[0] for link in LINK.findall((ROOT / "README.md").read_text())}
    architecture = (ROOT / "docs" / "architecture.md").read_text()

    assert guides - linked == set()
    assert {name for name in decisions if f"(decisions/{name})" not in architecture} == set()


def test_decisions_are_numbered_once() -> None:
    numbers = sorted(p.name[:4] for p in (ROOT / "docs" / "decisions").glob("*.md"))

    assert numbers == [f"{n:04}" for n in range(1, len(numbers) + 1)]


def test_version_is_the_same_everywhere() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()

    assert version("slides-extractor") == slides_api.__version__
    assert slides_api.__version__ in changelog


def test_wheel_holds_the_three_packages_alone(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")

    names = zipfile.ZipFile(wheel).namelist()

    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"slides_api", "slides_operator", "slides_runner"}
    assert {f"{top}/py.typed" for top in tops} <= set(names)
    for pages in (
        "slides_runner/outputs/templates",
        "slides_operator/service/static",
        "slides_operator/service/web/static",
        "slides_operator/service/web/templates",
    ):
        assert any(name.startswith(f"{pages}/") for name in names), pages


@pytest.mark.parametrize(("ci", "want"), [("", 0), ("true", 1)], ids=["laptop", "ci"])
def test_skipped_test_fails_in_ci_alone(tmp_path: Path, ci: str, want: int) -> None:
    (tmp_path / "conftest.py").write_text((ROOT / "conftest.py").read_text())
    (tmp_path / "test_it.py").write_text("import pytest\ndef test_it(): pytest.skip('why')\n")

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env=os.environ | {"CI": ci},
        capture_output=True,
        check=False,
    )

    assert done.returncode == want, done.stdout


def test_uses_the_uv_on_path(tmp_path: Path) -> None:
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\necho uv 1\n")
    uv.chmod(0o755)

    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "scripts/uv.sh"],
        cwd=ROOT,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == str(uv)
