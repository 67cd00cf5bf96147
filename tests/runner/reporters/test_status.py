"""What the runner says of an attempt fits the resource's schema, whatever strangers named."""

from datetime import UTC, datetime

import pytest

from slides_api.conditions import Reason
from slides_api.v1alpha1 import RunnerStatus, Video
from slides_runner.reporters import Found, Progress, Stage, Stored
from slides_runner.reporters.status import LastWords, State, build_status
from slides_runner.sources import Download, VideoInfo

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOSTILE = "\x1b[2J\u202e\n\ud800" + "x" * 20_000
PROGRESS = Progress(
    Stage.DOWNLOADING,
    "Downloading 1.0 of 2.0 MB",
    15.7,
    downloads=(Download("talk.mp4", "downloading", 1_000_000, 2_000_000),),
)


def test_first_word() -> None:
    assert build_status(State(4), NOW) == {
        "run": {
            "attempt": 4,
            "message": "Starting",
            "percent": 0,
            "updatedAt": "2026-03-01T12:00:00Z",
        }
    }


def test_progress() -> None:
    run = build_status(State(1, progress=PROGRESS), NOW)["run"]

    assert (run["stage"], run["message"], run["percent"]) == ("Downloading", PROGRESS.message, 15)
    assert run["downloads"] == [
        {"file": "talk.mp4", "status": "downloading", "bytes": 1_000_000, "totalBytes": 2_000_000}
    ]
    assert "reason" not in run


def test_last_words_keep_how_far_it_was() -> None:
    words = LastWords(Reason.RATE_LIMITED, "429: too many requests.", NOW)

    run = build_status(State(1, progress=PROGRESS, words=words), NOW)["run"]

    assert (run["stage"], run["percent"]) == ("Downloading", 15)
    assert (run["reason"], run["message"]) == ("RateLimited", words.message)
    assert run["retryAfter"] == "2026-03-01T12:00:00Z"


def test_earlier_video_is_told_until_there_is_another() -> None:
    earlier = Video(key="youtube-a", title="A talk")
    found = Found(VideoInfo("youtube-b", None, id="b", extractor="youtube"), 60.0)

    before = build_status(State(2, earlier), NOW)["video"]
    after = build_status(State(2, earlier, video=found), NOW)["video"]

    assert before == {"key": "youtube-a", "title": "A talk"}
    assert after == {
        "key": "youtube-b",
        "id": "b",
        "extractor": "youtube",
        "durationSeconds": 60.0,
    }


@pytest.mark.parametrize("duration_s", [float("nan"), float("inf"), -1.0, None])
def test_duration_that_is_no_number_is_left_out(duration_s: float | None) -> None:
    found = Found(VideoInfo("url-1", None), duration_s)

    assert "durationSeconds" not in build_status(State(1, video=found), NOW)["video"]


def test_hostile_texts_are_cut_and_cleaned() -> None:
    info = VideoInfo(HOSTILE, HOSTILE, extractor=HOSTILE, id=HOSTILE, title=HOSTILE)
    downloads = tuple(Download(HOSTILE, HOSTILE, 2**80, 2**80) for _ in range(100))
    state = State(
        1,
        progress=Progress(Stage.DOWNLOADING, HOSTILE, 10.0, 2**80, 2**80, 2**80, 2**80, downloads),
        video=Found(info, 1e308, 2**80, 2**80),
        output=Stored(f"s3://b/{HOSTILE}", "0" * 64, 2**80, 2**80),
        words=LastWords(Reason.NETWORK_ERROR, HOSTILE),
    )

    status = build_status(state, NOW)

    RunnerStatus.model_validate(status)
    assert len(str(status).encode()) < 100_000
    for text in (status["run"]["message"], status["video"]["title"], status["video"]["id"]):
        assert text.isprintable()
