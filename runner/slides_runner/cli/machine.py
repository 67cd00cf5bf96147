"""JSON for machines: stdout carries it and nothing else."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from slides_api.exit_codes import ExitCode
from slides_api.manifest import Manifest, Span
from slides_runner.errors import DiskFullError, SlidesError
from slides_runner.outputs.moments import rounded_s
from slides_runner.pipeline import RunResult
from slides_runner.sinks import MANIFEST_KEY, Sink

Json = Mapping[str, Any]


@contextmanager
def sole_stdout() -> Iterator[TextIO]:
    """Give stdout to the caller alone; what libraries and programs print there goes to stderr."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    stream = os.fdopen(kept, "w", encoding="utf-8")
    try:
        yield stream
    finally:
        os.dup2(kept, 1)
        with suppress(OSError):  # every document was flushed, and its errors were said, before
            stream.close()


def write_document(document: Json, stream: TextIO, *, is_line: bool) -> None:
    """Write a document, on one line or indented; a reader that went away is no error.

    Only ASCII is written, so that a title cannot act on a terminal. Raises DiskFullError.
    """
    text = json.dumps(document, indent=None if is_line else 2)
    try:
        stream.write(f"{text}\n")
        stream.flush()
    except BrokenPipeError:
        return
    except OSError as e:
        raise DiskFullError(
            f"The result cannot be written to stdout: {e.strerror}.",
            hint="The output itself is complete; run again to see the result.",
        ) from e


def result_document(source: str, result: RunResult, notes: list[str]) -> Json:
    """Return what `slides extract --json` prints of a run that ended well."""
    manifest, sink = result.manifest, result.sink
    files = {artifact.kind: address(sink, artifact.key) for artifact in manifest.artifacts}
    return {
        "source": source,
        "reason": result.reason,
        "manifest": sink.uri(MANIFEST_KEY),
        "output": output_of(sink),
        "report": files.get("html"),
        "pdf": files.get("pdf"),
        "segments": files.get("videoSegments"),
        "slides": slide_documents(manifest, sink),
        "video": video_document(manifest),
        "warnings": [
            *({"reason": one.reason, "message": one.message} for one in manifest.warnings),
            *({"reason": "Notice", "message": note} for note in notes),
        ],
    }


def slide_documents(manifest: Manifest, sink: Sink) -> list[Json]:
    """Return the slides: index, where the picture lies, spans in seconds."""
    return [
        {
            "index": slide.index,
            "image": address(sink, slide.image.key),
            "spans": [span_document(span) for span in slide.spans],
            "confidence": slide.confidence,
        }
        for slide in manifest.slides
    ]


def span_document(span: Span) -> Json:
    """Return a span in seconds, to the millisecond."""
    return {"start": rounded_s(span.start), "end": rounded_s(span.end)}


def video_document(manifest: Manifest) -> Json:
    """Return which video it was."""
    source, video = manifest.source, manifest.video
    return {
        "key": source.key,
        "title": source.title,
        "url": source.url,
        "durationSeconds": rounded_s(video.duration_seconds),
        "width": video.width,
        "height": video.height,
        "framesPerSecond": rounded_s(video.frames_per_second),
        "codec": video.codec,
    }


def error_document(source: str, error: SlidesError, exit_code: ExitCode) -> Json:
    """Return what is printed of a run that failed."""
    details: dict[str, Any] = {
        "reason": error.reason,
        "message": error.message,
        "hint": error.hint,
        "exitCode": int(exit_code),
    }
    if error.retry_after:
        details["retryAfter"] = error.retry_after.isoformat()
    return {"source": source, "error": details}


def address(sink: Sink, key: str) -> str:
    """Return where a key lies: an absolute path on this machine, else its URI."""
    path = sink.local_path(key)
    return str(path) if path else sink.uri(key)


def output_of(sink: Sink) -> str:
    """Return the place that holds the manifest: a folder or a URI."""
    path = sink.local_path(MANIFEST_KEY)
    return str(Path(path).parent) if path else sink.uri(MANIFEST_KEY).rpartition("/")[0]
