"""What the parts of a node are told: their configuration files and command lines."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.cluster.namespaces import HOME
from tests.cluster.packages import CNI_PLUGINS

NODE = "node1"
PAUSE_IMAGE = "localhost/pause:1"
SERVICES = "10.96.0.0/16"
PODS = "10.244.0.0/16"
PODS_OF_NODE = "10.244.0.0/24"
API_PORT = 6443
CONTAINERD = f"{HOME}/containerd.sock"
"""The socket of containerd, inside."""

TUNABLES: Mapping[str, str] = MappingProxyType(
    {
        "vm/overcommit_memory": "1",
        "vm/panic_on_oom": "0",
        "kernel/panic": "10",
        "kernel/panic_on_oops": "1",
        "kernel/keys/root_maxkeys": "1000000",
        "kernel/keys/root_maxbytes": "25000000",
    }
)
"""What the kubelet wants of the kernel (setupKernelTunables in its container manager)."""


@dataclass(frozen=True)
class NodePlan:
    """What distinguishes one node from another."""

    node_ip: str
    cgroup: str
    """Name of the control group that holds all pods."""
    nameservers: Sequence[str]
    """Where names outside the cluster are asked for."""


def build_files(plan: NodePlan) -> dict[str, str]:
    """Return the content of every configuration file, by its path below the node's home."""
    return {
        "containerd.toml": _containerd(),
        "cni/10-bridge.conflist": json.dumps(_pod_network()),
        "Corefile": _corefile(plan),
        "resolv.conf": "".join(f"nameserver {server}\n" for server in plan.nameservers),
        "kubelet.yaml": json.dumps(_kubelet(plan)),
        "kube-proxy.yaml": json.dumps(_kube_proxy()),
        **{f"sys/{name}": f"{value}\n" for name, value in TUNABLES.items()},
    }


def build_commands(plan: NodePlan) -> dict[str, list[str]]:
    """Return the command line of every part, in the order in which they start."""
    return {
        "etcd": [
            f"{HOME}/bin/etcd",
            f"--data-dir={HOME}/etcd",
            # The cluster never outlives the machine, so nothing has to be on the disk.
            "--unsafe-no-fsync",
            "--log-level=warn",
        ],
        "containerd": ["containerd", f"--config={HOME}/containerd.toml"],
        "kube-apiserver": _apiserver(plan),
        "kube-controller-manager": [
            f"{HOME}/bin/kube-controller-manager",
            f"--kubeconfig={HOME}/controllers.conf",
            "--use-service-account-credentials",
            f"--service-account-private-key-file={HOME}/pki/server.key",
            f"--root-ca-file={HOME}/pki/ca.crt",
            f"--cluster-cidr={PODS}",
            "--allocate-node-cidrs",
            "--leader-elect=false",
        ],
        "kube-scheduler": [
            f"{HOME}/bin/kube-scheduler",
            f"--kubeconfig={HOME}/scheduler.conf",
            "--leader-elect=false",
        ],
        "coredns": [f"{HOME}/bin/coredns", "-conf", f"{HOME}/Corefile"],
        "kubelet": [
            f"{HOME}/bin/kubelet",
            f"--kubeconfig={HOME}/kubelet.conf",
            f"--config={HOME}/kubelet.yaml",
            f"--root-dir={HOME}/kubelet",
            f"--hostname-override={NODE}",
            f"--node-ip={plan.node_ip}",
        ],
        "kube-proxy": [f"{HOME}/bin/kube-proxy", f"--config={HOME}/kube-proxy.yaml"],
        "provisioner": [
            f"{HOME}/bin/provisioner",
            f"--kubeconfig={HOME}/admin.conf",
            f"--root={HOME}/volumes",
        ],
    }


def build_storage_class() -> str:
    """Return the default storage class: a folder of the node for each claim."""
    return json.dumps(
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {
                "name": "standard",
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            "provisioner": "slides-extractor.dev/folder",
            "volumeBindingMode": "WaitForFirstConsumer",
        }
    )


def read_nameservers(*files: Path) -> list[str]:
    """Return the name servers of the first file that has any which a node can reach too."""
    for file in files:
        lines = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
        servers = [words[1] for words in lines if words[:1] == ["nameserver"] and len(words) > 1]
        reachable = [server for server in servers if not server.startswith(("127.", "::1"))]
        if reachable:
            return reachable
    return []


def _apiserver(plan: NodePlan) -> list[str]:
    return [
        f"{HOME}/bin/kube-apiserver",
        "--etcd-servers=http://127.0.0.1:2379",
        f"--advertise-address={plan.node_ip}",
        f"--secure-port={API_PORT}",
        f"--service-cluster-ip-range={SERVICES}",
        "--allow-privileged",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        f"--client-ca-file={HOME}/pki/ca.crt",
        f"--tls-cert-file={HOME}/pki/server.crt",
        f"--tls-private-key-file={HOME}/pki/server.key",
        f"--service-account-key-file={HOME}/pki/server.crt",
        f"--service-account-signing-key-file={HOME}/pki/server.key",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--kubelet-client-certificate={HOME}/pki/admin.crt",
        f"--kubelet-client-key={HOME}/pki/admin.key",
        # By its name, which is what it tries first, nobody finds the node.
        "--kubelet-preferred-address-types=InternalIP",
    ]


def _containerd() -> str:
    return f"""version = 2
root = "{HOME}/containerd/root"
state = "{HOME}/containerd/state"
[grpc]
  address = "{CONTAINERD}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{HOME}/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI_PLUGINS}"
    conf_dir = "{HOME}/cni"
"""


def _pod_network() -> dict[str, Any]:
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": PODS_OF_NODE}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": addresses,
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge, ports]}


def _corefile(plan: NodePlan) -> str:
    forward = f"forward . {' '.join(plan.nameservers)}" if plan.nameservers else ""
    return f""".:53 {{
    errors
    bind {plan.node_ip}
    cache 5
    kubernetes cluster.local in-addr.arpa {{
        kubeconfig {HOME}/admin.conf test
    }}
    {forward}
}}
"""


def _kubelet(plan: NodePlan) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{HOME}/pki/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{HOME}/pki/kubelet.crt",
        "tlsPrivateKeyFile": f"{HOME}/pki/kubelet.key",
        "containerRuntimeEndpoint": f"unix://{CONTAINERD}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{plan.cgroup}",
        "failSwapOn": False,
        "clusterDomain": "cluster.local",
        "clusterDNS": [plan.node_ip],
        "resolvConf": f"{HOME}/resolv.conf",
        # Images were loaded by hand and cannot be had again: a full disk must not cost them.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {
            "nodefs.available": "1%",
            "imagefs.available": "1%",
            "memory.available": "100Mi",
        },
    }


def _kube_proxy() -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": f"{HOME}/proxy.conf"},
        "mode": "iptables",
        "clusterCIDR": PODS,
        "hostnameOverride": NODE,
        # These are the machine's, not the node's, to set.
        "conntrack": {"maxPerCore": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }
