"""The port `Renderer` with the real kustomize."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.domain.errors import HoldfastError
from holdfast.domain.source import Checkout, RenderContext, Rendered, Source, SourceType
from holdfast.kit import yamlio
from holdfast.kit.clock import SystemClock
from holdfast.renderers.dispatch import Renderers
from tests.support.gitrepo import write_tree

EXAMPLES = Path(__file__).parents[2] / "examples"
SHA = "0123456789abcdef0123456789abcdef01234567"
FILES = {
    "base/kustomization.yaml": "resources: [deploy.yaml]\n",
    "base/deploy.yaml": (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 1\n"
        "  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n"
        "    spec:\n      containers: [{name: c, image: 'nginx:1.27'}]\n"
    ),
    "over/kustomization.yaml": "namePrefix: old-\nresources: [../base]\n",
    "extra/kustomization.yaml": (
        "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n"
        "commonAnnotations: {from: component}\n"
    ),
}


@pytest.fixture(params=["kustomize", "kubectl"])
def program(request: pytest.FixtureRequest) -> dict[str, str]:
    """Once the program itself, once the one inside kubectl."""
    path = str(request.getfixturevalue(request.param))
    # An empty name is never found: the other program must not help out.
    return {"kustomize": path} if request.param == "kustomize" else {"kubectl": path}


@pytest.fixture
async def renderers(
    tmp_path: Path, program: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Renderers]:
    monkeypatch.setenv("PATH", _path_without("kustomize"))
    monkeypatch.setenv("HOME", "/nonexistent")
    made = Renderers(
        SystemClock(), scratch_dir=str(tmp_path / "scratch"), timeout_s=20, programs=program
    )
    yield made
    await made.stop()


def source(path: str, **kustomize: Any) -> Source:
    tree: dict[str, Any] = {"repoURL": "https://git.example/shop", "path": path}
    return Source.parse(tree | ({"kustomize": kustomize} if kustomize else {}))


async def render(renderers: Renderers, root: Path, what: Source, **settings: str) -> Rendered:
    context = RenderContext(
        "shop", "shop", "prod", "default", settings=tuple(sorted(settings.items()))
    )
    return await renderers.render(Checkout(str(root), SHA, what.repo_url), what, context)


async def test_an_overlay_on_a_base_beside_it_is_built(
    renderers: Renderers, tmp_path: Path
) -> None:
    rendered = await render(renderers, write_tree(tmp_path / "r", FILES), source("over"))
    assert [(m.kind, m.name) for m in rendered.manifests] == [("Deployment", "old-web")]
    assert rendered.source_type is SourceType.KUSTOMIZE


async def test_every_override_of_the_application_counts(
    renderers: Renderers, tmp_path: Path
) -> None:
    root = write_tree(tmp_path / "r", FILES)
    before = _texts(root)
    what = source(
        "over",
        namePrefix="prod-",
        nameSuffix="-x",
        namespace="prod",
        images=["nginx=registry.example/nginx:1.28"],
        replicas=[{"name": "web", "count": 4}],
        commonLabels={"revision": "$ARGOCD_APP_REVISION_SHORT_8"},
        labelWithoutSelector=True,
        commonAnnotations={"plain": "$ARGOCD_APP_NAME"},
        patches=[
            {
                "target": {"kind": "Deployment"},
                "patch": "- {op: add, path: /spec/paused, value: true}",
            }
        ],
        components=["../extra", "../gone"],
        ignoreMissingComponents=True,
    )
    rendered = await render(renderers, root, what)
    [made] = rendered.manifests
    assert (made.name, made.namespace) == ("prod-web-x", "prod")
    assert made.at("spec", "replicas") == 4
    assert made.at("spec", "paused") is True
    assert made.label("revision") == SHA[:8]
    assert made.at("spec", "selector", "matchLabels") == {"app": "web"}
    assert made.annotation("plain") == "$ARGOCD_APP_NAME"
    assert made.annotation("from") == "component"
    [container] = made.at("spec", "template", "spec", "containers")
    assert container["image"] == "registry.example/nginx:1.28"
    assert _texts(root) == before


async def test_labels_reach_selectors_unless_told_otherwise(
    renderers: Renderers, tmp_path: Path
) -> None:
    root = write_tree(tmp_path / "r", FILES)
    rendered = await render(renderers, root, source("over", commonLabels={"team": "a"}))
    selector = rendered.manifests[0].at("spec", "selector", "matchLabels")
    assert selector == {"app": "web", "team": "a"}


async def test_annotations_are_substituted_when_asked(renderers: Renderers, tmp_path: Path) -> None:
    root = write_tree(tmp_path / "r", FILES)
    what = source(
        "over", commonAnnotations={"app": "$ARGOCD_APP_NAME"}, commonAnnotationsEnvsubst=True
    )
    rendered = await render(renderers, root, what)
    assert rendered.manifests[0].annotation("app") == "shop"


async def test_build_options_reach_the_program(renderers: Renderers, tmp_path: Path) -> None:
    files = FILES | {"over/kustomization.yaml": "resources: [../base/deploy.yaml]\n"}
    root = write_tree(tmp_path / "r", files)
    with pytest.raises(HoldfastError, match="security") as caught:
        await render(renderers, root, source("over"))
    assert caught.value.code == "HF4002"
    assert str(tmp_path) not in caught.value.describe()
    options = {"kustomize.buildOptions": "--load-restrictor LoadRestrictionsNone"}
    assert (await render(renderers, root, source("over"), **options)).manifests


async def test_a_version_must_be_registered(
    renderers: Renderers, tmp_path: Path, program: dict[str, str]
) -> None:
    root = write_tree(tmp_path / "r", FILES)
    with pytest.raises(
        HoldfastError, match=r"kustomize version v9\.9\.9 is not registered"
    ) as caught:
        await render(renderers, root, source("over", version="v9.9.9"))
    assert caught.value.code == "HF3009"
    if "kustomize" in program:
        settings = {"kustomize.path.v9.9.9": program["kustomize"]}
        rendered = await render(renderers, root, source("over", version="v9.9.9"), **settings)
        assert rendered.manifests[0].name == "old-web"


@pytest.mark.parametrize(
    ("files", "code", "message"),
    [
        pytest.param(
            {"over/kustomization.yaml": "resources: ['https://127.0.0.1:1/x?ref=v1']\n"},
            "HF3008",
            "remote bases are not built yet",
            id="a remote base",
        ),
        pytest.param(
            {"over/kustomization.yaml": "resources: [gone.yaml]\n"},
            "HF4002",
            "gone.yaml",
            id="a missing file",
        ),
        pytest.param(
            {"over/kustomization.yaml": "resources: [a\n"},
            "HF1004",
            "over/kustomization.yaml: line 2: does not parse",
            id="a broken kustomization",
        ),
        pytest.param(
            {"over/kustomization.yaml": "resources: [../../other]\n"},
            "HF1006",
            "outside the repository",
            id="a base outside",
        ),
    ],
)
async def test_what_is_wrong_is_named(
    renderers: Renderers, tmp_path: Path, files: dict[str, str], code: str, message: str
) -> None:
    write_tree(tmp_path / "other", {"kustomization.yaml": "resources: []\n"})
    root = write_tree(tmp_path / "r", FILES | files)
    with pytest.raises(HoldfastError, match=message) as caught:
        await render(renderers, root, source("over"))
    assert caught.value.code == code


async def test_nothing_is_left_behind(renderers: Renderers, tmp_path: Path) -> None:
    root = write_tree(tmp_path / "r", FILES)
    await render(renderers, root, source("over", namePrefix="x-"))
    assert list((tmp_path / "scratch").iterdir()) == []


async def test_the_kustomize_example_renders(renderers: Renderers, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "r" / "examples")
    text = (EXAMPLES / "kustomize" / "application.yaml").read_text()
    what = Source.parse(yamlio.load_one(text)["spec"]["source"])
    rendered = await render(renderers, tmp_path / "r", what)
    names = sorted((m.kind, m.name.rstrip("0123456789bcdfghkmt")) for m in rendered.manifests)
    assert names == [
        ("ConfigMap", "prod-settings-"),
        ("Deployment", "prod-go-sample-app"),
        ("Service", "prod-go-sample-app"),
    ]
    [made] = [m for m in rendered.manifests if m.kind == "Deployment"]
    [container] = made.at("spec", "template", "spec", "containers")
    assert container["image"] == "registry.example.org/go-sample-app:1.1.0"


async def test_without_a_program_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    renderers = Renderers(SystemClock(), scratch_dir=str(tmp_path / "scratch"))
    monkeypatch.setenv("PATH", str(tmp_path))
    try:
        with pytest.raises(HoldfastError, match="neither kustomize nor kubectl") as caught:
            await render(renderers, write_tree(tmp_path / "r", FILES), source("over"))
        assert caught.value.code == "HF4001"
    finally:
        await renderers.stop()


def _texts(root: Path) -> dict[str, str]:
    return {str(f.relative_to(root)): f.read_text() for f in root.rglob("*") if f.is_file()}


def _path_without(name: str) -> str:
    folders = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(f for f in folders if shutil.which(name, path=f) is None)
