"""Lives of extractions and batches as the operator's own decisions make them, step by step."""

import copy
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from slides_api.conditions import Reason
from slides_api.exit_codes import EXIT_CODES
from slides_api.v1alpha1 import SlideExtractionBatchStatus, SlideExtractionStatus
from slides_api.wellknown import API_VERSION, OUTPUTS_FINALIZER
from slides_operator.batch.observe import observe_batch
from slides_operator.batch.plan import plan_batch
from slides_operator.extraction.deletion import plan_deletion
from slides_operator.extraction.observe import World, observe
from slides_operator.extraction.plan import plan
from slides_operator.settings import OperatorSettings

Json = dict[str, Any]

BEGIN = datetime(2027, 1, 31, 12, tzinfo=UTC)
SETTINGS = OperatorSettings(runner_image="runner:test")
RESULT = {
    "manifestURI": "s3://slides/url-1/0123abcd/manifest.json",
    "slideCount": 12,
    "sha256": "0" * 64,
    "bytes": 1,
}


def build_meta(name: str, uid: str, now: datetime) -> Json:
    """Return metadata as the API server adds it."""
    created = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    own = {"name": name, "namespace": "talks", "uid": uid, "creationTimestamp": created}
    return {**own, "generation": 1, "resourceVersion": "1"}


def build_resource(kind: str, name: str, spec: Json) -> Json:
    """Return a resource that the operator has not seen."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": build_meta(name, f"11111111-{name}", BEGIN),
        "spec": spec,
        "status": {"observedGeneration": 0},  # the CRD's default
    }


class Story:
    """The extraction, its Jobs and pods; `reconcile` does to them what the operator does."""

    def __init__(self, **spec: Any) -> None:
        self.now = BEGIN
        self.jobs: list[Json] = []
        self.pods: list[Json] = []
        source = {"url": "https://talks.example.org/keynote.mp4"}
        self.extraction = build_resource("SlideExtraction", "keynote", {"source": source, **spec})

    @classmethod
    def about(cls, extraction: Json) -> "Story":
        """Return the story of an extraction that a batch created."""
        story = cls()
        story.extraction = extraction
        return story

    @property
    def status(self) -> Json:
        status: Json = self.extraction["status"]
        return status

    def reconcile(self, seconds: float = 1) -> "Story":
        """Let time pass, then do what the operator does."""
        self.now += timedelta(seconds=seconds)
        seen = observe(World(copy.deepcopy(self.extraction), self.jobs, self.pods))
        todo = (plan_deletion if seen.deleted_at else plan)(seen, SETTINGS, self.now)
        if todo.job:
            self._create(todo.job)
        if todo.status is not None:
            SlideExtractionStatus.model_validate(todo.status)
            own = {key: self.status[key] for key in ("run", "result") if key in self.status}
            self.extraction["status"] = {**todo.status, **own}
        self.jobs = [job for job in self.jobs if job["metadata"]["name"] not in todo.delete_jobs]
        self.pods = [pod for pod in self.pods if self._job_of(pod) in self.jobs]
        return self

    def _create(self, job: Json) -> None:
        name, labels = job["metadata"]["name"], job["metadata"]["labels"]
        created = job["metadata"] | build_meta(name, f"{name}-uid", self.now)
        status = {"startTime": self._time(), "active": 1}
        self.jobs.append({**job, "metadata": created, "status": status})
        owner = [{"kind": "Job", "uid": f"{name}-uid", "controller": True}]
        meta = build_meta(f"{name}-abcde", name, self.now)
        meta |= {"labels": labels, "ownerReferences": owner}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"nodeName": "node-1"}}
        self.pods.append({**pod, "status": {"phase": "Pending"}})

    def _job_of(self, pod: Json) -> Json | None:
        owner = pod["metadata"]["ownerReferences"][0]["uid"]
        return next((job for job in self.jobs if job["metadata"]["uid"] == owner), None)

    def _time(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def waits(self, reason: str) -> "Story":
        """Have the container wait, for the kubelet's reason."""
        return self._container("Pending", {"waiting": {"reason": reason, "message": reason}})

    def finds_no_node(self) -> "Story":
        """Have the scheduler find no node."""
        told = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
        self.pods[-1]["status"]["conditions"] = [{**told, "message": "0/3 nodes are available"}]
        return self

    def says(self, stage: str, **more: Any) -> "Story":
        """Have the runner report."""
        self._container("Running", {"running": {"startedAt": self._time()}})
        number = int(self.jobs[-1]["metadata"]["labels"]["slides-extractor.dev/attempt"])
        self.status["run"] = {"attempt": number, "stage": stage, "updatedAt": self._time(), **more}
        return self

    def ends(self, reason: str, result: Mapping[str, Any] | None = None) -> "Story":
        """Have the runner end for a reason, with a result if it has one."""
        code = int(EXIT_CODES[Reason(reason)])
        self.says("Uploading", reason=reason, message="as the runner says")
        if result:
            self.status["result"] = dict(result)
        words = f'{{"reason": "{reason}", "message": "as the runner says"}}'
        ended = {"exitCode": code, "message": words, "finishedAt": self._time()}
        self._container("Failed" if code else "Succeeded", {"terminated": ended})
        end = {"type": "Failed" if code else "Complete", "status": "True"}
        self.jobs[-1]["status"] = {"conditions": [{**end, "lastTransitionTime": self._time()}]}
        return self

    def _container(self, phase: str, state: Json) -> "Story":
        self.pods[-1]["status"] = {
            "phase": phase,
            "containerStatuses": [{"name": "runner", "state": state}],
        }
        return self

    def edit(self, **spec: Any) -> "Story":
        """Edit the spec, as a new commit in Git does."""
        self.extraction["spec"] |= spec
        self.extraction["metadata"]["generation"] += 1
        return self

    def annotate(self, key: str, value: str) -> "Story":
        """Annotate it, as somebody who wants another attempt does."""
        self.extraction["metadata"]["annotations"] = {key: value}
        return self

    def delete(self) -> "Story":
        """Delete it, while its outputs are still there."""
        meta = self.extraction["metadata"]
        meta |= {"deletionTimestamp": self._time(), "finalizers": [OUTPUTS_FINALIZER]}
        return self


class BatchStory:
    """A batch of two lectures and its extractions."""

    LECTURES = ("first", "second")

    def __init__(self, **spec: Any) -> None:
        url = "https://talks.example.org/{}.mp4".format
        items = [{"name": name, "url": url(name)} for name in self.LECTURES]
        self.batch = build_resource("SlideExtractionBatch", "course", {"items": items, **spec})
        self.children: dict[str, Story] = {}

    @property
    def status(self) -> Json:
        status: Json = self.batch["status"]
        return status

    def reconcile(self) -> "BatchStory":
        """Do what the operator does about the batch, then about what became of its items."""
        for _ in self.LECTURES:  # once more where the first look created or changed something
            self.step()
        return self

    def step(self) -> "BatchStory":
        """Do what the operator does about the batch once."""
        extractions = [copy.deepcopy(child.extraction) for child in self.children.values()]
        todo = plan_batch(observe_batch(copy.deepcopy(self.batch), extractions), BEGIN)
        for body in todo.creates:
            created = body["metadata"] | build_meta(body["metadata"]["name"], "22222222", BEGIN)
            status = {"observedGeneration": 0}
            self.children[created["name"]] = Story.about(
                {**body, "metadata": created, "status": status}
            ).reconcile()
        for change in todo.changes:
            self.children[change.name].edit(**change.spec).reconcile()
        if todo.status is not None:
            SlideExtractionBatchStatus.model_validate(todo.status)
            self.batch["status"] = todo.status
        return self

    def end(self, *reasons: str) -> "BatchStory":
        """Have the items end for these reasons."""
        for child, reason in zip(self.children.values(), reasons, strict=False):
            child.ends(reason, RESULT).reconcile()
        return self

    def edit(self, **spec: Any) -> "BatchStory":
        """Edit the spec, as a new commit in Git does."""
        self.batch["spec"] |= spec
        self.batch["metadata"]["generation"] += 1
        return self
