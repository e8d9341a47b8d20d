"""The bare limit: a process that only watches and applies what was deleted or changed.

No comparison beyond three fields, no decision, no status: nothing that heals on this machine, with
this API server, in this language, can be faster.
Run as `python -m bench.bare KUBECONFIG NAMESPACE`.
"""

import asyncio
import contextlib
import sys
from pathlib import Path

import uvloop

from bench.api import Api, Tree, form_of, load_server

MANAGER = "bare"


async def main(kubeconfig: Path, namespace: str) -> None:
    """Watch one namespace's Deployments and put back what changes."""
    api = Api(load_server(kubeconfig))
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    _, found = await api.request("GET", path)
    targets = {item["metadata"]["name"]: _target(item) for item in found["items"]}
    writes: set[asyncio.Task[object]] = set()
    print("ready", flush=True)
    version = found["metadata"]["resourceVersion"]
    while True:
        async for event in api.watch(path, version):
            live = event["object"]
            name = live["metadata"].get("name")
            version = live["metadata"]["resourceVersion"]
            if name not in targets:
                continue
            if event["type"] == "DELETED" or form_of(live) != form_of(targets[name]):
                task = asyncio.ensure_future(api.apply(f"{path}/{name}", targets[name], MANAGER))
                writes.add(task)
                task.add_done_callback(writes.discard)


def _target(item: Tree) -> Tree:
    metadata = item["metadata"]
    spec = item["spec"]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {k: metadata[k] for k in ("name", "namespace", "labels")},
        "spec": {k: spec[k] for k in ("replicas", "selector", "template")},
    }


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(main(Path(sys.argv[1]), sys.argv[2]))
