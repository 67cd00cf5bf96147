"""The kinds of sinks, and which one an `--output` names."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from slides_api.names import storage_prefix
from slides_api.v1alpha1 import Outputs
from slides_runner.errors import InvalidSpecError
from slides_runner.settings import RunnerSettings
from slides_runner.sinks import Sink, Warn
from slides_runner.sinks.directory import DirectorySink

OpenSink = Callable[[str, str, RunnerSettings, Warn], Sink]
"""Takes the output as named, the folder below it, the settings and who hears warnings."""


def folder_below(output: str, *, video_key: str, outputs: Outputs, several: bool) -> str:
    """Return where below an output one talk goes, empty for the output itself.

    In a bucket every talk and every set of options has a prefix of its own. On a laptop one talk
    goes straight into the folder that was named, and each of several into its own below that.
    """
    if _scheme(output) == "s3":
        return storage_prefix(video_key, outputs)
    return video_key if several else ""


def open_sink(output: str, *, folder: str = "", settings: RunnerSettings, warn: Warn) -> Sink:
    """Return the sink for `DIR`, `file:///DIR` or `s3://BUCKET/PREFIX`; nothing is touched yet.

    `s3://` without a bucket means the settings' bucket. Raises InvalidSpecError.
    """
    scheme = _scheme(output)
    if scheme not in SINKS:
        raise InvalidSpecError(
            f"{output} is no place for output.", hint="Name a folder or s3://BUCKET/PREFIX."
        )
    return SINKS[scheme](output, folder, settings, warn)


def _scheme(output: str) -> str:
    scheme, separator, _ = output.partition("://")
    return scheme.lower() if separator else ""


def _open_directory(output: str, folder: str, _settings: RunnerSettings, _warn: Warn) -> Sink:
    return DirectorySink(Path(output) / folder)


def _open_file_url(output: str, folder: str, _settings: RunnerSettings, _warn: Warn) -> Sink:
    return DirectorySink(Path(unquote(urlsplit(output).path)) / folder)


def _open_s3(output: str, folder: str, settings: RunnerSettings, warn: Warn) -> Sink:
    # boto3 takes 30 MB of memory and a quarter of a second, which a folder need not pay for.
    from slides_runner.sinks.s3 import S3Sink, build_client

    bucket, _, base = output.partition("://")[2].partition("/")
    parts = [part.strip("/") for part in (base, folder)]
    prefix = "".join(f"{part}/" for part in parts if part)
    return S3Sink(
        build_client(settings, warn=warn),
        bucket=bucket or settings.s3_bucket_name,
        prefix=prefix,
        warn=warn,
    )


SINKS: dict[str, OpenSink] = {"": _open_directory, "file": _open_file_url, "s3": _open_s3}
"""How each kind is opened, by the scheme of the output; no scheme is a folder."""
