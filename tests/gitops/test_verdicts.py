"""What kstatus, Argo CD and Flux think of an extraction in every state that it can be in."""

import pytest

from slides_api.v1alpha1 import Phase
from slides_api.wellknown import RETRY_AT
from slides_operator.extraction.objects import holds
from tests.gitops.story import RESULT, BatchStory, Story
from tests.gitops.verdicts import Verdicts, judge

WAITING = Verdicts(kstatus="InProgress", argo="Progressing", flux="InProgress")
DONE = Verdicts(kstatus="Current", argo="Healthy", flux="Current")
BROKEN = Verdicts(kstatus="Failed", argo="Degraded", flux="Failed")
STOPPED = Verdicts(kstatus="Current", argo="Suspended", flux="Current")
LEAVING = Verdicts(kstatus="Terminating", argo="Progressing", flux="InProgress")

ONCE = {"limit": 0}
PATIENCE_S = 11


def working(**spec: object) -> Story:
    return Story(**spec).reconcile()


def completed() -> Story:
    return working().ends("Completed", RESULT).reconcile()


def failed() -> Story:
    return working(retry=ONCE).ends("NetworkError").reconcile()


STATES = [
    pytest.param(Story(), WAITING, "", "Waiting for the operator", id="unseen"),
    pytest.param(working(), WAITING, "Pending", "JobCreated", id="Job created"),
    pytest.param(working().finds_no_node().reconcile(PATIENCE_S), WAITING, "Pending",
                 "Unschedulable", id="no node"),
    pytest.param(working().waits("ImagePullBackOff").reconcile(PATIENCE_S), WAITING, "Pending",
                 "ImagePullFailed", id="no image"),
    pytest.param(working().says("Downloading").reconcile(), WAITING, "Downloading",
                 "Downloading", id="downloading"),
    pytest.param(working().says("Extracting").reconcile(), WAITING, "Extracting",
                 "Extracting", id="extracting"),
    pytest.param(working().says("Uploading").reconcile(), WAITING, "Uploading",
                 "Uploading", id="uploading"),
    pytest.param(working().ends("NetworkError").reconcile(), WAITING, "Pending",
                 "Retrying", id="waits for the next attempt"),
    pytest.param(working().ends("LiveNotStarted").reconcile(), WAITING, "Pending",
                 "LiveNotStarted", id="waits for the source"),
    pytest.param(working().ends("NetworkError").reconcile().reconcile(60), WAITING, "Pending",
                 "JobCreated", id="next attempt"),
    pytest.param(completed(), DONE, "Completed", "Completed", id="completed"),
    pytest.param(working().ends("AlreadyCompleted", RESULT).reconcile(), DONE, "Completed",
                 "AlreadyCompleted", id="already completed"),
    pytest.param(working().ends("NoSlidesFound", RESULT).reconcile(), DONE, "Completed",
                 "NoSlidesFound", id="no slides"),
    pytest.param(completed().edit(ttlSecondsAfterFinished=60), WAITING, "Completed",
                 "Waiting for the operator", id="edited after its end, unseen"),
    pytest.param(completed().edit(ttlSecondsAfterFinished=60).reconcile(), DONE, "Completed",
                 "Completed", id="edited after its end"),
    pytest.param(completed().edit(suspend=True).reconcile(), DONE, "Completed",
                 "Completed", id="suspended after its end"),
    pytest.param(working().ends("PrivateVideo").reconcile(), BROKEN, "Failed",
                 "PrivateVideo", id="failed for good"),
    pytest.param(working().ends("PartiallyCompleted", RESULT).reconcile(), BROKEN, "Failed",
                 "PartiallyCompleted", id="partially completed"),
    pytest.param(failed(), BROKEN, "Failed", "NetworkError", id="no retry left"),
    pytest.param(failed().annotate(RETRY_AT, "2027-01-31T12:00:00Z").reconcile(), WAITING,
                 "Pending", "Retrying", id="another attempt asked for"),
    pytest.param(working(podTemplate="none"), BROKEN, "Failed", "InvalidSpec", id="refused"),
    pytest.param(working(suspend=True), STOPPED, "Suspended", "Suspended", id="created suspended"),
    pytest.param(working().edit(suspend=True), WAITING, "Pending",
                 "Waiting for the operator", id="to be suspended"),
    pytest.param(working().edit(suspend=True).reconcile(), STOPPED, "Suspended",
                 "Suspended", id="suspended"),
    pytest.param(working().edit(suspend=True).reconcile().edit(suspend=False).reconcile(),
                 WAITING, "Pending", "JobCreated", id="resumed"),
    pytest.param(working().edit(cancel=True).reconcile(), STOPPED, "Cancelled",
                 "Cancelled", id="cancelled"),
    pytest.param(completed().delete(), LEAVING, "Completed", "Being deleted", id="deleted"),
    pytest.param(completed().delete().reconcile(), LEAVING, "Completed",
                 "Being deleted", id="outputs being deleted"),
]  # fmt: skip


def batch(**spec: object) -> BatchStory:
    return BatchStory(**spec).reconcile()


BATCH_STATES = [
    pytest.param(BatchStory(), WAITING, "", "Waiting for the operator", id="unseen"),
    pytest.param(batch(), WAITING, "Pending", "WaitingForItems", id="items created"),
    pytest.param(batch().end("Completed").reconcile(), WAITING, "Extracting",
                 "WaitingForItems", id="one ended"),
    pytest.param(batch(parallelism=1).end("Completed").reconcile(), WAITING, "Extracting",
                 "WaitingForItems", id="one after the other"),
    pytest.param(batch().end("Completed", "NoSlidesFound").reconcile(), DONE, "Completed",
                 "AllSucceeded", id="completed"),
    pytest.param(batch().end("Completed", "PrivateVideo").reconcile(), BROKEN, "Failed",
                 "PartiallyFailed", id="one failed"),
    pytest.param(batch().end("Removed", "PrivateVideo").reconcile(), BROKEN, "Failed",
                 "AllFailed", id="all failed"),
    pytest.param(batch(suspend=True), STOPPED, "Suspended", "Suspended", id="created suspended"),
    pytest.param(batch().edit(suspend=True).reconcile(), STOPPED, "Suspended", "Suspended",
                 id="suspended"),
    pytest.param(batch().edit(suspend=True).reconcile().edit(suspend=False).reconcile(),
                 WAITING, "Pending", "WaitingForItems", id="resumed"),
    pytest.param(batch().edit(cancel=True).reconcile(), STOPPED, "Cancelled", "Cancelled",
                 id="cancelled"),
    pytest.param(batch().end("Completed").edit(cancel=True).reconcile(), STOPPED, "Cancelled",
                 "Cancelled", id="the rest cancelled"),
]  # fmt: skip


@pytest.mark.parametrize(("story", "want", "phase", "message"), STATES)
def test_controllers_judge_an_extraction(
    story: Story, want: Verdicts, phase: str, message: str
) -> None:
    (judged,) = judge([story.extraction])

    assert story.status.get("phase", "") == phase
    assert judged.verdicts == want
    assert judged.message.partition(":")[0] == message


@pytest.mark.parametrize(("story", "want", "phase", "message"), BATCH_STATES)
def test_controllers_judge_a_batch(
    story: BatchStory, want: Verdicts, phase: str, message: str
) -> None:
    (judged,) = judge([story.batch])

    assert story.status.get("phase", "") == phase
    assert judged.verdicts == want
    assert judged.message.partition(":")[0] == message


def test_what_is_being_resumed_is_in_progress() -> None:
    story = batch().edit(suspend=True).reconcile().edit(suspend=False)
    story.step()

    (judged,) = judge([story.batch])

    assert holds(story.status["conditions"], "Suspended")
    assert judged.verdicts == WAITING


def test_items_do_not_inherit_what_a_controller_marks_the_batch_with() -> None:
    story = BatchStory()
    marks = {"app.kubernetes.io/instance": "talks", "kustomize.toolkit.fluxcd.io/name": "talks"}
    story.batch["metadata"] |= {
        "labels": marks,
        "annotations": {"argocd.argoproj.io/tracking-id": "x"},
    }
    story.reconcile()

    assert len(story.children) == len(story.LECTURES)
    for child in story.children.values():
        meta = child.extraction["metadata"]
        assert not meta["labels"].keys() & marks.keys()
        assert "argocd.argoproj.io/tracking-id" not in meta["annotations"]


def test_every_phase_is_judged() -> None:
    phases = {str(row.values[2]) for row in STATES}

    assert phases == {"", *Phase} - {Phase.QUEUED}  # no queue is served yet
