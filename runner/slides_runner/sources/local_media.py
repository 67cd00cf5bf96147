"""The last step of every fetch: a file that lies here becomes `Media`."""

import hashlib
from pathlib import Path

from slides_runner.errors import NotAVideoError
from slides_runner.sources import Media, VideoInfo


def build_media(path: Path, info: VideoInfo, *, temporary: bool) -> Media:
    """Return the file as media, its SHA-256 computed by reading it once.

    Raises NotAVideoError for an empty file.
    """
    size = path.stat().st_size
    if size == 0:
        raise NotAVideoError(
            f"{path.name} is empty.", hint="Check that it was copied or uploaded whole."
        )
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Media(path=path, info=info, sha256=digest, size_bytes=size, temporary=temporary)
