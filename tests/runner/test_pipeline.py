"""One extraction from source to manifest, with real videos, folders and servers."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slides_api.conditions import Reason
from slides_api.manifest import Artifact, Image, Manifest
from slides_api.v1alpha1 import (
    Document,
    ImageFormat,
    Outputs,
    Region,
    SlideImage,
    SlidesOutput,
)
from slides_api.v1alpha1 import Source as SourceSpec
from slides_runner.errors import (
    DiskFullError,
    InterruptedRunError,
    OutputConflictError,
    TooLongError,
)
from slides_runner.pipeline import RunRequest, RunResult, folder_name, run
from slides_runner.reporters import Found, Progress, Stage, Stored
from slides_runner.settings import RunnerSettings
from tests.media import Talk, make_talk
from tests.runner.sources.media_server import MediaServer, Resource, run_media_server

PLAIN = Outputs(slides=SlidesOutput(documents=()))
MEGABYTE = 1_000_000


class Notes:
    """A reporter that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[Progress] = []
        self.warnings: list[str] = []
        self.videos: list[Found] = []
        self.outputs: list[Stored] = []

    def found(self, video: Found) -> None:
        self.videos.append(video)

    def stored(self, output: Stored) -> None:
        self.outputs.append(output)

    def report(self, progress: Progress) -> None:
        self.heard.append(progress)

    def warn(self, message: str) -> None:
        self.warnings.append(message)


class StopAt:
    """Lets so many steps pass, then stops the run."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def __call__(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise InterruptedRunError("Stopped.")


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Talk:
    path = tmp_path_factory.mktemp("talk") / "talk.mp4"
    return make_talk(path, slides=((1, 3.0), (2, 3.0), (1, 3.0)))


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> RunnerSettings:
    for name in RunnerSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    return RunnerSettings(allow_private_addresses=True)


Extract = Callable[..., RunResult]


@pytest.fixture
def extract(settings: RunnerSettings, tmp_path: Path) -> Extract:
    """Run the pipeline; what is not named is quick and goes to `out`."""

    def extract(
        url: str | Path,
        *,
        outputs: Outputs = PLAIN,
        output: str | None = "out",
        force: bool = False,
        several: bool = False,
        notes: Notes | None = None,
        check: Callable[[], None] = lambda: None,
        max_duration_seconds: int | None = None,
    ) -> RunResult:
        request = RunRequest(
            source=SourceSpec(url=str(url), max_duration_seconds=max_duration_seconds),
            outputs=outputs,
            work_root=tmp_path / "work",
            output=output,
            several=several,
            force=force,
        )
        return run(request, settings, notes or Notes(), check=check)

    return extract


@pytest.fixture
def server() -> Iterator[MediaServer]:
    with run_media_server() as running:
        yield running


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_makes_everything_and_records_it(talk: Talk, extract: Extract, tmp_path: Path) -> None:
    result = extract(talk.path, outputs=Outputs())

    manifest = Manifest.model_validate_json((tmp_path / "out" / "manifest.json").read_bytes())
    made = contents(tmp_path / "out")
    files: list[Image | Artifact] = [
        *(slide.image for slide in manifest.slides),
        *manifest.artifacts,
    ]
    assert result.reason is Reason.COMPLETED
    assert manifest == result.manifest
    assert [len(slide.spans) for slide in manifest.slides] == [2, 1]
    assert {one.kind for one in manifest.artifacts} == {"html", "pdf", "videoSegments"}
    assert {"manifest.json", *(one.key for one in files)} == set(made)
    for one in files:
        assert hashlib.sha256(made[one.key]).hexdigest() == one.sha256
        assert len(made[one.key]) == one.bytes


def test_same_input_gives_same_bytes(talk: Talk, extract: Extract, tmp_path: Path) -> None:
    extract(talk.path, outputs=Outputs(), output="one")
    extract(talk.path, outputs=Outputs(), output="two")

    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_same_video_under_another_name_is_the_same_talk(
    talk: Talk, extract: Extract, tmp_path: Path
) -> None:
    extract(talk.path)
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(talk.path.read_bytes())

    assert extract(copy).reason is Reason.ALREADY_COMPLETED


def test_finished_output_is_not_made_again(talk: Talk, extract: Extract, tmp_path: Path) -> None:
    extract(talk.path)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")}
    notes = Notes()

    result = extract(talk.path, notes=notes)

    assert result.reason is Reason.ALREADY_COMPLETED
    assert len(result.manifest.slides) == 2
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*")} == before
    assert notes.heard[-1].percent == 100
    assert Stage.EXTRACTING not in {one.stage for one in notes.heard}


def test_finished_download_is_not_fetched_again(
    talk: Talk, extract: Extract, server: MediaServer
) -> None:
    url = server.put("/talk.mp4", Resource(talk.path.read_bytes() + padding(MEGABYTE)))
    extract(url)
    server.forget()

    assert extract(url).reason is Reason.ALREADY_COMPLETED
    assert server.sent_bytes() < MEGABYTE / 10


def test_forced_output_is_made_again(talk: Talk, extract: Extract, tmp_path: Path) -> None:
    extract(talk.path)

    result = extract(talk.path, force=True)

    assert result.reason is Reason.COMPLETED
    assert (tmp_path / "out" / "manifest.json").exists()


def test_other_options_in_the_same_folder_need_force(
    talk: Talk, extract: Extract, tmp_path: Path
) -> None:
    png = Outputs(slides=SlidesOutput(image=SlideImage(format=ImageFormat.PNG), documents=()))
    extract(talk.path)

    with pytest.raises(OutputConflictError, match="other options"):
        extract(talk.path, outputs=png)
    extract(talk.path, outputs=png, force=True)

    assert [path.suffix for path in (tmp_path / "out" / "slides").iterdir()] == [".png"] * 2


def test_several_talks_go_into_a_folder_each(talk: Talk, extract: Extract, tmp_path: Path) -> None:
    result = extract(talk.path, several=True)

    key = result.manifest.source.key
    assert (tmp_path / "out" / key / "manifest.json").exists()


def test_without_output_the_folder_is_named_after_the_talk(
    talk: Talk, extract: Extract, tmp_path: Path
) -> None:
    extract(talk.path, output=None)

    assert (tmp_path / "talk-slides" / "manifest.json").exists()


def test_documents_are_made_on_request_alone(talk: Talk, extract: Extract, tmp_path: Path) -> None:
    extract(talk.path, outputs=Outputs(slides=SlidesOutput(documents=(Document.PDF,))))

    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"manifest.json", "slides", "slides.pdf", "video_segments.json"}


def test_region_is_what_is_looked_at_and_cut_out(talk: Talk, extract: Extract) -> None:
    left = Region(left=0.0, top=0.0, width=0.5, height=1.0)

    result = extract(talk.path, outputs=Outputs(slides=SlidesOutput(region=left, documents=())))

    sizes = {(slide.image.width, slide.image.height) for slide in result.manifest.slides}
    assert sizes == {(talk.size[0] // 2, talk.size[1])}


def test_segments_name_their_files_relatively(talk: Talk, extract: Extract, tmp_path: Path) -> None:
    extract(talk.path)

    text = (tmp_path / "out" / "video_segments.json").read_text()
    assert str(tmp_path) not in text
    assert "slides/0001.webp" in json.dumps(json.loads(text))


def test_percent_rises_from_stage_to_stage(talk: Talk, extract: Extract) -> None:
    notes = Notes()

    extract(talk.path, notes=notes)

    percents = [one.percent for one in notes.heard]
    stages = [one.stage for one in notes.heard]
    assert percents == sorted(percents)
    assert (percents[0], percents[-1]) == (0, 100)
    assert list(dict.fromkeys(stages)) == list(Stage)
    assert notes.heard[-1].total_slides == 2


def test_longer_video_than_allowed_is_refused_before_the_work(
    talk: Talk, extract: Extract, tmp_path: Path
) -> None:
    notes = Notes()

    with pytest.raises(TooLongError, match="9 s, 5 s are allowed"):
        extract(talk.path, max_duration_seconds=5, notes=notes)

    assert not (tmp_path / "out").exists()
    assert Stage.EXTRACTING not in {one.stage for one in notes.heard}


def test_video_at_the_limit_is_taken(talk: Talk, extract: Extract) -> None:
    assert extract(talk.path, max_duration_seconds=9).reason is Reason.COMPLETED


@pytest.mark.parametrize("steps", [0, 1, 3, 5, 7, 9])
def test_stopped_run_never_looks_complete_and_the_next_completes(
    talk: Talk, extract: Extract, tmp_path: Path, steps: int
) -> None:
    with pytest.raises(InterruptedRunError):
        extract(talk.path, check=StopAt(steps))
    assert not (tmp_path / "out" / "manifest.json").exists()
    assert [path for path in (tmp_path / "work").rglob("*") if path.is_file()] == []

    assert extract(talk.path).reason is Reason.COMPLETED


def test_stopped_download_is_gone_on_with(
    talk: Talk, extract: Extract, server: MediaServer
) -> None:
    body = talk.path.read_bytes() + padding(4 * MEGABYTE)
    url = server.put("/talk.mp4", Resource(body))

    def stop_at_half() -> None:
        if notes.heard and sum(one.bytes for one in notes.heard[-1].downloads) > len(body) / 2:
            raise InterruptedRunError("Stopped.")

    notes = Notes()
    with pytest.raises(InterruptedRunError, match="kept in"):
        extract(url, notes=notes, check=stop_at_half)
    server.forget()
    result = extract(url)

    assert result.reason is Reason.COMPLETED
    assert result.manifest.source.bytes == len(body)
    assert server.sent_bytes() < 0.55 * len(body)


def padding(size: int) -> bytes:
    """Return an MP4 box that players pass over, to make a small talk a large download."""
    return size.to_bytes(4, "big") + b"free" + bytes(size - 8)


def test_talk_without_slides_succeeds_with_a_manifest_that_says_so(
    talk: Talk, extract: Extract, tmp_path: Path
) -> None:
    patient = Outputs(slides=SlidesOutput(min_duration_seconds=60))

    result = extract(talk.path, outputs=patient)

    manifest = json.loads((tmp_path / "out" / "manifest.json").read_bytes())
    assert result.reason is Reason.NO_SLIDES_FOUND
    assert manifest["slides"] == []
    assert [one["reason"] for one in manifest["warnings"]] == ["NoSlidesFound"]
    assert extract(talk.path, outputs=patient).reason is Reason.ALREADY_COMPLETED


@pytest.mark.parametrize(
    ("title", "want"),
    [
        pytest.param("A Talk: état", "A Talk état-slides", id="colon"),
        pytest.param("../../etc/passwd", "etc passwd-slides", id="path"),
        pytest.param("a\0b\x1b[2Jc\nd", "a b [2Jc d-slides", id="controls"),
        pytest.param("..", "talk-slides", id="dots"),
        pytest.param("", "talk-slides", id="nothing"),
        pytest.param("-rf", "rf-slides", id="option"),
        pytest.param("x\u202ey", "x y-slides", id="right-to-left override"),
        pytest.param("日本語", "日本語-slides", id="other scripts"),
        pytest.param("é" * 300, "é" * 60 + "-slides", id="too long"),
        pytest.param("\udcff", "talk-slides", id="no text"),
    ],
)
def test_folder_name_is_safe(title: str, want: str) -> None:
    assert folder_name(title) == want


def test_reporters_hear_which_video_and_which_output_it_is(
    talk: Talk, extract: Extract, server: MediaServer, tmp_path: Path
) -> None:
    url = server.put("/talk.mp4", Resource(talk.path.read_bytes()))
    notes, again = Notes(), Notes()

    result = extract(url, notes=notes)
    extract(url, notes=again)

    content = (tmp_path / "out" / "manifest.json").read_bytes()
    (output,) = notes.outputs
    assert [one.width for one in notes.videos] == [None, 640]
    assert {one.info.key for one in notes.videos} == {result.manifest.source.key}
    assert {one.info.extractor for one in notes.videos} == {"http"}
    assert output.manifest_uri == (tmp_path / "out" / "manifest.json").as_uri()
    assert output.manifest_sha256 == hashlib.sha256(content).hexdigest()
    assert output.size_bytes == sum(len(one) for one in contents(tmp_path / "out").values())
    assert again.outputs == notes.outputs
    assert again.videos[-1].width == 640


def test_full_work_volume_stops_the_run(
    talk: Talk, settings: RunnerSettings, server: MediaServer, tmp_path: Path
) -> None:
    body = talk.path.read_bytes() + padding(3 * MEGABYTE)
    url = server.put("/talk.mp4", Resource(body, without_length=True, ranged=False, drips=20_000))
    request = RunRequest(
        source=SourceSpec(url=url),
        outputs=PLAIN,
        work_root=tmp_path / "work",
        output=str(tmp_path / "out"),
        work_limit_bytes=MEGABYTE,
    )

    with pytest.raises(DiskFullError, match="1,000,000 bytes is full"):
        run(request, settings, Notes())

    assert not (tmp_path / "out").exists()
