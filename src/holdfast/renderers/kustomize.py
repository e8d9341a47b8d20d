"""Runs the real kustomize, in a subprocess with no network and an empty environment.

Order of work: check what the kustomization refers to, write the overrides into a private copy,
run `kustomize build`, parse its output in the render worker (controller.md §3.6, DESIGN §8).
"""

import asyncio
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass

from holdfast.domain.errors import ToolError
from holdfast.domain.manifest import Tree
from holdfast.domain.source import Checkout, RenderContext, Source
from holdfast.kit import process
from holdfast.kit.redact import tidy
from holdfast.renderers.answers import RenderWorkers
from holdfast.renderers.environment import build_environment, substitute
from holdfast.renderers.problems import wrong

# Go programs reserve far more address space than they use.
_LIMITS = process.Limits(
    timeout_s=90, output_bytes=64 * 1024 * 1024, cpu_s=90, memory_bytes=16 * 1024**3
)
# kubectl wraps what kustomize says into a log line of its own.
_KUBECTL_ERROR = re.compile(
    r'^E\d{4} \S+ +\d+ \S+\] "command failed" err="(?P<text>.*)"$', re.MULTILINE
)
_OVERRIDES = (
    "namePrefix",
    "nameSuffix",
    "images",
    "replicas",
    "commonLabels",
    "commonAnnotations",
    "namespace",
    "patches",
    "components",
)


@dataclass(frozen=True, slots=True)
class _Build:
    """One run of the program."""

    words: tuple[str, ...]
    options: tuple[str, ...]


class Kustomize:
    """Builds kustomizations."""

    def __init__(
        self, workers: RenderWorkers, scratch_dir: str, programs: Mapping[str, str]
    ) -> None:
        """Nothing is looked up yet.

        Args:
            workers: Where YAML is parsed.
            scratch_dir: Folder for private copies; made when it is missing.
            programs: Paths of `kustomize` and `kubectl`; those on PATH by default.
        """
        self._workers = workers
        self._scratch = scratch_dir
        self._programs = dict(programs)
        self._cutter: tuple[str, ...] | None = None

    async def build(self, checkout: Checkout, source: Source, context: RenderContext) -> bytes:
        """Return the render worker's answer for the objects of a kustomization.

        Raises:
            HoldfastError: HF1xxx from the files, HF3009 for an unregistered version, HF4001 when
                there is no kustomize, HF4002 when it failed, HF4003 when it took too long.
        """
        block = _substituted(source.kustomize or {}, build_environment(checkout, source, context))
        chosen = await self._choose(block, dict(context.settings), context)
        scratch = await asyncio.to_thread(self._make_scratch)
        try:
            root = checkout.root
            has_overrides = any(block.get(field) for field in _OVERRIDES)
            copy = os.path.join(scratch, "repository") if has_overrides else ""
            await self._workers.ask(
                "kustomization",
                root=root,
                path=source.path,
                block=block,
                copy=copy,
                # Options may lift the rule that a kustomization only reads below its own folder.
                whole=bool(chosen.options),
            )
            root = copy or root
            output = await self._run(chosen, root, source.path, os.path.join(scratch, "home"))
            return await self._workers.ask("parse", output, where=source.path)
        finally:
            await asyncio.to_thread(shutil.rmtree, scratch, ignore_errors=True)

    async def _choose(
        self, block: Tree, settings: Mapping[str, str], context: RenderContext
    ) -> _Build:
        version = str(block.get("version") or "")
        options = settings.get("kustomize.buildOptions", "")
        if version:
            path = settings.get(f"kustomize.path.{version}") or settings.get(
                f"kustomize.version.{version}"
            )
            if not path:
                raise wrong("HF3009", f"kustomize version {version} is not registered")
            options = settings.get(f"kustomize.buildOptions.{version}", options)
            words: tuple[str, ...] = (path, "build")
        else:
            words = await asyncio.to_thread(self._find)
        split = tuple(shlex.split(options))
        if "--enable-helm" in split and words[-1] == "build":
            split += _helm_options(block, context)
        return _Build(words, split)

    def _find(self) -> tuple[str, ...]:
        kustomize = self._programs.get("kustomize") or process.find_program("kustomize")
        if kustomize:
            return (kustomize, "build")
        kubectl = self._programs.get("kubectl") or process.find_program("kubectl")
        if kubectl:
            return (kubectl, "kustomize")
        raise ToolError(
            "HF4001",
            "neither kustomize nor kubectl is installed",
            hint="install one of them on PATH",
        )

    def _make_scratch(self) -> str:
        os.makedirs(self._scratch, exist_ok=True)
        scratch = tempfile.mkdtemp(prefix="kustomize-", dir=self._scratch)
        os.mkdir(os.path.join(scratch, "home"))
        return scratch

    async def _run(self, chosen: _Build, root: str, path: str, home: str) -> bytes:
        if self._cutter is None:
            self._cutter = await process.find_network_cutter()
        environment = process.clean_environment(
            HOME=home,
            XDG_CONFIG_HOME=home,
            XDG_CACHE_HOME=home,
            XDG_DATA_HOME=home,
            HELM_CACHE_HOME=home,
            HELM_CONFIG_HOME=home,
            HELM_DATA_HOME=home,
            TMPDIR=home,
        )
        argv = [*self._cutter, *chosen.words, f"{root}/{path}", *chosen.options]
        try:
            done = await process.run(argv, cwd=root, env=environment, limits=_LIMITS)
        except process.ProgramMissingError as error:
            raise ToolError("HF4001", str(error)) from error
        except process.ProcessError as error:
            raise ToolError("HF4003", f"{path}: {error}") from error
        if done.code != 0:
            raise ToolError("HF4002", _complaint(done, root, path))
        return done.stdout


def _complaint(done: process.Completed, root: str, path: str) -> str:
    # Paths of our own folders mean nothing to a reader, and change from run to run.
    said = done.stderr.decode("utf-8", "replace").replace(root + os.sep, "").replace(root, ".")
    said = _KUBECTL_ERROR.sub(lambda match: match["text"].replace('\\"', '"'), said)
    return f"`kustomize build {path}` failed with exit status {done.code}: {tidy(said)}"


def _substituted(block: Tree, environment: Mapping[str, str]) -> Tree:
    changed = dict(block)
    fields = ["commonLabels"]
    if block.get("commonAnnotationsEnvsubst") is True:
        fields.append("commonAnnotations")
    for field in fields:
        pairs = block.get(field)
        if isinstance(pairs, dict):
            changed[field] = {
                key: substitute(str(value), environment) for key, value in pairs.items()
            }
    images = block.get("images")
    if isinstance(images, list):
        changed["images"] = [substitute(str(image), environment) for image in images]
    return changed


def _helm_options(block: Tree, context: RenderContext) -> tuple[str, ...]:
    version = str(block.get("kubeVersion") or context.kube_version)
    own = block.get("apiVersions")
    api_versions = [str(v) for v in own] if isinstance(own, list) and own else context.api_versions
    options = ("--helm-kube-version", version) if version else ()
    return options + tuple(word for api in api_versions for word in ("--helm-api-versions", api))
