"""Where videos come from: one file per kind, chosen by `open_source` from a table."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from slides_api.manifest import Chapter

if TYPE_CHECKING:
    from slides_api.v1alpha1 import Source as SourceSpec
    from slides_runner.settings import RunnerSettings
    from slides_runner.sources.egress import Egress
    from slides_runner.sources.patience import Patience


@dataclass(frozen=True)
class VideoInfo:
    """What a source says of a video before it is read."""

    key: str | None
    """Stable key (slides_api.names); None for local files until their content is hashed."""
    url: str | None
    """Where it comes from, without credentials or signatures; None for local files."""
    extractor: str = ""
    """Which kind of source or site it is from, in lower case: file, http, s3, youtube."""
    id: str | None = None
    """What the site calls it, where a site has it."""
    title: str | None = None
    uploader: str | None = None
    duration_s: float | None = None
    size_bytes: int | None = None
    height: int | None = None
    chapters: tuple[Chapter, ...] = field(default=())


@dataclass(frozen=True)
class Download:
    """Progress of one file being fetched."""

    file: str
    status: str
    """downloading or finished."""
    bytes: int
    total_bytes: int | None


@dataclass(frozen=True)
class Media:
    """A video that lies on this machine, ready to be read."""

    path: Path
    info: VideoInfo
    sha256: str
    """SHA-256 of the file, hexadecimal."""
    size_bytes: int
    temporary: bool
    """Whether the file lies in the work folder and may be deleted after use."""


OnDownload = Callable[[Download], None]
"""Called as bytes arrive, often; it may raise InterruptedRunError to stop the download."""


class Source(Protocol):
    """One video at one place."""

    def probe(self) -> VideoInfo:
        """Return what is known without downloading the video.

        Raises SlidesError when the video would be refused.
        """
        ...

    def fetch(self, work_dir: Path, on_progress: OnDownload) -> Media:
        """Bring the video into `work_dir`, resuming what an earlier call left there.

        Raises SlidesError; partial files stay in `work_dir` for the next call.
        """
        ...


def open_source(
    url: str,
    spec: "SourceSpec",
    settings: "RunnerSettings",
    *,
    proxy: str | None = None,
    egress: "Egress | None" = None,
    patience: "Patience | None" = None,
) -> Source:
    """Return the source that a path, URL or shorthand means; nothing is asked for yet.

    `proxy` is the job's own, before any of the settings. Sources that share an `egress` share its
    rotation and know which proxies rest; without one each gets its own.

    Raises BadUrlError with a next step for what means nothing, AddressRefusedError for a private
    address, InvalidSpecError for settings that contradict each other.
    """
    # The kinds build on the contracts above, so they are imported here.
    from slides_runner.sources.egress import build_egress
    from slides_runner.sources.kinds import Context, open_kind
    from slides_runner.sources.patience import DEFAULT_PATIENCE

    context = Context(
        spec=spec,
        settings=settings,
        egress=egress or build_egress(settings, proxy),
        patience=patience or DEFAULT_PATIENCE,
    )
    return open_kind(url.strip(), context)
