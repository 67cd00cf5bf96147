"""What kwok plays: nodes that are always ready, and pods that run for a while and end as told.

Each pod may say by annotations how it ends, so that one cluster serves many tests: see `PodPlay`.
"""

import json
from dataclasses import dataclass
from typing import Any

ANNOTATIONS = "kwok.test"
"""Prefix of annotations by which a pod says how it is played; those under our name are refused."""
NODE_CAPACITY = {"cpu": "10000", "memory": "100Ti", "ephemeral-storage": "1000Ti", "pods": "100000"}
"""Chosen: room for every pod of a benchmark on one node."""


@dataclass(frozen=True)
class PodPlay:
    """How a Job's pod runs, unless its own annotations say otherwise.

    `<prefix>/run-for` is a duration such as 1500ms or 24h, `<prefix>/exit-code` a number and
    `<prefix>/message` the termination message.
    """

    run_ms: int = 1000
    jitter_ms: int = 0
    """Added to the duration at random, for each pod anew."""
    exit_code: int = 0
    message: str = ""


def build_kwok_configuration(play: PodPlay) -> str:
    """Return kwok's configuration file: every stage of nodes and pods."""
    parallel = {"podPlayStageParallelism": 16, "nodePlayStageParallelism": 1}
    options = _kwok("KwokConfiguration", {"options": {"manageAllNodes": True, **parallel}})
    stages = [_node_ready(), _pod_runs(), _pod_ends(play), _pod_is_stopped(), _pod_is_deleted()]
    return "\n---\n".join(json.dumps(document) for document in [options, *stages])


def build_nodes(count: int) -> str:
    """Return the manifests of as many nodes, for `kubectl apply`."""
    nodes = [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": f"kwok-{n}", "labels": {"kubernetes.io/hostname": f"kwok-{n}"}},
            "status": {"allocatable": NODE_CAPACITY, "capacity": NODE_CAPACITY},
        }
        for n in range(count)
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": nodes})


def _kwok(kind: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": f"{_group(kind)}/v1alpha1", "kind": kind, **content}


def _group(kind: str) -> str:
    return "config.kwok.x-k8s.io" if kind == "KwokConfiguration" else "kwok.x-k8s.io"


def _stage(name: str, resource: str, selector: list[dict[str, Any]], **spec: Any) -> dict[str, Any]:
    return _kwok(
        "Stage",
        {
            "metadata": {"name": name},
            "spec": {
                "resourceRef": {"apiGroup": "v1", "kind": resource},
                "selector": {"matchExpressions": selector},
                **spec,
            },
        },
    )


def _is(key: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": "In", "values": list(values)}


def _exists(key: str) -> dict[str, Any]:
    return {"key": key, "operator": "Exists"}


def _absent(key: str) -> dict[str, Any]:
    return {"key": key, "operator": "DoesNotExist"}


DELETED = ".metadata.deletionTimestamp"
PHASE = ".status.phase"


def _node_ready() -> dict[str, Any]:
    template = """
conditions:
- {type: Ready, status: "True", reason: KubeletReady, lastHeartbeatTime: {{ Now | Quote }},
   lastTransitionTime: {{ Now | Quote }}}
phase: Running
"""
    return _stage("node-ready", "Node", [_absent(PHASE)], next={"statusTemplate": template})


def _pod_runs() -> dict[str, Any]:
    template = """
{{ $now := Now }}
phase: Running
startTime: {{ $now | Quote }}
conditions:
{{ range (list "Initialized" "ContainersReady" "Ready") }}
- {type: {{ . }}, status: "True", lastTransitionTime: {{ $now | Quote }}}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  ready: true
  started: true
  restartCount: 0
  state: {running: {startedAt: {{ $now | Quote }}}}
{{ end }}
"""
    waiting = [_absent(DELETED), _is(PHASE, "Pending")]
    return _stage("pod-runs", "Pod", waiting, next={"statusTemplate": template})


def _pod_ends(play: PodPlay) -> dict[str, Any]:
    wish = '(or (index $annotations "{}") {})'.format
    template = (
        "{{ $annotations := or .metadata.annotations (dict) }}\n"
        f"{{{{ $code := {wish(f'{ANNOTATIONS}/exit-code', json.dumps(str(play.exit_code)))} }}}}\n"
        f"{{{{ $message := {wish(f'{ANNOTATIONS}/message', json.dumps(play.message))} }}}}\n"
        + _terminated(
            "$code", "$message", reason='{{ if eq $code "0" }}Completed{{ else }}Error{{ end }}'
        )
        + '\nphase: {{ if eq $code "0" }}Succeeded{{ else }}Failed{{ end }}\n'
    )
    job_runs = [
        _absent(DELETED),
        _is(PHASE, "Running"),
        _is(".metadata.ownerReferences.[].kind", "Job"),
    ]
    own = {"expressionFrom": f'.metadata.annotations["{ANNOTATIONS}/run-for"]'}
    delay = {
        "durationMilliseconds": play.run_ms,
        "durationFrom": own,
        # kwok's jitter is the longest duration, not what is added to it.
        "jitterDurationMilliseconds": play.run_ms + play.jitter_ms,
        "jitterDurationFrom": own,
    }
    return _stage("pod-ends", "Pod", job_runs, delay=delay, next={"statusTemplate": template})


def _pod_is_stopped() -> dict[str, Any]:
    """A deleted pod's containers end by SIGTERM first, as a kubelet has them end."""
    template = _terminated('"143"', '""', reason="Error") + "\nphase: Failed\n"
    deleted = [_exists(DELETED), _is(PHASE, "Running", "Pending")]
    return _stage("pod-is-stopped", "Pod", deleted, next={"statusTemplate": template})


def _pod_is_deleted() -> dict[str, Any]:
    over = [_exists(DELETED), _is(PHASE, "Failed", "Succeeded")]
    return _stage("pod-is-deleted", "Pod", over, next={"delete": True})


def _terminated(code: str, message: str, *, reason: str) -> str:
    return f"""
{{{{ $now := Now }}}}
{{{{ $began := or .status.startTime $now }}}}
containerStatuses:
{{{{ range .spec.containers }}}}
- name: {{{{ .name | Quote }}}}
  image: {{{{ .image | Quote }}}}
  ready: false
  started: false
  restartCount: 0
  state:
    terminated:
      exitCode: {{{{ {code} }}}}
      message: {{{{ {message} | Quote }}}}
      reason: {reason}
      startedAt: {{{{ $began | Quote }}}}
      finishedAt: {{{{ $now | Quote }}}}
{{{{ end }}}}"""
