"""Settings come from the environment and `.env`, and say clearly what is wrong with them."""

from pathlib import Path

import pytest

from slides_runner.errors import InvalidSpecError
from slides_runner.settings import GROUPS, RunnerSettings, load_settings

SECRET = "hunter2hunter2"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in RunnerSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def test_environment_wins_over_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("S3_BUCKET_NAME=of-file\nZYTE_HOST=of.file\n")
    monkeypatch.setenv("S3_BUCKET_NAME", "of-environment")

    settings = load_settings()

    assert (settings.s3_bucket_name, settings.zyte_host) == ("of-environment", "of.file")


def test_file_is_left_out_on_request() -> None:
    Path(".env").write_text("S3_BUCKET_NAME=of-file\n")

    assert load_settings(env_file=None).s3_bucket_name == "slides-extractor"


def test_empty_value_means_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EGRESS_MODE", "")
    monkeypatch.setenv("S3_ACCESS_KEY", "")

    settings = load_settings()

    assert (settings.egress_mode, settings.s3_access_key) == ("single", None)


def test_other_variables_in_file_are_ignored() -> None:
    Path(".env").write_text("SOMEBODY_ELSES=1\nAPI_PASSWORD=x\n")

    assert load_settings() == RunnerSettings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("EGRESS_MODE", "triple", id="no such choice"),
        pytest.param("DEBUG", "perhaps", id="no boolean"),
        pytest.param("LOG_LEVEL", "chatty", id="no level"),
    ],
)
def test_unusable_value_is_named_with_what_is_wrong(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(InvalidSpecError, match=f"{name}: input should be") as raised:
        load_settings()

    assert value not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "want"),
    [
        pytest.param(b"EGRESS_MODE=\xff\xfe\n", "not UTF-8", id="not text"),
        pytest.param(b"EGRESS_MODE=triple\n", "EGRESS_MODE", id="no such choice"),
    ],
)
def test_unusable_file_is_a_clean_error(content: bytes, want: str) -> None:
    Path(".env").write_bytes(content)

    with pytest.raises(InvalidSpecError, match=want):
        load_settings()


def test_secrets_never_show(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATACENTER_PROXY", "ZYTE_API_KEY", "S3_ACCESS_KEY", "S3_SECRET_KEY"):
        monkeypatch.setenv(name, SECRET)
    settings = load_settings()
    monkeypatch.setenv("DEBUG", SECRET)

    with pytest.raises(InvalidSpecError) as raised:
        load_settings()

    assert SECRET not in f"{settings!r} {raised.value} {raised.value.__cause__}"


@pytest.mark.parametrize(
    ("variables", "want"),
    [
        pytest.param({}, "INFO", id="default"),
        pytest.param({"LOG_LEVEL": "warning"}, "WARNING", id="lower case"),
        pytest.param({"DEBUG": "true", "LOG_LEVEL": "ERROR"}, "DEBUG", id="DEBUG wins"),
        pytest.param({"DEBUG_PIPELINE": "1"}, "DEBUG", id="DEBUG_PIPELINE"),
    ],
)
def test_log_level(variables: dict[str, str], want: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert load_settings().effective_log_level == want


def test_every_setting_has_one_chapter_and_a_description() -> None:
    listed = [name for names in GROUPS.values() for name in names]

    assert sorted(listed) == sorted(RunnerSettings.model_fields)
    assert all(field.description for field in RunnerSettings.model_fields.values())
