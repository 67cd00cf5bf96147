"""`.env.example` says what runner, operator and service read, and what they take by default."""

import json
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

import slides_operator.service.settings
import slides_operator.settings
import slides_runner.settings
from scripts.env_example import PARTS, render_example, render_value

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for _, model, _ in PARTS:
        for name in model.model_fields:
            monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.chdir(tmp_path)


def test_is_current() -> None:
    written = (REPOSITORY / ".env.example").read_text()

    assert written == render_example(), "run python -m scripts.env_example --write"


def test_names_every_setting_once() -> None:
    lines = render_example().splitlines()
    named = [line.partition("=")[0] for line in lines if line and not line.startswith("#")]

    read = {name.upper() for _, model, _ in PARTS for name in model.model_fields}
    assert sorted(named) == sorted(read)


@pytest.mark.parametrize(
    ("one", "other"),
    list(combinations([model for _, model, _ in PARTS], 2)),
    ids=lambda model: model.__name__,
)
def test_what_several_read_means_the_same(
    one: type[BaseSettings], other: type[BaseSettings]
) -> None:
    shared = one.model_fields.keys() & other.model_fields.keys()

    differ = [
        name
        for name in shared
        if (a := one.model_fields[name]).description != (b := other.model_fields[name]).description
        or a.default != b.default
    ]

    assert shared
    assert differ == []


def test_holds_the_runners_defaults() -> None:
    Path(".env").write_text(render_example())

    settings = slides_runner.settings.load_settings()

    assert settings == slides_runner.settings.RunnerSettings()


def test_holds_the_operators_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNNER_IMAGE", "runner:1")  # the one setting without a default
    Path(".env").write_text(render_example())

    settings = slides_operator.settings.load_settings()

    assert settings == slides_operator.settings.OperatorSettings(runner_image="runner:1")


def test_holds_the_services_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "another by default each time")
    Path(".env").write_text(render_example())

    settings = slides_operator.service.settings.load_settings()

    assert settings == slides_operator.service.settings.ServiceSettings()


def test_writes_lists_and_json_as_they_are_read() -> None:
    fields = slides_operator.settings.OperatorSettings.model_fields

    assert json.loads(render_value(fields["runner_resources"]))["limits"]
    assert render_value(fields["watch_namespaces"]) == ""
    assert render_value(fields["runner_image"]) == ""


def test_is_written_and_checked() -> None:
    def run(flag: str) -> int:
        command = [sys.executable, "-m", "scripts.env_example", flag]
        environment = {"PYTHONPATH": str(REPOSITORY)}
        return subprocess.run(command, env=environment, check=False).returncode

    assert run("--check") == 1
    assert run("--write") == 0
    assert run("--check") == 0
