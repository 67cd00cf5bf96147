"""`scripts/migrate_logs.py` on documents as seed 001's service once wrote them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.migrate_logs import convert_text, main, read_line

SCRIPT = Path(__file__).parents[2] / "scripts" / "migrate_logs.py"
OLD = {
    "jobId": "123e4567-e89b-12d3-a456-426614174000",
    "status": "completed",
    "createdAt": "2023-10-01T10:00:00Z",
    "items": [{"platform": "instagram", "code": "ABC123"}],
    "log": "Queued\n"
    "2023-10-01T10:00:05Z INFO Starting video processing for item 1\n"
    "\n"
    "2023-10-01 10:00:10,250 - pipeline - ERROR - Processing failed\n"
    "Traceback (most recent call last):\n",
}
LINES = [
    {"ts": "2023-10-01T10:00:00Z", "level": "INFO", "msg": "Queued"},
    {
        "ts": "2023-10-01T10:00:05Z",
        "level": "INFO",
        "msg": "Starting video processing for item 1",
    },
    {"ts": "2023-10-01T10:00:10.250Z", "level": "ERROR", "msg": "Processing failed"},
    {
        "ts": "2023-10-01T10:00:10.250Z",
        "level": "ERROR",
        "msg": "Traceback (most recent call last):",
    },
]
NEW = {name: value for name, value in OLD.items() if name != "log"} | {"logs": LINES}


@pytest.mark.parametrize(
    ("row", "want"),
    [
        ("2023-10-01T10:00:05Z INFO Begun", ("2023-10-01T10:00:05Z", "INFO", "Begun")),
        ("[2023-10-01 12:00:05+02:00] [WARN] slow", ("2023-10-01T10:00:05Z", "WARNING", "slow")),
        ("2023-10-01 10:00 - CRITICAL: out", ("2023-10-01T10:00:00Z", "ERROR", "out")),
        ("2023/10/01 10:00:05 | DEBUG | on", ("2023-10-01T10:00:05Z", "DEBUG", "on")),
        ("ERROR 2023-10-01 10:00:05 late", ("2023-10-01T10:00:05Z", "ERROR", "late")),
        ("INFO:root:hello", (None, "INFO", "root:hello")),
        ("root:WARNING: hello", (None, "WARNING", "hello")),
        ("INFORMATION is no level", (None, None, "INFORMATION is no level")),
        ("2023-13-41 99:00:05 no time", (None, None, "2023-13-41 99:00:05 no time")),
        ("    at line 3", (None, None, "    at line 3")),
        ("2023-10-01T10:00:05Z", ("2023-10-01T10:00:05Z", None, "2023-10-01T10:00:05Z")),
    ],
)
def test_line_is_read_as_far_as_it_has_parts(
    row: str, want: tuple[str | None, str | None, str]
) -> None:
    assert read_line(row) == want


def test_line_without_a_time_has_that_of_the_one_before() -> None:
    lines = convert_text("first\n2023-10-01T10:00:05Z ERROR second\n  more of it\n")

    assert [(one["ts"], one["level"]) for one in lines] == [
        ("1970-01-01T00:00:00Z", "INFO"),
        ("2023-10-01T10:00:05Z", "ERROR"),
        ("2023-10-01T10:00:05Z", "ERROR"),
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (OLD, NEW),
        ([OLD, OLD], [NEW, NEW]),
        ({"jobs": [OLD], "total": 1}, {"jobs": [NEW], "total": 1}),
        ({"jobs": {"a": OLD}}, {"jobs": {"a": NEW}}),
        ({"a": OLD, "version": 1}, {"a": NEW, "version": 1}),
    ],
    ids=["document", "list", "jobs", "jobs by id", "documents by id"],
)
def test_json_is_converted_wherever_documents_are(tmp_path: Path, old: object, new: object) -> None:
    path = tmp_path / "jobs.json"
    path.write_text(json.dumps(old))

    assert main([str(path)]) == 0

    assert json.loads(path.read_text()) == new


def test_lines_of_jsonl_that_need_nothing_stay_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "jobs.jsonl"
    kept = ['{"id":  1,"logs":[]}\n', "no JSON\n", '{"log": "of no job"}\n']
    path.write_text("".join([json.dumps(OLD) + "\n", *kept]))

    assert main([str(path)]) == 0

    rows = path.read_text().splitlines(keepends=True)
    assert json.loads(rows[0]) == NEW
    assert rows[1:] == kept


def test_second_run_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "jobs.json"
    path.write_text(json.dumps([OLD]))
    main([str(path)])
    once = path.read_bytes()

    main([str(path)])

    assert path.read_bytes() == once
    assert sorted(one.name for one in tmp_path.iterdir()) == ["jobs.json", "jobs.json.bak"]


def test_interrupted_conversion_repeats_no_line(tmp_path: Path) -> None:
    path = tmp_path / "job.json"
    path.write_text(json.dumps(OLD | {"logs": LINES[:2]}))

    main([str(path)])

    logs = json.loads(path.read_text())["logs"]
    assert sorted(logs, key=lambda one: one["ts"]) == LINES


def test_what_was_there_is_kept_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "jobs.json"
    path.write_text(json.dumps(OLD))
    path.chmod(0o640)
    (tmp_path / "jobs.json.bak").write_text("an earlier one")

    main([str(path)])

    assert json.loads((tmp_path / "jobs.json.bak.1").read_text()) == OLD
    assert (tmp_path / "jobs.json.bak").read_text() == "an earlier one"
    assert path.stat().st_mode & 0o777 == 0o640


def test_dry_run_says_it_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "jobs.json"
    path.write_text(json.dumps([OLD]))

    main(["--dry-run", str(path)])

    assert json.loads(path.read_text()) == [OLD]
    assert list(tmp_path.iterdir()) == [path]
    assert "would be: 1 converted" in capsys.readouterr().out


@pytest.mark.parametrize(
    "document",
    [
        {"id": 1, "log": ["a", "list"]},
        {"id": 1, "log": "text", "logs": "text"},
        {"id": 1},
        {"name": "package", "scripts": {"log": "node log.js"}},
        {"log": "of something else"},
        [1, None],
        "text",
    ],
    ids=["log is a list", "logs is text", "neither", "package.json", "no job", "values", "text"],
)
def test_other_forms_are_left_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], document: object
) -> None:
    path = tmp_path / "other.json"
    path.write_text(json.dumps(document))

    assert main([str(path)]) == 0

    assert json.loads(path.read_text()) == document
    assert list(tmp_path.iterdir()) == [path]
    assert "left as is: $" in capsys.readouterr().out


def test_what_is_no_json_fails_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.json").write_text("{")
    (tmp_path / "b.json").write_text(json.dumps(OLD))
    (tmp_path / "c.json").write_bytes(b"\xff\xfe")

    assert main([str(tmp_path)]) == 1

    said = capsys.readouterr()
    assert json.loads((tmp_path / "b.json").read_text()) == NEW
    assert "a.json" in said.err
    assert "c.json" in said.err
    assert "Traceback" not in said.err


def test_without_arguments_it_takes_the_working_folder(tmp_path: Path) -> None:
    (tmp_path / "jobs.json").write_text(json.dumps(OLD))
    (tmp_path / "notes.txt").write_text("log")

    done = subprocess.run(
        [sys.executable, str(SCRIPT)], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert json.loads((tmp_path / "jobs.json").read_text()) == NEW
    assert "1 converted" in done.stdout
