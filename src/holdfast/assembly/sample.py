"""The sample that `up --example` and `demo` deploy: a git repository with a base and two overlays.

With kustomize (or kubectl, which brings it) the overlays are kustomize overlays; without, the
repository holds the same objects as plain YAML, at the same paths, so that the Applications and
everything a person types stay the same.
"""

import shutil
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Self

import pygit2

from holdfast.domain.application import IN_CLUSTER_SERVER, RESOURCES_FINALIZER
from holdfast.domain.manifest import Tree

ENVIRONMENTS = ("dev", "prod")
IMAGE = "registry.example.com/go-sample-app"
FIRST_TAG = "1.0.0"
_AUTHOR = pygit2.Signature("Sample", "sample@holdfast.example")


def application_name(environment: str) -> str:
    """`go-sample-app-prod`."""
    return f"go-sample-app-{environment}"


@dataclass(frozen=True, slots=True)
class Sample:
    """The repository.

    Attributes:
        folder: Its working tree.
        uses_kustomize: Whether the overlays are kustomize overlays.
    """

    folder: Path
    uses_kustomize: bool

    @classmethod
    def open_or_create(cls, folder: Path) -> Self:
        """Return the repository in a folder; make it when there is none."""
        if (folder / ".git").exists():
            return cls(folder, (folder / "base").exists())
        uses_kustomize = bool(shutil.which("kustomize") or shutil.which("kubectl"))
        folder.mkdir(parents=True, exist_ok=True)
        source = files("holdfast.assembly") / "sample_files"
        _copy(source / ("kustomize" if uses_kustomize else "plain"), folder)
        (folder / "README.md").write_text((source / "README.md").read_text(encoding="utf-8"))
        pygit2.init_repository(str(folder), initial_head="main")
        sample = cls(folder, uses_kustomize)
        sample.commit("Deploy go-sample-app 1.0.0 to dev and prod")
        return sample

    @property
    def url(self) -> str:
        """The repository as Applications name it."""
        return self.folder.as_uri()

    def set_image(self, environment: str, before: str, after: str) -> str:
        """Write another image tag into an overlay; return the changed file's path."""
        name = "kustomization.yaml" if self.uses_kustomize else "deployment.yaml"
        path = f"overlays/{environment}/{name}"
        self._edit(path, f": {before}" if self.uses_kustomize else f":{before}",
                   f": {after}" if self.uses_kustomize else f":{after}")  # fmt: skip
        return path

    def remove_banner(self) -> str:
        """Remove the file `banner.yaml` from `prod`; return its path."""
        path = "overlays/prod/banner.yaml"
        (self.folder / path).unlink()
        if self.uses_kustomize:
            self._edit("overlays/prod/kustomization.yaml", "  - banner.yaml\n", "")
        return path

    def commit(self, message: str) -> str:
        """Commit everything that changed; return the full SHA."""
        repository = pygit2.Repository(str(self.folder))
        repository.index.add_all()
        repository.index.write()
        tree = repository.index.write_tree()
        parents = [] if repository.head_is_unborn else [repository.head.target]
        # The branch that HEAD names, not `main`: people rename it.
        made = repository.create_commit("HEAD", _AUTHOR, _AUTHOR, message, tree, parents)
        return str(made)

    def _edit(self, path: str, before: str, after: str) -> None:
        file = self.folder / path
        content = file.read_text(encoding="utf-8")
        if before not in content:
            raise ValueError(f"{path} does not hold {before!r}")
        file.write_text(content.replace(before, after), encoding="utf-8")


def applications(sample: Sample, namespace: str) -> list[Tree]:
    """Return both Applications: automatic sync and prune, self-heal off, as is the default."""
    return [
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {
                "name": application_name(environment),
                "namespace": namespace,
                "finalizers": [RESOURCES_FINALIZER],
            },
            "spec": {
                "project": "default",
                "source": {
                    "repoURL": sample.url,
                    "path": f"overlays/{environment}",
                    "targetRevision": "HEAD",
                },
                "destination": {"server": IN_CLUSTER_SERVER, "namespace": environment},
                "syncPolicy": {
                    "automated": {"prune": True},
                    "syncOptions": ["CreateNamespace=true"],
                },
            },
        }
        for environment in ENVIRONMENTS
    ]


def _copy(source: Traversable, target: Path) -> None:
    for item in source.iterdir():
        if item.is_dir():
            (target / item.name).mkdir(exist_ok=True)
            _copy(item, target / item.name)
        else:
            (target / item.name).write_bytes(item.read_bytes())
