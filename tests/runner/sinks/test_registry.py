from pathlib import Path

import pytest
from pydantic import SecretStr

from slides_api.v1alpha1 import Outputs
from slides_runner.errors import InvalidSpecError
from slides_runner.settings import RunnerSettings
from slides_runner.sinks import Sink
from slides_runner.sinks.registry import folder_below, open_sink


def sink_for(output: str, folder: str = "") -> Sink:
    settings = RunnerSettings(
        s3_endpoint="http://127.0.0.1:1",
        s3_access_key=SecretStr("a"),
        s3_secret_key=SecretStr("b"),
        s3_bucket_name="slides-extractor",
    )
    return open_sink(output, folder=folder, settings=settings, warn=lambda _: None)


@pytest.mark.parametrize(
    ("output", "folder", "want"),
    [
        ("s3://talks", "", "s3://talks/manifest.json"),
        ("s3://talks/", "k/h/", "s3://talks/k/h/manifest.json"),
        ("s3://talks/2026/may/", "k/h/", "s3://talks/2026/may/k/h/manifest.json"),
        ("S3://talks//x", "", "s3://talks/x/manifest.json"),
        ("s3://", "k/h/", "s3://slides-extractor/k/h/manifest.json"),
        ("/out", "", "file:///out/manifest.json"),
        ("/out", "file-1", "file:///out/file-1/manifest.json"),
        ("file:///my%20out", "", "file:///my%20out/manifest.json"),
    ],
)
def test_places_outputs(output: str, folder: str, want: str) -> None:
    assert sink_for(output, folder).uri("manifest.json") == want


def test_takes_relative_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert sink_for("out").local_path("slides.pdf") == tmp_path / "out" / "slides.pdf"


def test_refuses_other_kinds_of_places() -> None:
    with pytest.raises(InvalidSpecError, match="s3://BUCKET"):
        sink_for("gs://talks")


@pytest.mark.parametrize(
    ("output", "several", "want"),
    [
        ("out", False, ""),
        ("out", True, "file-1"),
        ("s3://talks", False, f"file-1/{'0' * 8}/"),
        ("s3://talks", True, f"file-1/{'0' * 8}/"),
    ],
)
def test_gives_each_talk_a_folder_where_it_needs_one(output: str, several: bool, want: str) -> None:
    folder = folder_below(output, video_key="file-1", outputs=Outputs(), several=several)
    assert len(folder) == len(want)
    assert folder.startswith("file-1/" if output.startswith("s3") else want)
