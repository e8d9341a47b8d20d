"""What every cluster has from its first moment."""

from holdfast.domain.manifest import Tree
from holdfast.sandbox.options import WriteOptions
from holdfast.sandbox.plane import Plane
from holdfast.sandbox.verbs.writing import Writer

NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")

NODE = "sandbox"
PROVISIONER = "holdfast.dev/sandbox"

_KUBELET = WriteOptions(manager="kubelet", controller=True)
_SERVER = WriteOptions(manager="kube-apiserver", controller=True)


def lay_foundation(plane: Plane, writer: Writer) -> None:
    """Create the namespaces that are missing."""
    resource = plane.resource("", "namespaces")
    for name in NAMESPACES:
        if plane.tree("", "namespaces", "", name) is None:
            tree: Tree = {"metadata": {"name": name}}
            writer.create(resource, "", tree, _SERVER)
    if plane.builtin_controllers:
        _lay_for_stand_ins(plane, writer)


def _lay_for_stand_ins(plane: Plane, writer: Writer) -> None:
    if plane.tree("", "services", "default", "kubernetes") is None:
        port = {"name": "https", "port": 443, "targetPort": 6443}
        spec = {"clusterIP": "10.96.0.1", "ports": [port]}
        labels = {"component": "apiserver", "provider": "kubernetes"}
        service: Tree = {"metadata": {"name": "kubernetes", "labels": labels}, "spec": spec}
        writer.create(plane.resource("", "services"), "default", service, _SERVER)
    classes = plane.resource("storage.k8s.io", "storageclasses")
    if not plane.store.all_of(classes.id):
        annotations = {"storageclass.kubernetes.io/is-default-class": "true"}
        metadata: Tree = {"name": "standard", "annotations": annotations}
        tree: Tree = {"metadata": metadata, "provisioner": PROVISIONER}
        writer.create(classes, "", tree, _SERVER)
    if plane.tree("", "nodes", "", NODE) is None:
        writer.create(plane.resource("", "nodes"), "", _node(plane), _KUBELET)


def _node(plane: Plane) -> Tree:
    """The one node, as a kubelet would report it."""
    now = plane.now()
    size = {"cpu": "1k", "memory": "4Ti", "ephemeral-storage": "4Ti", "pods": "100k"}
    labels = {
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": NODE,
        "kubernetes.io/os": "linux",
    }
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": "the sandbox plays this node",
        "lastHeartbeatTime": now,
        "lastTransitionTime": now,
    }
    info = {
        "machineID": "",
        "systemUUID": "",
        "bootID": "",
        "kernelVersion": "",
        "osImage": "Holdfast sandbox",
        "containerRuntimeVersion": "holdfast://sandbox",
        "kubeletVersion": "v1.36.3-holdfast",
        "kubeProxyVersion": "",
        "operatingSystem": "linux",
        "architecture": "amd64",
    }
    status: Tree = {
        "capacity": size,
        "allocatable": size,
        "conditions": [ready],
        "addresses": [
            {"type": "InternalIP", "address": "127.0.0.1"},
            {"type": "Hostname", "address": NODE},
        ],
        "nodeInfo": info,
    }
    metadata: Tree = {"name": NODE, "labels": labels}
    return {"metadata": metadata, "spec": {}, "status": status}
