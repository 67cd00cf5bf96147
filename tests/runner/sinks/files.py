"""Small outputs for the tests of sinks."""

import json
from collections.abc import Iterable
from pathlib import Path

from slides_runner.artifacts import LocalFile
from slides_runner.sinks import Sink


def write_files(folder: Path, contents: dict[str, bytes]) -> tuple[LocalFile, ...]:
    """Write finished files as a run would have them in its work folder."""
    return tuple(_write(folder, key, content) for key, content in contents.items())


def _write(folder: Path, key: str, content: bytes) -> LocalFile:
    path = folder / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    kinds = {".webp": ("slide", "image/webp"), ".html": ("html", "text/html")}
    kind, media_type = kinds.get(path.suffix, ("other", "application/octet-stream"))
    return LocalFile(key=key, path=path, kind=kind, media_type=media_type)


def write_manifest(keys: Iterable[str], *, note: str = "") -> bytes:
    """Return a manifest that names keys, as far as sinks read it."""
    slides = [{"index": n, "image": {"key": key}} for n, key in enumerate(keys, 1)]
    return json.dumps({"source": {"key": "file-1"}, "slides": slides, "note": note}).encode()


def run_once(sink: Sink, files: tuple[LocalFile, ...], *, note: str = "") -> str:
    """Do what the pipeline does with a sink, from first to last."""
    replaces = sink.read_manifest()
    sink.prepare()
    for _ in sink.put(files):
        pass
    return sink.commit(write_manifest((f.key for f in files), note=note), replaces=replaces)
