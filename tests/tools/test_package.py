"""The wheel is whole, light, and works without the repository around it."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE_LIMIT_BYTES = 150_000_000

IMPORT_ALL = """
import importlib, pkgutil, sys
sys.path.insert(0, sys.argv[1])
import holdfast
assert holdfast.__file__.startswith(sys.argv[1]), holdfast.__file__
for module in pkgutil.walk_packages(holdfast.__path__, "holdfast."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_holds_every_file_of_src_and_nothing_else(wheel: Path) -> None:
    sources = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src" / "holdfast").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == sources


def test_every_module_can_be_imported_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORT_ALL, str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr


def test_what_every_user_installs_stays_below_150_mb() -> None:
    lock = (ROOT / "requirements" / "run.txt").read_text()
    names = re.findall(r"^([A-Za-z0-9._-]+)==", lock, re.MULTILINE)
    paths = [p.locate() for name in names for p in distribution(name).files or ()]
    sizes = [Path(str(path)).stat().st_size for path in paths if Path(str(path)).exists()]
    assert 10_000_000 < sum(sizes) < CORE_LIMIT_BYTES
