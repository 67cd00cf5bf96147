"""`slides inspect`: shows a finished output, and checks that its files are there and whole."""

import hashlib
import http.client
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from slides_api.conditions import Reason
from slides_api.exit_codes import ExitCode
from slides_api.manifest import Artifact, Image, Manifest
from slides_api.moments import clock
from slides_runner.cli.machine import (
    Json,
    address,
    error_document,
    output_of,
    slide_documents,
    sole_stdout,
    video_document,
    write_document,
)
from slides_runner.cli.messages import say, say_error, show_log_of_libraries
from slides_runner.errors import (
    BadUrlError,
    OutputConflictError,
    SlidesError,
    StorageUnavailableError,
)
from slides_runner.outputs.manifest import files_of
from slides_runner.reporters.plain import printable
from slides_runner.settings import load_settings
from slides_runner.sinks import MANIFEST_KEY, Sink
from slides_runner.sinks.existing import named_keys
from slides_runner.sinks.registry import open_sink

CHECK_LINK_S = 900
"""Validity of the links by which objects are read for the check; chosen: one slow download."""
CHECK_TIMEOUT_S = 60
LABELS = {"html": "report", "videoSegments": "times"}
"""What people read for a kind of file, where that is no word."""
NOT_THERE = frozenset({403, 404})
"""What stores answer for an object that is not there, the first where listing is not allowed."""


class IncompleteOutputError(SlidesError):
    """Files of a finished output are missing or changed."""

    reason = Reason.PARTIALLY_COMPLETED


@dataclass(frozen=True)
class InspectOptions:
    """The options of `slides inspect`."""

    links: bool = False
    expires_s: int = 3600
    is_json: bool = False
    is_verbose: bool = False


@dataclass(frozen=True)
class Problem:
    """One file that is not as the manifest has it."""

    key: str
    what: str
    """missing, or in which way it differs."""


def inspect_output(output: str, options: InspectOptions) -> ExitCode:
    """Show and check an output; the exit code is 79 when files are missing or changed."""
    show_log_of_libraries("DEBUG" if options.is_verbose else "INFO")
    with ExitStack() as stack:
        stdout = stack.enter_context(sole_stdout()) if options.is_json else sys.stdout
        try:
            sink = open_sink(_folder(output), settings=load_settings(), warn=say)
            manifest = read_manifest(sink, output)
            problems = tuple(check(manifest, sink))
            links = _links(manifest, sink, options)
        except SlidesError as e:
            if options.is_json:
                write_document(error_document(output, e, e.exit_code), stdout, is_line=False)
            else:
                say_error(e)
            return e.exit_code
        if options.is_json:
            document = output_document(manifest, sink, problems, links)
            write_document(document, stdout, is_line=False)
        else:
            show(manifest, sink, links)
            _say_problems(problems, output_of(sink))
        return ExitCode.PARTIALLY_COMPLETED if problems else ExitCode.OK


def _folder(output: str) -> str:
    """Return the folder of a manifest that is named itself."""
    for separator in ("/", "\\"):
        if output.endswith(f"{separator}{MANIFEST_KEY}"):
            return output[: -len(MANIFEST_KEY) - 1] or separator
    return "." if output == MANIFEST_KEY else output


def read_manifest(sink: Sink, output: str) -> Manifest:
    """Return the manifest of an output. Raises BadUrlError when there is none that can be read."""
    stored = sink.read_manifest()
    if stored is None:
        raise BadUrlError(
            f"There is no finished output in {output}.",
            hint="Run `slides extract` again, which goes on with what is there.",
        )
    try:
        manifest = Manifest.model_validate_json(stored.content)
    except ValidationError as e:
        raise OutputConflictError(
            f"The manifest in {output} is none that this version can read.",
            hint="Make the output anew with `slides extract --force`.",
        ) from e
    if {file.key for file in files_of(manifest)} - named_keys(stored.content):
        raise OutputConflictError(
            f"The manifest in {output} names files outside of its folder.",
            hint="Do not trust it: `slides extract` writes no such manifest.",
        )
    return manifest


def check(manifest: Manifest, sink: Sink) -> Iterator[Problem]:
    """Yield what is missing or differs in size or content; each file is read once."""
    for file in {file.key: file for file in files_of(manifest)}.values():
        what = _difference(file, sink)
        if what:
            yield Problem(file.key, what)


def _difference(file: Image | Artifact, sink: Sink) -> str | None:
    path = sink.local_path(file.key)
    try:
        with _open(path, sink, file.key) as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return "missing"
    except (OSError, http.client.HTTPException) as e:
        return f"unreadable: {getattr(e, 'strerror', None) or e}"
    size = path.stat().st_size if path else None
    if size is not None and size != file.bytes:
        return f"{size:,} bytes instead of {file.bytes:,}"
    return None if found == file.sha256 else "other content"


def _open(path: Path | None, sink: Sink, key: str) -> BufferedIOBase:
    if path:
        return path.open("rb")
    return open_link(sink.link(key, expires_s=CHECK_LINK_S))


def open_link(link: str) -> BufferedIOBase:
    """Open a presigned link. Raises FileNotFoundError or StorageUnavailableError."""
    try:
        stream: BufferedIOBase = urllib.request.urlopen(link, timeout=CHECK_TIMEOUT_S)  # noqa: S310 - ours
    except urllib.error.HTTPError as e:
        e.close()
        if e.code in NOT_THERE:
            raise FileNotFoundError(link) from e
        raise StorageUnavailableError(
            f"The store answers {e.code} {e.reason}.", hint="Try again later."
        ) from e
    except urllib.error.URLError as e:
        raise StorageUnavailableError(
            f"The store does not answer: {e.reason}.", hint="Check S3_ENDPOINT, try again later."
        ) from e
    return stream


def _links(manifest: Manifest, sink: Sink, options: InspectOptions) -> dict[str, str]:
    if not options.links:
        return {}
    keys = dict.fromkeys([MANIFEST_KEY, *(file.key for file in files_of(manifest))])
    return {key: sink.link(key, expires_s=options.expires_s) for key in keys}


def output_document(
    manifest: Manifest, sink: Sink, problems: tuple[Problem, ...], links: dict[str, str]
) -> Json:
    """Return what `slides inspect --json` prints."""
    artifacts = [
        {"kind": one.kind, "file": address(sink, one.key), "bytes": one.bytes}
        for one in manifest.artifacts
    ]
    document = {
        "manifest": sink.uri(MANIFEST_KEY),
        "output": output_of(sink),
        "isWhole": not problems,
        "problems": [{"key": one.key, "problem": one.what} for one in problems],
        "video": video_document(manifest),
        "slides": slide_documents(manifest, sink),
        "artifacts": artifacts,
        "warnings": [{"reason": w.reason, "message": w.message} for w in manifest.warnings],
    }
    return {**document, "links": links} if links else document


def show(manifest: Manifest, sink: Sink, links: dict[str, str]) -> None:
    """Print the slides with their times, and every other file."""
    console = Console()
    source, video, files = manifest.source, manifest.video, manifest.artifacts
    lines = [
        printable(source.title or source.key),
        f"  video   {clock(video.duration_seconds)}, {video.width}x{video.height} {video.codec}",
        f"  key     {source.key}",
        f"  output  {output_of(sink)}",
        *(f"  {LABELS.get(one.kind, one.kind):<7} {address(sink, one.key)}" for one in files),
        *(f"  note    {one.message}" for one in manifest.warnings),
    ]
    for line in lines:
        typer.echo(printable(line))
    if manifest.slides:
        console.print(slide_table(manifest))
    for key, link in links.items():
        typer.echo(printable(f"{key}\t{link}", longest=len(link) + len(key) + 1))


def slide_table(manifest: Manifest) -> Table:
    """Return the slides as a table."""
    table = Table("slide", "image", "on screen", "steps", "sure")
    for slide in manifest.slides:
        spans = ", ".join(f"{clock(span.start)}-{clock(span.end)}" for span in slide.spans)
        table.add_row(
            str(slide.index),
            Text(printable(slide.image.key)),
            spans,
            str(len(slide.builds) or ""),
            f"{slide.confidence:.2f}",
        )
    return table


def _say_problems(problems: tuple[Problem, ...], place: str) -> None:
    if not problems:
        return
    listed = "; ".join(f"{one.key}: {one.what}" for one in problems)
    say_error(
        IncompleteOutputError(
            f"{len(problems)} file{'' if len(problems) == 1 else 's'} of {place} "
            f"not as the manifest has it: {listed}.",
            hint="Make the output anew with `slides extract --force`.",
        )
    )
