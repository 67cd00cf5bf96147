"""The guide to jobs names what there is."""

import re
from pathlib import Path

import pytest

from slides_operator.service.rest.job_models import (
    BulkAnswer,
    JobOptions,
    JobRequest,
    JobsQuery,
    JobsSort,
    JobStatus,
    JobType,
)
from slides_operator.service.rest.jobs import USED

GUIDE = (Path(__file__).parents[2] / "docs" / "jobs.md").read_text()
OPTION = re.compile(r"^\| `(\w+)` \| (`slide_extraction`|the other types) \|", re.MULTILINE)


def test_every_option_has_its_row() -> None:
    rows = OPTION.findall(GUIDE)
    assert {name for name, _ in rows} == set(JobOptions.model_fields)
    assert {name for name, of in rows if of == "`slide_extraction`"} == USED


@pytest.mark.parametrize(
    "name", [*JobType, *JobStatus, *JobsSort, *JobRequest.model_fields, *JobsQuery.model_fields]
)
def test_every_word_is_explained(name: str) -> None:
    assert f"`{name}`" in GUIDE


def test_its_example_is_a_request() -> None:
    example = GUIDE.partition("```json\n")[2].partition("```")[0]
    assert JobRequest.model_validate_json(example).job_type is JobType.SLIDE_EXTRACTION


def test_its_bulk_answer_is_one() -> None:
    example = next(part for part in GUIDE.split("```json\n") if part.startswith('{\n  "results"'))
    answer = BulkAnswer.model_validate_json(example.partition("```")[0])
    assert (answer.succeeded, answer.failed) == (1, 1)
