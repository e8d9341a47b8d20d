"""A desk with two ways to one cluster: straight by its kubeconfig, and through a Holdfast server.

Commands run in this process, one after the other, so that a hundred of them cost seconds. `Desk` is
for plain tests, not for coroutines: each command has an event loop of its own.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from holdfast.cli.root import run
from holdfast.cli.session import Session
from tests.support.command_line import Result
from tests.support.person import Person, Ref
from tests.support.process import HoldfastProcess
from tests.support.site import Site, config_map, new_control
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.support.site import SiteApp

Tree = dict[str, Any]
ADDRESS = r"listening address=(\S+) metrics="
INITIAL = "argocd-initial-admin-secret"
_LOOKS = 10
WHERE = "https://kubernetes.default.svc"

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: printer-c
        image: printer:1
"""
SECRET = """apiVersion: v1
kind: Secret
metadata:
  name: hush
stringData:
  password: "do not print me"
"""


@dataclass
class Desk:
    """A person with a terminal.

    Attributes:
        kubeconfig, control: The straight way.
        config: File of contexts, where the person is signed in at `address`.
        names: What lines of the table may name: `{calm}`, `{held}` …
        spare: An Application that no table names: to be changed, and deleted.
    """

    kubeconfig: Path
    control: str
    config: Path
    address: str
    names: dict[str, str] = field(default_factory=dict)
    spare: SiteApp | None = None

    def type(self, line: str, *more: str, stdin: str = "") -> Result:
        """Runs `holdfast LINE`; names in braces are filled in."""
        words = [word.format(**self.names) for word in line.split()]
        out, err = io.StringIO(), io.StringIO()
        session = Session(out=out, err=err, stdin=io.StringIO(stdin), environ=os.environ)
        code = run([*words, *more], session)
        return Result(code, out.getvalue(), err.getvalue())

    def straight(self, line: str, *more: str, stdin: str = "") -> Result:
        """By the kubeconfig."""
        flags = ("--kubeconfig", str(self.kubeconfig))
        return self.type(line, *more, *flags, stdin=stdin)

    def through(self, line: str, *more: str, stdin: str = "") -> Result:
        """Through the server, as the person who signed in there."""
        flags = ("--server", self.address, "--config", str(self.config))
        return self.type(line, *more, *flags, stdin=stdin)

    def by_context(self, line: str, *more: str) -> Result:
        """Through the server of the current context."""
        return self.type(line, *more, "--config", str(self.config))

    def at(self, address: str, line: str, *more: str) -> Result:
        """Through a server that nobody signed in to."""
        return self.type(line, *more, "--server", address, "--config", f"{self.config}.none")

    def sign_in(self, config: Path) -> str:
        """Signs in as admin; the token is kept in that file."""
        login = self.type(
            f"login {self.address} --plaintext --username admin --config {config}",
            "--password", self.names["password"],
        )  # fmt: skip
        assert login.code == 0, login.transcript
        return login.out

    def ok(self, line: str, *more: str) -> str:
        """Through the server; it must work."""
        done = self.through(line, *more)
        assert done.code == 0, f"{line}: {done.transcript}"
        return done.out


@contextlib.contextmanager
def desk_at(kubeconfig: Path, folder: Path) -> Iterator[Desk]:
    """A controller with its server, Applications in several states, and somebody signed in."""
    control = new_control()
    process = HoldfastProcess.run(
        kubeconfig, control, folder / "data", "--listen", "127.0.0.1:0", repositories=str(folder)
    )
    with contextlib.ExitStack() as stack:
        stack.callback(process.kill)
        process.is_leading()
        address = process.wait_for(ADDRESS)[1]
        stack.enter_context(_environment({
            "HOME": str(folder),
            "KUBECONFIG": str(kubeconfig),
            "HOLDFAST_NAMESPACE": control,
            "HOLDFAST_JOURNAL": str(folder / "data" / "journal.db"),
        }))  # fmt: skip
        desk = Desk(kubeconfig, control, folder / "config", address)
        site = asyncio.run(_prepare(desk, process, folder))
        yield desk
        asyncio.run(_clean(desk, site))


@contextlib.contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    kept = {name: os.environ.get(name) for name in (*changes, "XDG_CONFIG_HOME")}
    os.environ.update(changes)
    for name in kept.keys() - changes.keys():
        os.environ.pop(name, None)
    try:
        yield
    finally:
        for name, value in kept.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


async def _prepare(desk: Desk, process: HoldfastProcess, folder: Path) -> Site:
    async with Person(desk.kubeconfig) as person:
        site = Site(desk.kubeconfig, folder, desk.control, person, process)
        apps = await _deploy(site, desk.names)
        desk.names.update({name: app.name for name, app in apps.items()})
        desk.names.update(server=WHERE, url=apps["calm"].repository.url)
        first = Ref("v1", "Secret", desk.control, INITIAL)
        secret = await eventually(lambda: person.find(first))
        assert secret is not None
        password = base64.b64decode(secret["data"]["password"]).decode()
        desk.names["key"] = await eventually(lambda: _signing_key(person, desk.control))
        await _add_account(person, desk.control, "bob")
        await _add_others(person, desk.control, apps["web"].namespace)
        desk.names["password"], desk.spare = password, apps.pop("spare")
        await asyncio.to_thread(_sign_in, desk)
        held, calm = apps["held"], apps["calm"]
        await person.patch(held.place("held"), {"data": {"size": "9"}})
        await person.patch(calm.place("one"), {"data": {"a": "by hand"}})
        await held.until(lambda tree: tree["status"]["sync"]["status"] == "OutOfSync")
        for app in apps.values():
            await _at_rest(app)
        return site


async def _signing_key(person: Person, control: str) -> str:
    found = await person.find(Ref("v1", "Secret", control, "argocd-secret")) or {}
    return base64.b64decode((found.get("data") or {}).get("server.secretkey", "")).decode()


async def _add_account(person: Person, control: str, name: str) -> None:
    """One that has an API key and no role."""
    place = Ref("v1", "ConfigMap", control, "argocd-cm")
    data = {f"accounts.{name}": "apiKey"}
    if await person.find(place) is not None:
        await person.patch(place, {"data": data})
        return
    metadata = {"name": place.name, "namespace": control}
    await person.create(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
    )


async def _add_others(person: Person, control: str, elsewhere: str) -> None:
    """A cluster that does not answer, and an Application that another controller serves."""
    config = '{"bearerToken":"do-not-print","tlsClientConfig":{"insecure":true}}'
    labels = {"argocd.argoproj.io/secret-type": "cluster"}
    await person.create({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "far", "namespace": control, "labels": labels},
        "stringData": {"name": "far", "server": "https://127.0.0.1:9", "config": config},
    })  # fmt: skip
    spec = {
        "project": "default", "source": {"repoURL": "https://git.example.com/x.git", "path": "."},
        "destination": {"server": WHERE, "namespace": elsewhere},
    }  # fmt: skip
    await person.create({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": "elsewhere", "namespace": elsewhere}, "spec": spec,
    })  # fmt: skip


async def _deploy(site: Site, names: dict[str, str]) -> dict[str, SiteApp]:
    """One that was deployed twice, one to be paused, one that nobody synced, one with a Secret."""
    two = {"a.yaml": config_map("one", a="1"), "b.yaml": config_map("two", b="2")}
    calm = await site.make("calm", two)
    names["first"] = calm.sha
    held = await site.make("held", {"held.yaml": config_map("held", size="1")})
    behind = await site.make("behind", {"c.yaml": config_map("absent", c="3")}, policy={})
    web = await site.make("web", {"web.yaml": DEPLOYMENT, "hush.yaml": SECRET})
    await calm.synced()
    calm.commit({"b.yaml": config_map("two", b="3")})
    await calm.refresh()
    spare = await site.make("spare", {"s.yaml": config_map("spare", a="1")}, policy={})
    for app in (calm, held, web):
        await app.synced()
    await web.until(lambda tree: tree["status"]["health"]["status"] == "Healthy")
    await behind.until(lambda tree: tree.get("status", {}).get("sync"))
    return {"calm": calm, "held": held, "behind": behind, "web": web, "spare": spare}


async def _at_rest(app: SiteApp) -> None:
    """Waits until nobody has written to an Application for some looks."""
    seen: list[str] = []

    async def is_still() -> bool:
        seen.append((await app.tree())["metadata"]["resourceVersion"])
        return len(seen) > _LOOKS and len(set(seen[-_LOOKS:])) == 1

    await eventually(is_still)


def _sign_in(desk: Desk) -> None:
    desk.sign_in(desk.config)
    desk.ok("app pause {held} --until-resumed --reason looking")
    desk.ok("repo add {url} --name calm")
    desk.ok("proj create team -d {server},team --description shop")
    desk.ok("proj role create team ci --description builds")
    desk.ok("proj role add-policy team ci -a sync -o *")
    desk.ok("proj role add-group team ci builders")
    desk.ok("proj role create-token team ci --id first")
    desk.ok(
        "proj windows add team -k deny --duration 1h --applications *", "--schedule", "0 1 * * *"
    )
    desk.ok("repocreds add https://git.example.com/team --username ci --password not-shown")


async def _clean(desk: Desk, site: Site) -> None:
    async with Person(desk.kubeconfig) as person:
        site.person = person
        await site.clean_up()
        await person.delete(Ref("v1", "Namespace", "", desk.control))
