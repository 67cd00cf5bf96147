"""Who may do what once the chart is installed, as a real API server judges."""

import json

import pytest

from slides_api.names import job_name
from slides_api.wellknown import API_VERSION
from tests.chart.charts import NAMESPACE, OPERATOR, HelmError, install
from tests.chart.people import (
    SECOND,
    Question,
    RefusedError,
    account,
    answers,
    create_extraction,
    runner,
)
from tests.cluster.client import KubectlError
from tests.cluster.light import LightCluster

pytestmark = pytest.mark.api

EXTRACTIONS = "slideextractions.slides-extractor.dev"
BATCHES = "slideextractionbatches.slides-extractor.dev"
OTHER = "elsewhere"
"""A namespace that nobody prepared."""
USED = {
    EXTRACTIONS: "get list watch create patch delete",
    f"{EXTRACTIONS}/status": "patch",
    BATCHES: "list watch delete",
    f"{BATCHES}/status": "patch",
    "jobs.batch": "get list watch create patch delete",
    "pods": "list watch",
    "persistentvolumeclaims": "get create delete",
    "events": "create list",
}
"""What the operator does where extractions are."""
VERBS = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"]
FOREIGN = [
    "secrets",
    "configmaps",
    "nodes",
    "namespaces",
    "deployments.apps",
    "pods/exec",
    "pods/log",
]
CLUSTER_WIDE = {"serviceaccounts": "create", "rolebindings.rbac.authorization.k8s.io": "create"}


def _operator(verb: str, resource: str, namespace: str, name: str = "") -> Question:
    return Question(account(NAMESPACE, OPERATOR), verb, resource, namespace, name)


def _questions(used: dict[str, str], namespace: str) -> dict[Question, bool]:
    """Return every verb on what is used, and on what is not, with whether it is to be allowed."""
    wanted = {
        _operator(verb, resource, namespace): verb in verbs.split()
        for resource, verbs in used.items()
        for verb in VERBS
    }
    return wanted | {_operator(verb, r, namespace): False for r in FOREIGN for verb in VERBS}


def _wrong(cluster: LightCluster, wanted: dict[Question, bool]) -> list[tuple[Question, bool]]:
    got = answers(cluster, wanted)
    return [(question, got[question]) for question, want in wanted.items() if got[question] != want]


@pytest.mark.parametrize("namespace", [NAMESPACE, SECOND, OTHER])
def test_operator_may_do_what_it_does_and_no_more(installed: LightCluster, namespace: str) -> None:
    assert _wrong(installed, _questions(USED | CLUSTER_WIDE, namespace)) == []


def test_operator_holds_one_lease(installed: LightCluster) -> None:
    lease, mine, foreign = "leases.coordination.k8s.io", "slides-operator", "kube-scheduler"

    assert (
        _wrong(
            installed,
            {
                _operator("create", lease, NAMESPACE): True,
                **{_operator(v, lease, NAMESPACE, mine): True for v in ("get", "update", "patch")},
                _operator("delete", lease, NAMESPACE, mine): False,
                _operator("update", lease, NAMESPACE, foreign): False,
                _operator("create", lease, SECOND): False,
                _operator("get", lease, "kube-system", foreign): False,
            },
        )
        == []
    )


@pytest.mark.parametrize("namespace", [NAMESPACE, OTHER])
def test_operator_reads_keys_of_webhooks_alone(installed: LightCluster, namespace: str) -> None:
    def asks(verb: str, name: str) -> Question:
        return _operator(verb, "secrets", namespace, name)

    wanted = {asks(verb, "slides-extractor-webhook"): verb == "get" for verb in VERBS}
    wanted |= {asks(verb, "slides-extractor-secrets"): False for verb in VERBS}

    assert _wrong(installed, wanted) == []


def _bind(role: str) -> tuple[str, ...]:
    return (
        "create",
        "rolebinding",
        f"try-{role}",
        f"--namespace={SECOND}",
        f"--clusterrole={role}",
        f"--serviceaccount={SECOND}:default",
        f"--as={account(NAMESPACE, OPERATOR)}",
    )


def test_operator_can_give_the_runners_role(installed: LightCluster) -> None:
    assert "created" in installed.kubectl(*_bind("slides-runner"))


@pytest.mark.parametrize("role", ["view", "edit", "cluster-admin"])
def test_operator_can_give_no_other_role(installed: LightCluster, role: str) -> None:
    with pytest.raises(KubectlError, match="attempting to grant RBAC permissions"):
        installed.kubectl(*_bind(role))


@pytest.mark.parametrize("namespace", [NAMESPACE, SECOND])
def test_runner_may_patch_statuses_of_its_namespace(
    installed: LightCluster, namespace: str
) -> None:
    everything = [*USED, *CLUSTER_WIDE, *FOREIGN]
    user = account(namespace, "slides-runner")
    mine = {Question(user, "patch", f"{EXTRACTIONS}/status", namespace)}

    asked = {
        Question(user, verb, resource, where)
        for verb in VERBS
        for resource in everything
        for where in (NAMESPACE, SECOND, OTHER)
    }

    allowed = {question for question, answer in answers(installed, asked).items() if answer}
    assert allowed == mine


@pytest.mark.parametrize(
    ("role", "verbs"),
    [
        ("view", {"get", "list", "watch"}),
        ("edit", set(VERBS)),
        ("admin", set(VERBS)),
        (None, set()),
    ],
    ids=["view", "edit", "admin", "nobody"],
)
def test_people_have_their_rights_in_their_namespace(
    installed: LightCluster, role: str | None, verbs: set[str]
) -> None:
    person = f"the-{role}"
    if role:
        bind = ("create", "rolebinding", person, "-n", SECOND, f"--clusterrole={role}")
        installed.kubectl(*bind, f"--user={person}")
    asked = [
        Question(person, verb, resource, namespace)
        for verb in VERBS
        for resource in (EXTRACTIONS, BATCHES, f"{EXTRACTIONS}/status")
        for namespace in (SECOND, NAMESPACE)
    ]

    allowed = {(q.verb, q.resource, q.namespace) for q, a in answers(installed, asked).items() if a}

    assert allowed == {(verb, r, SECOND) for verb in verbs for r in (EXTRACTIONS, BATCHES)}


def test_runner_of_one_namespace_has_no_right_in_another(installed: LightCluster) -> None:
    uid = create_extraction(installed, NAMESPACE, "theirs")["metadata"]["uid"]
    pod = f"{job_name('theirs', uid, 1)}-abcde"
    secret = ("create", "secret", "generic", "slides-extractor-secrets")
    for namespace in (NAMESPACE, SECOND):
        installed.kubectl(*secret, "-n", namespace, "--from-literal=S3_ACCESS_KEY=its-own")

    stranger = runner(installed, namespace=SECOND, pod=pod, account="slides-runner")

    with pytest.raises(RefusedError, match='cannot patch resource "slideextractions/status"'):
        stranger.apply_status(NAMESPACE, "theirs", {"run": {"attempt": 1}})
    for namespace in (NAMESPACE, SECOND):
        for path in (
            f"/api/v1/namespaces/{namespace}/secrets/slides-extractor-secrets",
            f"/api/v1/namespaces/{namespace}/configmaps",
            f"/apis/{API_VERSION}/namespaces/{namespace}/slideextractions",
        ):
            with pytest.raises(RefusedError, match="is forbidden"):
                stranger.call("GET", path)


def test_operator_of_listed_namespaces_has_no_right_elsewhere(installed: LightCluster) -> None:
    installed.kubectl("create", "namespace", "chemistry")
    values = {"watchNamespaces": ["chemistry"], "crds": {"enabled": False}}
    install(installed, values, "--create-namespace", release="team", namespace="lab")
    user = account("lab", "team-slides-extractor-operator")
    used = USED | dict.fromkeys(CLUSTER_WIDE, "")

    def moved(namespace: str, *, right: bool) -> dict[Question, bool]:
        return {
            Question(user, q.verb, q.resource, namespace): right and want
            for q, want in _questions(used, namespace).items()
        }

    assert _wrong(installed, moved("chemistry", right=True)) == []
    assert _wrong(installed, moved("lab", right=False)) == []
    assert _wrong(installed, moved(NAMESPACE, right=False)) == []


def test_two_teams_have_a_release_each(installed: LightCluster) -> None:
    for team in ("biology", "geology"):
        installed.kubectl("create", "namespace", team)
        values = {"watchNamespaces": [team], "crds": {"enabled": False}}
        install(installed, values, release="slides-extractor", namespace=team)

    releases = json.loads(
        installed.kubectl("get", "validatingadmissionpolicybindings", "--output=json")
    )["items"]

    names = {release["metadata"]["name"] for release in releases}
    assert {f"{t}-slides-extractor-runner-status" for t in ("biology", "geology")} <= names


def test_second_release_for_the_whole_cluster_is_refused(installed: LightCluster) -> None:
    with pytest.raises(HelmError, match=r"slides-runner.* exists and cannot be imported"):
        install(installed, {"crds": {"enabled": False}}, release="another", namespace=SECOND)
