"""What callers are told when something goes wrong: enough, and never too much."""

import pytest
from pydantic import BaseModel, Field, ValidationError, field_validator

from slides_operator.errors import (
    ApiError,
    ConflictError,
    GoneError,
    NotFoundError,
    RejectedError,
    ThrottledError,
    UnreachableError,
)
from slides_operator.service.problems import (
    ProblemError,
    build_problem,
    of_api_error,
    of_invalid,
)

REQUEST = "POST /apis/slides-extractor.dev/v1alpha1/namespaces/x/slideextractions"


def test_document_has_rfc_9457s_members() -> None:
    problem = ProblemError(404, "Job not found: talk", job="talk")

    assert build_problem(problem, instance="/jobs/talk", request_id="r-1") == {
        "type": "urn:slides-extractor:problem:not-found",
        "title": "Not Found",
        "status": 404,
        "detail": "Job not found: talk",
        "instance": "/jobs/talk",
        "request_id": "r-1",
        "job": "talk",
    }


def test_type_is_the_same_on_every_python() -> None:
    document = build_problem(ProblemError(422, "no"), instance="/", request_id="")

    assert document["type"] == "urn:slides-extractor:problem:unprocessable-content"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        pytest.param(NotFoundError, 404, id="gone"),
        pytest.param(ConflictError, 409, id="changed meanwhile"),
        pytest.param(RejectedError, 422, id="refused by the schema"),
        pytest.param(ThrottledError, 503, id="too much for the API server"),
        pytest.param(UnreachableError, 503, id="no API server"),
        pytest.param(GoneError, 503, id="expired"),
        pytest.param(ApiError, 503, id="anything else"),
    ],
)
def test_every_error_of_the_api_server_has_a_status(error: type[ApiError], status: int) -> None:
    assert of_api_error(error(f"{REQUEST}: no", status=500)).status == status


def test_api_servers_own_words_reach_who_asked() -> None:
    words = 'SlideExtraction "x" is invalid: spec.source.url: Invalid value'

    assert of_api_error(RejectedError(f"{REQUEST}: {words}")).detail == words


def test_where_the_api_server_is_reaches_nobody() -> None:
    error = UnreachableError(f"{REQUEST}: Cannot connect to host 10.0.0.1:6443")

    assert "10.0.0.1" not in of_api_error(error).detail


def test_patience_that_is_asked_for_is_passed_on() -> None:
    problem = of_api_error(ThrottledError("GET /x: slow down", retry_after=7.2))

    assert problem.headers == {"Retry-After": "8"}


class _Body(BaseModel):
    size: int = Field(ge=1)
    words: list[str] = []

    @field_validator("words")
    @classmethod
    def _some(cls, words: list[str]) -> list[str]:
        if not words:
            raise ValueError("Request must contain at least one word")
        return words


def _invalid(body: str) -> ProblemError:
    with pytest.raises(ValidationError) as caught:
        _Body.model_validate_json(body)
    return of_invalid(caught.value, 400)


def test_invalid_part_is_named_and_what_was_sent_is_not_repeated() -> None:
    problem = _invalid('{"size": "s3cr3t"}')

    assert problem.status == 400
    assert problem.detail.startswith("size: ")
    assert problem.members["errors"][0]["loc"] == ["size"]
    assert "s3cr3t" not in str(build_problem(problem, instance="/", request_id=""))


def test_own_sentence_stands_alone() -> None:
    problem = _invalid('{"size": 1, "words": []}')

    assert problem.detail == "Request must contain at least one word"


def test_body_that_is_no_json_is_invalid() -> None:
    assert "JSON" in _invalid("{").detail
