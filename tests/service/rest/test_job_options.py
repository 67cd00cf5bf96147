from typing import Any

import pytest
from pydantic import ValidationError

from slides_api.v1alpha1 import SlideExtractionSpec
from slides_operator.service.rest.job_models import JobRequest
from slides_operator.service.rest.jobs import build_job, find_warnings

URL = "https://www.youtube.com/watch?v=dQw4w9WgXcQ"

SEED_OPTIONS = {
    "audio_format": "wav",
    "audio_quality": "high",
    "language": "en",
    "model_size": "base",
    "clip_duration": 30.0,
    "overlap_duration": 2.0,
    "max_clips": 10,
    "sentiment_analysis": True,
    "topic_modeling": True,
    "keyword_extraction": True,
    "output_format": "mp4",
    "resolution": "1080p",
    "min_confidence": 0.7,
}
"""Seed 003's own example of all its options."""
JOINED = (
    "An equal job exists already, and this is that one: "
    'send "force": true to have the work done once more.'
)


def request(**fields: Any) -> JobRequest:
    return JobRequest.model_validate({"youtube_url": URL, **fields})


@pytest.mark.parametrize(
    ("options", "slides"),
    [
        pytest.param({}, {}, id="none"),
        pytest.param({"sensitivity": "high"}, {"sensitivity": "high"}, id="sensitivity"),
        pytest.param({"min_duration": 2.5}, {"minDurationSeconds": 2.5}, id="min_duration"),
        pytest.param(
            {"image_format": "png", "quality": 90},
            {"image": {"format": "png", "quality": 90}},
            id="image",
        ),
        pytest.param({"documents": ["pdf"]}, {"documents": ["pdf"]}, id="documents"),
        pytest.param({"documents": []}, {"documents": []}, id="no documents"),
        pytest.param(
            {"region": {"left": 0.25}},
            {"region": {"left": 0.25, "top": 0.0, "width": 1.0, "height": 1.0}},
            id="region",
        ),
        pytest.param(
            {"region": "0,0,0.75,1"},
            {"region": {"left": 0.0, "top": 0.0, "width": 0.75, "height": 1.0}},
            id="region as the command line has it",
        ),
        pytest.param(SEED_OPTIONS, {}, id="of other types"),
        pytest.param({"fps": 30}, {}, id="unknown"),
    ],
)
def test_options_become_fields_of_the_slides(
    options: dict[str, Any], slides: dict[str, Any]
) -> None:
    spec = build_job(request(options=options))["spec"]
    assert spec == {"source": {"url": URL}, "outputs": {"slides": slides}}
    SlideExtractionSpec.model_validate(spec)


def test_max_height_is_of_the_source() -> None:
    spec = build_job(request(options={"max_height": 720}))["spec"]
    assert spec["source"] == {"url": URL, "maxHeight": 720}


def test_a_job_says_where_it_comes_from() -> None:
    resource = build_job(request(job_type="slide_extraction", priority=5, force=True))
    assert resource["metadata"] == {
        "labels": {
            "slides-extractor.dev/created-by": "rest",
            "slides-extractor.dev/job-type": "slide_extraction",
        },
        "annotations": {"slides-extractor.dev/priority": "5"},
    }
    assert resource["spec"]["force"] is True


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"youtube_url": ""}, "youtube_url"),
        ({"youtube_url": "talk.mp4"}, "youtube_url"),
        ({"youtube_url": "file:///etc/passwd"}, "youtube_url"),
        ({"youtube_url": None}, "youtube_url"),
        ({"job_type": "everything"}, "job_type"),
        ({"priority": -1}, "priority"),
        ({"priority": 11}, "priority"),
        ({"priority": "high"}, "priority"),
        ({"options": []}, "options"),
        *(
            ({"options": {name: value}}, name)
            for name, value in (
                ("sensitivity", "extreme"),
                ("min_duration", -1),
                ("region", "0,0,1"),
                ("region", "a,b,c,d"),
                ("region", {"left": 2}),
                ("image_format", "gif"),
                ("quality", 0),
                ("documents", ["docx"]),
                ("max_height", 1),
                ("audio_format", "ogg"),
                ("audio_quality", "best"),
                ("language", ""),
                ("model_size", 3),
                ("clip_duration", 0),
                ("overlap_duration", -1),
                ("max_clips", 0),
                ("sentiment_analysis", "perhaps"),
                ("topic_modeling", 7),
                ("keyword_extraction", []),
                ("output_format", "avi"),
                ("resolution", "big"),
                ("min_confidence", 1.5),
            )
        ),
    ],
)
def test_wrong_values_are_refused_even_where_they_would_have_no_effect(
    fields: dict[str, Any], where: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        request(**fields)
    assert any(where in error["loc"] for error in refused.value.errors())


def test_the_seeds_own_options_are_valid() -> None:
    options = request(job_type="full_processing", options=SEED_OPTIONS).options
    assert options is not None
    assert options.model_dump(exclude_none=True) == SEED_OPTIONS


@pytest.mark.parametrize(
    ("fields", "joined", "warnings"),
    [
        pytest.param({}, False, [], id="nothing"),
        pytest.param({"options": None}, False, [], id="no options"),
        pytest.param({"options": {"sensitivity": "low"}}, False, [], id="used"),
        pytest.param(
            {"options": {"audio_format": "wav"}},
            False,
            ["options.audio_format has no effect on job_type slide_extraction."],
            id="of another type",
        ),
        pytest.param(
            {"options": {"fps": 30}},
            False,
            ["options.fps is not known, and has no effect."],
            id="unknown",
        ),
        pytest.param(
            {"priority": 5},
            False,
            ["priority is kept, but has no effect: jobs do not wait for each other."],
            id="priority",
        ),
        pytest.param(
            {},
            True,
            [JOINED],
            id="joined",
        ),
    ],
)
def test_what_has_no_effect_is_said(
    fields: dict[str, Any], joined: bool, warnings: list[str]
) -> None:
    assert find_warnings(request(**fields), joined=joined) == warnings
