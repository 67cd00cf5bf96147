"""Fragmented downloads (HLS, DASH) that never resume with a hole.

yt-dlp appends fragments to one file, notes how many it has and removes each that it appended, even
when the appending failed: no space left, or the file closed by another thread whose fragment is
missing. A later call then goes on after a fragment that is not there. Here the note is written
only after the bytes, and only this download closes its file.
"""
# ruff: noqa: ANN401, SLF001 - yt-dlp's contexts have no types, its hooks for subclasses no names

import os
import re
from typing import Any

from yt_dlp.downloader.fragment import FragmentFD

_INDEX = re.compile(r"-Frag(\d+)\Z")


class _SharedFile:
    """The file being appended to; other threads' attempts to close it come to nothing."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, data: bytes) -> None:
        """Append data whole or not at all: past the buffer, which would try again."""
        descriptor = self._stream.fileno()
        end = os.fstat(descriptor).st_size
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(descriptor, left) :]
        except OSError:
            os.ftruncate(descriptor, end)
            os.lseek(descriptor, end, os.SEEK_SET)
            raise

    def flush(self) -> None:
        """Do nothing: what is written is flushed."""

    def close(self) -> None:
        """Do nothing: `really_close` does."""

    def really_close(self) -> None:
        """Close the file."""
        self._stream.close()


class WholeFragments(FragmentFD):
    """To be put before one of yt-dlp's fragment downloaders."""

    _file: _SharedFile | None = None

    @property
    def _inherited(self) -> Any:
        """The mended downloader's own methods, which its stubs leave out."""
        return super()

    def close_file(self) -> None:
        """Close the file, whatever became of the download."""
        if self._file:
            self._file.really_close()

    def _prepare_frag_download(self, ctx: Any) -> None:
        self._inherited._prepare_frag_download(ctx)
        self._file = ctx["dest_stream"] = _SharedFile(ctx["dest_stream"])

    def _append_fragment(self, ctx: Any, frag_content: bytes) -> None:
        ctx["dest_stream"].write(frag_content)
        # The bookkeeping gets a context of its own: other threads count up the common one.
        own = dict(ctx)
        if found := _INDEX.search(ctx["fragment_filename_sanitized"]):
            own["fragment_index"] = int(found[1])
        self._inherited._append_fragment(own, b"")
        del ctx["fragment_filename_sanitized"]

    def _finish_frag_download(self, ctx: Any, info_dict: Any) -> Any:
        self.close_file()
        return self._inherited._finish_frag_download(ctx, info_dict)


def whole_fragments(downloader: type[FragmentFD]) -> type[WholeFragments]:
    """Return one of yt-dlp's fragment downloaders, mended."""
    return type(f"Whole{downloader.__name__}", (WholeFragments, downloader), {})
