"""What else happens in a cluster: Jobs get pods, pods run and end, runners report, users act."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from slides_api.wellknown import ATTEMPT_LABEL, EXTRACTION_LABEL
from slides_operator.extraction.objects import format_time
from tests.operator.fake_api import FakeApi

Json = dict[str, Any]
MANIFEST = "s3://bucket/youtube-x/00000000/manifest.json"
RESULT = {"manifestURI": MANIFEST, "slideCount": 3, "sha256": "0" * 64, "bytes": 10}


class FakeCluster:
    """The Job controller, the nodes and the runners, each step on demand."""

    def __init__(self, api: FakeApi, now: Callable[[], datetime]) -> None:
        self.api = api
        self.now = now

    def step_jobs(self) -> None:
        """Let the Job controller look at every Job."""
        for job in list(self.api.all("jobs")):
            self._sync_job(job)

    def pods_of(self, job: Json) -> list[Json]:
        uid = job["metadata"]["uid"]
        pods = self.api.all("pods")
        return [pod for pod in pods if pod["metadata"]["ownerReferences"][0]["uid"] == uid]

    def live_pods(self) -> list[Json]:
        return [pod for pod in self.api.all("pods") if not _ended(pod)]

    def start(self, pod: Json) -> None:
        """Run a pod's container, and let its runner say so."""
        if _ended(pod) or "deletionTimestamp" in pod["metadata"]:
            return
        running = {"startedAt": format_time(self.now())}
        self._set_state(pod, "Running", {"running": running})
        self._report(pod, stage="Downloading")

    def end(self, pod: Json, code: int, *, reason: str = "", oom: bool = False) -> None:
        """End a pod's container; a runner that ends well leaves its result first."""
        if _ended(pod):
            return
        if code == 0:
            self._report(pod, stage="Uploading", reason=reason or "Completed", result=True)
        elif reason:
            self._report(pod, stage="Downloading", reason=reason)
        terminated = {"exitCode": code, "finishedAt": format_time(self.now())}
        if oom:
            terminated["reason"] = "OOMKilled"
        self._set_state(pod, "Failed" if code else "Succeeded", {"terminated": terminated})

    def disrupt(self, pod: Json) -> None:
        """Drain the node that a pod is on."""
        if _ended(pod):
            return
        condition = {"type": "DisruptionTarget", "status": "True", "message": "drained"}
        pod["status"]["conditions"] = [condition]
        self.end(pod, 143)

    def finish_pods(self) -> None:
        """Let the kubelet end what is being deleted, and take ended pods of nobody away."""
        for pod in list(self.api.all("pods")):
            if "deletionTimestamp" in pod["metadata"]:
                self.end(pod, 143)
                self.api.remove("pods", pod)

    def _sync_job(self, job: Json) -> None:
        pods = self.pods_of(job)
        if "deletionTimestamp" in job["metadata"]:
            for pod in pods:
                self.api.collect("pods", pod)
            if not pods:
                job["metadata"]["finalizers"] = []
                self.api.remove("jobs", job)
            return
        status = job.setdefault("status", {})
        if status.get("conditions"):
            return
        if "startTime" not in status:
            status |= {"startTime": format_time(self.now()), "active": 1}
            self.api.changed("jobs", job)
            self._create_pod(job)
        elif not pods:
            self._end_job(job, "Failed", "BackoffLimitExceeded", "Job has reached the limit")
        elif _ended(pods[0]):
            self._judge(job, pods[0])

    def _judge(self, job: Json, pod: Json) -> None:
        code = pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"]
        name = pod["metadata"]["name"]
        if code == 0:
            self._end_job(job, "Complete", "CompletionsReached", "")
        elif pod["status"].get("conditions"):
            message = f"Pod default/{name} has condition DisruptionTarget matching FailJob rule"
            self._end_job(job, "Failed", "PodFailurePolicy", message)
        else:
            message = f"Container runner for pod default/{name} failed with exit code {code} "
            self._end_job(job, "Failed", "PodFailurePolicy", f"{message}matching FailJob rule")

    def _end_job(self, job: Json, kind: str, reason: str, message: str) -> None:
        job["status"] = {
            "startTime": job["status"]["startTime"],
            "conditions": [
                {
                    "type": kind,
                    "status": "True",
                    "reason": reason,
                    "message": message,
                    "lastTransitionTime": format_time(self.now()),
                }
            ],
        }
        self.api.changed("jobs", job)

    def _create_pod(self, job: Json) -> None:
        template = job["spec"]["template"]["metadata"]
        owner = {"kind": "Job", "uid": job["metadata"]["uid"], "controller": True}
        self.api.create(
            "pods",
            {
                "metadata": {
                    "name": f"{job['metadata']['name']}-{len(self.api.created):05}",
                    "namespace": job["metadata"]["namespace"],
                    "labels": dict(template["labels"]),
                    "ownerReferences": [owner],
                },
                "spec": {"nodeName": "node-1"},
                "status": {"phase": "Pending"},
            },
        )

    def _set_state(self, pod: Json, phase: str, state: Json) -> None:
        pod["status"] |= {
            "phase": phase,
            "containerStatuses": [{"name": "runner", "state": state}],
        }
        self.api.changed("pods", pod)

    def _report(self, pod: Json, *, stage: str, reason: str = "", result: bool = False) -> None:
        labels = pod["metadata"]["labels"]
        owner = self._extraction(labels[EXTRACTION_LABEL])
        if ATTEMPT_LABEL not in labels or owner is None:
            return
        attempt = int(labels[ATTEMPT_LABEL])
        if attempt < ((owner.get("status") or {}).get("run") or {}).get("attempt", 0):
            return  # the admission policy refuses what a later attempt has overtaken
        run = {"attempt": attempt, "stage": stage, "updatedAt": format_time(self.now())}
        written: Json = {"run": run | ({"reason": reason} if reason else {})}
        written["video"] = {"key": "youtube-x"}
        if result:
            written["result"] = RESULT
        self.api.report(owner, **written)

    def _extraction(self, uid: str) -> Json | None:
        found = self.api.all("slideextractions")
        return next((one for one in found if one["metadata"]["uid"] == uid), None)


def _ended(pod: Json) -> bool:
    return pod["status"]["phase"] in {"Succeeded", "Failed"}
