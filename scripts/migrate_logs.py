"""Turn the `log` text of old job documents into the `logs` array: [{ts, level, msg}].

    python3 scripts/migrate_logs.py [--dry-run] [FILE or FOLDER …]

Without an argument it takes the working folder. It reads *.json (a document, a list of them, or an
object of them, also below `jobs`) and *.jsonl, keeps the file as it was as FILE.bak, and may be run
any number of times. What has another form is left untouched and named. It needs Python 3.11 alone.
"""

import argparse
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

Json = dict[str, Any]

MARKS = frozenset(
    {"id", "job_id", "jobId", "status", "items", "progress", "createdAt", "created_at"}
)
"""What a job's document has at least one of; `log` alone may be anything."""
BEGINNINGS = ("createdAt", "created_at", "startedAt", "started_at", "updatedAt", "updated_at")
"""Where a document says when it was; the time of lines before the first that has one."""
NO_TIME = "1970-01-01T00:00:00Z"
"""Of lines where nothing says when."""
LEVELS = {
    "TRACE": "DEBUG",
    "DEBUG": "DEBUG",
    "INFO": "INFO",
    "NOTICE": "INFO",
    "SUCCESS": "INFO",
    "WARN": "WARNING",
    "WARNING": "WARNING",
    "ERROR": "ERROR",
    "CRITICAL": "ERROR",
    "FATAL": "ERROR",
}
TIME = re.compile(
    r"[\[(]?(?P<day>\d{4}[-/]\d\d[-/]\d\d)[T ](?P<clock>\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)"
    r" ?(?P<zone>Z|UTC|[+-]\d\d:?\d\d)?[\])]?(?!\d)"
)
GAP = re.compile(r"[\s:|\-\u2013]*")
"""Between the parts of a line: `2023-10-01 10:00:05,123 - name - INFO - message`."""
ANY_LEVEL = "|".join(LEVELS)
LEVEL = re.compile(rf"[\[(<]?(?P<level>{ANY_LEVEL})[\])>]?(?=[\s:|\-]|$)")
LOGGER = re.compile(rf"[A-Za-z_][\w.]*(?: - |:)(?=\s*[\[(<]?(?:{ANY_LEVEL})\b)")
"""A logger's name before the level, as Python's own logging may have it."""


@dataclass
class Outcome:
    """What became of a file."""

    converted: int = 0
    current: int = 0
    """Documents that have their lines already."""
    other: list[str] = field(default_factory=list)
    """Where documents of another form are."""

    def describe(self) -> Iterator[str]:
        """Yield what is said of it."""
        yield f"{self.converted} converted, {self.current} up to date, {len(self.other)} left as is"
        for where in self.other:
            yield f"  left as is: {where}"


class UnreadableError(Exception):
    """A file is no JSON."""


def convert_text(text: str, *, began: str = NO_TIME) -> list[dict[str, str]]:
    """Return the lines of a log; a line without time or level has those of the one before."""
    lines: list[dict[str, str]] = []
    ts, level = began, "INFO"
    for row in text.splitlines():
        if not row.strip():
            continue
        found_ts, found_level, msg = read_line(row)
        is_continued = found_ts is None and found_level is None
        ts = found_ts or ts
        level = level if is_continued else (found_level or "INFO")
        lines.append({"ts": ts, "level": level, "msg": msg})
    return lines


def read_line(row: str) -> tuple[str | None, str | None, str]:
    """Return time, level and message of a line, as far as it has them."""
    rest, ts, level = row.rstrip(), None, None
    if (time := TIME.match(rest.lstrip())) and (ts := _rfc3339(time)):
        rest = _after(rest.lstrip(), time)
    if logger := LOGGER.match(rest):
        rest = rest[logger.end() :].lstrip()
    if named := LEVEL.match(rest):
        level, rest = LEVELS[named["level"]], _after(rest, named)
    if ts is None and (time := TIME.match(rest)) and (ts := _rfc3339(time)):
        rest = _after(rest, time)
    # A line of a trace keeps its indent, and a mere time stays what it is.
    return ts, level, rest or row.strip()


def _after(text: str, match: re.Match[str]) -> str:
    end = match.end()
    gap = GAP.match(text, end)
    return text[gap.end() if gap else end :]


def _rfc3339(time: re.Match[str]) -> str | None:
    """Return a time in UTC; one that names no zone is taken for that."""
    clock = time["clock"].replace(",", ".")
    seconds, _, fraction = clock.partition(".")
    text = f"{time['day'].replace('/', '-')}T{seconds}{':00' * (seconds.count(':') == 1)}"
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=_zone(time["zone"]))
        utc = moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    return f"{utc.isoformat()}{'.' + fraction if fraction else ''}Z"


def _zone(name: str | None) -> timezone:
    if name in {None, "Z", "UTC"}:
        return UTC
    digits = str(name).replace(":", "")
    offset = timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5]))
    return timezone(-offset if digits[0] == "-" else offset)


def is_job(document: object) -> bool:
    """Return whether something looks like a job's document."""
    return isinstance(document, dict) and not MARKS.isdisjoint(document)


def are_lines(logs: object) -> bool:
    """Return whether something is a `logs` array."""
    return isinstance(logs, list) and all(
        isinstance(one, dict) and {"ts", "level", "msg"} <= one.keys() for one in logs
    )


def convert(document: Json) -> Json | None:
    """Return a document with its lines, or None if it has no text to convert."""
    text, logs = document.get("log"), document.get("logs", [])
    if not isinstance(text, str) or not are_lines(logs):
        return None
    moments = (document[name] for name in BEGINNINGS if isinstance(document.get(name), str))
    began = next((ts for one in moments if (ts := _moment(one))), NO_TIME)
    lines = [one for one in convert_text(text, began=began) if one not in logs]
    made = {name: value for name, value in document.items() if name not in {"log", "logs"}}
    return {**made, "logs": [*lines, *logs]}


def _moment(text: str) -> str | None:
    time = TIME.match(text)
    return _rfc3339(time) if time else None


def convert_all(found: object, where: str, outcome: Outcome, *, depth: int = 2) -> object:
    """Return a document, a list or an object of them, with every `log` converted."""
    match found:
        case dict() if depth == 2 and isinstance(found.get("jobs"), list | dict):
            jobs = convert_all(found["jobs"], f"{where}.jobs", outcome, depth=1)
            return {**found, "jobs": jobs}
        case dict() if is_job(found):
            return _convert_one(found, where, outcome)
        case list() if depth:
            return [
                convert_all(one, f"{where}[{number}]", outcome, depth=0)
                for number, one in enumerate(found)
            ]
        case dict() if depth and any(is_job(one) for one in found.values()):
            return {
                name: convert_all(one, f"{where}.{name}", outcome, depth=0)
                for name, one in found.items()
            }
    outcome.other.append(where)
    return found


def _convert_one(document: Any, where: str, outcome: Outcome) -> object:  # noqa: ANN401 - JSON
    if made := convert(document):
        outcome.converted += 1
        return made
    if "log" not in document and are_lines(document.get("logs")):
        outcome.current += 1
    else:
        outcome.other.append(where)
    return document


def migrate_json(content: str, outcome: Outcome) -> str:
    """Return a JSON file's new content. Raises UnreadableError."""
    try:
        found = json.loads(content)
    except ValueError as e:
        raise UnreadableError(str(e)) from e
    made = convert_all(found, "$", outcome)
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def migrate_jsonl(content: str, outcome: Outcome) -> str:
    """Return a JSONL file's new content; a line that is not converted stays as it is."""
    rows = []
    for number, row in enumerate(content.splitlines(keepends=True), start=1):
        before = outcome.converted
        try:
            made = convert_all(json.loads(row), f"line {number}", outcome, depth=0)
        except ValueError:
            if row.strip():
                outcome.other.append(f"line {number}: no JSON")
            made = None
        is_new = outcome.converted > before
        rows.append(json.dumps(made, ensure_ascii=False) + "\n" if is_new else row)
    return "".join(rows)


def migrate(path: Path, *, dry_run: bool) -> Outcome:
    """Convert a file, and keep the old one beside it. Raises OSError, UnreadableError."""
    outcome = Outcome()
    try:
        content = path.read_bytes().decode()
    except UnicodeDecodeError as e:
        raise UnreadableError("it is no UTF-8 text") from e
    made = (migrate_jsonl if path.suffix == ".jsonl" else migrate_json)(content, outcome)
    if outcome.converted and not dry_run:
        back_up(path)
        replace(path, made)
    return outcome


def back_up(path: Path) -> Path:
    """Copy a file to the first of FILE.bak, FILE.bak.1 … that is free."""
    for number in range(1000):
        copy = path.with_name(f"{path.name}.bak{f'.{number}' if number else ''}")
        try:
            with copy.open("xb") as made:
                made.write(path.read_bytes())
        except FileExistsError:
            continue
        copy.chmod(path.stat().st_mode & 0o777)
        return copy
    raise FileExistsError(f"{path} has a thousand copies already")


def replace(path: Path, content: str) -> None:
    """Write a file whole or not at all, with the rights that it had."""
    with tempfile.NamedTemporaryFile("wb", dir=path.parent, delete=False) as made:
        made.write(content.encode())
        made.flush()
        os.fsync(made.fileno())
    Path(made.name).chmod(path.stat().st_mode & 0o777)
    Path(made.name).replace(path)


def files_of(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield files, and those of folders."""
    for path in paths:
        if path.is_dir():
            yield from sorted(one for one in path.iterdir() if one.suffix in {".json", ".jsonl"})
        else:
            yield path


def main(arguments: Sequence[str] | None = None) -> int:
    """Convert what the arguments name; return 1 if some file could not be read or written."""
    parser = argparse.ArgumentParser(
        description="Turn the `log` text of old job documents into the `logs` array."
    )
    parser.add_argument("paths", nargs="*", type=Path, default=[Path()], metavar="FILE or FOLDER")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, do nothing")
    options = parser.parse_args(arguments)
    has_failed = False
    for path in files_of(options.paths):
        try:
            outcome = migrate(path, dry_run=options.dry_run)
        except (OSError, UnreadableError) as e:
            has_failed = True
            print(f"{path}: {e}", file=sys.stderr)
            continue
        said = "would be: " if options.dry_run else ""
        print(f"{path}: {said}" + "\n".join(outcome.describe()))
    return int(has_failed)


if __name__ == "__main__":
    sys.exit(main())
