"""What the operator gives a runner's pod: its task, its place, and the Secret of its source."""

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from slides_api.job_input import JobInput
from slides_api.names import storage_prefix
from slides_api.v1alpha1 import S3Storage
from slides_api.v1alpha1.base import QUANTITY
from slides_runner.errors import InvalidSpecError
from slides_runner.settings import RunnerSettings, explain, load_settings
from slides_runner.sinks import OutputFolder

BY_HAND = "`slides run` and `slides delete-outputs` are what the operator's Jobs call."
PROXY_KEY, USERNAME_KEY, PASSWORD_KEY = "proxy", "username", "password"
COOKIES_KEY = "cookies.txt"
"""The keys of a Secret that `source.secretRef` names; each may be absent."""
UNITS = {
    "": Decimal(1),
    **{letter: Decimal(1000) ** power for power, letter in enumerate("kMGTPE", 1)},
    **{letter: Decimal(1000) ** -power for power, letter in enumerate("mun", 1)},
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", 1)},
}
"""What amounts are given in, apart from powers of ten (1e9):
https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/"""
LARGEST_QUANTITY = Decimal(2**63 - 1)
"""Kubernetes' own bound; an exponent of two digits is far beyond it."""


def read_quantity(text: object) -> object:
    """Return the bytes of a Kubernetes quantity, rounded up, and anything else as it is."""
    found = re.fullmatch(QUANTITY, text) if isinstance(text, str) else None
    if found is None:
        return text
    return math.ceil(min(Decimal(found[1]) * _unit(found[3] or ""), LARGEST_QUANTITY))


def _unit(suffix: str) -> Decimal:
    if suffix in UNITS:
        return UNITS[suffix]
    return Decimal(10) ** max(-99, min(int(suffix[1:]), 99))


class PodSettings(BaseSettings):
    """What the operator, Kubernetes and nobody else sets in a pod."""

    model_config = SettingsConfigDict(
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    job_input: str | None = None
    """The task, as JSON: `slides_api.job_input.JobInput`."""
    work_volume_bytes: Annotated[int, BeforeValidator(read_quantity)] | None = None
    """Limit of the work volume, also as Kubernetes writes it (20Gi); the run ends with DiskFull
    before the pod is evicted."""
    source_secret_dir: Path | None = None
    """Where the Secret of the source is mounted."""
    termination_log: Path = Path("/dev/termination-log")
    """Where the last words go for the kubelet to read."""
    service_account_dir: Path = Path("/var/run/secrets/kubernetes.io/serviceaccount")
    """Where the projected token and the cluster's authorities are mounted."""
    kubernetes_service_host: str | None = None
    """The API server; without it no status is written."""
    kubernetes_service_port: int = 443


@dataclass(frozen=True)
class Task:
    """A pod's task, and the settings that hold for it."""

    pod: PodSettings
    job: JobInput
    settings: RunnerSettings
    proxy: str | None
    """Of the source's Secret."""

    def folder(self, video_key: str) -> OutputFolder:
        """Return where the outputs of a video go."""
        bucket, _, base = self.output.removeprefix("s3://").partition("/")
        parts = [base.strip("/"), storage_prefix(video_key, self.job.spec.outputs)]
        return OutputFolder(bucket, "/".join(part for part in parts if part))

    @property
    def output(self) -> str:
        """Where outputs go: s3://bucket/prefix."""
        s3 = s3_of(self.job)
        return f"s3://{self.settings.s3_bucket_name}/{(s3 and s3.prefix) or ''}"


def load_pod_settings() -> PodSettings:
    """Return what the pod's environment says. Raises InvalidSpecError."""
    try:
        return PodSettings()
    except ValidationError as e:
        raise InvalidSpecError(
            f"The pod's environment cannot be used: {'; '.join(explain(e))}.", hint=BY_HAND
        ) from None  # the cause would show what was set


def read_task(pod: PodSettings) -> Task:
    """Return the pod's task. Raises InvalidSpecError."""
    job = read_job(pod)
    # A file that happens to lie in the image's working folder is nobody's setting.
    settings = with_storage(load_settings(env_file=None), s3_of(job))
    return Task(pod, job, *with_secret(settings, pod.source_secret_dir))


def read_job(pod: PodSettings) -> JobInput:
    """Return the task of JOB_INPUT. Raises InvalidSpecError that names what is wrong with it."""
    if pod.job_input is None:
        raise InvalidSpecError("JOB_INPUT is not set.", hint=f"{BY_HAND} Use `slides extract`.")
    try:
        return JobInput.model_validate_json(pod.job_input)
    except ValidationError as e:
        first = e.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "JSON"
        raise InvalidSpecError(
            f"JOB_INPUT cannot be used: {where}: {first['msg']}.",
            hint="Are the operator and the runner's image of the same version?",
        ) from None


def s3_of(job: JobInput) -> S3Storage | None:
    """Return the store that the resource itself names."""
    return job.spec.storage.s3 if job.spec.storage else None


def with_storage(settings: RunnerSettings, s3: S3Storage | None) -> RunnerSettings:
    """Return the settings with what the resource says of its store."""
    if s3 is None:
        return settings
    changes: dict[str, Any] = {
        "s3_endpoint": s3.endpoint or settings.s3_endpoint,
        "s3_region": s3.region or settings.s3_region,
        "s3_bucket_name": s3.bucket or settings.s3_bucket_name,
    }
    if s3.workload_identity:
        # boto3's own chain finds the identity of the pod's ServiceAccount.
        changes |= {"s3_access_key": None, "s3_secret_key": None}
    return settings.model_copy(update=changes)


def with_secret(settings: RunnerSettings, folder: Path | None) -> tuple[RunnerSettings, str | None]:
    """Return the settings with the source's Secret, and its proxy. Raises InvalidSpecError."""
    if folder is None:
        return settings, None
    changes: dict[str, Any] = {}
    if (folder / COOKIES_KEY).is_file():
        changes["cookies_file"] = str(folder / COOKIES_KEY)
    username, password = _read(folder, USERNAME_KEY), _read(folder, PASSWORD_KEY)
    if username is not None or password is not None:
        changes |= {"source_username": username, "source_password": _secret(password)}
    return settings.model_copy(update=changes), _read(folder, PROXY_KEY)


def _read(folder: Path, key: str) -> str | None:
    """Return a key of a mounted Secret; editors end files with a newline that no password has."""
    try:
        return (folder / key).read_text(encoding="utf-8").strip("\r\n") or None
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as e:
        raise InvalidSpecError(
            f"The source's Secret cannot be read: {key}.", hint="It has to be UTF-8 text."
        ) from e


def _secret(text: str | None) -> SecretStr | None:
    return None if text is None else SecretStr(text)
