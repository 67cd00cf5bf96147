"""`slides extract` as people and machines call it."""

import inspect
import json
import shutil
import subprocess
from pathlib import Path
from typing import get_args

import pytest
from PIL import Image

from slides_api.conditions import Reason
from slides_api.exit_codes import ExitCode
from slides_api.v1alpha1 import ImageFormat, Sensitivity, SlidesOutput, Source
from slides_runner.cli.app import ImageFormatName, SensitivityName, extract
from slides_runner.cli.extract import combined
from slides_runner.cli.options import SlideOptions, SourceOptions
from tests.media import Talk
from tests.runner.command import command, environment, slides
from tests.s3_server import S3Server

QUICK = ("--no-pdf", "--no-html")


def test_people_get_a_folder_named_after_the_talk(folder: Path) -> None:
    ended = slides("extract", "talk.mp4", cwd=folder)

    out = folder / "talk-slides"
    assert ended.exit_code == 0
    assert ended.stdout.splitlines() == [
        "talk: 2 slides",
        f"  output  {out}",
        f"  report  {out / 'report.html'}",
        f"  pdf     {out / 'slides.pdf'}",
    ]
    assert sorted(path.name for path in (out / "slides").iterdir()) == ["0001.webp", "0002.webp"]


def test_machines_get_one_document_with_absolute_paths(folder: Path) -> None:
    ended = slides("extract", "talk.mp4", "--output", "out", "--json", cwd=folder)

    out = folder / "out"
    document = ended.document
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert document["manifest"] == (out / "manifest.json").as_uri()
    assert document["reason"] == "Completed"
    assert document["output"] == str(out)
    assert document["report"] == str(out / "report.html")
    assert document["pdf"] == str(out / "slides.pdf")
    assert document["warnings"] == []
    assert [one["image"] for one in document["slides"]] == [
        str(out / "slides" / "0001.webp"),
        str(out / "slides" / "0002.webp"),
    ]
    assert document["slides"][0]["spans"] == [
        {"start": 0.0, "end": 3.0},
        {"start": 6.0, "end": 9.0},
    ]
    assert [one["index"] for one in document["slides"]] == [1, 2]


def test_documents_that_are_not_made_are_null(folder: Path) -> None:
    document = slides("extract", "talk.mp4", *QUICK, "--json", cwd=folder).document

    assert (document["report"], document["pdf"]) == (None, None)


def test_finished_output_is_said_to_be_there(finished: Path) -> None:
    words = slides("extract", "talk.mp4", "--output", "out", cwd=finished)
    document = slides("extract", "talk.mp4", "--output", "out", "--json", cwd=finished).document

    assert words.stdout.startswith("talk: already there: 2 slides")
    assert document["reason"] == "AlreadyCompleted"
    assert len(document["slides"]) == 2


def test_several_sources_print_a_line_each_and_go_into_a_folder_each(
    folder: Path, other_talk: Talk
) -> None:
    shutil.copy(other_talk.path, folder)

    ended = slides(
        "extract", "talk.mp4", "other.mp4", *QUICK, "--json", "-o", "out", "-j", "2", cwd=folder
    )

    documents = {one["source"]: one for one in ended.documents}
    assert ended.exit_code == 0
    assert set(documents) == {"talk.mp4", "other.mp4"}
    for one in documents.values():
        assert one["output"] == str(folder / "out" / one["video"]["key"])


def test_one_failure_among_several_leaves_the_others_alone(folder: Path) -> None:
    (folder / "text.mp4").write_text("no video")

    ended = slides("extract", "text.mp4", "talk.mp4", *QUICK, "--json", "-o", "out", cwd=folder)

    assert ended.exit_code == 1
    results = {one["source"]: one for one in ended.documents}
    assert results["text.mp4"]["error"]["exitCode"] == ExitCode.NOT_A_VIDEO
    assert results["talk.mp4"]["reason"] == "Completed"


def test_people_read_which_of_several_failed(folder: Path) -> None:
    (folder / "text.mp4").write_text("no video")

    ended = slides("extract", "text.mp4", "talk.mp4", *QUICK, "-o", "out", cwd=folder)

    assert "error: text.mp4: " in ended.stderr
    assert ended.stdout.startswith("talk: 2 slides")


def test_a_source_named_twice_is_made_once(folder: Path) -> None:
    ended = slides("extract", "talk.mp4", "talk.mp4", *QUICK, "--json", "-o", "out", cwd=folder)

    assert ended.exit_code == 0
    assert len(ended.documents) == 1


def test_options_reach_the_manifest_and_the_images(folder: Path) -> None:
    ended = slides(
        "extract",
        "talk.mp4",
        "--output",
        "out",
        "--format",
        "png",
        "--quality",
        "70",
        "--sensitivity",
        "high",
        "--min-duration",
        "1.5",
        "--region",
        "0,0,0.5,1",
        "--no-pdf",
        cwd=folder,
    )

    options = json.loads((folder / "out" / "manifest.json").read_bytes())["options"]["slides"]
    assert ended.exit_code == 0, ended.stderr
    assert options == {
        "minDurationSeconds": 1.5,
        "sensitivity": "high",
        "region": {"left": 0.0, "top": 0.0, "width": 0.5, "height": 1.0},
        "image": {"format": "png", "quality": 70},
        "documents": ["html"],
    }
    with Image.open(folder / "out" / "slides" / "0001.png") as picture:
        assert picture.size == (320, 360)


@pytest.mark.parametrize(
    ("arguments", "want"),
    [
        pytest.param(["--quality", "0"], "--quality", id="quality"),
        pytest.param(["--format", "gif"], "--format", id="format"),
        pytest.param(["--min-duration", "-1"], "--min-duration", id="negative duration"),
        pytest.param(["--min-duration", "nan"], "--min-duration", id="no number"),
        pytest.param(["--region", "0,0,1"], "--region", id="three sides"),
        pytest.param(["--region", "0,0,0,1"], "--region", id="no width"),
        pytest.param(["--region", "1,0,1,1"], "outside", id="outside of the picture"),
        pytest.param(["--region", "a,b,c,d"], "--region", id="no numbers"),
        pytest.param(["--max-height", "10"], "--max-height", id="height"),
        pytest.param(["--max-duration", "0"], "--max-duration", id="duration"),
        pytest.param(["--max-bytes", "-5"], "--max-bytes", id="bytes"),
        pytest.param(["--jobs", "0"], "--jobs", id="jobs"),
        pytest.param(["--output", " "], "--output", id="blank output"),
        pytest.param(["--frobnicate"], "--frobnicate", id="no such option"),
    ],
)
def test_wrong_option_is_a_usage_error_that_names_it(
    folder: Path, arguments: list[str], want: str
) -> None:
    ended = slides("extract", "talk.mp4", *arguments, cwd=folder)

    assert ended.exit_code == ExitCode.USAGE
    assert want in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


def test_machines_get_wrong_options_as_a_document_too(folder: Path) -> None:
    ended = slides("extract", "talk.mp4", "--quality", "0", "--json", cwd=folder)

    assert (ended.exit_code, ended.error["exitCode"]) == (2, 2)
    assert "--quality" in ended.error["message"]


def test_unusable_setting_is_a_clean_error(folder: Path) -> None:
    secret = {"EGRESS_MODE": "triple", "DATACENTER_PROXY": "user:hunter2@host:1"}

    ended = slides("extract", "talk.mp4", "--json", cwd=folder, variables=secret)

    assert ended.exit_code == ExitCode.INVALID_SPEC
    assert "EGRESS_MODE" in ended.error["message"]
    assert "hunter2" not in ended.stdout + ended.stderr


def test_settings_are_read_from_the_working_folder(folder: Path) -> None:
    (folder / ".env").write_text("EGRESS_MODE=triple\n")

    assert slides("extract", "talk.mp4", cwd=folder).exit_code == ExitCode.INVALID_SPEC


def test_local_limits_are_refusals(folder: Path) -> None:
    too_long = slides("extract", "talk.mp4", "--max-duration", "5", "--json", cwd=folder)
    too_big = slides("extract", "talk.mp4", "--max-bytes", "5000", "--json", cwd=folder)

    assert (too_long.error["reason"], too_long.exit_code) == (Reason.TOO_LONG, 74)
    assert (too_big.error["reason"], too_big.exit_code) == (Reason.TOO_BIG, 75)


def test_quiet_says_nothing_but_errors(folder: Path) -> None:
    (folder / "text.mp4").write_text("no video")

    well = slides("extract", "talk.mp4", *QUICK, "--quiet", "-o", "out", cwd=folder)
    ill = slides("extract", "text.mp4", "--quiet", cwd=folder)

    assert (well.stdout, well.stderr) == ("", "")
    assert ill.stderr.startswith("error: text.mp4")


def test_verbose_logs_every_step_and_keeps_stdout_clean(folder: Path) -> None:
    ended = slides("extract", "talk.mp4", *QUICK, "--verbose", "--json", cwd=folder)

    assert ended.document["reason"] == "Completed"
    assert "stage=Extracting" in ended.stderr


def test_reader_that_goes_away_is_no_bug(folder: Path) -> None:
    line = command("extract", "talk.mp4", *QUICK, "--json", "--output", "out")
    process = subprocess.Popen(
        line,
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    with process.stderr:
        said = process.stderr.read()

    assert process.wait(60) == 0
    assert said == ""


def test_extracts_into_a_bucket_and_inspects_it_there(folder: Path, s3_server: S3Server) -> None:
    bucket = s3_server.make_bucket()
    variables = {
        "S3_ENDPOINT": s3_server.endpoint,
        "S3_ACCESS_KEY": s3_server.access_key,
        "S3_SECRET_KEY": s3_server.secret_key,
    }
    output = f"s3://{bucket}/talks"

    first = slides(
        "extract", "talk.mp4", "--output", output, "--json", cwd=folder, variables=variables
    ).document
    again = slides(
        "extract", "talk.mp4", "--output", output, "--json", cwd=folder, variables=variables
    ).document
    place = first["output"]
    whole = slides("inspect", place, "--links", "--json", cwd=folder, variables=variables)

    key = first["video"]["key"]
    assert first["manifest"].startswith(f"s3://{bucket}/talks/{key}/")
    assert first["slides"][0]["image"] == f"{place}/slides/0001.webp"
    assert (first["reason"], again["reason"]) == ("Completed", "AlreadyCompleted")
    assert (whole.exit_code, whole.document["isWhole"]) == (0, True)
    assert "X-Amz-Signature" in whole.document["links"]["slides.pdf"]

    s3_server.client().delete_object(Bucket=bucket, Key=f"{place}/slides.pdf".split("/", 3)[3])
    broken = slides("inspect", place, "--json", cwd=folder, variables=variables)
    assert broken.exit_code == ExitCode.PARTIALLY_COMPLETED
    assert broken.document["problems"] == [{"key": "slides.pdf", "problem": "missing"}]


@pytest.mark.parametrize(
    ("codes", "interrupted", "want"),
    [
        pytest.param([0], None, 0, id="one done"),
        pytest.param([65], None, 65, id="one failed"),
        pytest.param([0, 0], None, 0, id="all done"),
        pytest.param([0, 65], None, 1, id="some failed"),
        pytest.param([65, 65], None, 1, id="all failed"),
        pytest.param([0, 130], ExitCode.CTRL_C, 130, id="stopped"),
        pytest.param([0, 0], ExitCode.CTRL_C, 0, id="stopped too late"),
    ],
)
def test_exit_code_of_several(codes: list[int], interrupted: ExitCode | None, want: int) -> None:
    assert combined([ExitCode(code) for code in codes], interrupted) == want


def test_defaults_of_the_options_are_the_models() -> None:
    default = {
        name: parameter.default for name, parameter in inspect.signature(extract).parameters.items()
    }
    names = ("image_format", "quality", "sensitivity", "min_duration", "region")
    outputs = SlideOptions(*(default[name] for name in names)).build_outputs()
    source = SourceOptions(default["max_height"], None, None).build_source("talk.mp4")

    assert outputs.slides == SlidesOutput()
    assert source == Source(url="talk.mp4")


def test_choices_of_the_options_are_the_models() -> None:
    assert set(get_args(ImageFormatName)) == set(ImageFormat)
    assert set(get_args(SensitivityName)) == set(Sensitivity)
