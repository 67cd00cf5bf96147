"""Jobs as they are created, beside the files that show them whole."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from slides_api.job_input import JobInput
from slides_operator.extraction.claim import build_claim
from slides_operator.extraction.job import build_deletion_job, build_job, progress_seconds
from slides_operator.settings import OperatorSettings
from tests.operator.worlds import RESULT, build_extraction, build_settings, see

Json = dict[str, Any]
GOLDEN = Path(__file__).parent / "data"
URL = "https://example.com/talk.mp4"
FULL = {
    "source": {"url": URL, "secretRef": {"name": "cookies"}, "maxHeight": 720},
    "outputs": {"slides": {"sensitivity": "high"}},
    "storage": {"s3": {"endpoint": "https://s3.example.com", "secretRef": {"name": "keys"}}},
    "workVolume": {"claim": {"storageClassName": "fast"}},
    "activeDeadlineSeconds": 7200,
    "podTemplate": {
        "metadata": {"labels": {"team": "talks"}, "annotations": {"note": "mind the gap"}},
        "resources": {"limits": {"memory": "4Gi"}},
        "nodeSelector": {"disk": "fast"},
        "tolerations": [{"key": "spot", "operator": "Exists"}],
        "affinity": {"podAntiAffinity": {}},
        "runtimeClassName": "gvisor",
        "priorityClassName": "low",
        "imagePullSecrets": [{"name": "registry"}, {"name": "mirror"}],
        "serviceAccountName": "own",
        "image": "registry.example.com/runner:2",
    },
}
SET = build_settings(
    runner_image_pull_secrets=("mirror",),
    runner_tolerations=[{"key": "video", "operator": "Exists"}],
    runner_node_selector={"pool": "video"},
    runner_extra_env={"ALLOW_PRIVATE_ADDRESSES": "1"},
    pipeline_entrypoint="nice -n 5 slides run",
    debug_pipeline=True,
    enable_gpu=True,
)


def attempt(spec: Json | None = None, settings: OperatorSettings | None = None) -> Json:
    seen = see(build_extraction(spec=spec))
    assert seen.spec is not None
    return build_job(seen, seen.spec, 3, settings or build_settings(), progress_s=4)


def deletion() -> Json:
    status = {"video": {"key": "youtube-x"}, "result": RESULT}
    seen = see(build_extraction(spec=FULL, status=status), kept=("s3://other/manifest.json",))
    assert seen.spec is not None
    return build_deletion_job(seen, seen.spec, 2, build_settings())


def claim() -> Json:
    seen = see(build_extraction(spec=FULL))
    assert seen.spec is not None
    assert seen.spec.work_volume is not None
    assert seen.spec.work_volume.claim is not None
    return build_claim(seen, seen.spec.work_volume.claim, build_settings())


MADE = {
    "job": attempt(),
    "job-with-everything": attempt(FULL, SET),
    "deletion-job": deletion(),
    "claim": claim(),
}


@pytest.mark.parametrize("name", MADE)
def test_is_as_the_file_shows_it(name: str) -> None:
    path = GOLDEN / f"{name}.yaml"
    if "WRITE_GOLDEN" in os.environ:
        path.write_text(yaml.safe_dump(MADE[name], sort_keys=False, width=100), encoding="utf-8")
    assert yaml.safe_load(path.read_text(encoding="utf-8")) == MADE[name]


def container(job: Json) -> Json:
    made: Json = job["spec"]["template"]["spec"]["containers"][0]
    return made


def environment(job: Json) -> dict[str, Json]:
    return {one["name"]: one for one in container(job)["env"]}


def test_the_runner_reads_what_the_job_says() -> None:
    told = JobInput.model_validate_json(environment(attempt(FULL))["JOB_INPUT"]["value"])
    assert (told.namespace, told.name, told.attempt) == ("default", "talk", 3)
    assert told.progress_seconds == 4
    assert told.spec.source.url == URL
    assert told.spec.storage is not None


def test_a_deletion_knows_what_to_delete() -> None:
    told = JobInput.model_validate_json(environment(deletion())["JOB_INPUT"]["value"])
    assert told.result is not None
    assert told.result.manifest_uri == RESULT["manifestURI"]
    assert told.video is not None
    assert told.video.key == "youtube-x"
    assert told.keep == ("s3://other/manifest.json",)


def test_a_deletion_is_there_to_be_seen_although_no_job_is_kept() -> None:
    seen = see(build_extraction(status={"video": {"key": "youtube-x"}}))
    assert seen.spec is not None
    job = build_deletion_job(seen, seen.spec, 1, build_settings(job_history_seconds=0))
    assert job["spec"]["ttlSecondsAfterFinished"] == 600


def test_no_pod_is_given_whole_secrets_or_the_password_of_the_api() -> None:
    for job in (attempt(), attempt(FULL, SET), deletion()):
        assert all("secretRef" not in source for source in container(job)["envFrom"])
        assert "API_PASSWORD" not in json.dumps(job)


KEYS: dict[str, tuple[Json, dict[str, str]]] = {
    "the namespace's Secret": (
        {},
        {"S3_ACCESS_KEY": "slides-extractor-secrets", "S3_SECRET_KEY": "slides-extractor-secrets"},
    ),
    "its own Secret": (
        {"secretRef": {"name": "keys"}}, {"S3_ACCESS_KEY": "keys", "S3_SECRET_KEY": "keys"},
    ),
    "its pod's identity": ({"workloadIdentity": True}, {}),
}  # fmt: skip


@pytest.mark.parametrize(("s3", "want"), KEYS.values(), ids=KEYS)
def test_keys_of_the_store_come_from(s3: Json, want: dict[str, str]) -> None:
    variables = environment(attempt({"storage": {"s3": s3}}))
    keys = {
        name: one["valueFrom"]["secretKeyRef"]["name"]
        for name, one in variables.items()
        if name.startswith("S3_")
    }
    assert keys == want


def test_only_the_access_key_has_to_be_there() -> None:
    needed = [
        name
        for name, one in environment(attempt()).items()
        if "valueFrom" in one and not one["valueFrom"]["secretKeyRef"].get("optional")
    ]
    assert needed == ["S3_ACCESS_KEY"]


RESOURCES: dict[str, tuple[Json, Json]] = {
    "none": (
        {}, {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "2Gi"}},
    ),
    "more memory": (
        {"limits": {"memory": "4Gi"}}, {"requests": {"cpu": "500m"}, "limits": {"memory": "4Gi"}},
    ),
    "less memory than is usual": (
        {"limits": {"memory": "64Mi"}}, {"requests": {"cpu": "500m"}, "limits": {"memory": "64Mi"}},
    ),
    "a CPU": (
        {"requests": {"cpu": "1"}},
        {"requests": {"memory": "512Mi", "cpu": "1"}, "limits": {"memory": "2Gi"}},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("named", "want"), RESOURCES.values(), ids=RESOURCES)
def test_resources(named: Json, want: Json) -> None:
    assert container(attempt({"podTemplate": {"resources": named}}))["resources"] == want


def test_a_gpu_is_asked_for_where_the_operator_has_them() -> None:
    job = attempt(settings=build_settings(enable_gpu=True))
    assert container(job)["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert environment(job)["ENABLE_GPU"]["value"] == "1"


def test_labels_that_find_pods_are_not_the_users() -> None:
    labels = {"slides-extractor.dev/attempt": "9", "team": "talks"}
    seen = see(build_extraction(spec={"podTemplate": {"metadata": {"labels": labels}}}))
    assert seen.spec is not None
    job = build_job(seen, seen.spec, 1, build_settings(), progress_s=1)
    made = job["spec"]["template"]["metadata"]["labels"]
    assert made["slides-extractor.dev/attempt"] == "1"
    assert made["team"] == "talks"


@pytest.mark.parametrize(("active", "seconds"), [(0, 1), (50, 1), (149, 2), (1000, 20), (9999, 30)])
def test_many_runners_report_less_often(active: int, seconds: int) -> None:
    assert progress_seconds(active) == seconds


def test_runner_is_told_how_large_its_volume_is() -> None:
    assert environment(attempt())["WORK_VOLUME_BYTES"]["value"] == "20Gi"
    claimed = attempt({"workVolume": {"claim": {"size": "5Gi"}}})
    assert "WORK_VOLUME_BYTES" not in environment(claimed)


def test_attempt_is_told_which_video_an_earlier_one_found() -> None:
    video = {"key": "youtube-abc", "title": "A talk"}
    seen = see(build_extraction(status={"video": video}))
    assert seen.spec is not None

    job = build_job(seen, seen.spec, 2, build_settings(), progress_s=1)

    told = JobInput.model_validate_json(environment(job)["JOB_INPUT"]["value"])
    assert told.video is not None
    assert told.video.key == "youtube-abc"
