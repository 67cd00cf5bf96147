"""Settings of the runner, from the environment and, on a laptop, from `.env`.

The environment wins over `.env`. Names, defaults and meaning are a contract with users; they keep
the names that the services before this one had. `.env.example` is made of them:

    python -m scripts.env_example --write    # or --check
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from slides_runner.errors import InvalidSpecError

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]

ENV_FILE = Path(".env")
"""Where settings are read from besides the environment: the working folder's own."""


class RunnerSettings(BaseSettings):
    """What the runner reads from the environment."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True,
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    datacenter_proxy: SecretStr | None = None
    """Proxy URL or user:pass@host:port; a comma list rotates, a failing one rests."""
    zyte_api_key: SecretStr | None = None
    """Key for Zyte's proxy mode; used when no other proxy is named."""
    zyte_host: str = "api.zyte.com"
    """Host of Zyte's proxy; its port is 8011."""
    egress_mode: Literal["single", "two-hop"] = "single"
    """single: one egress per video. two-hop: metadata by Zyte, media by DATACENTER_PROXY."""
    allow_private_addresses: bool = False
    """Whether URLs may lead to loopback, private and link-local addresses."""

    cookies_file: str | None = None
    """Netscape cookies.txt for yt-dlp; it is read, never written."""
    source_username: str | None = None
    """Name to sign in with: at sites whose login yt-dlp knows, and at servers of media files."""
    source_password: SecretStr | None = None
    """Password to that name."""
    pot_provider_url: str | None = None
    """URL of a bgutil PO-token provider."""

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

    work_dir: Path | None = None
    """Folder for downloads while they are needed; the user's cache when empty."""

    log_level: LogLevel = "INFO"
    """How much is logged, on stderr: DEBUG, INFO, WARNING or ERROR."""
    debug: bool = False
    """Log at DEBUG."""
    debug_pipeline: bool = False
    """Log the runner at DEBUG."""

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper_case(cls, value: object) -> object:
        return value.strip().upper() if isinstance(value, str) else value

    @property
    def effective_log_level(self) -> LogLevel:
        """The level that LOG_LEVEL, DEBUG and DEBUG_PIPELINE come to together."""
        return "DEBUG" if self.debug or self.debug_pipeline else self.log_level


GROUPS: dict[str, tuple[str, ...]] = {
    "The way out to the internet": (
        "datacenter_proxy",
        "zyte_api_key",
        "zyte_host",
        "egress_mode",
        "allow_private_addresses",
    ),
    "Sites": ("cookies_file", "source_username", "source_password", "pot_provider_url"),
    "Storage": ("s3_endpoint", "s3_region", "s3_access_key", "s3_secret_key", "s3_bucket_name"),
    "This machine": ("work_dir",),
    "Logging": ("log_level", "debug", "debug_pipeline"),
}
"""The chapters of `.env.example`; each setting is in one."""


def load_settings(env_file: Path | None = ENV_FILE) -> RunnerSettings:
    """Return the settings of the environment and of `env_file`, where it exists.

    Raises InvalidSpecError that names each unusable variable and never repeats its value.
    """
    # Type checkers take the fields for the only arguments, so this one goes in by name.
    arguments: dict[str, Any] = {"_env_file": env_file}
    try:
        return RunnerSettings(**arguments)
    except ValidationError as e:
        raise InvalidSpecError(
            f"Settings cannot be used: {'; '.join(explain(e))}.",
            hint="Correct them in the environment or in .env; .env.example describes each.",
        ) from None  # the cause would show what was set, and with it secrets
    except (OSError, ValueError) as e:  # ValueError: .env is not UTF-8
        raise InvalidSpecError(
            f"{env_file} cannot be read: {getattr(e, 'strerror', None) or 'it is not UTF-8 text'}.",
            hint="Correct it or move it away.",
        ) from None


def explain(error: ValidationError) -> list[str]:
    """Return one sentence part per unusable setting: its variable and what is wrong with it."""
    parts = []
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        variable, what = "_".join(str(part) for part in one["loc"]).upper(), one["msg"]
        parts.append(f"{variable}: {what[:1].lower()}{what[1:]}")
    return parts
