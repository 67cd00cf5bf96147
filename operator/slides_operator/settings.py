"""Settings of the operator, and those that the service shares, from the environment.

Outside a cluster they are read from `.env` too, over which the environment wins. Names, defaults
and meaning are a contract with users.
"""

import json
import os
import socket
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from slides_operator.errors import SettingsError

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
Value = TypeVar("Value")
Settings = TypeVar("Settings", bound=BaseSettings)


def _parse_json(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError("is not JSON") from None  # the cause would show what was set


CommaList = Annotated[tuple[str, ...], NoDecode]
Json = Annotated[Value, NoDecode, BeforeValidator(_parse_json)]

ENV_FILE = Path(".env")
"""Where settings are read from besides the environment: the working folder's own."""
DEFAULT_RESOURCES = {
    "requests": {"cpu": "500m", "memory": "512Mi"},
    "limits": {"memory": "2Gi"},
}
"""What a runner asks for: chosen; an hour of 1080p was seen to need 600 MiB."""
WORKERS = 32
"""Measured, 1,000 resources at once on two busy cores: 16 take 42 s, for the cluster's controllers
have as many and come first; 32 take 19 s, 64 hardly less."""


class ProcessSettings(BaseSettings):
    """What operator and service both read from the environment."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True,
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    watch_namespaces: CommaList = ()
    """Comma list of the namespaces to serve; empty means all."""
    pod_namespace: str = "default"
    """Namespace of this pod: of the operator's Lease, and of requests to the service that name
    none."""
    api_qps: Annotated[float, Field(gt=0)] = 300
    """Requests a second to the API server, in the long run."""
    api_burst: Annotated[int, Field(ge=1)] = 600
    """Requests that may be made at once beyond that."""
    log_level: LogLevel = "INFO"
    """How much is logged, on stderr: DEBUG, INFO, WARNING or ERROR."""
    debug: bool = False
    """Log at DEBUG."""
    environment: Literal["production", "development"] = "production"
    """production: logs are JSON lines. development: logs are for a terminal."""

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper_case(cls, value: object) -> object:
        return value.strip().upper() if isinstance(value, str) else value

    @field_validator("watch_namespaces", mode="before")
    @classmethod
    def _split_namespaces(cls, value: object) -> object:
        return split_commas(value)

    @property
    def effective_log_level(self) -> LogLevel:
        """The level that LOG_LEVEL and DEBUG come to together."""
        return "DEBUG" if self.debug else self.log_level


def split_commas(value: object) -> object:
    """Return the parts of a comma list; anything else as it is."""
    if not isinstance(value, str):
        return value
    return tuple(part for one in value.split(",") if (part := one.strip()))


class OperatorSettings(ProcessSettings):
    """What the operator reads from the environment."""

    runner_image: str
    """Image of the runner, with its tag or digest. Required."""
    runner_image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """When nodes pull the runner's image: Always, IfNotPresent or Never."""
    runner_image_pull_secrets: CommaList = ()
    """Comma list of Secrets of the extraction's namespace to pull the image with."""
    runner_service_account: str = "slides-runner"
    """ServiceAccount of the runner's pods, in the extraction's namespace."""
    runner_cluster_role: str = "slides-runner"
    """ClusterRole that this ServiceAccount is bound to: it may report, and nothing else."""
    runner_resources: Json[dict[str, Any]] = DEFAULT_RESOURCES
    """Requests and limits of a runner, as JSON, where its extraction names none."""
    runner_extra_env: Json[dict[str, str]] = {}
    """Further environment of every runner, as JSON of names and values. No secrets."""
    runner_node_selector: Json[dict[str, str]] = {}
    """Labels of the nodes that runners work on, as JSON, where an extraction names none."""
    runner_tolerations: Json[list[dict[str, Any]]] = []
    """Taints that runners tolerate, as JSON, besides what an extraction names."""
    pipeline_entrypoint: str = "slides run"
    """Command of the runner's container."""
    debug_pipeline: bool = False
    """Log the runner at DEBUG."""
    enable_gpu: bool = False
    """Give every runner a GPU (nvidia.com/gpu); its image needs to be one that uses it."""

    config_map_name: str = "slides-extractor-config"
    """ConfigMap of the extraction's namespace with the runner's settings; may be absent."""
    secret_name: str = "slides-extractor-secrets"  # noqa: S105 - its name, not its content
    """Secret of the extraction's namespace with the runner's credentials."""

    job_timeout: Annotated[int, Field(ge=1)] = 3600
    """Seconds that an attempt may take, from its Job's start, where an extraction says nothing."""
    job_history_seconds: Annotated[int, Field(ge=0)] = 3600
    """Seconds that a Job, its pod and its logs stay after their outcome is recorded."""
    download_retention_hours: Annotated[int, Field(ge=0)] = 24
    """Hours that the work volume of a failed extraction is kept for a retry."""
    work_volume_size: str = "20Gi"
    """Size limit of a runner's work volume, where an extraction names none."""

    webhook_secret_names: CommaList = ("slides-extractor-webhook",)
    """Comma list of the Secrets that hold keys to sign webhooks with; the operator reads no other,
    and takes the first where a callback names none."""
    allow_private_callbacks: bool = False
    """Deliver webhooks to private addresses too."""

    pod_name: str = Field(default_factory=socket.gethostname)
    """Name of this replica in the Lease. Default: the host's name."""
    workers: Annotated[int, Field(ge=1)] = WORKERS
    """Resources that are reconciled at once."""
    health_port: Annotated[int, Field(ge=1, le=65535)] = 8081
    """Port of /healthz, /readyz and /metrics."""

    @field_validator("runner_image_pull_secrets", "webhook_secret_names", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split_commas(value)


GROUPS: dict[str, tuple[str, ...]] = {
    "The runner's pods": (
        "runner_image",
        "runner_image_pull_policy",
        "runner_image_pull_secrets",
        "runner_service_account",
        "runner_cluster_role",
        "runner_resources",
        "runner_extra_env",
        "runner_node_selector",
        "runner_tolerations",
        "pipeline_entrypoint",
        "debug_pipeline",
        "enable_gpu",
        "config_map_name",
        "secret_name",
    ),
    "Time and room": (
        "job_timeout",
        "job_history_seconds",
        "download_retention_hours",
        "work_volume_size",
    ),
    "Webhooks": ("webhook_secret_names", "allow_private_callbacks"),
    "The operator": (
        "watch_namespaces",
        "pod_namespace",
        "pod_name",
        "workers",
        "api_qps",
        "api_burst",
        "health_port",
    ),
    "Logging": ("log_level", "debug", "environment"),
}
"""The chapters of `.env.example` and docs/operator.md; each setting is in one."""


def load_settings(env_file: Path | None = ENV_FILE) -> OperatorSettings:
    """Return the operator's settings, as `load` does."""
    return load(OperatorSettings, env_file)


def load(model: type[Settings], env_file: Path | None = ENV_FILE) -> Settings:
    """Return the settings of the environment and, outside a cluster, of `env_file`.

    Raises SettingsError that names each unusable variable and never repeats its value.
    """
    in_cluster = "KUBERNETES_SERVICE_HOST" in os.environ
    # Type checkers take the fields for the only arguments, so this one goes in by name.
    arguments: dict[str, Any] = {"_env_file": None if in_cluster else env_file}
    try:
        return model(**arguments)
    except ValidationError as e:
        # Without its cause, which would show what was set.
        raise SettingsError(f"Settings cannot be used: {'; '.join(explain(e))}.") from None
    except (OSError, ValueError) as e:  # ValueError: .env is not UTF-8
        why = getattr(e, "strerror", None) or "it is not UTF-8 text"
        raise SettingsError(f"{env_file} cannot be read: {why}.") from None


def explain(error: ValidationError) -> list[str]:
    """Return one sentence part per unusable setting: its variable and what is wrong with it."""
    parts = []
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        variable, what = "_".join(str(part) for part in one["loc"]).upper(), one["msg"]
        parts.append(f"{variable}: {what[:1].lower()}{what[1:]}")
    return parts
