"""Settings come from the environment, outside a cluster also from `.env`."""

from pathlib import Path

import pytest

from slides_operator.errors import SettingsError
from slides_operator.settings import GROUPS, OperatorSettings, load_settings

SECRET = "hunter2hunter2"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in OperatorSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("RUNNER_IMAGE", "runner:1")
    monkeypatch.chdir(tmp_path)


def test_environment_wins_over_file() -> None:
    Path(".env").write_text("RUNNER_IMAGE=of-file\nWORKERS=3\n")

    settings = load_settings()

    assert (settings.runner_image, settings.workers) == ("runner:1", 3)


def test_file_is_not_read_in_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("WORKERS=3\n")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")

    assert load_settings().workers == 32


@pytest.mark.parametrize(
    ("name", "value", "field", "want"),
    [
        pytest.param("WATCH_NAMESPACES", " a, b,", "watch_namespaces", ("a", "b"), id="comma list"),
        pytest.param("WATCH_NAMESPACES", "", "watch_namespaces", (), id="empty list"),
        pytest.param(
            "RUNNER_RESOURCES", '{"limits": {}}', "runner_resources", {"limits": {}}, id="JSON"
        ),
        pytest.param("LOG_LEVEL", "warning", "effective_log_level", "WARNING", id="lower case"),
        pytest.param("DEBUG", "true", "effective_log_level", "DEBUG", id="DEBUG wins"),
    ],
)
def test_reads(
    name: str, value: str, field: str, want: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    assert getattr(load_settings(), field) == want


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("WORKERS", SECRET, id="no number"),
        pytest.param("WORKERS", "0", id="too small"),
        pytest.param("RUNNER_RESOURCES", SECRET, id="no JSON"),
        pytest.param("RUNNER_TOLERATIONS", '{"a": 1}', id="not a list"),
        pytest.param("ENVIRONMENT", SECRET, id="no such choice"),
        pytest.param("RUNNER_IMAGE", "", id="missing"),
    ],
)
def test_unusable_value_is_named_and_never_repeated(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError, match=name) as raised:
        load_settings()

    assert SECRET not in f"{raised.value} {raised.value.__cause__}"


def test_file_that_is_not_text_is_a_clean_error() -> None:
    Path(".env").write_bytes(b"WORKERS=\xff\xfe\n")

    with pytest.raises(SettingsError, match=r"\.env"):
        load_settings()


def test_every_setting_has_one_chapter_and_a_description() -> None:
    listed = [name for names in GROUPS.values() for name in names]

    assert sorted(listed) == sorted(OperatorSettings.model_fields)
    assert all(field.description for field in OperatorSettings.model_fields.values())
