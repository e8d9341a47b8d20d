"""Where manifests come from: the source block of an Application, and what a render needs.

Fields and defaults: docs/internals/argocd/controller.md §1.3.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from holdfast.domain.manifest import Manifest, Tree


class SourceType(StrEnum):
    """The tools that turn a folder into manifests, as `status.sourceType` names them."""

    HELM = "Helm"
    KUSTOMIZE = "Kustomize"
    DIRECTORY = "Directory"
    PLUGIN = "Plugin"


@dataclass(frozen=True, slots=True)
class Source:
    """One source of an Application.

    Attributes:
        repo_url: git URL, Helm repository URL, `oci://…`, `file://…` or a local path.
        path: Folder inside the repository.
        target_revision: Branch, tag, SHA or constraint as written; `""` means HEAD.
        chart: Helm chart name; its presence makes this a Helm repository source.
        ref: Name under which other sources refer to files of this one.
        name: Optional label.
        tag_prefix: Only tags with this prefix are considered for constraints.
        helm, kustomize, directory, plugin: Tool blocks as written, or None.
        tree: The source exactly as it is written in the Application.
    """

    repo_url: str
    path: str
    target_revision: str
    chart: str
    ref: str
    name: str
    tag_prefix: str
    helm: Tree | None
    kustomize: Tree | None
    directory: Tree | None
    plugin: Tree | None
    tree: Tree

    @classmethod
    def parse(cls, tree: Tree) -> "Source":
        """Read a source block; unknown fields stay in `tree`."""
        return cls(
            repo_url=_text(tree, "repoURL"),
            path=_text(tree, "path"),
            target_revision=_text(tree, "targetRevision"),
            chart=_text(tree, "chart"),
            ref=_text(tree, "ref"),
            name=_text(tree, "name"),
            tag_prefix=_text(tree, "tagPrefix"),
            helm=_block(tree, "helm"),
            kustomize=_block(tree, "kustomize"),
            directory=_block(tree, "directory"),
            plugin=_block(tree, "plugin"),
            tree=tree,
        )


@dataclass(frozen=True, slots=True)
class Checkout:
    """A commit of a repository, laid out as files.

    Attributes:
        root: Absolute path of the checkout's root. Read-only for everybody.
        revision: The full commit SHA.
        repo_url: The repository as the Application names it.
    """

    root: str
    revision: str
    repo_url: str


@dataclass(frozen=True, slots=True)
class RenderContext:
    """What a render may know about the Application, beside the files.

    Attributes:
        app_instance: Instance name (`<name>` or `<namespace>_<name>`).
        app_name: Name of the Application alone.
        destination_namespace: Default namespace of the manifests.
        project: Name of the AppProject.
        kube_version: `1.36.3`, or `""` when unknown.
        api_versions: `apps/v1`, `apps/v1/Deployment` … of the destination cluster.
        settings: Keys of `argocd-cm` that matter to renderers, as written there.
    """

    app_instance: str
    app_name: str
    destination_namespace: str
    project: str
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Rendered:
    """The manifests of one source at one commit, Lists expanded, tracking not yet written.

    Attributes:
        manifests: In the order of the files; duplicates are kept (the controller reports them).
        source_type: The tool that was used.
        revision: The full commit SHA.
        origins: For each manifest the file it came from (relative to the repository), or `""`.
        warnings: Sentences for the log, e.g. a link to a missing file that was skipped.
    """

    manifests: tuple[Manifest, ...]
    source_type: SourceType
    revision: str
    origins: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CommitInfo:
    """What `git log` says of one commit. `date` is RFC 3339 in UTC."""

    revision: str
    author: str
    date: str
    message: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CommitOrder:
    """What to commit, and where.

    Attributes:
        files: Paths relative to the repository, and their new texts.
        message: The commit's message.
        author: `Name <mail>`, or `""` for who git's configuration says.
        otherwise: The author when git's configuration says nobody; `""` is an error then.
        branch: The branch to make, or `""` for the one that `targetRevision` names.
        push: Whether to push the branch.
    """

    files: Mapping[str, str]
    message: str
    author: str = ""
    branch: str = ""
    push: bool = False
    otherwise: str = ""


@dataclass(frozen=True, slots=True)
class Committed:
    """What came of a `CommitOrder`."""

    sha: str
    branch: str
    author: str
    is_pushed: bool = False


def _text(tree: Tree, key: str) -> str:
    value = tree.get(key)
    return value if isinstance(value, str) else ""


def _block(tree: Tree, key: str) -> Tree | None:
    value = tree.get(key)
    return value if isinstance(value, dict) else None
