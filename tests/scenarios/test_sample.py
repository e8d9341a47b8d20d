"""The sample's twin in plain YAML declares what its kustomize overlays render."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from holdfast.kit import yamlio

SAMPLE = Path(__file__).parents[2] / "examples" / "sample"


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_plain_twin_is_what_kustomize_renders(environment: str, kustomize: Path) -> None:
    done = subprocess.run(
        [str(kustomize), "build", str(SAMPLE / "kustomize" / "overlays" / environment)],
        capture_output=True,
        text=True,
        check=True,
    )
    rendered = [document.value for document in yamlio.load_all(done.stdout)]
    plain = [
        document.value
        for path in sorted((SAMPLE / "plain" / "overlays" / environment).iterdir())
        for document in yamlio.load_all(path.read_text(encoding="utf-8"))
    ]

    def by_name(tree: dict[str, object]) -> str:
        return str((tree["kind"], tree["metadata"]))

    assert sorted(plain, key=by_name) == sorted(rendered, key=by_name)
