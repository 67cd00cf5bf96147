"""Every way in which yt-dlp fails, raised through the real yt-dlp, and what becomes of it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest

from slides_api.exit_codes import ExitCode
from slides_api.v1alpha1 import Source as SourceSpec
from slides_runner.errors import (
    AccessDeniedError,
    AgeRestrictedError,
    BadUrlError,
    BotCheckError,
    CookiesBadError,
    DiskFullError,
    DrmError,
    ForbiddenError,
    GeoBlockedError,
    InterruptedRunError,
    LiveNotStartedError,
    LiveNowError,
    MembersOnlyError,
    NetworkError,
    NoFormatsError,
    NotAVideoError,
    PaymentRequiredError,
    PrivateVideoError,
    ProcessingError,
    RateLimitedError,
    RemovedError,
    ServerError,
    SlidesError,
    TimedOutError,
)
from slides_runner.settings import RunnerSettings
from slides_runner.sources import Source, open_source
from slides_runner.sources.patience import Patience
from tests.runner.sources.media_server import MediaServer, Resource

Open = Callable[..., Source]


@pytest.fixture
def open_case(local: RunnerSettings, impatient: Patience) -> Open:
    def open_it(case: str, **query: str) -> Source:
        url = f"https://stub.example/talk?{urlencode({'case': case, **query})}"
        return open_source(url, SourceSpec(url=url), local, patience=impatient)

    return open_it


@pytest.mark.parametrize(
    ("case", "error", "code"),
    [
        ("private", PrivateVideoError, ExitCode.PRIVATE_VIDEO),
        ("removed", RemovedError, ExitCode.REMOVED),
        ("gone", RemovedError, ExitCode.REMOVED),
        ("unavailable", RemovedError, ExitCode.REMOVED),
        ("members", MembersOnlyError, ExitCode.MEMBERS_ONLY),
        ("members-level", MembersOnlyError, ExitCode.MEMBERS_ONLY),
        ("age", AgeRestrictedError, ExitCode.AGE_RESTRICTED),
        ("geo", GeoBlockedError, ExitCode.GEO_BLOCKED),
        ("geo-uploader", GeoBlockedError, ExitCode.GEO_BLOCKED),
        ("geo-blocked", GeoBlockedError, ExitCode.GEO_BLOCKED),
        ("drm", DrmError, ExitCode.DRM),
        ("payment", PaymentRequiredError, ExitCode.PAYMENT_REQUIRED),
        ("premium", PaymentRequiredError, ExitCode.PAYMENT_REQUIRED),
        ("incomplete-id", BadUrlError, ExitCode.BAD_URL),
        ("invalid-url", BadUrlError, ExitCode.BAD_URL),
        ("several", BadUrlError, ExitCode.BAD_URL),
        ("nothing", NotAVideoError, ExitCode.NOT_A_VIDEO),
        ("begins", LiveNotStartedError, ExitCode.LIVE_NOT_STARTED),
        ("premieres", LiveNotStartedError, ExitCode.LIVE_NOT_STARTED),
        ("not-live", LiveNotStartedError, ExitCode.LIVE_NOT_STARTED),
        ("live-ended", LiveNowError, ExitCode.LIVE_NOW),
        ("processing", ProcessingError, ExitCode.PROCESSING),
        ("bot", BotCheckError, ExitCode.BOT_CHECK),
        ("captcha", BotCheckError, ExitCode.BOT_CHECK),
        ("ip-blocked", BotCheckError, ExitCode.BOT_CHECK),
        ("try-later", RateLimitedError, ExitCode.RATE_LIMITED),
        ("only-images", NoFormatsError, ExitCode.NO_FORMATS),
        ("no-format", NoFormatsError, ExitCode.NO_FORMATS),
        ("challenge", NoFormatsError, ExitCode.NO_FORMATS),
        ("no-runtime", NoFormatsError, ExitCode.NO_FORMATS),
        ("plays", NoFormatsError, ExitCode.NO_FORMATS),  # with no formats
        ("bug", NoFormatsError, ExitCode.NO_FORMATS),
        ("odd", NoFormatsError, ExitCode.NO_FORMATS),
        ("unknown", NoFormatsError, ExitCode.NO_FORMATS),
        ("name-resolution", NetworkError, ExitCode.NETWORK_ERROR),
        ("disk-full", DiskFullError, ExitCode.DISK_FULL),
        ("cookies-old", CookiesBadError, ExitCode.COOKIES_BAD),
        ("cookie-error", CookiesBadError, ExitCode.COOKIES_BAD),
        ("cancelled", InterruptedRunError, ExitCode.INTERRUPTED),
    ],
)
def test_what_extractors_raise_becomes_our_error(
    open_case: Open, case: str, error: type[SlidesError], code: ExitCode
) -> None:
    with pytest.raises(SlidesError) as caught:
        open_case(case).probe()

    assert type(caught.value) is error
    assert caught.value.exit_code == code
    assert caught.value.hint
    assert "Traceback" not in str(caught.value)
    assert "please report" not in str(caught.value)
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (401, AccessDeniedError, ExitCode.ACCESS_DENIED),
        (402, RateLimitedError, ExitCode.RATE_LIMITED),
        (403, ForbiddenError, ExitCode.FORBIDDEN),
        (404, RemovedError, ExitCode.REMOVED),
        (410, RemovedError, ExitCode.REMOVED),
        (429, RateLimitedError, ExitCode.RATE_LIMITED),
        (451, GeoBlockedError, ExitCode.GEO_BLOCKED),
        (500, ServerError, ExitCode.SERVER_ERROR),
        (503, ServerError, ExitCode.SERVER_ERROR),
    ],
)
def test_statuses_of_pages_and_media_become_our_error(
    *,
    server: MediaServer,
    open_case: Open,
    work_dir: Path,
    status: int,
    error: type[SlidesError],
    code: ExitCode,
) -> None:
    url = server.put("/x.mp4", Resource(status=status))

    for source in (open_case("page", page=url), open_case("plays", media=url)):
        with pytest.raises(SlidesError) as caught:
            source.fetch(work_dir, lambda _: None)

        assert type(caught.value) is error
        assert caught.value.exit_code == code
        assert caught.value.hint


def test_a_hanging_page_and_hanging_media_time_out(
    server: MediaServer, open_case: Open, work_dir: Path
) -> None:
    url = server.put("/x.mp4", Resource(hangs=True))

    for source in (open_case("page", page=url), open_case("plays", media=url)):
        with pytest.raises(TimedOutError):
            source.fetch(work_dir, lambda _: None)


def test_media_that_ends_early_is_a_network_error(
    server: MediaServer, open_case: Open, work_dir: Path
) -> None:
    resource = Resource(bytes(100_000), ranged=False, announced_length=150_000)
    source = open_case("plays", media=server.put("/x.mp4", resource))

    with pytest.raises(NetworkError):
        source.fetch(work_dir, lambda _: None)

    assert [path.suffix for path in work_dir.iterdir()] == [".part"]


def test_a_closed_port_is_a_network_error(open_case: Open, work_dir: Path) -> None:
    source = open_case("plays", media="http://127.0.0.1:9/x.mp4")  # the discard port

    with pytest.raises(NetworkError):
        source.fetch(work_dir, lambda _: None)


def test_an_upcoming_event_says_when_to_come_back(open_case: Open) -> None:
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3)
    for case in ("begins", "upcoming"):  # as an error's words, and as the page's data
        with pytest.raises(LiveNotStartedError) as caught:
            open_case(case, start=str(int(start.timestamp())), media="http://x.example/").probe()

        assert caught.value.retry_after == start + timedelta(minutes=1)


@pytest.mark.parametrize("case", ["live-now", "post-live"])
def test_a_running_broadcast_is_waited_for(open_case: Open, case: str) -> None:
    with pytest.raises(LiveNowError) as caught:
        open_case(case, media="http://x.example/x.mp4").probe()

    assert caught.value.exit_code == ExitCode.LIVE_NOW
    assert caught.value.retry_after is not None


def test_the_recording_of_a_broadcast_is_a_video(open_case: Open) -> None:
    assert open_case("was-live", media="http://x.example/x.mp4").probe().title == "A talk"


def test_the_site_s_own_words_reach_the_user(open_case: Open) -> None:
    with pytest.raises(PrivateVideoError, match="granted access") as caught:
        open_case("private").probe()

    assert "ERROR" not in caught.value.message
    assert "COOKIES_FILE" in caught.value.hint


def test_countries_of_a_geo_block_are_named(open_case: Open) -> None:
    with pytest.raises(GeoBlockedError) as caught:
        open_case("geo").probe()

    assert "DE, AT" in caught.value.hint


def test_waiting_and_limited_sources_say_when_to_come_back(open_case: Open) -> None:
    for case in ("processing", "try-later", "live-ended", "premieres"):
        with pytest.raises(SlidesError) as caught:
            open_case(case).probe()

        assert caught.value.retry_after is not None
        assert caught.value.retry_after > datetime.now(UTC)


def test_a_page_of_an_unknown_site_without_a_video_is_a_bad_url(
    server: MediaServer, local: RunnerSettings, impatient: Patience
) -> None:
    url = server.put("/page", Resource(b"<!doctype html><p>Nothing here</p>", "text/html"))

    with pytest.raises(BadUrlError) as caught:
        open_source(url, SourceSpec(url=url), local, patience=impatient).probe()

    assert caught.value.exit_code == ExitCode.BAD_URL
    assert caught.value.hint


def test_a_closed_page_of_an_unknown_site_is_access_denied(
    server: MediaServer, local: RunnerSettings, impatient: Patience
) -> None:
    url = server.put("/page", Resource(status=403))

    with pytest.raises(AccessDeniedError):
        open_source(url, SourceSpec(url=url), local, patience=impatient).probe()
