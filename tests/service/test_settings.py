"""What the service reads from the environment, and how it takes mistakes."""

from pathlib import Path

import pytest

from slides_operator.errors import SettingsError
from slides_operator.service.settings import (
    GROUPS,
    ServiceSettings,
    idle_variables,
    load_settings,
)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_defaults_are_the_contracts() -> None:
    settings = load_settings()

    assert settings.request_limit == "100/hour"
    assert settings.max_videos_per_request == 100
    assert settings.max_urls_per_job == 50
    assert settings.graceful_shutdown_timeout_seconds == 30
    assert (settings.service_host, settings.service_port) == ("0.0.0.0", 8000)
    assert settings.app_name == "Slides Extractor"
    assert settings.environment == "production"
    assert settings.default_namespace == "default"
    assert not settings.protected


@pytest.mark.parametrize("variable", ["ENVIRONMENT", "FLASK_ENV"])
def test_both_names_of_the_environment_serve(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "development")

    assert load_settings().environment == "development"


def test_environment_wins_over_flasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    monkeypatch.setenv("FLASK_ENV", "development")

    assert load_settings().environment == "production"


def test_lists_are_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "https://a.example, https://b.example,")
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8,::1")

    settings = load_settings()

    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.trusted_proxies == ("10.0.0.0/8", "::1")


def test_secrets_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_PASSWORD", "API_KEY", "SECRET_KEY", "REDIS_URL", "S3_SECRET_KEY"):
        monkeypatch.setenv(name, "hunter2hunter2")

    settings = load_settings()

    assert settings.protected
    assert "hunter2" not in repr(settings) + str(settings) + str(settings.model_dump())


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SERVICE_PORT", "hunter2"),
        ("TRUSTED_PROXIES", "hunter2"),
        ("MAX_URLS_PER_JOB", "0"),
        ("ENVIRONMENT", "hunter2"),
        ("LOG_LEVEL", "hunter2"),
    ],
)
def test_unusable_variable_is_named_and_not_repeated(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(SettingsError) as refusal:
        load_settings()

    assert variable in str(refusal.value)
    assert "hunter2" not in str(refusal.value)


def test_each_replica_that_is_told_no_key_makes_its_own() -> None:
    assert load_settings().secret_key != load_settings().secret_key


def test_requests_lead_where_the_service_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCH_NAMESPACES", "lectures,talks")

    settings = load_settings()

    assert settings.serves("talks")
    assert not settings.serves("default")
    assert settings.default_namespace == "lectures"


def test_variables_of_services_before_this_one_are_noticed() -> None:
    names = ["DATABASE_URL", "CELERY_BROKER_URL", "CELERY_RESULT_BACKEND", "PATH"]

    assert idle_variables([*names, "QUEUE_POLL_INTERVAL"]) == [
        "CELERY_BROKER_URL",
        "CELERY_RESULT_BACKEND",
        "DATABASE_URL",
        "QUEUE_POLL_INTERVAL",
    ]


def test_each_setting_is_in_one_chapter() -> None:
    told = [name for names in GROUPS.values() for name in names]

    assert sorted(told) == sorted(ServiceSettings.model_fields)
