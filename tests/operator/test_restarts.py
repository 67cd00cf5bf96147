"""The whole core over an API in memory: any order of events, any crash, any repetition."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from slides_api.v1alpha1 import OperatorStatus
from slides_api.wellknown import (
    API_VERSION,
    ATTEMPT_LABEL,
    OUTPUTS_FINALIZER,
    REDELIVER_AT,
    RETRY_AT,
)
from slides_operator.extraction.labels import DELETION_LABEL
from slides_operator.extraction.objects import format_time, parse_time
from slides_operator.extraction.status import own_part
from slides_operator.kube.cache import Key, Kind
from tests.operator.fake_api import WATCHED, FakeApi
from tests.operator.fake_cluster import FakeCluster
from tests.operator.mortal import MortalOperator

Json = dict[str, Any]
KEY = Key(Kind.EXTRACTION, "default", "talk")


class OneExtraction(RuleBasedStateMachine):
    """One extraction, its cluster, its users, and an operator that may die at any write."""

    def __init__(self) -> None:
        super().__init__()
        self.time = datetime(2027, 1, 1, tzinfo=UTC)
        self.runner = asyncio.Runner()
        self.deleted_by_hand: set[str] = set()
        self.opened: set[str] = set()
        self.api = FakeApi(lambda: self.time)
        self.cluster = FakeCluster(self.api, lambda: self.time)

    def teardown(self) -> None:
        try:
            if self.api.all("slideextractions"):
                self.settle()
        finally:
            self.runner.close()

    @initialize(
        policy=st.sampled_from(["Retain", "Delete"]), claim=st.booleans(), callback=st.booleans()
    )
    def apply(self, policy: str, claim: bool, callback: bool) -> None:
        spec: Json = {
            "source": {"url": "https://example.com/talk.mp4"},
            "deletionPolicy": policy,
            "retry": {"limit": 1, "initialSeconds": 10, "factor": 2, "maxSeconds": 600},
        }
        if claim:
            spec["workVolume"] = {"claim": {"size": "1Gi"}}
        if callback:
            spec["callback"] = {"url": "https://hooks.example.com/talks"}
        self.api.create(
            "slideextractions",
            {
                "apiVersion": API_VERSION,
                "metadata": {"name": "talk", "namespace": "default"},
                "spec": spec,
            },
        )
        self.operator = MortalOperator(self.api, lambda: self.time)

    @property
    def extraction(self) -> Json | None:
        return self.api.objects.get(("slideextractions", "default", "talk"))

    @property
    def owes_outputs(self) -> bool:
        """Whether it is being deleted with outputs that nobody has looked at yet."""
        extraction = self.extraction or {"metadata": {}}
        meta, status = extraction["metadata"], extraction.get("status") or {}
        told = {one["type"] for one in status.get("conditions", ())}
        going = "deletionTimestamp" in meta and OUTPUTS_FINALIZER in meta["finalizers"]
        return going and "video" in status and "OutputsDeleted" not in told

    def live_attempts(self) -> list[Json]:
        pods = self.cluster.live_pods()
        return [pod for pod in pods if ATTEMPT_LABEL in pod["metadata"]["labels"]]

    @rule(steps=st.integers(1, 4))
    def go_on(self, steps: int) -> None:
        """Take some steps of the usual course, so that what follows meets all its stages."""
        for _ in range(steps):
            self.cluster.step_jobs()
            self.api.deliver_all(self.operator.cache)
            self.operator.reconcile(self.runner, KEY)
            self.note_end()

    @rule(code=st.sampled_from([200, 200, 500, 410]))
    def deliver(self, code: int) -> None:
        """Let the attempts that are under way end; whether that is written down comes later."""
        self.operator.postbox.deliver_all(code)

    @rule(at=st.integers(1, 8))
    def crash(self, at: int) -> None:
        with self.api.crash_at(at):
            self.operator.reconcile(self.runner, KEY)

    @rule(plural=st.sampled_from(WATCHED), count=st.integers(1, 3), restart=st.booleans())
    def see_some(self, plural: str, count: int, restart: bool) -> None:
        """Reconcile with what one watch brings before the others, or right after a start."""
        if restart:
            self.operator.restart()
        self.api.deliver(self.operator.cache, plural, count)
        self.operator.reconcile(self.runner, KEY)

    @rule(seconds=st.sampled_from([1, 11, 30, 200, 900]))
    def wait(self, seconds: int) -> None:
        self.api.deliver_all(self.operator.cache)  # watches are late by moments only
        self.time += timedelta(seconds=seconds)

    @rule(what=st.sampled_from(["start", "start", "end", "drain", "delete", "finish", "control"]))
    def move_pods(self, what: str) -> None:
        for pod in self.cluster.live_pods():
            match what:
                case "start":
                    self.cluster.start(pod)
                case "drain":
                    self.cluster.disrupt(pod)
                case "delete":
                    self.api.collect("pods", pod)
        if what == "finish":
            self.cluster.finish_pods()
        if what == "control":
            self.cluster.step_jobs()

    @rule(code=st.sampled_from([0, 1, 66, 80, 96, 137, 143]))
    def end_pods(self, code: int) -> None:
        for pod in self.cluster.live_pods():
            self.cluster.end(pod, code)

    @rule(
        what=st.sampled_from(["suspend", "resume", "edit", "ask again", "delete Jobs", "redeliver"])
    )
    def use(self, what: str) -> None:
        if self.extraction is None:
            return
        match what:
            case "suspend" | "resume":
                suspend = what == "suspend"
                self.api.edit("slideextractions", self.extraction, suspend=suspend)
            case "edit":
                image = {"image": f"runner:{self.extraction['metadata']['generation']}"}
                self.api.edit("slideextractions", self.extraction, podTemplate=image)
            case "redeliver":
                asked = {REDELIVER_AT: format_time(self.time)}
                self.extraction["metadata"].setdefault("annotations", {}).update(asked)
                self.api.changed("slideextractions", self.extraction)
            case "ask again":
                asked = {RETRY_AT: format_time(self.time)}
                self.extraction["metadata"].setdefault("annotations", {}).update(asked)
                self.api.changed("slideextractions", self.extraction)
            case "delete Jobs":
                for job in self.api.all("jobs"):
                    self.deleted_by_hand.add(job["metadata"]["name"])
                    self.api.delete("jobs", job)

    @rule(what=st.sampled_from([*["nothing"] * 18, "cancel", "delete"]))
    def give_up(self, what: str) -> None:
        """Do what leaves little to happen afterwards, seldom."""
        if self.extraction and what == "cancel":
            self.api.edit("slideextractions", self.extraction, cancel=True)
        elif self.extraction and what == "delete":
            self.api.delete("slideextractions", self.extraction)

    @invariant()
    def no_job_is_made_twice(self) -> None:
        jobs = [place[2] for place in self.api.created if place[0] == "jobs"]
        attempts = [name for name in jobs if "-delete-" not in name]
        twice = {name for name in attempts if attempts.count(name) > 1}
        assert twice <= self.deleted_by_hand

    @invariant()
    def no_two_attempts_are_active(self) -> None:
        active = {pod["metadata"]["labels"][ATTEMPT_LABEL] for pod in self.live_attempts()} | {
            job["metadata"]["labels"][ATTEMPT_LABEL]
            for job in self.api.all("jobs")
            if ATTEMPT_LABEL in job["metadata"]["labels"]
            and not (job.get("status") or {}).get("conditions")
        }
        assert len(active) <= 1, active

    @invariant()
    def outputs_are_deleted_when_nothing_writes_them(self) -> None:
        kinds = {
            DELETION_LABEL if DELETION_LABEL in pod["metadata"]["labels"] else ATTEMPT_LABEL
            for pod in self.cluster.live_pods()
        }
        assert len(kinds) <= 1

    @invariant()
    def status_is_valid(self) -> None:
        written = own_part((self.extraction or {}).get("status") or {})
        if written:
            read = OperatorStatus.model_validate(written, extra="forbid").to_wire()
            if "attempts" in read:
                read["attempts"] = {k: v for k, v in read["attempts"].items() if v != []}
            assert read == written

    def settle(self) -> None:
        """Let everything come to its end, and check that it is the right one and stays so."""
        owes = self.owes_outputs
        for _ in range(3):
            self.go_on(2)
        if (self.extraction or {}).get("status", {}).get("phase") in {"Suspended", "Cancelled"}:
            assert all("deletionTimestamp" in pod["metadata"] for pod in self.live_attempts())
        idle = 0
        for _ in range(60):
            before = len(self.api.writes), str(self.api.objects)
            self.cluster.step_jobs()
            self.cluster.finish_pods()
            for pod in self.cluster.live_pods():
                self.cluster.start(pod)
                self.cluster.end(pod, 0)
            self.cluster.step_jobs()
            self.api.deliver_all(self.operator.cache)
            self.operator.reconcile(self.runner, KEY)
            self.note_end()
            self.operator.postbox.deliver_all(200)
            self.no_two_attempts_are_active()
            self.no_job_is_made_twice()
            self.time += timedelta(seconds=700)  # longer than any delay here
            if due := self.next_webhook():
                self.time = max(self.time, due)
            idle = idle + 1 if (len(self.api.writes), str(self.api.objects)) == before else 0
            if idle == 3:
                break
        else:
            raise AssertionError(f"it never rests: {self.api.writes[-10:]}")
        self.check_end()
        if owes and self.extraction is None:
            assert any("-delete-" in name for _, _, name in self.api.created), "none tried"
        writes = list(self.api.writes)
        self.operator.reconcile(self.runner, KEY)
        self.operator.restart()
        self.operator.reconcile(self.runner, KEY)
        assert self.api.writes == writes, "an unchanged resource is written"

    def check_end(self) -> None:
        extraction = self.extraction
        if extraction is None:
            assert not self.cluster.live_pods(), "something outlived the resource"
            return
        assert "deletionTimestamp" not in extraction["metadata"]
        status, spec = extraction["status"], extraction["spec"]
        assert status["observedGeneration"] == extraction["metadata"]["generation"]
        assert all(
            one["observedGeneration"] == status["observedGeneration"]
            for one in status["conditions"]
        )
        self.check_webhook(extraction)
        phase = status["phase"]
        assert phase in {"Completed", "Failed", "Cancelled", "Suspended"}
        if phase == "Suspended":
            assert spec["suspend"]
        else:
            assert "completionTime" in status
        if spec.get("cancel"):
            assert phase in {"Completed", "Failed", "Cancelled"}
        if phase == "Completed":
            assert status["result"]
        unfinished = [job for job in self.api.all("jobs") if not job["status"].get("conditions")]
        assert not unfinished
        assert all("ttlSecondsAfterFinished" in job["spec"] for job in self.api.all("jobs"))
        rows = status["attempts"].get("history", ()) if "attempts" in status else ()
        assert all("finishedAt" in row for row in rows)

    @invariant()
    def note_end(self) -> None:
        """Remember the webhooks that were ever to be sent."""
        told = ((self.extraction or {}).get("status") or {}).get("callback")
        if told:
            self.opened.add(told["id"])

    def next_webhook(self) -> datetime | None:
        told = ((self.extraction or {}).get("status") or {}).get("callback") or {}
        return parse_time(told.get("nextAttemptAt"))

    def check_webhook(self, extraction: Json) -> None:
        """At least once, whatever crashed, and under one id for each end."""
        receiver, told = self.operator.receiver, extraction["status"].get("callback")
        assert set(receiver.received) <= self.opened
        if told is None:
            assert "callback" not in extraction["spec"] or extraction["status"]["phase"] == (
                "Suspended"
            )
            return
        assert "nextAttemptAt" not in told
        assert told["id"] in receiver.received
        assert told["id"] in receiver.taken or told["lastCode"] == 410
        assert told["attempts"] <= receiver.received.count(told["id"])


OneExtraction.TestCase.settings = settings(
    max_examples=200,
    stateful_step_count=30,
    deadline=None,
    # Shrinking takes minutes and says little: what fails is read step by step anyway.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestOneExtraction = pytest.mark.slow(OneExtraction.TestCase)
