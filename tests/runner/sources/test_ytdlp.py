"""Real yt-dlp against a local server: pages, direct media, HLS, resuming, limits, formats."""

import _thread
import contextlib
import os
import random
import resource
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import av
import numpy as np
import pytest

from slides_api.exit_codes import ExitCode
from slides_api.v1alpha1 import Source as SourceSpec
from slides_runner.errors import (
    AddressRefusedError,
    BadUrlError,
    CookiesBadError,
    DiskFullError,
    ForbiddenError,
    InterruptedRunError,
    RemovedError,
    ServerError,
    SlidesError,
    ThrottledError,
    TooBigError,
    TooLongError,
)
from slides_runner.settings import RunnerSettings
from slides_runner.sources import Download, Source, open_source
from slides_runner.sources.egress import DIRECT
from slides_runner.sources.patience import Patience
from slides_runner.sources.ytdlp_options import build_download_options, build_options, read_cookies
from tests.runner.sources.conftest import MakeSettings
from tests.runner.sources.forward_proxy import ForwardProxy
from tests.runner.sources.media_server import MediaServer, Resource

BODY = random.Random(2).randbytes(3_000_000)
STUB = "https://stub.example/talk"

Open = Callable[..., Source]


@pytest.fixture
def open_url(local: RunnerSettings, impatient: Patience) -> Open:
    def open_it(url: str, **limits: int) -> Source:
        spec = SourceSpec.model_validate({"url": url, **limits})
        return open_source(url, spec, local, patience=impatient)

    return open_it


@pytest.fixture
def open_stub(open_url: Open) -> Open:
    def open_it(limits: dict[str, int] | None = None, **query: str) -> Source:
        return open_url(f"{STUB}?{urlencode(query)}", **(limits or {}))

    return open_it


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of real video."""
    path = tmp_path_factory.mktemp("talk") / "talk.mp4"
    _encode(path, "mp4", {})
    return path


@pytest.fixture(scope="module")
def hls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as HLS: a folder with a playlist and MPEG-TS segments of one second."""
    folder = tmp_path_factory.mktemp("hls")
    _encode(folder / "talk.m3u8", "hls", {"hls_time": "1", "hls_playlist_type": "vod"})
    return folder


def _encode(path: Path, container_format: str, options: dict[str, str]) -> None:
    with av.open(str(path), "w", format=container_format, options=options) as container:
        stream = container.add_stream("h264", rate=10, options={"g": "10", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        for index in range(30):
            picture = np.full((90, 160, 3), index * 8, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def _frame_count(path: Path) -> int:
    with contextlib.closing(av.open(str(path))) as container:
        return sum(1 for _ in container.decode(video=0))


def _serve_hls(server: MediaServer, folder: Path) -> str:
    for path in folder.iterdir():
        kind = "application/vnd.apple.mpegurl" if path.suffix == ".m3u8" else "video/mp2t"
        server.put(f"/hls/{path.name}", Resource(path.read_bytes(), kind))
    return server.url("/hls/talk.m3u8")


def test_a_page_with_a_video_is_read_by_the_generic_extractor(
    server: MediaServer, talk: Path, open_url: Open, work_dir: Path
) -> None:
    media_url = server.put("/files/talk.mp4", Resource(talk.read_bytes()))
    page = f'<!doctype html><title>My talk</title><video src="{media_url}"></video>'
    url = server.put("/lecture", Resource(page.encode(), "text/html"))
    progress: list[Download] = []

    source = open_url(url)
    info = source.probe()
    media = source.fetch(work_dir, progress.append)

    assert info.title == "My talk"
    assert info.key is not None
    assert info.key.startswith("url-")
    assert media.info.key == info.key
    assert media.path.read_bytes() == talk.read_bytes()
    assert progress[-1].status == "finished"


def test_hls_is_fetched_without_ffmpeg(
    server: MediaServer,
    hls: Path,
    open_url: Open,
    work_dir: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", str(work_dir))  # no program can be found

    media = open_url(_serve_hls(server, hls)).fetch(work_dir, lambda _: None)

    assert _frame_count(media.path) == 30
    assert [path.name for path in work_dir.iterdir()] == [media.path.name]


def test_a_missing_hls_segment_is_an_error_not_a_hole(
    server: MediaServer, hls: Path, open_url: Open, work_dir: Path
) -> None:
    url = _serve_hls(server, hls)
    server.put("/hls/talk1.ts", Resource(status=500))

    with pytest.raises(ServerError):
        open_url(url).fetch(work_dir, lambda _: None)

    assert not [path for path in work_dir.iterdir() if path.suffix == ".mp4"]


@pytest.mark.parametrize("broken", ["/hls/talk0.ts", "/hls/talk1.ts", "/hls/talk2.ts"])
def test_hls_goes_on_after_a_failure_without_a_hole(
    server: MediaServer, hls: Path, open_url: Open, work_dir: Path, broken: str
) -> None:
    url = _serve_hls(server, hls)
    whole, server.resources[broken] = server.resources[broken], Resource(status=404)
    with pytest.raises(RemovedError):
        open_url(url).fetch(work_dir, lambda _: None)
    server.resources[broken] = whole
    server.forget()

    media = open_url(url).fetch(work_dir, lambda _: None)

    assert _frame_count(media.path) == 30
    fetched = [one.path for one in server.seen if one.path.endswith(".ts")]
    assert len(fetched) <= 3
    assert broken in fetched


def test_hls_goes_on_after_a_full_disk_without_a_hole(
    server: MediaServer, hls: Path, open_url: Open, work_dir: Path
) -> None:
    url = _serve_hls(server, hls)
    sizes = [len(server.resources[f"/hls/talk{n}.ts"].body) for n in range(3)]
    with _file_size_limit(sizes[0] + sizes[1] // 2), pytest.raises(DiskFullError):
        open_url(url).fetch(work_dir, lambda _: None)

    assert _frame_count(open_url(url).fetch(work_dir, lambda _: None).path) == 30


def _serve_many(server: MediaServer) -> str:
    text = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-PLAYLIST-TYPE:VOD\n"
    for number in range(100):
        server.put(f"/many/{number}.ts", Resource(bytes(188 * 32), "video/mp2t", drips=2000))
        text += f"#EXTINF:1,\n{number}.ts\n"
    return server.put(
        "/many/talk.m3u8", Resource(f"{text}#EXT-X-ENDLIST\n".encode(), "application/x-mpegurl")
    )


def _segments(server: MediaServer) -> int:
    return len({one.path for one in server.seen if one.path.endswith(".ts")})


def test_a_failing_segment_ends_the_download_at_once(
    server: MediaServer, open_url: Open, work_dir: Path
) -> None:
    url = _serve_many(server)
    server.put("/many/2.ts", Resource(status=404))

    with pytest.raises(RemovedError):
        open_url(url).fetch(work_dir, lambda _: None)

    assert _segments(server) < 50


def test_ctrl_c_ends_the_download_at_once(
    server: MediaServer, open_url: Open, work_dir: Path
) -> None:
    pressed = threading.Event()

    def press_ctrl_c(_: Download) -> None:
        if not pressed.is_set():
            pressed.set()
            _thread.interrupt_main()

    # What a shell starts in the background ignores Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            open_url(_serve_many(server)).fetch(work_dir, press_ctrl_c)
    finally:
        signal.signal(signal.SIGINT, before)

    assert _segments(server) < 50


@contextlib.contextmanager
def _file_size_limit(size_bytes: int) -> Iterator[None]:
    """Let no file grow beyond a size: the system then answers as it does when a disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize(
    "lines",
    [
        '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="{key}"',
        '#EXT-X-KEY:METHOD=AES-128,URI="file:///etc/passwd"',
    ],
)
def test_a_playlist_cannot_make_another_program_fetch(
    server: MediaServer, open_url: Open, work_dir: Path, lines: str
) -> None:
    key = server.put("/key", Resource(b"k" * 16))
    text = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n{lines.format(key=key)}\n#EXTINF:1,\na.ts\n"
    server.put("/a.ts", Resource(bytes(188 * 16), "video/mp2t"))
    url = server.put(
        "/talk.m3u8", Resource(f"{text}#EXT-X-ENDLIST\n".encode(), "application/x-mpegurl")
    )

    with pytest.raises(SlidesError):
        open_url(url).fetch(work_dir, lambda _: None)

    assert "/key" not in {one.path for one in server.seen}


def test_what_the_page_says_becomes_the_video_s_record(open_stub: Open) -> None:
    info = open_stub(media="https://cdn.example/talk.mp4").probe()

    assert info.key == "stubsite-talk"
    assert info.url == STUB
    assert (info.title, info.uploader, info.duration_s) == ("A talk", "Ann", 60)
    assert [(c.start, c.end, c.title) for c in info.chapters] == [(0, 30, "Begin"), (30, 60, "End")]


def test_a_list_of_one_video_is_that_video(open_stub: Open) -> None:
    info = open_stub(case="one-entry", media="https://cdn.example/talk.mp4").probe()

    assert info.key == "stubsite-talk"


@pytest.mark.parametrize(
    ("max_height", "want"), [(1080, "high-h264"), (720, "low"), (144, "low"), (4320, "huge")]
)
def test_takes_the_picture_alone_in_the_height_asked_for(
    server: MediaServer,
    open_stub: Open,
    work_dir: Path,
    max_height: int,
    want: str,
) -> None:
    url = server.put("/x.mp4", Resource(b"video"))

    open_stub({"max_height": max_height}, case="formats", media=url).fetch(work_dir, lambda _: None)

    assert {one.path for one in server.seen} == {f"/x.mp4?f={want}"}


def test_a_hostile_title_or_name_stays_in_the_work_folder(
    server: MediaServer, open_stub: Open, work_dir: Path
) -> None:
    url = server.put("/..%2f..%2fx.mp4", Resource(b"video"))

    media = open_stub(media=url, title="../../%(id)s/\0$HOME\n").fetch(work_dir, lambda _: None)

    assert media.path.parent == work_dir
    assert [path.name for path in work_dir.iterdir()] == [media.path.name]


def test_a_cut_download_goes_on_and_fetches_less_than_55_percent_again(
    server: MediaServer, open_stub: Open, work_dir: Path
) -> None:
    url = server.put("/x.mp4", Resource(BODY))

    def stop_at_half(progress: Download) -> None:
        if progress.bytes >= len(BODY) // 2:
            raise InterruptedRunError("stopped")

    with pytest.raises(InterruptedRunError):
        open_stub(media=url).fetch(work_dir, stop_at_half)
    assert [path.suffix for path in work_dir.iterdir()] == [".part"]
    server.forget()

    media = open_stub(media=url).fetch(work_dir, lambda _: None)

    assert media.path.read_bytes() == BODY
    assert sum(int(one.sent_bytes) for one in server.seen) < 0.55 * len(BODY)


def test_another_format_does_not_continue_a_part_of_this_one(
    server: MediaServer, open_stub: Open, work_dir: Path
) -> None:
    url = server.put("/x.mp4", Resource(BODY))

    def stop(_: Download) -> None:
        raise InterruptedRunError("stopped")

    with pytest.raises(InterruptedRunError):
        open_stub({"max_height": 1080}, case="formats", media=url).fetch(work_dir, stop)
    server.forget()
    open_stub({"max_height": 360}, case="formats", media=url).fetch(work_dir, lambda _: None)

    assert server.sent_bytes() >= len(BODY)


def test_a_finished_download_is_not_fetched_again(
    server: MediaServer, open_stub: Open, work_dir: Path
) -> None:
    url = server.put("/x.mp4", Resource(BODY))
    first = open_stub(media=url).fetch(work_dir, lambda _: None)
    server.forget()

    again = open_stub(media=url).fetch(work_dir, lambda _: None)

    assert again.sha256 == first.sha256
    assert server.sent_bytes() == 0


def test_probe_and_fetch_read_the_page_once(
    server: MediaServer, open_stub: Open, work_dir: Path
) -> None:
    page = server.put("/page", Resource(b"<html>", "text/html"))
    source = open_stub(case="page", page=page, media=server.put("/x.mp4", Resource(b"video")))

    source.probe()
    source.fetch(work_dir, lambda _: None)

    assert [one.path for one in server.seen] == ["/page", "/x.mp4"]


def test_forbidden_media_makes_the_page_be_read_again_but_not_forever(
    server: MediaServer, open_stub: Open, work_dir: Path
) -> None:
    page = server.put("/page", Resource(b"<html>", "text/html"))
    media = server.put("/x.mp4", Resource(status=403))

    with pytest.raises(ForbiddenError):
        open_stub(case="page", page=page, media=media).fetch(work_dir, lambda _: None)

    assert [one.path for one in server.seen] == ["/page", "/x.mp4"] * 3


@pytest.mark.slow
def test_throttling_ends_after_a_few_readings_of_the_page(
    server: MediaServer, local: RunnerSettings, work_dir: Path
) -> None:
    url = f"{STUB}?media={server.put('/x.mp4', Resource(BODY, drips=500))}"
    patience = Patience(extractions=2, attempts=2, backoff_s=0.01)
    source = open_source(url, SourceSpec(url=url), local, patience=patience)

    with pytest.raises(ThrottledError) as caught:
        source.fetch(work_dir, lambda _: None)

    assert caught.value.exit_code == ExitCode.THROTTLED


def test_a_longer_video_than_allowed_is_refused_before_the_download(
    server: MediaServer, open_stub: Open, work_dir: Path
) -> None:
    url = server.put("/x.mp4", Resource(BODY))

    with pytest.raises(TooLongError) as caught:
        open_stub({"max_duration_seconds": 59}, media=url).fetch(work_dir, lambda _: None)

    assert caught.value.exit_code == ExitCode.TOO_LONG
    assert server.seen == []


@pytest.mark.parametrize("announced", [True, False])
def test_a_bigger_video_than_allowed_is_stopped(
    server: MediaServer, open_stub: Open, work_dir: Path, announced: bool
) -> None:
    resource = Resource(BODY, ranged=announced, without_length=not announced)
    url = server.put("/x.mp4", resource)

    with pytest.raises(TooBigError):
        open_stub({"max_bytes": 1_000_000}, media=url).fetch(work_dir, lambda _: None)

    assert all(path.stat().st_size < 1_500_000 for path in work_dir.iterdir())


@pytest.mark.parametrize("target", ["http://169.254.169.254/x.mp4", "http://10.0.0.1/x.mp4"])
def test_a_private_media_url_is_refused(
    make_settings: MakeSettings, impatient: Patience, work_dir: Path, target: str
) -> None:
    url = f"{STUB}?{urlencode({'media': target})}"
    source = open_source(url, SourceSpec(url=url), make_settings(), patience=impatient)

    with pytest.raises(AddressRefusedError):
        source.fetch(work_dir, lambda _: None)


@pytest.mark.parametrize("impersonate", ["", "chrome"])
def test_a_redirect_of_a_page_to_a_private_address_is_refused(
    server: MediaServer,
    proxy: ForwardProxy,
    make_settings: MakeSettings,
    impatient: Patience,
    impersonate: str,
) -> None:
    proxy.hosts["talks.example"] = ("127.0.0.1", server.port)
    server.put("/page", Resource(status=302, headers={"Location": "http://10.0.0.1/"}))
    query = {"case": "page", "page": "http://talks.example/page", "impersonate": impersonate}
    url = f"{STUB}?{urlencode(query)}"
    source = open_source(
        url, SourceSpec(url=url), make_settings(), proxy=proxy.address, patience=impatient
    )

    with pytest.raises(AddressRefusedError):
        source.probe()

    assert proxy.seen == ["http://talks.example/page"]


@pytest.mark.parametrize("impersonate", ["", "chrome"])
def test_a_page_on_a_private_address_is_refused(
    server: MediaServer, make_settings: MakeSettings, impatient: Patience, impersonate: str
) -> None:
    page = server.put("/page", Resource(b"<html>", "text/html"))
    url = f"{STUB}?{urlencode({'case': 'page', 'page': page, 'impersonate': impersonate})}"
    source = open_source(url, SourceSpec(url=url), make_settings(), patience=impatient)

    with pytest.raises(AddressRefusedError):
        source.probe()

    assert server.seen == []


def test_our_own_po_token_provider_may_lie_in_a_private_network(
    server: MediaServer, make_settings: MakeSettings, impatient: Patience
) -> None:
    page = server.put("/page", Resource(b"<html>", "text/html"))
    url = f"{STUB}?{urlencode({'case': 'page', 'page': page, 'media': 'https://cdn.example/x'})}"
    settings = make_settings(pot_provider_url=server.url(""))

    open_source(url, SourceSpec(url=url), settings, patience=impatient).probe()

    assert [one.path for one in server.seen] == ["/page"]


def test_a_browser_s_fingerprint_still_follows_redirects(
    server: MediaServer, open_stub: Open
) -> None:
    server.put("/real", Resource(b"<html>", "text/html"))
    page = server.put("/page", Resource(status=302, headers={"Location": "/real"}))
    source = open_stub(
        case="page", page=page, impersonate="chrome", media="https://cdn.example/talk.mp4"
    )

    assert source.probe().title == "A talk"
    assert [one.path for one in server.seen] == ["/page", "/real"]
    assert "Chrome" in server.seen[0].headers["User-Agent"]


def test_cookies_are_sent_and_their_file_is_left_as_it_was(
    server: MediaServer, make_settings: MakeSettings, impatient: Patience, tmp_path: Path
) -> None:
    jar = tmp_path / "cookies.txt"
    jar.write_text(
        "# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t4102444800\tsession\tabc\n"
    )
    jar.chmod(0o400)
    before = jar.read_bytes(), jar.stat().st_mtime_ns
    page = server.put(
        "/page", Resource(b"<html>", "text/html", headers={"Set-Cookie": "session=new"})
    )
    url = f"{STUB}?{urlencode({'case': 'page', 'page': page, 'media': 'https://cdn.example/x'})}"
    settings = make_settings(allow_private_addresses=True, cookies_file=str(jar))

    open_source(url, SourceSpec(url=url), settings, patience=impatient).probe()

    assert server.seen[0].headers["Cookie"] == "session=abc"
    assert (jar.read_bytes(), jar.stat().st_mtime_ns) == before


@pytest.mark.parametrize("content", ['[{"name": "session"}]', "session=abc", "\xff\xfe\x00"])
def test_unreadable_cookies_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "cookies.txt"
    path.write_bytes(content.encode("latin-1"))

    with pytest.raises(CookiesBadError) as caught:
        read_cookies(str(path))

    assert caught.value.exit_code == ExitCode.COOKIES_BAD
    with pytest.raises(CookiesBadError):
        read_cookies(str(tmp_path / "missing.txt"))


def test_options_leave_nothing_to_yt_dlp_s_defaults_that_matter() -> None:
    options = build_options(
        SourceSpec(url="x"),
        hop=DIRECT,
        patience=Patience(),
        pot_provider_url="http://pot:4416",
    ) | build_download_options(Path("work"), "name", lambda _: None)

    assert options["extractor_args"] == {"youtubepot-bgutilhttp": {"base_url": ["http://pot:4416"]}}
    assert options["retries"] == options["fragment_retries"] == 4
    assert options["socket_timeout"] == 30
    assert options["noplaylist"] is True
    assert options["enable_file_urls"] is False
    assert options["skip_unavailable_fragments"] is False
    assert options["concurrent_fragment_downloads"] == 4
    assert not os.path.exists(options["ffmpeg_location"])  # noqa: PTH110 - below a device


def test_an_environment_s_proxy_is_not_used_behind_our_back(
    server: MediaServer,
    open_stub: Open,
    proxy: ForwardProxy,
    monkeypatch: pytest.MonkeyPatch,
    work_dir: Path,
) -> None:
    monkeypatch.setenv("http_proxy", f"http://{proxy.address}")

    open_stub(media=server.put("/x.mp4", Resource(b"video"))).fetch(work_dir, lambda _: None)

    assert proxy.seen == []


def test_a_shorthand_of_a_foreign_form_is_a_bad_url(open_url: Open) -> None:
    with pytest.raises(BadUrlError):
        open_url("youtube:https://www.youtube.com/watch?v=dQw4w9WgXcQ")
