"""Which tool a folder wants (docs/internals/argocd/controller.md §3.2, §3.3)."""

from pathlib import Path

import pytest

from holdfast.domain.errors import HoldfastError
from holdfast.domain.source import SourceType
from holdfast.renderers.detect import check_path, detect_type, merge_overrides
from tests.support.gitrepo import write_tree


@pytest.mark.parametrize(
    ("files", "source", "settings", "tool"),
    [
        pytest.param(["a.yaml"], {}, {}, SourceType.DIRECTORY, id="plain files"),
        pytest.param(["kustomization.yaml"], {}, {}, SourceType.KUSTOMIZE, id="kustomization"),
        pytest.param(["Kustomization"], {}, {}, SourceType.KUSTOMIZE, id="Kustomization"),
        pytest.param(["Chart.yaml"], {}, {}, SourceType.HELM, id="a chart"),
        pytest.param(
            ["Chart.yaml", "kustomization.yml"], {}, {}, SourceType.KUSTOMIZE, id="kustomize wins"
        ),
        pytest.param(
            ["Chart.yaml", "Kustomization"], {}, {}, SourceType.KUSTOMIZE, id="K wins as well"
        ),
        pytest.param(
            ["sub/Chart.yaml"], {}, {}, SourceType.DIRECTORY, id="sub-folders don't count"
        ),
        pytest.param(
            ["kustomization.yaml"],
            {"directory": {"recurse": True}},
            {},
            SourceType.DIRECTORY,
            id="a block decides",
        ),
        pytest.param(
            ["kustomization.yaml"],
            {"directory": {"recurse": False}},
            {},
            SourceType.KUSTOMIZE,
            id="a block of nothing but defaults decides nothing",
        ),
        pytest.param(
            ["kustomization.yaml"],
            {},
            {"kustomize.enable": "false"},
            SourceType.DIRECTORY,
            id="kustomize switched off",
        ),
        pytest.param(
            ["a.yaml"],
            {"kustomize": {"namePrefix": "x-"}},
            {"kustomize.enable": "false"},
            SourceType.DIRECTORY,
            id="an explicit block of a tool that is switched off",
        ),
    ],
)
def test_the_tool_is(
    tmp_path: Path,
    files: list[str],
    source: dict[str, object],
    settings: dict[str, str],
    tool: SourceType,
) -> None:
    write_tree(tmp_path, dict.fromkeys(files, ""))
    assert detect_type(str(tmp_path), ".", source, settings) is tool


def test_two_tool_blocks_contradict_each_other(tmp_path: Path) -> None:
    source = {"kustomize": {"namePrefix": "x"}, "helm": {"releaseName": "y"}}
    with pytest.raises(
        HoldfastError, match="multiple application sources defined: Helm,Kustomize"
    ) as caught:
        detect_type(str(tmp_path), ".", source, {})
    assert caught.value.code == "HF1008"


@pytest.mark.parametrize(
    ("path", "code", "message"),
    [
        ("nope", "HF1003", "nope: app path does not exist"),
        ("a.yaml", "HF1003", "a.yaml: app path is not a directory"),
        ("/etc", "HF1006", "/etc: app path is absolute"),
        ("../x", "HF1006", "../x: app path outside root"),
        ("out", "HF1006", "out: app path outside root"),
    ],
)
def test_a_wrong_path_is_named_as_argo_cd_names_it(
    tmp_path: Path, path: str, code: str, message: str
) -> None:
    root = write_tree(tmp_path / "repo", {"a.yaml": ""})
    (root / "out").symlink_to(tmp_path)
    with pytest.raises(HoldfastError) as caught:
        check_path(str(root), path)
    assert (caught.value.code, caught.value.message) == (code, message)


def test_override_files_are_merged_and_cannot_change_where_the_files_come_from(
    tmp_path: Path,
) -> None:
    write_tree(
        tmp_path,
        {
            "app/.argocd-source.yaml": "kustomize: {images: [a:1], namePrefix: x-}\npath: other\n",
            "app/.argocd-source-shop.yaml": "kustomize: {images: [a:2], nameSuffix: null}\n",
        },
    )
    source = {"repoURL": "u", "path": "app", "kustomize": {"nameSuffix": "-z", "namespace": "n"}}
    assert merge_overrides(str(tmp_path), "app", source, "shop") == {
        "repoURL": "u",
        "path": "app",
        "kustomize": {"images": ["a:2"], "namePrefix": "x-", "namespace": "n"},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [\n", "app/.argocd-source.yaml: line 2: does not parse"),
        ("- a\n", "app/.argocd-source.yaml: not a mapping of source fields"),
    ],
)
def test_a_broken_override_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    write_tree(tmp_path, {"app/.argocd-source.yaml": text})
    with pytest.raises(HoldfastError) as caught:
        merge_overrides(str(tmp_path), "app", {}, "shop")
    assert caught.value.message.startswith(message)


def test_an_override_file_that_is_a_folder_is_an_error(tmp_path: Path) -> None:
    write_tree(tmp_path, {"app/.argocd-source.yaml/x": ""})
    with pytest.raises(HoldfastError, match="not a regular file"):
        merge_overrides(str(tmp_path), "app", {}, "shop")
