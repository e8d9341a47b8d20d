"""Every row of docs/internals/argocd/api.md §1.5 on both planes, asked by people with real roles.

The table of the document is read here: a row without a case fails, and so does a case without a
row. `ApiClient` checks the shape of every answer. Who asks: nobody in particular (no token),
`nobody` (an account without a role), the token of a project's role, `reader` and `admin`.
"""

from __future__ import annotations

import asyncio
import base64
import re
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson
import pytest

import holdfast.api.signin.oidc.flow  # noqa: F401 - read late, it would block the loop of a test
from holdfast.api.routes.table import all_routes
from holdfast.api.table import Needs
from holdfast.assembly.front import front_application
from holdfast.assembly.front_settings import FrontSettings
from holdfast.domain.kinds import CONFIG_MAP
from holdfast.schema.types import find_type
from tests.support.api import ApiClient, inside
from tests.support.person import Ref
from tests.support.route_table import documented_rows
from tests.support.site import config_map
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from holdfast.api.table import Route
    from tests.support.site import Site, SiteApp

Tree = dict[str, Any]
V1, OURS = "/api/v1", "/api/holdfast/v1"
HERE = quote("https://kubernetes.default.svc", safe="")
PROJECT = "routes"
ARGO = "argoproj.io/v1alpha1"
NAMED = re.compile(r"\{[^{}]*\}")
_WHOLE = ("/api/", "/auth/", "/healthz", "/swagger.json")
pytestmark = pytest.mark.timeout(180)


@dataclass(frozen=True)
class Case:
    """One request, and the status for each who asks; `row` is the row it shows."""

    row: str
    path: str
    admin: int
    reader: int
    robot: int
    nobody: int
    body: Any = None

    @property
    def method(self) -> str:
        return self.row.split(" ")[0]


def case(row: str, statuses: str, body: Any = None, *named: str, query: str = "") -> Case:
    """A case; `{}` in the row stand for `named`, one after the other."""
    method, path = row.split(" ")
    path = path if path.startswith(_WHOLE) else f"{V1}{path}"
    filled = path
    for name in named:
        filled = filled.replace("{}", name, 1)
    admin, reader, robot, nobody = (int(status) for status in statuses.split())
    return Case(f"{method} {path}", f"{filled}{query}", admin, reader, robot, nobody, body)


ALL = "200 200 200 200"
SEEN = "200 200 200 403"  # who may see the project's Applications
READ = "200 200 403 403"  # who may see everything
DONE = "200 403 403 403"  # the admin alone
RUN = "200 403 200 403"  # and who may sync
NOT_BUILT = "501 501 403 403"
NO_WRITE = "501 403 403 403"


def of_applications(app: SiteApp) -> list[Case]:
    name, sha = app.name, app.sha
    at = f"?kind=ConfigMap&version=v1&namespace={app.namespace}&resourceName=settings"
    merge = "&patchType=application/merge-patch%2Bjson"
    patch = orjson.dumps('{"metadata": {"labels": {"seen": "yes"}}}')
    action = {"kind": "ConfigMap", "version": "v1", "namespace": app.namespace,
              "resourceName": "settings", "action": "restart"}  # fmt: skip
    spec_patch = {"patch": '{"metadata": {"labels": {"a": "b"}}}', "patchType": "merge"}
    spec = {
        "project": PROJECT,
        "source": {"repoURL": app.repository.url, "path": "app", "targetRevision": "main"},
        "destination": {"server": "https://kubernetes.default.svc", "namespace": app.namespace},
    }
    made = {"metadata": {"name": "made"}, "spec": spec}
    one = "/applications/{}"
    return [
        case("GET /applications", ALL),
        case(f"GET {one}", SEEN, None, name),
        case(f"GET {one}", SEEN, None, name, query="?refresh=hard"),
        case(f"GET {one}", "403 403 403 403", None, "nothing"),
        case(f"GET {one}", "404 404 404 403", None, "nothing", query=f"?project={PROJECT}"),
        case(f"GET {one}", "404 404 403 403", None, name, query="?project=default"),
        case("POST /applications", DONE, made),
        case("POST /applications", "400 400 400 400", {"metadata": {}, "spec": spec}),
        case(f"PUT {one}", DONE, {**made, "metadata": {"labels": {"a": "b"}}}, "made"),
        case(f"PUT {one}/spec", DONE, {**spec, "revisionHistoryLimit": 3}, "made"),
        case(f"PATCH {one}", DONE, spec_patch, name),
        case(f"GET {one}/manifests", SEEN, None, name),
        case("POST /applications/manifestsWithFiles", "501 501 501 501", {}),
        case(f"GET {one}/resource-tree", SEEN, None, name),
        case(f"GET {one}/managed-resources", SEEN, None, name),
        case(f"GET {one}/server-side-diff", SEEN, None, name),
        case(f"GET {one}/events", SEEN, None, name),
        case(f"GET {one}/resource", SEEN, None, name, query=at),
        case(f"GET {one}/resource", "400 400 400 403", None, name, query=f"{at}x"),
        case(f"POST {one}/resource", DONE, patch, name, query=f"{at}{merge}"),
        case(f"GET {one}/resource/actions", SEEN, None, name, query=at),
        case(f"POST {one}/resource/actions", "400 403 403 403", b'"restart"', name, query=at),
        case(f"POST {one}/resource/actions/v2", "400 403 403 403", action, name),
        case(f"GET {one}/resource/links", SEEN, None, name, query=at),
        case(f"GET {one}/links", SEEN, None, name),
        case(f"GET {one}/syncwindows", SEEN, None, name),
        case(f"GET {one}/revisions/{{}}/metadata", SEEN, None, name, sha),
        case(f"GET {one}/revisions/{{}}/chartdetails", "501 501 501 403", None, name, sha),
        case(f"GET {one}/revisions/{{}}/ocimetadata", "501 501 501 403", None, name, sha),
        case(f"GET {one}/logs", "200 200 403 403", None, name, query="?kind=Pod"),
        case(f"GET {one}/pods/{{}}/logs", "400 400 403 403", None, name, "nothing"),
        case("GET /stream/applications", ALL),
        case(f"GET /stream{one}/resource-tree", SEEN, None, name),
        case(f"POST {one}/sync", RUN, {"dryRun": True}, name),
        case(f"DELETE {one}/operation", "400 403 400 403", None, "made"),
        case(f"POST {one}/rollback", "400 403 400 403", {"id": 99}, name),
        case(f"DELETE {one}/resource", DONE, None, name, query=at),
        case(f"DELETE {one}", DONE, None, "made", query="?cascade=false"),
    ]


def of_projects(tokens: str) -> list[Case]:
    one, other = "/projects/{}", {"project": {"metadata": {"name": "other"}, "spec": {}}}
    return [
        case("GET /projects", ALL),
        case("POST /projects", DONE, other),
        case(f"GET {one}", SEEN, None, PROJECT),
        case(f"GET {one}", "404 404 403 403", None, "nothing"),
        case(f"PUT {one}", DONE, other, "other"),
        case(f"DELETE {one}", DONE, None, "other"),
        *(
            case(f"GET {one}/{what}", SEEN, None, PROJECT)
            for what in ("detailed", "globalprojects", "events", "links", "syncwindows")
        ),
        case(f"POST {one}/roles/{{}}/token", DONE, {"id": "second"}, PROJECT, "ci"),
        case(f"POST {one}/roles/{{}}/token", "404 403 403 403", {}, PROJECT, "nothing"),
        case(f"DELETE {one}/roles/{{}}/token/{{}}", DONE, None, PROJECT, "ci", tokens,
             query="?id=second"),
    ]  # fmt: skip


def of_settings(repository: str, key: str) -> list[Case]:
    url = quote(repository, safe="")
    creds, below = {"url": "https://git.example/team"}, quote("https://git.example/team", safe="")
    ssh = {"serverName": "git.example", "certType": "ssh", "certSubType": "ssh-ed25519",
           "certData": key}  # fmt: skip
    repo, keys = "/repositories/{}", {"items": [ssh]}
    cluster = {"server": "https://192.0.2.1:6443", "name": "far", "config": {}}
    far = quote("https://192.0.2.1:6443", safe="")
    return [
        case("GET /repositories", ALL),
        case("POST /repositories", DONE, {"repo": repository}),
        case("POST /repositories", "400 400 400 400", {"repo": ""}),
        case(f"GET {repo}", READ, None, url),
        case(f"GET {repo}", "403 403 403 403", None, "nothing"),
        case(f"PUT {repo}", DONE, {"repo": repository}, url),
        case(f"POST {repo}/validate", DONE, b'""', url),
        *(case(f"GET {repo}/{what}", NOT_BUILT, None, url)
          for what in ("refs", "oci-tags", "apps", "helmcharts")),
        case(f"POST {repo}/appdetails", NOT_BUILT, {}, url),
        case(f"DELETE {repo}", DONE, None, url),
        case("GET /write-repositories", NOT_BUILT),
        case("POST /write-repositories", NO_WRITE, {"repo": repository}),
        case("GET /repocreds", ALL),
        case("POST /repocreds", DONE, creds),
        case("PUT /repocreds/{}", DONE, {**creds, "username": "u"}, below),
        case("DELETE /repocreds/{}", DONE, None, below),
        case("GET /write-repocreds", NOT_BUILT),
        case("POST /write-repocreds", NO_WRITE, creds),
        case("GET /clusters", ALL),
        case("GET /clusters/{}", READ, None, HERE),
        case("GET /clusters/{}", READ, None, "in-cluster", query="?id.type=name"),
        case("GET /clusters/{}", "403 403 403 403", None, far),
        case("POST /clusters", DONE, cluster),
        case("PUT /clusters/{}", DONE, cluster, far),
        case("DELETE /clusters/{}", DONE, None, far),
        case("DELETE /clusters/{}", "400 403 403 403", None, HERE),
        case("POST /clusters/{}/rotate-auth", NO_WRITE, None, HERE),
        case("POST /clusters/{}/invalidate-cache", NO_WRITE, None, HERE),
        case("GET /certificates", READ),
        case("POST /certificates", DONE, keys),
        case("DELETE /certificates", DONE, None, query="?hostNamePattern=git.example"),
        case("GET /gpgkeys", NOT_BUILT),
        case("GET /gpgkeys/{}", NOT_BUILT, None, "ABCD"),
        case("POST /gpgkeys", NO_WRITE, {"keyData": ""}),
        case("DELETE /gpgkeys", NO_WRITE, None, query="?keyID=ABCD"),
    ]  # fmt: skip


def of_application_sets() -> list[Case]:
    one = "/applicationsets/{}"
    return [
        case("GET /applicationsets", ALL),
        case("POST /applicationsets", NO_WRITE, application_set("")),
        case("POST /applicationsets/generate", NO_WRITE, {"applicationSet": application_set("")}),
        *(
            case(f"GET {one}{what}", READ, None, "set")
            for what in ("", "/resource-tree", "/events")
        ),
        case(f"GET {one}", "404 404 404 404", None, "nothing"),
        case("GET /stream/applicationsets", ALL),
        case(f"DELETE {one}", NO_WRITE, None, "set"),
    ]


def of_accounts(password: str) -> list[Case]:
    one, new = "/account/{}", {"name": "reader", "newPassword": "correct horse"}
    return [
        case("GET /account", ALL),
        case(f"GET {one}", READ, None, "admin"),
        case(f"GET {one}", "404 404 403 403", None, "nothing"),
        case("PUT /account/password", "200 400 403 403", {**new, "currentPassword": password}),
        case(f"POST {one}/token", DONE, {"id": "third"}, "nobody2"),
        case(f"DELETE {one}/token/{{}}", DONE, None, "nobody2", "third"),
        case("GET /account/can-i/{}/{}/{}", ALL, None, "applications", "get", "*/*"),
        case("GET /session/userinfo", ALL),
        case("GET /settings", ALL),
        case("GET /settings/plugins", ALL),
        case("GET /api/version", ALL),
        *(case(f"GET /notifications/{what}", "501 501 501 501")
          for what in ("services", "triggers", "templates")),
        case("POST /session", ALL, {"username": "admin", "password": password}),
        case("DELETE /session", ALL),
    ]  # fmt: skip


def of_ours(app: SiteApp) -> list[Case]:
    pause = {"scope": "Application", "target": app.name, "reason": "look", "untilResumed": True}
    adopt = {"message": "Take it"}
    one = f"{OURS}/applications/{{}}"
    return [
        case(f"GET {OURS}/status", ALL),
        case(f"GET {OURS}/pauses", ALL),
        case(f"POST {OURS}/pauses", DONE, pause),
        case(f"POST {OURS}/pauses", "400 400 400 400", {**pause, "more": 1}),
        case(f"DELETE {OURS}/pauses/{{}}", "404 404 404 404", None, "nothing"),
        case(f"GET {one}/preview", SEEN, None, app.name),
        case(f"POST {one}/adopt/plan", SEEN, {}, app.name),
        case(f"POST {one}/adopt", DONE, adopt, app.name),
        case(f"GET {OURS}/drift", "404 404 404 404"),
        case(f"GET {OURS}/drift/{{}}", "404 404 404 404", None, "abcd"),
        case(f"GET {OURS}/drift-stats", "404 404 403 403"),
        case("GET /healthz", ALL),
    ]


def of_others(app: SiteApp) -> list[Case]:
    """Rows that are in no table of the document's §1.5."""
    repo, creds = "/write-repositories/{}", "/write-repocreds/{}"
    url, none = quote(app.repository.url, safe=""), "400 400 400 400"
    one = f"{OURS}/applications/{{}}"
    return [
        case(f"POST {one}/handover", DONE, {"dryRun": True}, app.name),
        case(f"POST {OURS}/notifications/{{}}/test", "400 403 403 403", None, "nobody"),
        case(f"GET {OURS}/stream/drift", "404 404 404 404"),
        case(f"GET {OURS}/stream/pauses", ALL),
        case(f"GET {repo}", NOT_BUILT, None, url),
        case(f"PUT {repo}", NO_WRITE, {}, url),
        case(f"DELETE {repo}", NO_WRITE, None, url),
        case(f"PUT {creds}", NO_WRITE, {}, url),
        case(f"DELETE {creds}", NO_WRITE, None, url),
        case("POST /api/webhook", none, {}),
        case("GET /api/badge", ALL, query="?name=x"),
        case("GET /swagger.json", ALL),
        case("GET /auth/logout", none),
        case("POST /auth/logout", none),
        case("GET /auth/once", "401 401 401 401", query="?code=x"),
        case("GET /auth/login", none),
        case("GET /auth/callback", none),
    ]


@dataclass(frozen=True)
class People:
    """Who asks, by name, and the password of `admin`."""

    admin: ApiClient
    reader: ApiClient
    robot: ApiClient
    nobody: ApiClient
    password: str
    issued: str

    async def ask(self, asked: Case) -> list[str]:
        """Asks for everybody, the admin last; returns what was answered otherwise than it says."""
        wrong = []
        expected = (
            (ApiClient(self.admin.server), "", 401),
            (self.nobody, "nobody", asked.nobody),
            (self.robot, "robot", asked.robot),
            (self.reader, "reader", asked.reader),
            (self.admin, "admin", asked.admin),
        )
        route = self.route(asked)
        for client, name, status in expected:
            if not name and route.needs is Needs.NOTHING:
                continue
            seen, said = await self._send(client, asked, route)
            if seen != status:
                what = f"{asked.method} {asked.path} as {name or 'no one'}"
                wrong.append(f"{what}: {seen}, not {status}: {said[:300]!r}")
        return wrong

    def route(self, asked: Case) -> Route:
        found = self.admin.server.table.match(asked.method, asked.path.partition("?")[0])
        assert not isinstance(found, frozenset), (asked, found)
        return found.route

    async def _send(self, client: ApiClient, asked: Case, route: Route) -> tuple[int, bytes]:
        if route.streams and "/logs" not in route.path:
            async with client.stream(asked.path) as messages:
                is_filtered = messages.status == 200 and client.token == self.nobody.token
                if (
                    messages.status == 200
                    and not route.is_ours  # nothing is paused yet: the stream says nothing
                    and not is_filtered
                    and client is not self.robot
                ):
                    assert await messages.result()
                return messages.status, b""

        async def send() -> tuple[int, bytes] | None:
            reply = await client.send(asked.method, asked.path, asked.body)
            is_busy = b"another operation is already" in reply.body
            return None if is_busy else (reply.status, reply.body)

        answered = await eventually(send)
        assert answered is not None
        return answered


def pod(name: str) -> str:
    return (
        f"---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\n"
        "spec: {automountServiceAccountToken: false, containers: [{name: a, image: r.example/a}]}\n"
    )


def project() -> Tree:
    role = {
        "name": "ci",
        "policies": [
            f"p, proj:{PROJECT}:ci, applications, {action}, {PROJECT}/*, allow"
            for action in ("get", "sync")
        ],
    }
    spec = {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}],
            "roles": [role]}  # fmt: skip
    return {"apiVersion": ARGO, "kind": "AppProject", "metadata": {"name": PROJECT}, "spec": spec}


def application_set(control: str) -> Tree:
    template = {
        "metadata": {"name": "x"},
        "spec": {"project": "default", "destination": {}, "source": {"repoURL": "x"}},
    }
    metadata = {"name": "set", **({"namespace": control} if control else {})}
    spec = {"generators": [], "template": template}
    return {"apiVersion": ARGO, "kind": "ApplicationSet", "metadata": metadata, "spec": spec}


@asynccontextmanager
async def served(site: Site) -> AsyncIterator[People]:
    """The whole API on the plane with sign-in and roles as they are, and who asks."""
    names = ("reader", "nobody", "nobody2")
    accounts = {f"accounts.{name}": "apiKey, login" for name in names}
    await _write(site, "argocd-cm", accounts)
    await _write(site, "argocd-rbac-cm", {"policy.csv": "g, reader, role:readonly\n"})
    settings = FrontSettings(
        kubeconfig=str(site.kubeconfig),
        namespace=site.control,
        journal="off",
        allow_local_repos=(str(site.folder),),
    )
    await asyncio.to_thread(find_type, CONFIG_MAP)  # read once in a process, in 4 ms
    async with front_application(settings) as packed:
        application = inside(packed)
        first = Ref("v1", "Secret", site.control, "argocd-initial-admin-secret")
        secret = await eventually(lambda: _data(site, first))
        password = base64.b64decode(secret["password"]).decode()
        nobody = ApiClient(application)
        body = {"username": "admin", "password": password}
        admin = nobody.as_((await nobody.post(f"{V1}/session", body)).json["token"])
        made = {}
        for name in ("reader", "nobody"):
            made[name] = (await admin.post(f"{V1}/account/{name}/token", {})).json["token"]
        path = f"{V1}/projects/{PROJECT}/roles/ci/token"
        token = (await admin.post(path, {"id": uuid.uuid4().hex})).json
        issued = orjson.loads(base64.urlsafe_b64decode(token["token"].split(".")[1] + "=="))["iat"]
        people = People(admin, admin.as_(made["reader"]), admin.as_(token["token"]),
                        admin.as_(made["nobody"]), password, str(issued))  # fmt: skip

        async def robot_is_known() -> bool:
            return (await people.robot.get(f"{V1}/projects/{PROJECT}")).status == 200

        await eventually(robot_is_known)
        yield people


async def _write(site: Site, name: str, data: dict[str, str]) -> None:
    metadata = {"name": name, "namespace": site.control}
    tree = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
    await site.person.apply(tree)


async def _data(site: Site, ref: Ref) -> Tree:
    answer = await site.person.send("GET", ref.path)
    found: Tree = answer.body.get("data", {}) if answer.status == 200 else {}
    return found


async def test_each_row_of_the_document_answers_as_it_says(site: Site) -> None:
    tree = project()
    tree["metadata"]["namespace"] = site.control
    await site.person.apply(tree)
    files = {"settings.yaml": config_map("settings", a="1"), "pods.yaml": pod("a") + pod("b")}
    app = await site.deploy("routes", files, project=PROJECT)
    await site.person.apply(application_set(site.control))
    async with served(site) as people:
        key = "AAAAC3NzaC1lZDI1NTE5AAAAIB0" + "A" * 41
        cases = [
            *of_applications(app),
            *of_projects(people.issued),
            *of_settings(app.repository.url, base64.b64encode(key.encode()).decode()),
            *of_application_sets(),
            *of_ours(app),
            *of_accounts(people.password),
        ]
        shown = {tuple(one.row.split(" ")) for one in cases if V1 in one.row or "/api/v" in one.row}
        assert documented_rows() - shown == set(), "a row of the document that no case shows"
        assert shown - documented_rows() == set(), "a case of no row of the document"
        cases = [*of_others(app), *cases]  # the session of the admin ends with the last of all
        asked = {(one.method, people.route(one).path) for one in cases}
        rows = {(route.method, route.path) for route in all_routes()}
        assert rows - asked == set(), (
            "a row of the table without a case: what is who has no rights told?"
        )
        wrong = [words for one in cases for words in await people.ask(one)]
    assert not wrong, "\n".join(wrong)


async def test_a_stream_tells_of_pauses(site: Site) -> None:
    tree = project()
    tree["metadata"]["namespace"] = site.control
    await site.person.apply(tree)
    app = await site.deploy("routes", {"settings.yaml": config_map("settings", a="1")})
    body = {"scope": "Application", "target": app.name, "reason": "look", "untilResumed": True}
    async with served(site) as people, people.admin.stream(f"{OURS}/stream/pauses") as messages:
        made = (await people.admin.post(f"{OURS}/pauses", body)).json["object"]["metadata"]["name"]

        async def told() -> str:
            while (event := await messages.next())["pause"]["metadata"]["name"] != made:
                pass  # of another test
            return str(event["type"])

        assert await told() == "ADDED"
        assert (await people.admin.delete(f"{OURS}/pauses/{made}")).status == 200
        while await told() != "DELETED":
            pass  # the controller writes into it


async def test_a_stream_follows_the_cluster(site: Site) -> None:
    tree = project()
    tree["metadata"]["namespace"] = site.control
    await site.person.apply(tree)
    app = await site.deploy("routes", {"settings.yaml": config_map("settings", a="1")})
    path = f"{V1}/stream/applications?name={app.name}"
    async with served(site) as people, people.admin.stream(path) as messages:
        assert (await messages.result())["type"] == "ADDED"
        await app.patch({"metadata": {"labels": {"streamed": "yes"}}})
        while True:
            seen = (await messages.result())["application"]
            if (seen["metadata"].get("labels") or {}).get("streamed") == "yes":
                break
        trees_path = f"{V1}/stream/applications/{app.name}/resource-tree"
        async with people.admin.stream(trees_path) as trees:
            tree = await trees.result()
            assert [node["name"] for node in tree["nodes"]] == ["settings"]
