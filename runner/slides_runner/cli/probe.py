"""`slides probe`: what would be done with a source, and why it would be refused."""

import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import typer

from slides_api.exit_codes import ExitCode
from slides_api.moments import clock
from slides_api.names import storage_prefix
from slides_api.v1alpha1 import Outputs
from slides_runner.cli.interruption import Interruption
from slides_runner.cli.machine import (
    Json,
    error_document,
    output_of,
    sole_stdout,
    write_document,
)
from slides_runner.cli.messages import (
    explain_bug,
    say_error,
    show_log_of_libraries,
    shown_name,
)
from slides_runner.cli.options import SourceOptions
from slides_runner.errors import SlidesError
from slides_runner.outputs.moments import rounded_s
from slides_runner.pipeline import Place, RunRequest, find_place, go_on, refuse_too_long
from slides_runner.reporters.meter import Meter
from slides_runner.reporters.nobody import SilentReporter
from slides_runner.reporters.plain import printable
from slides_runner.settings import RunnerSettings, load_settings
from slides_runner.sources import VideoInfo, open_source
from slides_runner.sources.redaction import redact
from slides_runner.video import VideoProperties, probe_video
from slides_runner.workspace import default_root

DOWNLOAD_BYTES_PER_S = 5e6
"""Chosen: a middling line. What is estimated with it is called rough."""
DETECTION_SPEED = 100.0
"""Seconds of video a second; below what `make bench-detect` measures on an hour of 1080p."""
START_S = 2.0
"""Of a run that does next to nothing; measured on a laptop."""


@dataclass(frozen=True)
class ProbeOptions:
    """The options of `slides probe`."""

    source: SourceOptions
    output: str | None = None
    is_json: bool = False
    is_verbose: bool = False


@dataclass(frozen=True)
class Finding:
    """What is known of a source before it is extracted."""

    source: str
    """As it may be shown: without credentials."""
    info: VideoInfo
    video: VideoProperties | None
    """For a video that lies on this machine."""
    place: Place
    prefix: str
    """Storage prefix with default options."""

    @property
    def duration_s(self) -> float | None:
        """As read from the file, or as the source says."""
        return self.video.duration_s if self.video else self.info.duration_s

    @property
    def estimated_s(self) -> float | None:
        """A rough guess of the time that extracting takes; None where nothing is known."""
        if self.place.finished:
            return 0.0
        size = None if self.video else self.info.size_bytes
        if self.duration_s is None and size is None:
            return None
        download_s = (size or 0) / DOWNLOAD_BYTES_PER_S
        return START_S + download_s + (self.duration_s or 0.0) / DETECTION_SPEED


def probe_all(sources: Sequence[str], options: ProbeOptions) -> ExitCode:
    """Probe every source and return the exit code that `extract` would have."""
    show_log_of_libraries("DEBUG" if options.is_verbose else "INFO")
    with ExitStack() as stack:
        stack.enter_context(Interruption(grace_s=0.0).caught())
        stdout = stack.enter_context(sole_stdout()) if options.is_json else sys.stdout
        codes: list[ExitCode] = []
        for source in sources:
            document, code = _probe_safely(source, len(sources) > 1, options)
            codes.append(code)
            if options.is_json:
                write_document(document, stdout, is_line=len(sources) > 1)
        if len(codes) == 1:
            return codes[0]
        return ExitCode.BUG if any(codes) else ExitCode.OK


def _probe_safely(source: str, several: bool, options: ProbeOptions) -> tuple[Json, ExitCode]:
    try:
        finding = probe(source, options.source.apply(load_settings()), options, several=several)
    except SlidesError as e:
        return _refused(source, e, options)
    except typer.BadParameter:
        raise
    except Exception as e:  # noqa: BLE001 - the boundary of a task: its neighbours go on
        return _refused(source, explain_bug(e, is_verbose=options.is_verbose), options)
    if not options.is_json:
        typer.echo("\n".join(describe(finding)))
    return finding_document(finding), ExitCode.OK


def _refused(source: str, error: SlidesError, options: ProbeOptions) -> tuple[Json, ExitCode]:
    if not options.is_json:
        say_error(error, name=shown_name(source))
    return error_document(redact(source), error, error.exit_code), error.exit_code


def probe(
    source: str, settings: RunnerSettings, options: ProbeOptions, *, several: bool
) -> Finding:
    """Return what is known of a source. Raises SlidesError when `extract` would refuse it."""
    outputs = Outputs().with_default()
    request = RunRequest(
        source=options.source.build_source(source),
        outputs=outputs,
        work_root=settings.work_dir or default_root(os.environ),
        output=options.output,
        several=several,
        proxy=options.source.proxy,
    )
    meter = Meter(SilentReporter(), go_on)
    opened = open_source(source, request.source, settings, proxy=request.proxy)
    info, video = opened.probe(), None
    if info.key is None:  # it lies here, so reading it whole is no download
        media = opened.fetch(request.work_root, meter.downloading)
        info, video = media.info, probe_video(media.path)
    refuse_too_long(video.duration_s if video else info.duration_s, request.source)
    place = find_place(request, settings, info, meter)
    if not place.finished:
        place.sink.prepare()
    prefix = storage_prefix(info.key or "", outputs)
    return Finding(redact(source), info, video, place, prefix)


def finding_document(finding: Finding) -> Json:
    """Return what `slides probe --json` prints of a source that would be extracted."""
    info, video = finding.info, finding.video
    document: dict[str, Any] = {
        "source": finding.source,
        "key": info.key,
        "prefix": finding.prefix,
        "title": info.title,
        "uploader": info.uploader,
        "url": info.url,
        "durationSeconds": _rounded(finding.duration_s),
        "bytes": info.size_bytes,
        "height": video.height if video else info.height,
        "width": video.width if video else None,
        "codec": video.codec if video else None,
        "framesPerSecond": _rounded(video.frames_per_second if video else None),
        "chapters": len(info.chapters),
        "output": output_of(finding.place.sink),
        "isDone": finding.place.finished is not None,
        "estimatedSeconds": _rounded(finding.estimated_s),
    }
    return document


def _rounded(value: float | None) -> float | None:
    return None if value is None else rounded_s(value)


def describe(finding: Finding) -> list[str]:
    """Return what people read of a source, line by line."""
    info, video = finding.info, finding.video
    picture = f"{video.width}x{video.height} {video.codec}" if video else ""
    height = f"{info.height} pixels high" if info.height else ""
    size = f"{info.size_bytes / 1e6:,.1f} MB" if info.size_bytes is not None else ""
    duration = clock(finding.duration_s) if finding.duration_s is not None else "unknown duration"
    facts = [duration, picture or height, size, info.uploader or ""]
    lines = [
        printable(info.title or finding.source),
        f"  video   {printable(', '.join(fact for fact in facts if fact))}",
        f"  key     {printable(finding.prefix)}",
        f"  output  {printable(output_of(finding.place.sink))}",
    ]
    return [*lines, f"  {_verdict(finding)}"]


def _verdict(finding: Finding) -> str:
    if finding.place.finished:
        return "done already: extract would do nothing"
    if finding.estimated_s is None:
        return "would be extracted"
    minutes, seconds = divmod(round(finding.estimated_s), 60)
    return f"would be extracted, roughly in {f'{minutes} min ' if minutes else ''}{seconds} s"
