"""Settings of the service, from the environment and, outside a cluster, from `.env`.

They keep the names that the services before this one had. The environment wins over `.env`.
"""

import ipaddress
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, SecretStr, field_validator

from slides_operator.settings import ENV_FILE, CommaList, ProcessSettings, load, split_commas

BODY_BYTES = 1024 * 1024
"""Chosen: a hundred URLs of the greatest length take a fifth of it."""


def make_secret_key() -> SecretStr:
    """Return a key that nobody knows, for a replica that is alone."""
    return SecretStr(secrets.token_urlsafe(32))


class ServiceSettings(ProcessSettings):
    """What the service reads from the environment."""

    api_password: SecretStr | None = None
    """Password that callers send as Authorization: Bearer."""
    api_key: SecretStr | None = None
    """Key that callers send as X-API-Key."""
    secret_key: SecretStr = Field(default_factory=make_secret_key)
    """Signs tickets and cookies; random when empty, so replicas need one that they share."""
    cors_origins: CommaList = ()
    """Comma list of the origins whose pages may call; * means any. Cookies are never taken."""
    trusted_proxies: CommaList = ()
    """Comma list of your own proxies' networks: X-Forwarded-For counts where they sent it."""
    allow_private_addresses: bool = False
    """Whether URLs may lead to loopback, private and link-local addresses."""

    request_limit: str = "100/hour"
    """Submissions that a caller may make, a batch counting as one; 0 means any number. Other
    requests too: `submit:100/hour, write:60/minute, read:600/minute`."""
    redis_url: SecretStr | None = None
    """Redis that replicas count submissions in together; each counts its own when empty."""
    max_videos_per_request: Annotated[int, Field(ge=1, le=1000)] = 100
    """Videos that one request to /process may name."""
    max_urls_per_job: Annotated[int, Field(ge=1, le=1000)] = 50
    """URLs that one request to /transcribe may name."""
    max_body_bytes: Annotated[int, Field(ge=1024)] = BODY_BYTES
    """Bytes that the body of a request may have."""

    s3_endpoint: str | None = None
    """URL of the S3 service; AWS when empty."""
    s3_region: str | None = None
    """Region of the bucket; boto3's own chain (AWS_REGION) when empty."""
    s3_access_key: SecretStr | None = None
    """Access key id; boto3's own chain when empty. Alone it serves as the secret too."""
    s3_secret_key: SecretStr | None = None
    """Secret access key."""
    s3_bucket_name: str = "slides-extractor"
    """Bucket for outputs."""

    app_name: str = "Slides Extractor"
    """Title of the API's description and of the page."""
    service_host: str = "0.0.0.0"  # noqa: S104 - a pod's only address is known to nobody before
    """Address to listen at."""
    service_port: Annotated[int, Field(ge=0, le=65535)] = 8000
    """Port of everything but metrics; 0 takes a free one and logs it."""
    service_health_port: Annotated[int, Field(ge=1, le=65535)] = 8082
    """Port of /healthz, /readyz and /metrics, which no Ingress should reach."""
    graceful_shutdown_timeout_seconds: Annotated[float, Field(ge=0)] = 30
    """Seconds that requests in flight have to end once the service is told to stop."""

    environment: Literal["production", "development"] = Field(
        default="production", validation_alias=AliasChoices("environment", "flask_env")
    )
    """production: logs are JSON lines. development: logs are for a terminal."""

    @field_validator("cors_origins", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return split_commas(value)

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        try:
            for one in value:
                ipaddress.ip_network(one)
        except ValueError:  # its words repeat what was set
            raise ValueError("takes networks such as 10.0.0.0/8") from None
        return value

    @property
    def default_namespace(self) -> str:
        """Where requests lead that name none: the pod's own, else the first that is served."""
        return self.pod_namespace if self.serves(self.pod_namespace) else self.watch_namespaces[0]

    def serves(self, namespace: str) -> bool:
        """Return whether requests may lead to this namespace."""
        return not self.watch_namespaces or namespace in self.watch_namespaces

    @property
    def protected(self) -> bool:
        """Whether a password or a key is set."""
        return bool(_value(self.api_password) or _value(self.api_key))


def _value(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""


GROUPS: dict[str, tuple[str, ...]] = {
    "Who may call": (
        "api_password",
        "api_key",
        "secret_key",
        "cors_origins",
        "trusted_proxies",
        "allow_private_addresses",
    ),
    "Limits": (
        "request_limit",
        "redis_url",
        "max_videos_per_request",
        "max_urls_per_job",
        "max_body_bytes",
    ),
    "Outputs": ("s3_endpoint", "s3_region", "s3_access_key", "s3_secret_key", "s3_bucket_name"),
    "The service": (
        "app_name",
        "service_host",
        "service_port",
        "service_health_port",
        "graceful_shutdown_timeout_seconds",
        "watch_namespaces",
        "pod_namespace",
        "api_qps",
        "api_burst",
    ),
    "Logging": ("log_level", "debug", "environment"),
}
"""The chapters of `.env.example` and of the table of settings; each setting is in one."""

WITHOUT_EFFECT = ("DATABASE_URL", "QUEUE_POLL_INTERVAL")
WITHOUT_EFFECT_PREFIX = "CELERY_"
"""Of the services before this one, which had a database and workers: state is the resource now."""


def load_settings(env_file: Path | None = ENV_FILE) -> ServiceSettings:
    """Return the service's settings. Raises SettingsError."""
    return load(ServiceSettings, env_file)


def idle_variables(names: Iterable[str] = os.environ) -> list[str]:
    """Return the variables that are set for services before this one and do nothing here."""
    return sorted(
        name for name in names if name in WITHOUT_EFFECT or name.startswith(WITHOUT_EFFECT_PREFIX)
    )
