"""Finds or builds the real control plane for tests: `make control-plane`.

etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubectl, kwok and kustomize, at the
versions that the go.mod files below `tools/control-plane/` pin. In this order:

1. the folder of an earlier build, in the cache;
2. the programs that `KUBEBUILDER_ASSETS` or PATH name, if all are there and their versions fit;
3. a build with Go, about 6 minutes on 2 cores, into the cache.

The last line on stdout is the folder that holds the programs; everything else goes to stderr.
Only the standard library is used, so that it runs before anything is installed.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MODULES = Path(__file__).resolve().parent / "control-plane"
RECIPE = "1"  # part of the cache's key: count up when the way of building changes
MISSING = 3  # exit status of --find when there is nothing


class ControlPlaneError(Exception):
    """The programs can't be had; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Program:
    """One program of the control plane.

    Attributes:
        name: its file name.
        module: the folder below `tools/control-plane` whose go.mod pins it.
        package: the Go package that is built.
        requirement: the module in that go.mod whose version is the program's.
        stamp: Go variables that hold the version, with {major}, {minor} and {version} to fill in.
        ask: the arguments that make it print its version.
        fits: how many parts of the version a program found on the machine must share: 2 is
            major and minor.
    """

    name: str
    module: str
    package: str
    requirement: str
    stamp: tuple[str, ...] = ()
    ask: tuple[str, ...] = ("--version",)
    fits: int = 2


_KUBERNETES_STAMP = (
    "k8s.io/component-base/version.gitVersion={version}",
    "k8s.io/component-base/version.gitMajor={major}",
    "k8s.io/component-base/version.gitMinor={minor}",
)


def _kubernetes(name: str, *, ask: tuple[str, ...] = ("--version",)) -> Program:
    package = f"k8s.io/kubernetes/cmd/{name}"
    return Program(name, "kubernetes", package, "k8s.io/kubernetes", _KUBERNETES_STAMP, ask)


PROGRAMS = (
    Program("etcd", "etcd", "go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3", fits=1),
    _kubernetes("kube-apiserver"),
    _kubernetes("kube-controller-manager"),
    _kubernetes("kube-scheduler"),
    _kubernetes("kubectl", ask=("version", "--client")),
    Program(
        "kwok",
        "kwok",
        "sigs.k8s.io/kwok/cmd/kwok",
        "sigs.k8s.io/kwok",
        fits=1,
    ),
    Program(
        "kustomize",
        "kustomize",
        "sigs.k8s.io/kustomize/kustomize/v5",
        "sigs.k8s.io/kustomize/kustomize/v5",
        ("sigs.k8s.io/kustomize/api/provenance.version={version}",),
        ask=("version",),
        fits=1,
    ),
)


def pinned_version(program: Program, modules: Path = MODULES) -> str:
    """Returns the version that go.mod pins, as "v1.36.3"."""
    text = (modules / program.module / "go.mod").read_text()
    found = re.search(
        rf"^\s*(?:require )?{re.escape(program.requirement)} (v\S+)", text, re.MULTILINE
    )
    if found is None:
        raise ControlPlaneError(f"{program.module}/go.mod doesn't require {program.requirement}")
    return found[1]


def cache_folder(environ: Mapping[str, str], modules: Path = MODULES) -> Path:
    """Returns where a build of the pinned versions lies, or will lie."""
    digest = hashlib.sha256(f"{RECIPE} {sys.platform} {platform.machine()}".encode())
    for path in sorted([*modules.glob("*/go.mod"), *modules.glob("*/go.sum")]):
        digest.update(path.relative_to(modules).as_posix().encode())
        digest.update(path.read_bytes())
    root = environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(root, "holdfast", "control-plane", digest.hexdigest()[:16])


def is_complete(folder: Path) -> bool:
    """Says whether a folder holds every program."""
    return all(os.access(folder / program.name, os.X_OK) for program in PROGRAMS)


def version_in(text: str) -> tuple[int, ...] | None:
    """Returns the first version in a program's own words, as (1, 36, 3)."""
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", text)
    return tuple(int(part) for part in found.groups()) if found else None


def has_fitting_version(program: Program, path: Path) -> bool:
    """Asks a program that was found on the machine for its version."""
    try:
        answer = subprocess.run(
            [path, *program.ask], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    has, wanted = version_in(answer.stdout + answer.stderr), version_in(pinned_version(program))
    return has is not None and wanted is not None and has[: program.fits] == wanted[: program.fits]


def find_on_machine(environ: Mapping[str, str]) -> dict[str, Path] | None:
    """Returns the programs of `KUBEBUILDER_ASSETS` and PATH, if all are there and fit."""
    places = os.pathsep.join(filter(None, [environ.get("KUBEBUILDER_ASSETS"), environ.get("PATH")]))
    found: dict[str, Path] = {}
    for program in PROGRAMS:
        path = shutil.which(program.name, path=places)
        if path is None:
            return None
        found[program.name] = Path(path).absolute()
    if not all(has_fitting_version(program, found[program.name]) for program in PROGRAMS):
        return None
    return found


def find(environ: Mapping[str, str]) -> Path | None:
    """Returns the folder of the programs if they are there without a build."""
    built = cache_folder(environ)
    if is_complete(built):
        return built
    found = find_on_machine(environ)
    if found is None:
        return None
    folders = {path.parent for path in found.values()}
    if len(folders) == 1:
        return folders.pop()
    return _link_together(found, built.parent)


def _link_together(found: Mapping[str, Path], parent: Path) -> Path:
    """Makes one folder of programs that lie in several."""
    key = hashlib.sha256("\n".join(map(str, sorted(found.values()))).encode()).hexdigest()[:16]
    folder = parent / f"found-{key}"
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in found.items():
        link = folder / name
        if not link.exists():
            link.unlink(missing_ok=True)
            link.symlink_to(path)
    return folder


def build(environ: Mapping[str, str]) -> Path:
    """Builds all programs with Go; two builds at once wait for each other.

    Raises:
        ControlPlaneError: Go is missing, or a build failed.
    """
    go = shutil.which("go", path=environ.get("PATH"))
    if go is None:
        raise ControlPlaneError(
            "the control plane for tests is not in the cache, and Go, which would build it, "
            "is not on PATH.\nInstall Go 1.21 or newer (https://go.dev/dl/), or set "
            "KUBEBUILDER_ASSETS to a folder that holds "
            + ", ".join(program.name for program in PROGRAMS)
        )
    folder = cache_folder(environ)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "build.lock").open("w") as lock:
        _say("waiting for the build lock")
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_complete(folder):  # somebody else built it while we waited
            return folder
        with tempfile.TemporaryDirectory(prefix=".build-", dir=folder.parent) as name:
            unfinished = Path(name, "programs")
            unfinished.mkdir()
            for number, program in enumerate(PROGRAMS, start=1):
                version = pinned_version(program)
                _say(f"building {program.name} {version} ({number} of {len(PROGRAMS)})")
                _build_one(go, program, unfinished / program.name, environ)
            if folder.exists():  # incomplete: somebody deleted programs in it
                shutil.rmtree(folder)
            unfinished.rename(folder)
    return folder


def _build_one(go: str, program: Program, target: Path, environ: Mapping[str, str]) -> None:
    command = [go, "build", "-trimpath", "-mod=readonly", "-buildvcs=false"]
    command += ["-ldflags", " ".join(["-s", "-w", *_stamps(program)]), "-o", str(target)]
    # Without cgo a machine with and one without a C compiler build the same program.
    result = subprocess.run(
        [*command, program.package],
        cwd=MODULES / program.module,
        env={**environ, "CGO_ENABLED": "0"},
        stdout=sys.stderr,
        check=False,
    )
    if result.returncode != 0:
        raise ControlPlaneError(
            f"go build of {program.package} failed with exit status {result.returncode}; "
            "its words are above.\nA build needs about 6 GB of disk, and the Go module proxy "
            "(GOPROXY) for the modules that aren't in Go's cache yet."
        )


def _stamps(program: Program) -> Iterator[str]:
    version = pinned_version(program)
    major, minor = version.removeprefix("v").split(".")[:2]
    for stamp in program.stamp:
        yield "-X " + stamp.format(version=version, major=major, minor=minor)


def _say(text: str) -> None:
    print(f"control-plane: {text}", file=sys.stderr, flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Prints the folder of the programs. Exit status 1: can't be had; 3: `--find` found nothing."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--find", action="store_true", help="never build; exit 3 when not there")
    options = parser.parse_args(arguments)
    folder = find(os.environ)
    if folder is None and options.find:
        _say("not there; `make control-plane` builds it")
        return MISSING
    try:
        folder = folder or build(os.environ)
    except ControlPlaneError as error:
        print(f"control-plane: error: {error}", file=sys.stderr)
        return 1
    print(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
