"""The runner's pod: what the operator's settings and `spec.podTemplate` make of it together.

It passes Pod Security at its strictest (enforce=restricted), whatever the extraction says.
"""

import hashlib
import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from slides_api.job_input import JOB_INPUT
from slides_api.v1alpha1 import PodMetadata, PodTemplate, S3Storage, SlideExtractionSpec
from slides_operator.extraction.attempts import RUNNER_CONTAINER
from slides_operator.extraction.objects import Json, merged, present
from slides_operator.settings import OperatorSettings

USER = 65532
"""The user of the runner's image: the one that distroless images call nonroot."""
WORK_DIR = "/data"
TOKEN_DIR = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a place, no secret
TOKEN_SECONDS = 3600
"""Life of the pod's token: the kubelet renews it. Kubernetes' own default."""
SOURCE_SECRET_DIR = "/etc/slides/source"  # noqa: S105 - a place, no secret
TMP_SIZE = "1Gi"
"""Room for temporary files: chosen, several times what a run was seen to leave there."""
GPU = "nvidia.com/gpu"
SHARED_KEYS = ("ZYTE_API_KEY", "DATACENTER_PROXY")
"""Keys of the namespace's Secret besides S3's; never API_PASSWORD, and never all of them."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a pod is for: the parts that an attempt and a deletion differ in."""

    command: tuple[str, ...]
    job_input: str
    volume: Json
    """Source of the volume at /data."""
    source_secret: str = ""
    """Secret with the credentials for the source; empty where there is none or none is needed."""
    gpu: bool = False


def build_pod_template(
    spec: SlideExtractionSpec,
    work: Work,
    settings: OperatorSettings,
    *,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
) -> Json:
    """Return the template of a Job's one pod."""
    template = spec.pod_template or PodTemplate()
    metadata = template.metadata or PodMetadata()
    return {
        "metadata": {
            "labels": merged(metadata.labels, labels),
            "annotations": merged(metadata.annotations, annotations),
        },
        "spec": {
            "restartPolicy": "Never",
            "serviceAccountName": template.service_account_name or settings.runner_service_account,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": _pod_security(),
            **_placement(template, settings),
            "containers": [_build_container(spec, template, work, settings)],
            "volumes": list(_volumes(work)),
        },
    }


def template_hash(raw_spec: Json, settings: OperatorSettings) -> str:
    """Return 8 hexadecimal digits that differ when a pod would be made otherwise.

    Of the settings, those count that can keep a pod from starting.
    """
    own = raw_spec.get("podTemplate") or {}
    shared = {
        "image": own.get("image") or settings.runner_image,
        "imagePullPolicy": settings.runner_image_pull_policy,
        "imagePullSecrets": settings.runner_image_pull_secrets,
        "serviceAccountName": settings.runner_service_account,
        "resources": settings.runner_resources,
        "nodeSelector": settings.runner_node_selector,
        "tolerations": settings.runner_tolerations,
        "command": settings.pipeline_entrypoint,
        "secret": settings.secret_name,
        "gpu": settings.enable_gpu,
    }
    canonical = json.dumps({"podTemplate": own, **shared}, sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:8]


def _pod_security() -> Json:
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _placement(template: PodTemplate, settings: OperatorSettings) -> Json:
    own = template.to_wire()
    secrets = [{"name": name} for name in settings.runner_image_pull_secrets]
    secrets += [one for one in own.get("imagePullSecrets", ()) if one not in secrets]
    return present(
        nodeSelector=own.get("nodeSelector") or settings.runner_node_selector,
        tolerations=[*settings.runner_tolerations, *own.get("tolerations", ())],
        affinity=own.get("affinity"),
        runtimeClassName=own.get("runtimeClassName"),
        priorityClassName=own.get("priorityClassName"),
        imagePullSecrets=secrets,
    )


def _build_container(
    spec: SlideExtractionSpec, template: PodTemplate, work: Work, settings: OperatorSettings
) -> Json:
    return {
        "name": RUNNER_CONTAINER,
        "image": template.image or settings.runner_image,
        "imagePullPolicy": settings.runner_image_pull_policy,
        "command": list(work.command),
        "env": _build_env(spec, work, settings),
        "envFrom": [{"configMapRef": {"name": settings.config_map_name, "optional": True}}],
        "resources": _resources(template, work, settings),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": list(_mounts(work)),
    }


def _build_env(spec: SlideExtractionSpec, work: Work, settings: OperatorSettings) -> list[Json]:
    plain = {
        **settings.runner_extra_env,
        JOB_INPUT: work.job_input,
        "WORK_DIR": WORK_DIR,
        "HOME": "/tmp",  # noqa: S108 - the pod's own volume: the root file system is read-only
        **_told(settings),
    }
    if work.source_secret:
        plain["SOURCE_SECRET_DIR"] = SOURCE_SECRET_DIR
    if size := work.volume.get("emptyDir", {}).get("sizeLimit"):
        # The kubelet evicts a pod that goes beyond; the runner stops before, and says why.
        plain["WORK_VOLUME_BYTES"] = size
    told = [{"name": name, "value": value} for name, value in plain.items()]
    return [*told, *_secret_env(spec.storage.s3 if spec.storage else None, settings.secret_name)]


def _told(settings: OperatorSettings) -> dict[str, str]:
    """Return the operator's settings that are the runner's as well."""
    told = {"DEBUG_PIPELINE": settings.debug_pipeline, "ENABLE_GPU": settings.enable_gpu}
    return {name: "1" for name, value in told.items() if value}


def _secret_env(s3: S3Storage | None, shared: str) -> Iterator[Json]:
    """Yield the variables that come from Secrets, key by key."""
    for key in SHARED_KEYS:
        yield _from_secret(shared, key, optional=True)
    if s3 and s3.workload_identity:
        return
    secret = s3.secret_ref.name if s3 and s3.secret_ref else shared
    yield _from_secret(secret, "S3_ACCESS_KEY", optional=False)
    yield _from_secret(secret, "S3_SECRET_KEY", optional=True)


def _from_secret(secret: str, key: str, *, optional: bool) -> Json:
    reference = {"name": secret, "key": key} | ({"optional": True} if optional else {})
    return {"name": key, "valueFrom": {"secretKeyRef": reference}}


def _resources(template: PodTemplate, work: Work, settings: OperatorSettings) -> Json:
    """Return requests and limits: what the extraction names, and the settings for the rest.

    Per resource, not per list: who only raises the limit of memory keeps the settings' CPU, and
    the settings' request of memory does not stand beside a limit that may be lower.
    """
    own = template.resources.to_wire() if template.resources else {}
    named = {name for amounts in own.values() for name in amounts}
    resources = {}
    for kind in ("requests", "limits"):
        default = settings.runner_resources.get(kind) or {}
        rest = {name: amount for name, amount in default.items() if name not in named}
        resources[kind] = merged(rest, own.get(kind))
    if work.gpu and GPU not in named:
        resources["limits"].setdefault(GPU, "1")
    return present(**resources)


def _mounts(work: Work) -> Iterator[Json]:
    yield {"name": "work", "mountPath": WORK_DIR}
    yield {"name": "tmp", "mountPath": "/tmp"}  # noqa: S108 - the pod's own volume
    yield {"name": "token", "mountPath": TOKEN_DIR, "readOnly": True}
    if work.source_secret:
        yield {"name": "source", "mountPath": SOURCE_SECRET_DIR, "readOnly": True}


def _volumes(work: Work) -> Iterator[Json]:
    yield {"name": "work", **work.volume}
    yield {"name": "tmp", "emptyDir": {"sizeLimit": TMP_SIZE}}
    yield {"name": "token", "projected": {"defaultMode": 0o440, "sources": _token_sources()}}
    if work.source_secret:
        secret = {"secretName": work.source_secret, "defaultMode": 0o440}
        yield {"name": "source", "secret": secret}


def _token_sources() -> list[Json]:
    """Return what the kubelet would mount by itself, readable by the runner's group alone."""
    ca = {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}
    namespace = {"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}
    return [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": TOKEN_SECONDS}},
        {"configMap": ca},
        {"downwardAPI": {"items": [namespace]}},
    ]


@cache
def split_command(command: str) -> tuple[str, ...]:
    """Return the words of a command line, as a shell reads them."""
    return tuple(shlex.split(command))
