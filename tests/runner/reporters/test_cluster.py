"""The status as it goes to an API server: when, how often, and what when it does not go."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from slides_api.conditions import Reason
from slides_runner.reporters import Found, Progress, Stage, Stored
from slides_runner.reporters.api_server import Answer, ApiServer, Resource, Verdict, read_answer
from slides_runner.reporters.cluster import (
    LONGEST_INTERVAL_S,
    ClusterReporter,
    OnOver,
    Pace,
    Rhythm,
)
from slides_runner.reporters.status import LastWords
from slides_runner.sources import VideoInfo
from tests.cluster.certificates import Authority, Certificate, make_authority
from tests.runner.reporters.played_server import (
    POLICY_REFUSAL,
    RBAC_REFUSAL,
    PlayedServer,
    Reply,
    run_played_server,
    write_account,
)

NEVER = Rhythm(interval_s=60.0)
"""Nothing but what is urgent is written during a test."""
WORDS = LastWords(Reason.COMPLETED, "2 slides")
EXTRACTING = Progress(Stage.EXTRACTING, "Finding slides", 40.0)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def serving(authority: Authority) -> Certificate:
    return authority.issue("server", user="kube-apiserver", group="test", names=("127.0.0.1",))


@pytest.fixture
def server(serving: Certificate) -> Iterator[PlayedServer]:
    with run_played_server(serving) as running:
        yield running


@pytest.fixture
def account(authority: Authority, tmp_path: Path) -> Path:
    return write_account(tmp_path / "account", authority.certificate)


Report = Callable[..., ClusterReporter]


@pytest.fixture
def report(server: PlayedServer, account: Path) -> Iterator[Report]:
    """Start reporters, which have ended after the test."""
    made: list[ClusterReporter] = []

    def start(
        rhythm: Rhythm = NEVER,
        *,
        on_over: OnOver = lambda _why: None,
        told: list[str] | None = None,
    ) -> ClusterReporter:
        reporter = ClusterReporter(
            ApiServer("127.0.0.1", server.port, service_account=account),
            Resource("media", "talk"),
            attempt=3,
            earlier_video=None,
            rhythm=rhythm,
            on_over=on_over,
            warn=(told if told is not None else []).append,
        )
        made.append(reporter)
        reporter.start()
        return reporter

    yield start
    for one in made:
        one.finish(WORDS, within_s=0.0)


def test_says_at_once_that_the_attempt_has_begun(server: PlayedServer, report: Report) -> None:
    report()

    (patch,) = server.wait_for(1)
    assert patch.path == (
        "/apis/slides-extractor.dev/v1alpha1/namespaces/media/slideextractions/talk/status"
        "?fieldManager=slides-runner&force=true"
    )
    assert (patch.token, patch.media_type) == ("first", "application/apply-patch+yaml")
    assert patch.body["metadata"] == {"name": "talk"}
    assert (patch.run["attempt"], patch.run["percent"]) == (3, 0)


def test_what_matters_is_written_at_once(server: PlayedServer, report: Report) -> None:
    reporter = report()
    server.wait_for(1)

    reporter.report(EXTRACTING)
    assert server.wait_for(2)[-1].run["stage"] == "Extracting"
    reporter.found(Found(VideoInfo("url-1", None, title="A talk")))
    assert server.wait_for(3)[-1].body["status"]["video"]["title"] == "A talk"
    reporter.stored(Stored("s3://b/p/manifest.json", "0" * 64, 2, 1000))
    assert server.wait_for(4)[-1].body["status"]["result"]["slideCount"] == 2


def test_of_many_states_the_newest_is_written(server: PlayedServer, report: Report) -> None:
    reporter = report(Rhythm(interval_s=0.3))
    server.wait_for(1)
    reporter.report(EXTRACTING)
    server.wait_for(2)

    for done in range(1000):
        reporter.report(replace(EXTRACTING, current_frame=done))

    assert server.wait_for(3)[-1].run["currentFrame"] == 999
    time.sleep(0.7)
    assert len(server.seen) == 3  # nothing waited in a queue


def test_news_after_a_silence_waits_for_no_heartbeat(server: PlayedServer, report: Report) -> None:
    reporter = report(Rhythm(interval_s=0.1))
    server.wait_for(1)
    reporter.report(EXTRACTING)
    server.wait_for(2)
    time.sleep(0.5)  # the writer has nothing left to tell, and sleeps

    reporter.report(replace(EXTRACTING, current_frame=7))

    assert server.wait_for(3)[-1].run["currentFrame"] == 7


def test_percent_is_a_whole_number(server: PlayedServer, report: Report) -> None:
    reporter = report()
    server.wait_for(1)

    reporter.report(replace(EXTRACTING, percent=79.999))

    assert server.wait_for(2)[-1].run["percent"] == 79


def test_token_is_read_anew(server: PlayedServer, report: Report, account: Path) -> None:
    reporter = report()
    server.wait_for(1)

    (account / "token").write_text("second\n")
    reporter.report(EXTRACTING)

    assert server.wait_for(2)[-1].token == "second"


def test_says_that_it_lives_until_the_run_falls_silent(
    server: PlayedServer, report: Report
) -> None:
    reporter = report(Rhythm(interval_s=0.05, heartbeat_s=0.2, quiet_s=0.7))

    server.wait_for(3)
    time.sleep(1.2)
    silent_at = len(server.seen)
    time.sleep(0.8)
    assert len(server.seen) == silent_at
    reporter.report(EXTRACTING)
    server.wait_for(silent_at + 2)


def test_same_progress_is_a_sign_of_life(server: PlayedServer, report: Report) -> None:
    reporter = report(Rhythm(interval_s=0.05, heartbeat_s=0.2, quiet_s=0.4))

    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        reporter.report(EXTRACTING)  # a download that stalls is asked after all the same
        time.sleep(0.05)

    assert len(server.seen) >= 5


def test_busy_server_is_asked_later_and_less_often(server: PlayedServer, report: Report) -> None:
    server.replies = [Reply(429, "too many requests", retry_after="2")]
    begin = time.monotonic()

    report(Rhythm(interval_s=0.1))

    server.wait_for(2)
    assert time.monotonic() - begin >= 2.0


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(500, "etcdserver: request timed out"), id="error"),
        pytest.param(Reply(503, "apiserver is shutting down"), id="shutting down"),
        pytest.param(Reply(401, "Unauthorized"), id="token just replaced"),
        pytest.param(Reply(403, RBAC_REFUSAL), id="role binding not known yet"),
        pytest.param(Reply(409, "the object has been modified"), id="conflict"),
    ],
)
def test_failed_write_is_tried_again_and_told_once(
    server: PlayedServer, report: Report, reply: Reply
) -> None:
    server.replies, told = [reply], list[str]()

    reporter = report(told=told)

    server.wait_for(2)
    assert reporter.finish(WORDS, within_s=5.0)
    assert len(told) == 1
    assert reply.message in told[0]


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(404, 'slideextractions "talk" not found'), id="deleted"),
        pytest.param(Reply(403, POLICY_REFUSAL), id="later attempt"),
    ],
)
def test_attempt_that_is_over_is_told_so_once(
    server: PlayedServer, report: Report, reply: Reply
) -> None:
    server.usual, over, heard = reply, list[str](), threading.Event()

    def hear(why: str) -> None:
        over.append(why)
        heard.set()

    reporter = report(on_over=hear)

    assert heard.wait(10)
    reporter.report(EXTRACTING)
    assert not reporter.finish(WORDS, within_s=5.0)
    assert [reply.message in one for one in over] == [True]
    assert len(server.seen) == 1


def test_last_words_arrive_after_a_failure(server: PlayedServer, report: Report) -> None:
    reporter = report()
    server.wait_for(1)
    server.replies = [Reply(500), Reply(429, retry_after="30"), Reply(500)]

    assert reporter.finish(WORDS, within_s=15.0)
    assert server.seen[-1].run["reason"] == "Completed"


def test_last_words_wait_no_longer_than_allowed(server: PlayedServer, report: Report) -> None:
    server.usual = Reply(hangs=True)
    reporter = report()
    server.wait_for(1)
    begin = time.monotonic()

    assert not reporter.finish(WORDS, within_s=1.0)
    assert time.monotonic() - begin < 2.0


def test_server_that_nobody_vouches_for_is_told_nothing(
    server: PlayedServer, report: Report, account: Path, tmp_path: Path
) -> None:
    stranger = make_authority(tmp_path / "stranger")
    (account / "ca.crt").write_bytes(stranger.certificate.read_bytes())
    told = list[str]()

    reporter = report(told=told)

    assert not reporter.finish(WORDS, within_s=1.0)
    assert "CERTIFICATE_VERIFY_FAILED" in told[0]
    assert server.seen == []


def test_missing_token_fails_no_run(server: PlayedServer, report: Report, account: Path) -> None:
    (account / "token").unlink()

    reporter = report()

    assert not reporter.finish(WORDS, within_s=0.5)
    assert server.seen == []


def test_interval_grows_with_each_429_and_recovers() -> None:
    pace, busy = Pace(1.0, 1.0), Answer(Verdict.THROTTLED, retry_after_s=1.0)

    for _ in range(3):
        pace.learn(busy, now=100.0)
    assert (pace.interval_s, pace.not_before) == (8.0, 101.0)
    for _ in range(10):
        pace.learn(busy, now=100.0)
    assert pace.interval_s == LONGEST_INTERVAL_S
    for _ in range(50):
        pace.learn(Answer(Verdict.WRITTEN), now=200.0)
    assert (pace.interval_s, pace.not_before) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("status", "body", "want"),
    [
        pytest.param(200, b"{}", Verdict.WRITTEN, id="written"),
        pytest.param(201, b"", Verdict.WRITTEN, id="made"),
        pytest.param(403, b"<html>a proxy</html>", Verdict.AWAY, id="no Kubernetes"),
        pytest.param(422, b'{"message": "Invalid value"}', Verdict.AWAY, id="refused by schema"),
        pytest.param(404, b"\xff\xfe", Verdict.OVER, id="not text"),
        pytest.param(429, b"[1]", Verdict.THROTTLED, id="no object"),
    ],
)
def test_answers_are_understood(status: int, body: bytes, want: Verdict) -> None:
    assert read_answer(status, body, None).verdict is want


@pytest.mark.parametrize(
    ("header", "want"),
    [("7", 7.0), (None, 1.0), ("soon", 1.0), ("0", 1.0), ("-3", 1.0), ("٣", 3.0)],
)
def test_retry_after_is_read(header: str | None, want: float) -> None:
    assert read_answer(429, b"{}", header).retry_after_s == want


def test_times_are_whole_seconds_in_utc(server: PlayedServer, report: Report) -> None:
    reporter = report()
    server.wait_for(1)
    later = datetime(2026, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC)

    reporter.finish(LastWords(Reason.RATE_LIMITED, "429", later), within_s=5.0)

    run = server.seen[-1].run
    assert run["retryAfter"] == "2026-03-01T12:00:00Z"
    assert abs(datetime.fromisoformat(run["updatedAt"]) - datetime.now(UTC)).seconds <= 5
