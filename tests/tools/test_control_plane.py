"""`make control-plane` finds or builds, never mixes versions, and says what is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tools import control_plane
from tools.control_plane import PROGRAMS, cache_folder, find, pinned_version, version_in

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
SPOKEN = {
    "etcd": "etcd Version: 3.7.0",
    "kubectl": "Client Version: v1.36.0\\nKustomize Version: v5.8.1",
    "kwok": "kwok version 0.7.0 go1.26 (linux/amd64)",
    "kustomize": "v5.7.0",
}


def put_programs(folder: Path, spoken: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for program in PROGRAMS:
        text = spoken.get(program.name, "Kubernetes v1.36.1")
        path = folder / program.name
        path.write_text(f"#!/bin/sh\nprintf '{text}\\n'\n")
        path.chmod(0o755)


def machine(tmp_path: Path, **more: str) -> dict[str, str]:
    return {"PATH": str(tmp_path / "bin"), "XDG_CACHE_HOME": str(tmp_path / "cache"), **more}


def test_a_finished_build_in_the_cache_is_taken_first(tmp_path: Path) -> None:
    environ = machine(tmp_path)
    put_programs(tmp_path / "bin", SPOKEN)
    put_programs(cache_folder(environ), {})
    assert find(environ) == cache_folder(environ)


def test_programs_on_the_path_serve_when_all_are_there_and_fit(tmp_path: Path) -> None:
    put_programs(tmp_path / "bin", SPOKEN)
    assert find(machine(tmp_path)) == tmp_path / "bin"


def test_programs_of_two_folders_are_linked_into_one(tmp_path: Path) -> None:
    put_programs(tmp_path / "bin", SPOKEN)
    put_programs(tmp_path / "assets", SPOKEN)
    (tmp_path / "assets" / "kwok").unlink()
    folder = find(machine(tmp_path, KUBEBUILDER_ASSETS=str(tmp_path / "assets")))
    assert folder is not None
    assert (folder / "etcd").resolve() == (tmp_path / "assets" / "etcd").resolve()
    assert (folder / "kwok").resolve() == (tmp_path / "bin" / "kwok").resolve()


def test_nothing_is_found_when_one_program_is_missing(tmp_path: Path) -> None:
    put_programs(tmp_path / "bin", SPOKEN)
    (tmp_path / "bin" / "kwok").unlink()
    assert find(machine(tmp_path)) is None


@pytest.mark.parametrize(
    ("program", "spoken"),
    [
        pytest.param("kube-apiserver", "Kubernetes v1.35.9", id="another minor version"),
        pytest.param("etcd", "etcd Version: 2.3.7", id="another major version"),
        pytest.param("kwok", "hello", id="no version at all"),
    ],
)
def test_nothing_is_found_when_a_version_does_not_fit(
    tmp_path: Path, program: str, spoken: str
) -> None:
    put_programs(tmp_path / "bin", {**SPOKEN, program: spoken})
    assert find(machine(tmp_path)) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Kubernetes v1.36.3", (1, 36, 3)),
        ("etcd Version: 3.7.3\nGit SHA: abc", (3, 7, 3)),
        ("(devel)", None),
    ],
)
def test_a_version_is_read_from_what_a_program_says(
    text: str, expected: tuple[int, ...] | None
) -> None:
    assert version_in(text) == expected


def test_every_staging_module_is_replaced_by_the_release_of_kubernetes() -> None:
    kubernetes = next(each for each in PROGRAMS if each.name == "kube-apiserver")
    release = pinned_version(kubernetes).removeprefix("v1")
    lines = (control_plane.MODULES / "kubernetes" / "go.mod").read_text().splitlines()
    replaced = [line.split() for line in lines if "=>" in line and not line.startswith("//")]
    assert len(replaced) > 20
    assert {line[-1] for line in replaced} == {f"v0{release}"}


def test_the_cache_moves_when_a_pin_changes(tmp_path: Path) -> None:
    (tmp_path / "etcd").mkdir()
    pin = tmp_path / "etcd" / "go.mod"
    pin.write_text("require go.etcd.io/etcd/server/v3 v3.7.3\n")
    before = cache_folder({"XDG_CACHE_HOME": "/c"}, tmp_path)
    pin.write_text("require go.etcd.io/etcd/server/v3 v3.7.4\n")
    assert cache_folder({"XDG_CACHE_HOME": "/c"}, tmp_path) != before


def test_without_go_the_program_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    answer = subprocess.run(
        [sys.executable, ROOT / "tools" / "control_plane.py"],
        env={**machine(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert "Install Go" in answer.stderr
    assert "KUBEBUILDER_ASSETS" in answer.stderr


def test_asking_without_building_exits_with_3_when_nothing_is_there(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, ROOT / "tools" / "control_plane.py", "--find"],
        env={**machine(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (answer.returncode, answer.stdout) == (3, "")


def test_the_last_line_on_stdout_is_the_folder(plane_programs: Path) -> None:
    answer = subprocess.run(
        [sys.executable, ROOT / "tools" / "control_plane.py"],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.splitlines()[-1] == str(plane_programs)
