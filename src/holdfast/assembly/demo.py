"""`holdfast demo`: the whole story on a sandbox of its own, each step checked, in under a minute.

A step prints what it is about, the commands that a person would type, and what was seen. Every
command is really run: `holdfast` and `kubectl` as programs, git through libgit2. Without kubectl
its requests are sent by `demo_hands`, and the sample is plain YAML instead of kustomize overlays.
The first thing that is not seen in time ends the demo with exit code 1.
"""

import asyncio
import logging
import signal
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

from holdfast.assembly.demo_hands import Hands
from holdfast.assembly.demo_sight import Deployments, NotSeenError, Sight
from holdfast.assembly.sample import FIRST_TAG, IMAGE, Sample, application_name
from holdfast.assembly.sandbox import ClusterSettings
from holdfast.assembly.up import UpSettings, up
from holdfast.domain.errors import HoldfastError
from holdfast.domain.manifest import Tree
from holdfast.kit import logs
from holdfast.kit.clock import SystemClock

Say = Callable[[str], None]
NAMESPACE = "argocd"
PROD = application_name("prod")
DEV = application_name("dev")
DEPLOYMENT = "prod-go-sample-app"
NEXT_TAG = "1.1.0"
LOOKS_S = 3.0
"""How long an object must stay deleted while self-heal is off."""


async def run_demo(say: Say, *, keep: bool) -> int:
    """Play the demo; return 0 only if every step was seen to happen. Ctrl-C cancels it."""
    clock = SystemClock()
    began = clock.monotonic()
    with tempfile.TemporaryDirectory(prefix="holdfast-demo-") as name:
        folder = Path(name)
        try:
            async with AsyncExitStack() as stack:
                _log_to(stack, folder / "log")
                story = _Story(folder, say, clock)
                await story.play(stack)
                say(f"\nEvery step happened, in {clock.monotonic() - began:.0f} s.")
                if keep:
                    say(f"\n  export KUBECONFIG={story.kubeconfig}\n\nCtrl-C ends it.")
                    await _interrupted()
                else:
                    say("Next: `holdfast up --example`, and try it yourself.")
        except* (NotSeenError, HoldfastError) as errors:
            say(f"\nThis did not happen: {_first(errors)}")
            say("\n".join(_last_lines(folder / "log")))
            code = 1
        else:
            code = 0
    return code


def _log_to(stack: AsyncExitStack, path: Path) -> None:
    stream = stack.enter_context(path.open("w", encoding="utf-8"))
    logs.configure(level=logging.INFO, stream=stream)
    # Later lines (of what is being stopped) must not meet a closed file.
    stack.callback(logs.configure, level=logging.ERROR)


async def _interrupted() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


class _Story:
    """The steps, in order."""

    def __init__(self, folder: Path, say: Say, clock: SystemClock) -> None:
        self._folder = folder
        self._say = say
        self._clock = clock
        self._number = 0
        self.kubeconfig = ""

    async def play(self, stack: AsyncExitStack) -> None:
        """Play all steps; what was started is stopped by `stack`."""
        sample = Sample.open_or_create(self._folder / "go-sample-app")
        await self._start(stack)
        sight = await stack.enter_async_context(Sight.open(self.kubeconfig, NAMESPACE))
        hands = Hands(self.kubeconfig, sight.connection, self._say)
        await self._deploy(sample, hands, sight)
        deployments = sight.watch_deployments("prod")
        await self._roll_out(sample, hands, sight)
        await self._delete_without_self_heal(hands, sight, deployments)
        await self._switch_self_heal_on(hands, deployments)
        await self._delete_again(hands, deployments)
        await self._change_by_hand(hands, deployments)
        await self._remove_from_git(sample, hands, sight)
        await self._roll_back(hands)
        await self._show_history(hands, sight)

    async def _start(self, stack: AsyncExitStack) -> None:
        self._title("A small cluster and the controller, in one process")
        self._say("  $ holdfast up")
        began = self._clock.monotonic()
        settings = UpSettings(
            cluster=ClusterSettings(self._folder / "cluster", api_port=0),
            listen="off",
            allow_local_repos=(str(self._folder),),
        )
        lines: asyncio.Queue[str] = asyncio.Queue()
        ended = asyncio.Event()
        group = await stack.enter_async_context(asyncio.TaskGroup())
        # If it fails, the group cancels the story and hands the reason on.
        group.create_task(up(settings, ended, lambda _text: None, lines.put_nowait))
        stack.callback(ended.set)
        line = await lines.get()
        self.kubeconfig = line.rpartition("kubeconfig=")[2]
        self._seen(f"ready after {self._clock.monotonic() - began:.1f} s; `kubectl` works on it")

    async def _deploy(self, sample: Sample, hands: Hands, sight: Sight) -> None:
        kind = "a kustomize base" if sample.uses_kustomize else "plain YAML (no kustomize here)"
        self._title(f"A git repository, {kind} for dev and prod, and an application for each")
        began = self._clock.monotonic()
        for environment in ("dev", "prod"):
            await hands.holdfast(
                f"app create {application_name(environment)} --repo {sample.url}",
                f"--path overlays/{environment} --dest-namespace {environment}",
                "--dest-server https://kubernetes.default.svc",
                "--sync-policy automated --auto-prune --sync-option CreateNamespace=true",
            )
        for name in (DEV, PROD):
            await sight.until_app(name, _is_well, "it is Synced and Healthy")
        seconds = self._clock.monotonic() - began
        self._seen(f"{DEV} and {PROD} are Synced and Healthy, after {seconds:.1f} s")

    async def _roll_out(self, sample: Sample, hands: Hands, sight: Sight) -> None:
        self._title("A commit with a new image is rolled out by itself")
        path = sample.set_image("prod", FIRST_TAG, NEXT_TAG)
        sha = sample.commit(f"Deploy {NEXT_TAG} to prod")
        hands.shown(f"sed -i s/{FIRST_TAG}/{NEXT_TAG}/ {path}")
        hands.shown(f'git commit -am "Deploy {NEXT_TAG} to prod"')
        began = self._clock.monotonic()
        app = await sight.until_app(
            PROD,
            lambda tree: _is_well(tree) and _revision(tree) == sha and len(_history(tree)) == 2,
            f"it is at {sha[:7]}, healthy, with two entries in its history",
        )
        live = await sight.deployment("prod", DEPLOYMENT)
        if _image(live) != f"{IMAGE}:{NEXT_TAG}":
            raise NotSeenError(f"the deployment runs {_image(live)}")
        seconds = self._clock.monotonic() - began
        self._seen(
            f"{_image(live)} runs after {seconds:.1f} s; history: {len(_history(app))} entries"
        )

    async def _delete_without_self_heal(
        self, hands: Hands, sight: Sight, deployments: Deployments
    ) -> None:
        self._title("Somebody deletes the deployment. Self-heal is off, as it is by default")
        await hands.delete("deploy", DEPLOYMENT, "prod")
        await deployments.until_gone(DEPLOYMENT)
        await self._clock.sleep(LOOKS_S)
        if deployments.find(DEPLOYMENT) is not None:
            raise NotSeenError("it came back although self-heal is off")
        await sight.until_app(
            PROD, lambda tree: _sync(tree) == "OutOfSync", "the application is OutOfSync"
        )
        self._seen(f"it stays deleted ({LOOKS_S:.0f} s); {PROD} is OutOfSync")

    async def _switch_self_heal_on(self, hands: Hands, deployments: Deployments) -> None:
        self._title("Self-heal is switched on")
        began, mark = self._clock.monotonic(), deployments.mark()
        await hands.holdfast(f"app set {PROD} --self-heal")
        at = await deployments.until_added(DEPLOYMENT, mark)
        self._seen(f"the deployment is back, {at - began:.1f} s after Enter")

    async def _delete_again(self, hands: Hands, deployments: Deployments) -> None:
        self._title("Somebody deletes it again")
        mark = deployments.mark()
        await hands.delete("deploy", DEPLOYMENT, "prod")
        took = await deployments.until_back(DEPLOYMENT, mark)
        self._seen(f"back after {took * 1000:.0f} ms (DELETED to ADDED, as a watch saw it)")

    async def _change_by_hand(self, hands: Hands, deployments: Deployments) -> None:
        self._title("Somebody changes its image by hand")
        foreign = f"{IMAGE}:not-reviewed"
        mark = deployments.mark()
        await hands.set_image(DEPLOYMENT, "go-sample-app", foreign, "prod")
        wanted = f"{IMAGE}:{NEXT_TAG}"
        took = await deployments.until_put_back(DEPLOYMENT, (foreign, wanted), mark)
        self._seen(f"{wanted} again after {took * 1000:.0f} ms")

    async def _remove_from_git(self, sample: Sample, hands: Hands, sight: Sight) -> None:
        self._title("A file is removed from git")
        if await sight.config_map("prod", "prod-banner") is None:
            raise NotSeenError("ConfigMap prod-banner was never there")
        path = sample.remove_banner()
        sample.commit("Remove the banner from prod")
        hands.shown(f"git rm {path}")
        if sample.uses_kustomize:
            hands.shown("sed -i /banner.yaml/d overlays/prod/kustomization.yaml")
        hands.shown('git commit -am "Remove the banner from prod"')
        await sight.until_config_map_gone("prod", "prod-banner")
        self._seen("ConfigMap prod-banner is pruned")

    async def _roll_back(self, hands: Hands) -> None:
        self._title("A rollback, while automatic sync is on")
        code, text = await hands.holdfast(f"app rollback {PROD} 0", may_fail=True)
        words = "rollback cannot be initiated when auto-sync is enabled"
        if code == 0 or words not in text:
            raise NotSeenError(f"the rollback was not refused: exit {code}, {text}")
        self._seen(f"refused, exit code {code}: {words}")

    async def _show_history(self, hands: Hands, sight: Sight) -> None:
        self._title("What was deployed, and how it stands")
        app = await sight.until_app(PROD, _is_well, "it is Synced and Healthy")
        if len(_history(app)) < 3:
            raise NotSeenError("the history has fewer than three entries")
        await hands.holdfast(f"app history {PROD}", shows=True)
        await hands.holdfast(f"app get {PROD}", shows=True)

    def _title(self, text: str) -> None:
        self._number += 1
        self._say(f"\n{self._number}. {text}")

    def _seen(self, text: str) -> None:
        self._say(f"  → {text}")


def _sync(app: Tree) -> str:
    return str(_at(app, "status", "sync", "status") or "")


def _is_well(app: Tree) -> bool:
    return _sync(app) == "Synced" and _at(app, "status", "health", "status") == "Healthy"


def _revision(app: Tree) -> str:
    return str(_at(app, "status", "sync", "revision") or "")


def _history(app: Tree) -> list[Any]:
    return _at(app, "status", "history") or []


def _image(deployment: Tree) -> str:
    containers = _at(deployment, "spec", "template", "spec", "containers") or [{}]
    return str(containers[0].get("image", ""))


def _at(tree: Any, *path: str) -> Any:
    for step in path:
        tree = tree.get(step) if isinstance(tree, dict) else None
    return tree


def _first(errors: BaseExceptionGroup[Exception]) -> str:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error.describe() if isinstance(error, HoldfastError) else str(error)


def _last_lines(log: Path) -> list[str]:
    with suppress(OSError):
        return ["", "The controller's last lines:", *log.read_text("utf-8").splitlines()[-15:]]
    return []
