"""What the API server fills in: the models' own defaults, and nothing that is a setting."""

import pytest

from slides_api.v1alpha1 import SlideExtractionBatchSpec, SlideExtractionSpec
from tests.api.objects import Client, batch, extraction

pytestmark = pytest.mark.api

WORK = {
    "outputs": {
        "slides": {
            "minDurationSeconds": 0.6,
            "sensitivity": "normal",
            "image": {"format": "webp", "quality": 80},
            "documents": ["pdf", "html"],
        }
    },
    "deletionPolicy": "Retain",
    "force": False,
    "retry": {"limit": 3, "initialSeconds": 10, "factor": 2, "maxSeconds": 600},
}


def test_fills_in_an_extraction(client: Client) -> None:
    sent = extraction("plain")
    source = {**sent["spec"]["source"], "maxHeight": 1080}
    want = {**WORK, "source": source, "suspend": False, "cancel": False}
    assert client.create(sent)["spec"] == want


def test_fills_in_a_batch(client: Client) -> None:
    sent = batch("plain")
    template = {**WORK, "source": {"maxHeight": 1080}}
    want = {**sent["spec"], "template": template, "suspend": False, "cancel": False}
    assert client.create(sent)["spec"] == want


def test_fills_in_what_the_models_would(client: Client) -> None:
    sent = extraction("half", outputs={"slides": {"image": {"format": "png"}, "region": {}}})
    made = client.create(sent)["spec"]
    assert made == SlideExtractionSpec.model_validate(sent["spec"]).to_wire()
    many = batch("half", template={"outputs": {"slides": {"documents": []}}})
    made = client.create(many)["spec"]
    assert made == SlideExtractionBatchSpec.model_validate(many["spec"]).to_wire()


def test_says_that_nobody_has_seen_a_new_object(client: Client) -> None:
    """Tools that judge by kstatus would take an object without a status for finished."""
    sent = extraction("fresh")
    assert client.create(sent)["status"] == {"observedGeneration": 0}


def test_fills_in_nothing_that_a_writer_left_out(client: Client) -> None:
    sent = extraction("written")
    client.create(sent)
    status = {"observedGeneration": 1, "attempts": {}, "conditions": []}
    client.apply_status(sent, "slides-operator", status)
    assert client.get(sent)["status"] == status
