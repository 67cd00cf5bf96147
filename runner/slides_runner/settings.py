"""Settings of the runner, from the environment and, on a laptop, from `.env`.

The environment wins over `.env`. Names, defaults and meaning are the contract of DESIGN section 9;
they keep the names that the services before this one had.
"""

from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class RunnerSettings(BaseSettings):
    """What the runner reads from the environment."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
    )

    zyte_api_key: SecretStr | None = None
    """Key for Zyte's proxy mode; used when no other proxy is named."""
    zyte_host: str = "api.zyte.com"
    """Host of Zyte's proxy; its port is 8011."""
    datacenter_proxy: SecretStr | None = None
    """Proxy URL or user:pass@host:port; a comma list rotates, a failing one rests."""
    egress_mode: Literal["single", "two-hop"] = "single"
    """single: one egress per video. two-hop: metadata by Zyte, media by DATACENTER_PROXY."""
    pot_provider_url: str | None = None
    """URL of a bgutil PO-token provider."""
    s3_endpoint: str | None = None
    """URL of the S3 service; AWS when empty."""
    s3_access_key: SecretStr | None = None
    """Access key id; boto3's own chain when empty. Alone it serves as the secret too."""
    s3_secret_key: SecretStr | None = None
    """Secret access key."""
    s3_bucket_name: str = "slides-extractor"
    """Bucket for outputs."""
    allow_private_addresses: bool = False
    """Whether URLs may lead to loopback, private and link-local addresses."""
    cookies_file: str | None = None
    """Netscape cookies.txt for yt-dlp; it is read, never written."""
    debug: bool = False
    """Log at DEBUG."""
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], NoDecode] = "INFO"
    """Log level."""
    debug_pipeline: bool = False
    """Log the runner at DEBUG."""
