"""Jobs as they are created: one for an attempt, one for deleting outputs; never changed whole."""

from slides_api.job_input import JobInput, JobSpec
from slides_api.names import claim_name, deletion_job_name, job_name
from slides_api.v1alpha1 import SlideExtractionSpec, Video
from slides_api.wellknown import (
    API_VERSION,
    ATTEMPT_LABEL,
    EXTRACTION_KIND,
    EXTRACTION_LABEL,
    FULL_NAME,
    MANAGED_BY_LABEL,
    NAME_LABEL,
    OPERATOR_NAME,
    RUNNER_NAME,
)
from slides_operator.extraction.attempts import RUNNER_CONTAINER
from slides_operator.extraction.labels import (
    DELETION_LABEL,
    PROGRESS_ANNOTATION,
    TEMPLATE_ANNOTATION,
)
from slides_operator.extraction.objects import Json
from slides_operator.extraction.observe import Observation
from slides_operator.extraction.pod import (
    Work,
    build_pod_template,
    split_command,
    template_hash,
)
from slides_operator.settings import OperatorSettings

DELETION_COMMAND = ("slides", "delete-outputs")
DELETION_SECONDS = 300
"""Deadline of one try to delete outputs: chosen; a thousand objects take seconds."""
DELETION_TTL_S = 600
"""Least time that such a Job stays: chosen; one that is gone before it is seen is made again."""
DELETION_VOLUME = {"emptyDir": {"sizeLimit": "64Mi"}}
JOBS_PER_SECOND = 50
"""Active Jobs that make the interval of reports a second longer: a progress write costs the API
server as much as any, and 50 a second leave it idle (measured: it takes 430 on two cores)."""
LONGEST_PROGRESS_S = 30


def progress_seconds(active_jobs: int) -> int:
    """Return how often a runner may report while so many Jobs are active."""
    return min(max(1, active_jobs // JOBS_PER_SECOND), LONGEST_PROGRESS_S)


def build_job(
    seen: Observation,
    spec: SlideExtractionSpec,
    attempt: int,
    settings: OperatorSettings,
    *,
    progress_s: int,
) -> Json:
    """Return the Job of one attempt."""
    job_input = JobInput(
        namespace=seen.namespace,
        name=seen.name,
        uid=seen.uid,
        attempt=attempt,
        spec=_job_spec(spec),
        progress_seconds=progress_s,
        # An attempt that ends before it finds the video would erase from the status which it is.
        video=_known_video(seen),
    )
    work = Work(
        command=split_command(settings.pipeline_entrypoint),
        job_input=job_input.to_env(),
        volume=_work_volume(seen, spec, settings),
        source_secret=spec.source.secret_ref.name if spec.source.secret_ref else "",
        gpu=settings.enable_gpu,
    )
    job = _build_job(
        seen,
        spec,
        work,
        settings,
        name=job_name(seen.name, seen.uid, attempt),
        label={ATTEMPT_LABEL: str(attempt)},
        deadline_s=spec.active_deadline_seconds or settings.job_timeout,
    )
    metadata = job["metadata"]
    metadata["annotations"] |= {
        PROGRESS_ANNOTATION: str(progress_s),
        TEMPLATE_ANNOTATION: template_hash(seen.raw_spec, settings),
    }
    metadata["ownerReferences"] = [owner_reference(seen)]
    return job


def build_deletion_job(
    seen: Observation,
    spec: SlideExtractionSpec,
    number: int,
    settings: OperatorSettings,
) -> Json:
    """Return the Job of one try to delete the outputs.

    It has no owner: the garbage collector deletes what a resource that is deleted in the
    foreground owns, before the outputs would be gone. A TTL ends it instead.
    """
    status = seen.status
    job_input = JobInput.model_validate(
        {
            "namespace": seen.namespace,
            "name": seen.name,
            "uid": seen.uid,
            "attempt": number,
            "spec": _job_spec(spec),
            "video": status.get("video"),
            "result": status.get("result"),
            "keep": seen.world.kept,
        }
    )
    work = Work(DELETION_COMMAND, job_input.to_env(), DELETION_VOLUME)
    job = _build_job(
        seen,
        spec,
        work,
        settings,
        name=deletion_job_name(seen.name, seen.uid, number),
        label={DELETION_LABEL: str(number)},
        deadline_s=DELETION_SECONDS,
    )
    job["spec"]["ttlSecondsAfterFinished"] = max(settings.job_history_seconds, DELETION_TTL_S)
    return job


def owner_reference(seen: Observation) -> Json:
    """Return the reference that makes an object this extraction's own."""
    return {
        "apiVersion": API_VERSION,
        "kind": EXTRACTION_KIND,
        "name": seen.name,
        "uid": seen.uid,
        "controller": True,
    }


def _job_spec(spec: SlideExtractionSpec) -> JobSpec:
    return JobSpec(source=spec.source, outputs=spec.outputs, storage=spec.storage, force=spec.force)


def _known_video(seen: Observation) -> Video | None:
    found = seen.status.get("video")
    return Video.model_validate(found) if found else None


def _work_volume(seen: Observation, spec: SlideExtractionSpec, settings: OperatorSettings) -> Json:
    volume = spec.work_volume
    if volume and volume.claim:
        return {"persistentVolumeClaim": {"claimName": claim_name(seen.name, seen.uid)}}
    empty_dir = volume.empty_dir if volume else None
    size = empty_dir.size_limit if empty_dir else None
    return {"emptyDir": {"sizeLimit": size or settings.work_volume_size}}


def _build_job(
    seen: Observation,
    spec: SlideExtractionSpec,
    work: Work,
    settings: OperatorSettings,
    *,
    name: str,
    label: dict[str, str],
    deadline_s: int,
) -> Json:
    labels = {
        NAME_LABEL: RUNNER_NAME,
        MANAGED_BY_LABEL: OPERATOR_NAME,
        EXTRACTION_LABEL: seen.uid,
        **label,
    }
    annotations = {FULL_NAME: seen.name}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": seen.namespace,
            "labels": labels,
            "annotations": dict(annotations),
        },
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": deadline_s,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": {"rules": _failure_rules()},
            "template": build_pod_template(
                spec, work, settings, labels=labels, annotations=annotations
            ),
        },
    }


def _failure_rules() -> list[Json]:
    """Return rules by which the Job's condition keeps the exit code when the pod is gone."""
    disrupted = {"type": "DisruptionTarget", "status": "True"}
    failed = {"containerName": RUNNER_CONTAINER, "operator": "NotIn", "values": [0]}
    return [
        {"action": "FailJob", "onPodConditions": [disrupted]},
        {"action": "FailJob", "onExitCodes": failed},
    ]
