"""What a real API server takes and what it refuses, and what it says then."""

from typing import Any

import pytest

from tests.api.objects import ITEM, LONGEST_NAME, URL, Client, batch, extraction

pytestmark = pytest.mark.api

SECRET = {"name": "keys"}
NOT_A_SOURCE = (
    'spec.source.url: Invalid value: "string": not a source that a pod can read: '
    "give an http(s) URL, s3://bucket/key, youtube:ID or instagram:CODE"
)
WAITS = (
    'spec.retry.initialSeconds: Invalid value: "object": the first wait is longer than '
    "the longest: raise maxSeconds or lower initialSeconds"
)
ONE_VOLUME = "give exactly one kind of work volume: emptyDir or claim"
ONE_IDENTITY = "name a Secret or use the pod's own identity: remove secretRef or workloadIdentity"
ENDPOINT = "give the endpoint as URL with host and port alone, such as https://s3.example.com:9000"
OWN_KEY = "the operator finds its pods by these keys: choose others"
BAD_KEY = "keys are letters, digits, '-', '_' and '.'"
CALLBACK = "give a whole http(s) URL without a login, such as https://hooks.example.com/talks"
OUTSIDE = "keep left + width and top + height at 1 or less"


def s3(**fields: Any) -> dict[str, Any]:
    return {"storage": {"s3": fields}}


def slides(**fields: Any) -> dict[str, Any]:
    return {"outputs": {"slides": fields}}


def callback(url: str, **fields: Any) -> dict[str, Any]:
    return {"callback": {"url": url, **fields}}


def pod(**fields: Any) -> dict[str, Any]:
    return {"podTemplate": fields}


ACCEPTED: dict[str, dict[str, Any]] = {
    "source alone": {},
    "s3 source": {"source": {"url": "s3://talks/2026/keynote one.mp4"}},
    "youtube id": {"source": {"url": "youtube:dQw4w9WgXcQ"}},
    "instagram code": {"source": {"url": "instagram:CxYz-_12"}},
    "longest URL": {"source": {"url": URL + "?" + "x" * (4095 - len(URL))}},
    "hostile URL": {"source": {"url": "https://e.com/$(id)`id`';--<script>{{x}}\u202eü💥"}},
    "bounds": {"source": {"url": URL, "maxHeight": 144, "maxDurationSeconds": 1, "maxBytes": 1}},
    "secret": {"source": {"url": URL, "secretRef": SECRET}},
    "null outputs": {"outputs": None},
    "slides": {"outputs": {"slides": {}}},
    "no documents": slides(documents=[]),
    "whole region": slides(region={}),
    "region to the edge": slides(region={"left": 0.1, "width": 0.9, "top": 0.7, "height": 0.3}),
    "empty s3": s3(),
    "s3": s3(endpoint="http://minio.storage:9000", region="eu-1", bucket="b.c-d", prefix="a/b"),
    "own keys": s3(secretRef=SECRET),
    "keys, no identity": s3(secretRef=SECRET, workloadIdentity=False),
    "identity": s3(workloadIdentity=True),
    "null storage": {"storage": None},
    "callback": callback("https://hooks.example.com:8443/talks?x=%20#top"),
    "signed callback": callback("http://10.0.0.7/", secretRef=SECRET),
    "empty dir": {"workVolume": {"emptyDir": {}}},
    "sized empty dir": {"workVolume": {"emptyDir": {"sizeLimit": "20Gi"}}},
    "size in bytes": {"workVolume": {"emptyDir": {"sizeLimit": 1000000}}},
    "claim": {"workVolume": {"claim": {"storageClassName": "fast.ssd", "size": "1.5Ti"}}},
    "claim beside null": {"workVolume": {"claim": {}, "emptyDir": None}},
    "null volume": {"workVolume": None},
    "no retries": {"retry": {"limit": 0, "initialSeconds": 0, "maxSeconds": 0, "factor": 1.5}},
    "deadlines": {"activeDeadlineSeconds": 1, "startDeadlineSeconds": 1},
    "deleted at once": {"ttlSecondsAfterFinished": 0},
    "null ttl": {"ttlSecondsAfterFinished": None},
    "suspended": {"suspend": True},
    "cancelled from the start": {"cancel": True},
    "pod metadata": pod(metadata={"labels": {"team": "x"}, "annotations": {"a.b/c": "any \n x"}}),
    "resources": pod(resources={"limits": {"memory": "2Gi", "cpu": 2, "nvidia.com/gpu": 1}}),
    "affinity to nodes": pod(
        affinity={
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [
                        {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}
                    ]
                },
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "weight": 100,
                        "preference": {
                            "matchFields": [
                                {"key": "metadata.name", "operator": "NotIn", "values": ["n"]}
                            ]
                        },
                    }
                ],
            }
        }
    ),
    "affinity to pods": pod(
        affinity={
            "podAntiAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "weight": 1,
                        "podAffinityTerm": {
                            "topologyKey": "kubernetes.io/hostname",
                            "labelSelector": {"matchLabels": {"app": "x"}},
                            "namespaceSelector": {},
                            "matchLabelKeys": ["team"],
                        },
                    }
                ]
            }
        }
    ),
    "tolerations": pod(tolerations=[{"operator": "Exists"}, {"key": "a/b", "value": "c"}]),
    "pull secrets": pod(imagePullSecrets=[SECRET, {"name": "other"}]),
    "image": pod(image="registry.example.com:5000/a/b@sha256:" + "0" * 64),
}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "affinity by a rule of its own": (
        pod(
            affinity={
                "nodeAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": {
                        "nodeSelectorTerms": [
                            {"matchExpressions": [{"key": "disk", "operator": "Near"}]}
                        ]
                    }
                }
            }
        ),
        'Unsupported value: "Near"',
    ),
    "no source": ({"source": ...}, "spec.source: Required value"),
    "no url": ({"source": {}}, "spec.source.url: Required value"),
    "path": ({"source": {"url": "/etc/passwd"}}, NOT_A_SOURCE),
    "relative path": ({"source": {"url": "talk.mp4"}}, NOT_A_SOURCE),
    "file URL": ({"source": {"url": "file:///etc/passwd"}}, NOT_A_SOURCE),
    "script": ({"source": {"url": "javascript:alert(1)"}}, NOT_A_SOURCE),
    "scheme alone": ({"source": {"url": "https://"}}, NOT_A_SOURCE),
    "leading space": ({"source": {"url": f" {URL}"}}, NOT_A_SOURCE),
    "two lines": ({"source": {"url": f"{URL}\nX: y"}}, NOT_A_SOURCE),
    "NUL": ({"source": {"url": f"{URL}\0"}}, NOT_A_SOURCE),
    "empty URL": ({"source": {"url": ""}}, "should be at least 1 chars long"),
    "long URL": ({"source": {"url": URL + "x" * 4096}}, "may not be more than 4096"),
    "low": ({"source": {"url": URL, "maxHeight": 143}}, "greater than or equal to 144"),
    "no name": ({"source": {"url": URL, "secretRef": {}}}, "secretRef.name: Required value"),
    "bad name": ({"source": {"url": URL, "secretRef": {"name": "../x"}}}, "should match"),
    "no output": ({"outputs": {}}, "name at least one output, such as slides: {}"),
    "other output": ({"outputs": {"karaoke": {}}}, 'unknown field "spec.outputs.karaoke"'),
    "sensitivity": (slides(sensitivity="x"), 'supported values: "low", "normal", "high"'),
    "negative": (slides(minDurationSeconds=-1), "greater than or equal to 0"),
    "quality": (slides(image={"quality": 101}), "less than or equal to 100"),
    "document": (slides(documents=["docx"]), 'supported values: "pdf", "html"'),
    "document twice": (slides(documents=["pdf", "pdf"]), "documents[1]: Duplicate value"),
    "region to the right": (slides(region={"left": 0.6, "width": 0.5}), OUTSIDE),
    "region below": (slides(region={"top": 0.1}), OUTSIDE),
    "region of no width": (slides(region={"width": 0}), "should be greater than 0"),
    "no storage": ({"storage": {}}, "spec.storage.s3: Required value"),
    "two identities": (s3(secretRef=SECRET, workloadIdentity=True), ONE_IDENTITY),
    "endpoint without scheme": (s3(endpoint="minio:9000"), ENDPOINT),
    "endpoint with bucket": (s3(endpoint="https://s3.example.com/b"), ENDPOINT),
    "bucket": (s3(bucket="b"), "should be at least 3 chars long"),
    "bucket with slash": (s3(bucket="a/b"), "should match"),
    "absolute prefix": (s3(prefix="/a"), "should match"),
    "callback of another scheme": (callback("ftp://hooks.example.com/"), CALLBACK),
    "callback without host": (callback("https:///talks"), CALLBACK),
    "callback with a login": (callback("https://me:secret@hooks.example.com/"), CALLBACK),
    "callback that looks elsewhere": (callback("https://a.example\\@b.example/"), CALLBACK),
    "callback in two lines": (callback("https://hooks.example.com/a\nb"), CALLBACK),
    "callback to nowhere": ({"callback": {}}, "spec.callback.url: Required value"),
    "no volume": ({"workVolume": {}}, ONE_VOLUME),
    "two volumes": ({"workVolume": {"emptyDir": {}, "claim": {}}}, ONE_VOLUME),
    "size": ({"workVolume": {"emptyDir": {"sizeLimit": "much"}}}, "should match"),
    "negative size": ({"workVolume": {"claim": {"size": "-1Gi"}}}, "should match"),
    "deletion policy": ({"deletionPolicy": "Keep"}, 'supported values: "Retain", "Delete"'),
    "deadline": ({"activeDeadlineSeconds": 0}, "greater than or equal to 1"),
    "deadline in words": ({"activeDeadlineSeconds": "1h"}, 'must be of type integer: "string"'),
    "retries": ({"retry": {"limit": -1}}, "greater than or equal to 0"),
    "waits": ({"retry": {"initialSeconds": 601}}, WAITS),
    "factor": ({"retry": {"factor": 0.5}}, "greater than or equal to 1"),
    "ttl": ({"ttlSecondsAfterFinished": -1}, "greater than or equal to 0"),
    "own label": (
        pod(metadata={"labels": {"slides-extractor.dev/attempt": "1"}}),
        OWN_KEY,
    ),
    "own annotation": (
        pod(metadata={"annotations": {"slides-extractor.dev/name": "x"}}),
        OWN_KEY,
    ),
    "label key": (pod(metadata={"labels": {"a b": "c"}}), BAD_KEY),
    "label value": (pod(metadata={"labels": {"a": "b c"}}), "should match"),
    "node selector": (pod(nodeSelector={"/": "x"}), BAD_KEY),
    "amount": (pod(resources={"limits": {"memory": "lots"}}), "should match"),
    "containers": (pod(containers=[]), 'unknown field "spec.podTemplate.containers"'),
    "pull secret twice": (pod(imagePullSecrets=[SECRET, SECRET]), "Duplicate value"),
    "toleration": (pod(tolerations=[{"operator": "Like"}]), 'supported values: "Exists", "Equal"'),
    "image": (pod(image="a b"), "should match"),
}
BATCH_ACCEPTED: dict[str, dict[str, Any]] = {
    "items alone": {},
    "a thousand": {"items": [{"name": f"n{i}", "url": URL} for i in range(1000)]},
    "null parallelism": {"parallelism": None},
    "one at a time": {"parallelism": 1},
    "callback": callback("https://hooks.example.com/talks"),
    "callback of each item": {"template": callback("https://hooks.example.com/talks")},
    "template": {"template": {"source": {"maxHeight": 720}, "outputs": {"slides": {}}}},
    "longest names": {"items": [{"name": "x" * 63, "url": URL + "x" * (2048 - len(URL))}]},
}
BATCH_REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no items": ({"items": ...}, "spec.items: Required value"),
    "empty": ({"items": []}, "should have at least 1 items"),
    "too many": (
        {"items": [{"name": f"n{i}", "url": URL} for i in range(1001)]},
        "must have at most 1000 items",
    ),
    "name twice": ({"items": [ITEM, ITEM]}, "items[1]: Duplicate value"),
    "no name": ({"items": [{"url": URL}]}, "items[0].name: Required value"),
    "bad name": ({"items": [{"name": "A_b", "url": URL}]}, "should match"),
    "long name": ({"items": [{"name": "x" * 64, "url": URL}]}, "may not be more than 63"),
    "path": ({"items": [{"name": "a", "url": "/etc/passwd"}]}, "https?://|s3://|youtube:"),
    "parallelism": ({"parallelism": 0}, "greater than or equal to 1"),
    "URL in template": ({"template": {"source": {"url": URL}}}, 'unknown field "spec.template.'),
    "suspended template": ({"template": {"suspend": True}}, 'unknown field "spec.template.'),
    "no output": ({"template": {"outputs": {}}}, "name at least one output"),
    "two volumes": ({"template": {"workVolume": {"emptyDir": {}, "claim": {}}}}, ONE_VOLUME),
}


@pytest.mark.parametrize("spec", ACCEPTED.values(), ids=ACCEPTED)
def test_accepts_an_extraction(client: Client, spec: dict[str, Any]) -> None:
    assert client.refusal(extraction("accepted", **spec)) == ""


@pytest.mark.parametrize(("spec", "message"), REFUSED.values(), ids=REFUSED)
def test_refuses_an_extraction(client: Client, spec: dict[str, Any], message: str) -> None:
    assert message in client.refusal(extraction("refused", **spec))


@pytest.mark.parametrize("spec", BATCH_ACCEPTED.values(), ids=BATCH_ACCEPTED)
def test_accepts_a_batch(client: Client, spec: dict[str, Any]) -> None:
    assert client.refusal(batch("accepted", **spec)) == ""


@pytest.mark.parametrize(("spec", "message"), BATCH_REFUSED.values(), ids=BATCH_REFUSED)
def test_refuses_a_batch(client: Client, spec: dict[str, Any], message: str) -> None:
    assert message in client.refusal(batch("refused", **spec))


def test_accepts_the_longest_name(client: Client) -> None:
    assert client.refusal(extraction(LONGEST_NAME)) == ""
    assert client.refusal(batch(LONGEST_NAME)) == ""
