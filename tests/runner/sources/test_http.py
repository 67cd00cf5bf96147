"""Direct downloads against a real server that serves, lies, cuts, hangs and redirects."""

import hashlib
import random
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from slides_api.exit_codes import ExitCode
from slides_api.v1alpha1 import Source as SourceSpec
from slides_runner.errors import (
    AccessDeniedError,
    AddressRefusedError,
    DiskFullError,
    GeoBlockedError,
    InterruptedRunError,
    NetworkError,
    NotAVideoError,
    RateLimitedError,
    RemovedError,
    ServerError,
    SlidesError,
    TimedOutError,
    TooBigError,
)
from slides_runner.settings import RunnerSettings
from slides_runner.sources import Download, Media, Source, open_source
from slides_runner.sources.patience import Patience
from tests.runner.sources.conftest import MakeSettings
from tests.runner.sources.forward_proxy import ForwardProxy
from tests.runner.sources.media_server import MediaServer, Resource

BODY = random.Random(1).randbytes(2_000_000)


class Opener:
    """Opens a URL with the settings and the patience of these tests."""

    def __init__(self, settings: RunnerSettings, patience: Patience, work_dir: Path) -> None:
        self._settings = settings
        self._patience = patience
        self.work_dir = work_dir
        self.progress: list[Download] = []

    def open(self, url: str, max_bytes: int | None = None) -> Source:
        spec = SourceSpec(url=url, max_bytes=max_bytes)
        return open_source(url, spec, self._settings, patience=self._patience)

    def fetch(self, url: str, max_bytes: int | None = None) -> Media:
        return self.open(url, max_bytes).fetch(self.work_dir, self.progress.append)

    def whole_files(self) -> list[str]:
        names = {path.name for path in self.work_dir.iterdir()}
        return [name for name in names if not name.endswith((".part", ".json", ".tmp"))]


@pytest.fixture
def opener(local: RunnerSettings, impatient: Patience, work_dir: Path) -> Opener:
    return Opener(local, impatient, work_dir)


def test_brings_the_file_with_its_hash_and_reports_progress(
    server: MediaServer, opener: Opener
) -> None:
    media = opener.fetch(server.put("/a%20talk.mp4", Resource(BODY)))

    assert media.path.read_bytes() == BODY
    assert media.sha256 == hashlib.sha256(BODY).hexdigest()
    assert media.size_bytes == len(BODY)
    assert media.temporary
    assert media.info.title == "a talk"
    assert opener.progress[-1] == Download(media.path.name, "finished", len(BODY), len(BODY))
    counts = [one.bytes for one in opener.progress]
    assert counts == sorted(counts)


def test_uses_several_ranges_but_never_more_than_four(server: MediaServer, opener: Opener) -> None:
    opener.fetch(server.put("/talk.mp4", Resource(BODY)))

    ranges = [one.headers["Range"] for one in server.seen[1:]]
    assert len(set(ranges)) == 4
    assert server.peak_parallel <= 4


def test_probe_tells_size_without_downloading(server: MediaServer, opener: Opener) -> None:
    info = opener.open(server.put("/talk.mp4", Resource(BODY))).probe()

    assert info.size_bytes == len(BODY)
    assert server.sent_bytes() <= 1024


def test_a_url_without_a_telling_suffix_is_read_by_its_content_type(
    server: MediaServer, opener: Opener
) -> None:
    media = opener.fetch(server.put("/download", Resource(BODY, media_type="video/webm")))

    assert media.path.read_bytes() == BODY


def test_downloads_from_a_server_without_ranges(server: MediaServer, opener: Opener) -> None:
    media = opener.fetch(server.put("/talk.mp4", Resource(BODY, ranged=False)))

    assert media.path.read_bytes() == BODY


def test_downloads_a_body_of_unknown_length(server: MediaServer, opener: Opener) -> None:
    resource = Resource(BODY, ranged=False, without_length=True)

    assert opener.fetch(server.put("/talk.mp4", resource)).path.read_bytes() == BODY


def test_repeats_a_range_that_was_cut(server: MediaServer, opener: Opener) -> None:
    resource = Resource(BODY, cut_after=100_000, cuts=6)

    assert opener.fetch(server.put("/talk.mp4", resource)).path.read_bytes() == BODY


def test_a_download_cut_at_half_fetches_less_than_55_percent_again(
    server: MediaServer, opener: Opener
) -> None:
    url = server.put("/talk.mp4", Resource(BODY, cut_after=len(BODY) // 8))
    original = server.resources["/talk.mp4"]
    original.cuts = 4  # each of the four ranges ends at its half …

    class Stop:
        def __call__(self, progress: Download) -> None:
            if progress.bytes >= len(BODY) // 2:  # … and there the run is stopped
                raise InterruptedRunError("stopped")

    with pytest.raises(InterruptedRunError):
        opener.open(url).fetch(opener.work_dir, Stop())
    assert opener.whole_files() == []
    server.forget()

    media = opener.fetch(url)

    assert media.path.read_bytes() == BODY
    assert server.sent_bytes() < 0.55 * len(BODY)


def test_a_download_killed_at_half_fetches_less_than_55_percent_again(
    server: MediaServer, opener: Opener, tmp_path: Path
) -> None:
    url = server.put("/talk.mp4", Resource(BODY, stalls_at=len(BODY) // 2))
    left = tmp_path / "left"

    def copy_at_half(progress: Download) -> None:
        if progress.bytes >= len(BODY) // 2:  # nothing is tidied up: as a killed process leaves it
            shutil.copytree(opener.work_dir, left)
            raise InterruptedRunError("stopped")

    with pytest.raises(InterruptedRunError):
        opener.open(url).fetch(opener.work_dir, copy_at_half)
    server.put("/talk.mp4", Resource(BODY))
    server.closing.set()
    server.forget()

    media = opener.open(url).fetch(left, lambda _: None)

    assert media.path.read_bytes() == BODY
    assert server.sent_bytes() < 0.55 * len(BODY)


def test_a_server_that_gives_up_at_half_leaves_a_resumable_part(
    server: MediaServer, opener: Opener
) -> None:
    body = BODY[:400_000]  # one range
    url = server.put("/talk.mp4", Resource(body, cut_after=200_000, cuts=1, status_after_cut=404))
    with pytest.raises(RemovedError):
        opener.fetch(url)
    server.resources["/talk.mp4"].status = 200
    server.forget()

    assert opener.fetch(url).path.read_bytes() == body
    assert server.sent_bytes() < 0.55 * len(body)


def test_a_finished_download_is_not_fetched_again(server: MediaServer, opener: Opener) -> None:
    url = server.put("/talk.mp4", Resource(BODY))
    first = opener.fetch(url)
    server.forget()

    again = opener.fetch(url)

    assert again.sha256 == first.sha256
    assert server.sent_bytes() <= 1024


def test_a_file_that_changed_meanwhile_is_fetched_anew(server: MediaServer, opener: Opener) -> None:
    url = server.put("/talk.mp4", Resource(BODY, cut_after=100_000))
    with pytest.raises(InterruptedRunError):
        opener.open(url).fetch(opener.work_dir, _interrupt_at(100_000))
    changed = bytes(reversed(BODY))
    server.put("/talk.mp4", Resource(changed, etag='"v2"'))

    assert opener.fetch(url).path.read_bytes() == changed


def test_a_file_replaced_during_the_download_is_never_mixed(
    server: MediaServer, opener: Opener
) -> None:
    url = server.put("/talk.mp4", Resource(BODY, cut_after=100_000, cuts=4))
    changed = bytes(reversed(BODY))

    def replace(progress: Download) -> None:
        if progress.status == "downloading" and server.resources["/talk.mp4"].etag == '"v1"':
            server.put("/talk.mp4", Resource(changed, etag='"v2"'))

    media = opener.open(url).fetch(opener.work_dir, replace)

    assert media.path.read_bytes() in (BODY, changed)


def test_without_a_validator_nothing_is_resumed(server: MediaServer, opener: Opener) -> None:
    url = server.put("/talk.mp4", Resource(BODY, etag=None, cut_after=100_000))
    with pytest.raises(InterruptedRunError):
        opener.open(url).fetch(opener.work_dir, _interrupt_at(100_000))
    server.put("/talk.mp4", Resource(bytes(reversed(BODY)), etag=None))

    assert opener.fetch(url).path.read_bytes() == bytes(reversed(BODY))


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (401, AccessDeniedError, ExitCode.ACCESS_DENIED),
        (403, AccessDeniedError, ExitCode.ACCESS_DENIED),
        (404, RemovedError, ExitCode.REMOVED),
        (410, RemovedError, ExitCode.REMOVED),
        (418, AccessDeniedError, ExitCode.ACCESS_DENIED),
        (429, RateLimitedError, ExitCode.RATE_LIMITED),
        (451, GeoBlockedError, ExitCode.GEO_BLOCKED),
        (500, ServerError, ExitCode.SERVER_ERROR),
        (503, ServerError, ExitCode.SERVER_ERROR),
    ],
)
def test_statuses_are_named_with_a_next_step(
    server: MediaServer, opener: Opener, status: int, error: type[SlidesError], code: ExitCode
) -> None:
    url = server.put("/talk.mp4", Resource(BODY, status=status))

    with pytest.raises(error) as caught:
        opener.fetch(url)

    assert caught.value.exit_code == code
    assert str(status) in caught.value.message
    assert caught.value.hint


def test_retry_after_is_understood(server: MediaServer, opener: Opener) -> None:
    resource = Resource(BODY, status=429, headers={"Retry-After": "120"})

    with pytest.raises(RateLimitedError) as caught:
        opener.open(server.put("/talk.mp4", resource)).probe()

    when = caught.value.retry_after
    assert when is not None
    assert abs(when - datetime.now(UTC) - timedelta(seconds=120)) < timedelta(seconds=30)


def test_server_errors_in_the_middle_are_retried(server: MediaServer, opener: Opener) -> None:
    body = BODY[:100_000]
    url = server.put("/talk.mp4", Resource(body, cut_after=50_000, cuts=1, failures_after_cut=1))

    assert opener.fetch(url).path.read_bytes() == body
    assert [one.status for one in server.seen] == [206, 206, 503, 206]


def test_a_server_that_fails_at_first_is_asked_again(server: MediaServer, opener: Opener) -> None:
    url = server.put("/talk.mp4", Resource(BODY[:100_000], fail_times=2))

    assert opener.fetch(url).size_bytes == 100_000


def test_a_page_behind_a_media_address_is_no_video(server: MediaServer, opener: Opener) -> None:
    page = b"<!-- x -->\n<!DOCTYPE html><title>Sign in</title>"
    for media_type in ("text/html; charset=utf-8", "application/octet-stream"):
        url = server.put("/talk.mp4", Resource(page, media_type=media_type))

        with pytest.raises(NotAVideoError, match="web page") as caught:
            opener.fetch(url)

        assert "page that plays" in caught.value.hint
    assert opener.whole_files() == []


def test_an_image_behind_a_media_address_is_no_video(server: MediaServer, opener: Opener) -> None:
    url = server.put("/talk.mp4", Resource(b"\x89PNG", media_type="image/png"))

    with pytest.raises(NotAVideoError, match="image/png"):
        opener.fetch(url)


@pytest.mark.parametrize("ranged", [True, False])
def test_an_empty_file_is_no_video(server: MediaServer, opener: Opener, ranged: bool) -> None:
    with pytest.raises(NotAVideoError, match="empty"):
        opener.fetch(server.put("/talk.mp4", Resource(b"", ranged=ranged)))


@pytest.mark.parametrize(
    "resource",
    [
        pytest.param(Resource(hangs=True), id="never-answers"),
        pytest.param(Resource(BODY, stalls_at=16 * 1024), id="stops-in-the-middle"),
        pytest.param(Resource(BODY, ranged=False, stalls_at=16 * 1024), id="without-ranges"),
        pytest.param(Resource(BODY, ranged=False, drips=1), id="drips"),
    ],
)
def test_a_hanging_server_is_given_up(
    server: MediaServer, opener: Opener, resource: Resource
) -> None:
    with pytest.raises(TimedOutError) as caught:
        opener.fetch(server.put("/talk.mp4", resource))

    assert caught.value.exit_code == ExitCode.TIMED_OUT
    assert opener.whole_files() == []


def test_a_body_shorter_than_announced_is_an_error(server: MediaServer, opener: Opener) -> None:
    resource = Resource(BODY[:100_000], ranged=False, announced_length=150_000)

    with pytest.raises(NetworkError):
        opener.fetch(server.put("/talk.mp4", resource))

    assert opener.whole_files() == []
    assert len(server.seen) == 1 + 3  # looked at once, then tried as often as patience allows


def test_a_body_longer_than_announced_ends_where_it_should(
    server: MediaServer, opener: Opener
) -> None:
    resource = Resource(BODY[:100_000], ranged=False, announced_length=60_000)

    assert opener.fetch(server.put("/talk.mp4", resource)).size_bytes == 60_000


def test_an_announced_size_above_the_limit_is_refused_before_the_download(
    server: MediaServer, opener: Opener
) -> None:
    with pytest.raises(TooBigError) as caught:
        opener.fetch(server.put("/talk.mp4", Resource(BODY)), max_bytes=1_000_000)

    assert caught.value.exit_code == ExitCode.TOO_BIG
    assert server.sent_bytes() <= 1024


def test_a_size_that_is_not_announced_is_bounded_all_the_same(
    server: MediaServer, opener: Opener
) -> None:
    resource = Resource(BODY, ranged=False, without_length=True)

    with pytest.raises(TooBigError):
        opener.fetch(server.put("/talk.mp4", resource), max_bytes=500_000)

    assert opener.whole_files() == []
    assert sum(path.stat().st_size for path in opener.work_dir.iterdir()) < 600_000


def test_a_file_larger_than_the_disk_is_refused_at_once(
    server: MediaServer, opener: Opener
) -> None:
    resource = Resource(BODY[:5000], ranged=False, announced_length=1 << 60)

    with pytest.raises(DiskFullError) as caught:
        opener.fetch(server.put("/talk.mp4", resource))

    assert caught.value.exit_code == ExitCode.DISK_FULL


def test_interrupting_stops_soon_and_keeps_what_came(server: MediaServer, opener: Opener) -> None:
    url = server.put("/talk.mp4", Resource(BODY, stalls_at=160 * 1024))

    with pytest.raises(InterruptedRunError):
        opener.open(url).fetch(opener.work_dir, _interrupt_at(160 * 1024))

    assert sorted(path.suffix for path in opener.work_dir.iterdir()) == [".json", ".part"]


def test_credentials_are_sent_but_never_shown(server: MediaServer, opener: Opener) -> None:
    server.put("/talk.mp4", Resource(BODY[:5000]))
    url = f"http://ann:geheim@127.0.0.1:{server.port}/talk.mp4?X-Amz-Signature=abcdef&v=1"

    media = opener.fetch(url)

    assert server.seen[0].headers["Authorization"] == "Basic YW5uOmdlaGVpbQ=="
    assert media.info.url == server.url("/talk.mp4?v=1")
    server.put("/talk.mp4", Resource(status=404))
    with pytest.raises(RemovedError) as caught:
        opener.fetch(url)
    assert "geheim" not in str(caught.value)
    assert "abcdef" not in str(caught.value)


def test_a_fresh_signature_resumes_the_same_download(server: MediaServer, opener: Opener) -> None:
    server.put("/talk.mp4", Resource(BODY))
    first = opener.fetch(server.url("/talk.mp4?X-Amz-Signature=1"))
    server.forget()

    second = opener.fetch(server.url("/talk.mp4?X-Amz-Signature=2"))

    assert second.path == first.path
    assert second.info.key == first.info.key
    assert server.sent_bytes() <= 1024


def test_follows_redirects(server: MediaServer, opener: Opener) -> None:
    server.put("/real.mp4", Resource(BODY))
    url = server.put("/talk.mp4", Resource(status=302, headers={"Location": "/real.mp4"}))

    assert opener.fetch(url).path.read_bytes() == BODY


def test_a_circle_of_redirects_ends(server: MediaServer, opener: Opener) -> None:
    url = server.put("/talk.mp4", Resource(status=302, headers={"Location": "/talk.mp4"}))

    with pytest.raises(NetworkError, match="circle"):
        opener.fetch(url)


def test_a_private_address_is_refused_by_default(
    server: MediaServer, make_settings: MakeSettings, impatient: Patience
) -> None:
    url = server.put("/talk.mp4", Resource(BODY))

    with pytest.raises(AddressRefusedError) as caught:
        open_source(url, SourceSpec(url=url), make_settings(), patience=impatient)

    assert caught.value.exit_code == ExitCode.BAD_URL
    assert "ALLOW_PRIVATE_ADDRESSES" in caught.value.hint
    assert server.seen == []


@pytest.mark.parametrize(
    "target",
    ["http://169.254.169.254/latest/meta-data/", "http://localhost/", "file:///etc/passwd"],
)
def test_a_redirect_to_a_private_address_is_refused(
    server: MediaServer,
    proxy: ForwardProxy,
    make_settings: MakeSettings,
    impatient: Patience,
    target: str,
) -> None:
    proxy.hosts["talks.example"] = ("127.0.0.1", server.port)
    server.put("/talk.mp4", Resource(status=302, headers={"Location": target}))
    url = "http://talks.example/talk.mp4"
    source = open_source(
        url, SourceSpec(url=url), make_settings(), proxy=proxy.address, patience=impatient
    )

    with pytest.raises(SlidesError) as caught:
        source.probe()

    assert caught.value.exit_code == ExitCode.BAD_URL
    assert proxy.seen == [url]


def _interrupt_at(count: int) -> "Interrupt":
    return Interrupt(count)


class Interrupt:
    """Stops a download once so many bytes are there."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __call__(self, progress: Download) -> None:
        if progress.bytes >= self._count:
            raise InterruptedRunError("stopped")
