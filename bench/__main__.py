"""`python -m bench`: measure, print a table, keep the figures, fail when a budget is missed."""

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bench.api import Api, Tree, deployment, load_server
from bench.heal import take_turns
from bench.memory import tree_pss_kb

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).resolve().parent / "results"
P50_BUDGET = 5.0
CONTROL = "argocd"


def main() -> int:
    """Run the benchmark; 1 when a budget's ratio is missed."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument(
        "--apps", type=int, default=50, help="Applications of five objects each (default 50)"
    )
    parser.add_argument("--rounds", type=int, default=200, help="heals of each (default 200)")
    parser.add_argument(
        "--kubeconfig", type=Path, help="an API server that runs already, instead of an own one"
    )
    parser.add_argument("--no-save", action="store_true", help="leave bench/results alone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        if options.kubeconfig:
            figures = asyncio.run(measure(options, options.kubeconfig, Path(folder)))
        else:
            with real_plane() as kubeconfig:
                figures = asyncio.run(measure(options, kubeconfig, Path(folder)))
    return report(figures, save=not options.no_save)


@contextmanager
def real_plane() -> Iterator[Path]:
    """Start the control plane of the tests; it has been built by `make control-plane`."""
    from tests.support.plane import RealPlane
    from tools import control_plane

    programs = control_plane.find(os.environ)
    if programs is None:
        raise SystemExit("the control plane is not there: run `make control-plane` first")
    plane = RealPlane.start(programs)
    try:
        yield plane.kubeconfig
    finally:
        plane.stop()


async def measure(options: argparse.Namespace, kubeconfig: Path, folder: Path) -> Tree:
    """Set everything up, measure, take everything down."""
    api = Api(load_server(kubeconfig))
    repository = folder / "repository"
    names = [f"bench-{number:04d}" for number in range(options.apps)]
    make_repository(repository, names)
    await prepare_bare(api)
    bare_apply = await bare_first_apply(api, names)
    processes = []
    try:
        ours = start_holdfast(kubeconfig, repository, folder / "holdfast.log")
        processes.append(ours)
        await wait_for_crds(api, ours, folder / "holdfast.log")
        began = time.perf_counter()
        await create_applications(api, names, repository)
        await wait_synced(api, names)
        first_sync = time.perf_counter() - began
        bare = subprocess.Popen(
            [sys.executable, "-m", "bench.bare", str(kubeconfig), "bare"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        processes.append(bare)
        assert bare.stdout is not None
        bare.stdout.readline()
        series = await take_turns(
            api,
            [(name, "web") for name in names],
            [("bare", f"web-{number:03d}") for number in range(20)],
            options.rounds,
        )
        memory_mb = tree_pss_kb(ours.pid) / 1024
    finally:
        for process in processes:
            process.terminate()
            process.wait(10)
        await api.close()
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "applications": options.apps,
        "objects": options.apps * 5,
        "first_sync_s": round(first_sync, 2),
        "bare_apply_s": round(bare_apply, 2),
        "memory_pss_mb": round(memory_mb, 1),
        **{name: found.summary() for name, found in series.items()},
    }


def objects(namespace: str) -> list[Tree]:
    """Return the five objects of one Application."""
    meta = {"namespace": namespace}
    return [
        deployment(namespace, "web"),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web", **meta},
            "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80}]},
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "settings", **meta},
            "data": {"mode": "production", "size": "3"},
        },
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "web", **meta},
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "token", **meta},
            "stringData": {"password": "not-a-secret"},
        },
    ]


def make_repository(folder: Path, names: list[str]) -> None:
    """Make a git repository with one folder for each Application."""
    for name in names:
        (folder / name).mkdir(parents=True)
        text = "\n---\n".join(json.dumps(item, indent=1) for item in objects(name))
        (folder / name / "all.yaml").write_text(text)
    run = ["git", "-C", str(folder), "-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True)
    subprocess.run([*run, "add", "."], check=True)
    subprocess.run([*run, "commit", "-q", "-m", "bench"], check=True)


def start_holdfast(kubeconfig: Path, repository: Path, log: Path) -> "subprocess.Popen[bytes]":
    """Start `holdfast run` as a user would."""
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "holdfast",
            "run",
            "--kubeconfig",
            str(kubeconfig),
            "--allow-local-repos",
            str(repository),
            "--listen",
            "127.0.0.1:0",
            "--metrics-listen",
            "127.0.0.1:0",
        ],
        stdout=log.open("wb"),
        stderr=subprocess.STDOUT,
        cwd=ROOT,
    )


async def prepare_bare(api: Api) -> None:
    """Make what the bare loop looks after."""
    await api.apply("/api/v1/namespaces/bare", namespace("bare"), "bench")
    for number in range(20):
        name = f"web-{number:03d}"
        path = f"/apis/apps/v1/namespaces/bare/deployments/{name}"
        await api.apply(path, deployment("bare", name), "bare")


async def bare_first_apply(api: Api, names: list[str]) -> float:
    """Return the seconds that the applies of all objects alone take, 16 in flight."""
    limit = asyncio.Semaphore(16)

    async def one(path: str, body: Tree) -> None:
        async with limit:
            status, answer = await api.apply(path, body, "bench")
            if status >= 300:
                raise RuntimeError(f"{path}: {status} {answer.get('message')}")

    for name in names:
        for suffix in ("", "-bare"):
            await api.apply(f"/api/v1/namespaces/{name}{suffix}", namespace(name + suffix), "bench")
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for name in names:
            for item in objects(f"{name}-bare"):
                group.create_task(one(path_of(item), item))
    return time.perf_counter() - began


def namespace(name: str) -> Tree:
    """Return a Namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def path_of(item: Tree) -> str:
    """Return the path of an object of one of the five kinds."""
    prefix = "/apis/apps/v1" if item["kind"] == "Deployment" else "/api/v1"
    plural = f"{item['kind'].lower()}s"
    metadata = item["metadata"]
    return f"{prefix}/namespaces/{metadata['namespace']}/{plural}/{metadata['name']}"


async def wait_for_crds(api: Api, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until Holdfast has installed what it needs."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        status, _ = await api.request(
            "GET", f"/apis/argoproj.io/v1alpha1/namespaces/{CONTROL}/appprojects/default"
        )
        if status == 200:
            return
        if process.poll() is not None:
            raise RuntimeError(f"holdfast run ended:\n{log.read_text()[-3000:]}")
        await asyncio.sleep(0.2)
    raise TimeoutError("holdfast run did not become ready in 60 s")


async def create_applications(api: Api, names: list[str], repository: Path) -> None:
    """Create one Application for each folder, self-heal on."""
    path = f"/apis/argoproj.io/v1alpha1/namespaces/{CONTROL}/applications"
    for name in names:
        body = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": name, "namespace": CONTROL},
            "spec": {
                "project": "default",
                "source": {"repoURL": str(repository), "path": name, "targetRevision": "HEAD"},
                "destination": {"server": "https://kubernetes.default.svc", "namespace": name},
                "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
            },
        }
        status, answer = await api.request("POST", path, body)
        if status >= 300:
            raise RuntimeError(f"create {name}: {status} {answer.get('message')}")


async def wait_synced(api: Api, names: list[str]) -> None:
    """Wait until every Application is Synced, as a person would see it."""
    path = f"/apis/argoproj.io/v1alpha1/namespaces/{CONTROL}/applications"
    missing = set(names)
    _, found = await api.request("GET", path)
    for item in found["items"]:
        _discard_synced(item, missing)
    if not missing:
        return
    async with asyncio.timeout(600):
        async for event in api.watch(path, found["metadata"]["resourceVersion"]):
            _discard_synced(event["object"], missing)
            if not missing:
                return


def _discard_synced(app: Tree, missing: set[str]) -> None:
    status = app.get("status") or {}
    if (status.get("sync") or {}).get("status") == "Synced" and status.get("history"):
        missing.discard(app["metadata"]["name"])


def report(figures: Tree, *, save: bool) -> int:
    """Print the table, keep the figures; return the exit status."""
    print(f"{'':16}{'n':>6}{'p50 ms':>10}{'p90 ms':>10}{'p99 ms':>10}{'max ms':>10}")
    for name in ("bare_delete", "ours_delete", "bare_change", "ours_change"):
        row = figures[name]
        cells = "".join(f"{row[key]:>10}" for key in ("p50_ms", "p90_ms", "p99_ms", "max_ms"))
        print(f"{name:16}{row['n']:>6}{cells}")
    missed = []
    for kind in ("delete", "change"):
        ratio = figures[f"ours_{kind}"]["p50_ms"] / figures[f"bare_{kind}"]["p50_ms"]
        figures[f"ratio_{kind}_p50"] = round(ratio, 2)
        print(f"{kind}: p50 is {ratio:.2f} x the bare limit (budget {P50_BUDGET:g} x)")
        if ratio > P50_BUDGET:
            missed.append(kind)
    ratio = figures["first_sync_s"] / figures["bare_apply_s"]
    figures["ratio_first_sync"] = round(ratio, 2)
    print(
        f"first sync of {figures['objects']} objects: {figures['first_sync_s']} s, "
        f"{ratio:.2f} x the bare applies ({figures['bare_apply_s']} s)"
    )
    print(f"memory: {figures['memory_pss_mb']} MB PSS, all processes of holdfast run")
    if save:
        RESULTS.mkdir(exist_ok=True)
        stamp = figures["date"][:16].replace(":", "").replace("-", "")
        (RESULTS / f"{stamp}.json").write_text(json.dumps(figures, indent=2) + "\n")
    for kind in missed:
        print(f"budget missed: {kind}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
