"""A cluster with a story: what the screens are looked at with, and pictured.

`shop-web` was rolled out twice, changed by hand and healed; `shop-cart` has an open drift, which
waits for a person; `payments` is for pausing; `search` cannot be compared, and the pods of
`reports` cannot start.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pygit2

from tests.support.gitrepo import GitRepo
from tests.support.person import Ref
from tests.support.site import config_map
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.person import Person

Tree = dict[str, Any]

CONTROL = "argocd"
APPS = "argoproj.io/v1alpha1"
HEALS = {"automated": {"prune": True, "selfHeal": True}}
BY_HAND: Tree = {"automated": {"prune": True, "selfHeal": False}}

SHOP: Tree = {
    "apiVersion": APPS,
    "kind": "AppProject",
    "metadata": {"name": "shop", "namespace": CONTROL},
    "spec": {
        "description": "What the shop team runs",
        "sourceRepos": ["https://git.example.com/shop/*"],
        "destinations": [{"server": "https://kubernetes.default.svc", "namespace": "shop-*"}],
        "clusterResourceWhitelist": [{"group": "", "kind": "Namespace"}],
        "namespaceResourceBlacklist": [{"group": "", "kind": "ResourceQuota"}],
        "roles": [
            {
                "name": "ci",
                "description": "What CI may do",
                "groups": ["shop-developers"],
                "policies": [
                    "p, proj:shop:ci, applications, get, shop/*, allow",
                    "p, proj:shop:ci, applications, sync, shop/*, allow",
                ],
            }
        ],
        "syncWindows": [
            {"kind": "allow", "schedule": "0 9 * * 1-5", "duration": "8h", "applications": ["*"]},
            {"kind": "deny", "schedule": "0 12 * * 5", "duration": "3h", "applications": ["*"],
             "manualSync": True, "description": "The weekly report runs"},
        ],
    },
}  # fmt: skip


def shop(name: str, tag: str, replicas: int = 2) -> dict[str, str]:
    """The files of a small service."""
    deployment = f"""\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  labels: {{app: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
        - name: web
          image: registry.example.com/{name}:{tag}
          ports: [{{containerPort: 8080}}]
          resources:
            requests: {{cpu: 50m, memory: 64Mi}}
"""
    service = f"""\
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec:
  selector: {{app: {name}}}
  ports: [{{port: 80, targetPort: 8080}}]
"""
    return {
        "deploy/deployment.yaml": deployment,
        "deploy/service.yaml": service,
        "deploy/config.yaml": config_map(f"{name}-config", colour="blue", greeting="hello"),
    }


class Story:
    """Tells it, once for a session."""

    def __init__(self, person: Person, folder: Path) -> None:
        """Begin with nothing."""
        self._person = person
        self._folder = folder
        self._repositories: dict[str, GitRepo] = {}

    async def tell(self) -> None:
        """Makes everything, and waits until it is so."""
        await self._person.create(SHOP)
        for name in ("shop-web", "shop-cart", "payments", "search"):
            self._commit(name, shop(name, "1.0.0"), "Deploy 1.0.0")
        self._commit("reports", shop("reports", "does-not-exist", 1), "Deploy the reports")
        await self._apply("shop-web", "shop", HEALS)
        await self._apply("shop-cart", "shop", BY_HAND)
        await self._apply("payments", "payments", HEALS)
        await self._apply("reports", "reports", HEALS)
        await self._apply("search", "search", {}, path="not-there")
        for name in ("shop-web", "shop-cart", "payments"):
            await self._until(name, lambda status: _is(status, "sync", "Synced"))
        self._commit("shop-web", shop("shop-web", "1.1.0", 3), "Roll out 1.1.0, with one pod more")
        await self._refresh("shop-web")
        await self._until("shop-web", lambda status: len(status.get("history", [])) == 2)
        await self._until("shop-web", lambda status: _is(status, "health", "Healthy"))
        await self._change()
        await self._until("reports", lambda status: bool(status.get("resources")))
        await self._until("search", lambda status: bool(status.get("conditions")))

    async def _change(self) -> None:
        web = Ref("apps/v1", "Deployment", "shop", "shop-web")
        config = Ref("v1", "ConfigMap", "shop", "shop-web-config")
        await self._person.patch(web, {"spec": {"replicas": 1}}, manager="kubectl-scale")
        await self._healed(web, lambda tree: tree["spec"]["replicas"] == 3)
        await self._person.patch(config, {"data": {"colour": "red"}}, manager="kubectl-edit")
        await self._healed(config, lambda tree: tree["data"]["colour"] == "blue")
        await self._person.delete(Ref("v1", "Service", "shop", "shop-web"))
        await self._healed(Ref("v1", "Service", "shop", "shop-web"), lambda tree: True)
        cart = Ref("apps/v1", "Deployment", "shop", "shop-cart")
        image = [{"op": "replace", "path": "/spec/template/spec/containers/0/image",
                  "value": "registry.example.com/shop-cart:1.0.1-debug"}]  # fmt: skip
        await self._person.patch(cart, image, "application/json-patch+json", "kubectl-set")
        await self._until("shop-cart", lambda status: _is(status, "sync", "OutOfSync"))

    def _commit(self, name: str, files: dict[str, str], message: str) -> None:
        if name not in self._repositories:
            # As if somebody had pushed it a quarter of an hour ago.
            author = pygit2.Signature("Ada Example", "ada@example.org", int(time.time()) - 900, 0)
            path = self._folder / "acme" / name
            self._repositories[name] = GitRepo(path, bare=True, author=author)
        self._repositories[name].commit(files, message)

    async def _apply(self, name: str, namespace: str, policy: Tree, path: str = "") -> None:
        tree = {
            "apiVersion": APPS,
            "kind": "Application",
            "metadata": {"name": name, "namespace": CONTROL, "labels": {"team": namespace}},
            "spec": {
                "project": "default",
                "source": {
                    "repoURL": self._repositories[name].url,
                    "path": path or "deploy",
                    "targetRevision": "main",
                },
                "destination": {"server": "https://kubernetes.default.svc", "namespace": namespace},
                "syncPolicy": {**policy, "syncOptions": ["CreateNamespace=true"]},
            },
        }
        await self._person.create(tree)

    async def _refresh(self, name: str) -> None:
        annotations = {"argocd.argoproj.io/refresh": "normal"}
        place = Ref(APPS, "Application", CONTROL, name)
        await self._person.patch(place, {"metadata": {"annotations": annotations}})

    async def _until(self, name: str, holds: Any) -> None:
        async def look() -> bool:
            tree = await self._person.get(Ref(APPS, "Application", CONTROL, name))
            return bool(holds(tree.get("status", {})))

        await eventually(look, seconds=40)

    async def _healed(self, ref: Ref, holds: Any) -> None:
        async def look() -> bool:
            tree = await self._person.find(ref)
            return tree is not None and bool(holds(tree))

        await eventually(look)


def _is(status: Tree, what: str, word: str) -> bool:
    return bool(status.get(what, {}).get("status") == word)
