"""Trying an Application out: what a real API server says of it stands at the right field."""

from __future__ import annotations

import asyncio
import random
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.assembly.direct import direct_link
from holdfast.cluster.connection import connect
from holdfast.cluster.kubeconfig import find_access
from holdfast.domain.queries import TryApplication
from holdfast.kit.clock import SystemClock
from holdfast.kit.tasks import Supervisor
from tests.support.gitrepo import GitRepo
from tests.support.person import Ref
from tests.support.site import config_map

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from holdfast.assembly.direct import Direct
    from tests.support.site import Site

Tree = dict[str, Any]
BAD = config_map("Not_A_Name", a="1")


@pytest.fixture
async def link(site: Site) -> AsyncIterator[Direct]:
    """The way that the page asks."""
    clock = SystemClock()
    access = await asyncio.to_thread(find_access, str(site.kubeconfig), "")
    async with Supervisor(clock) as supervisor:
        rng = random.Random(1)
        connection = await connect(access, clock=clock, supervisor=supervisor, rng=rng)
        try:
            async with direct_link(connection, clock, site.control) as link:
                yield link
        finally:
            await connection.close()


def wanted(site: Site, files: dict[str, str], **spec: Any) -> Tree:
    """An Application that nobody has created."""
    name = f"tried-{uuid.uuid4().hex[:6]}"
    repository = GitRepo(site.folder / name)
    repository.commit({f"app/{path}": text for path, text in files.items()}, "Begin")
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": site.control},
        "spec": {
            "project": "default",
            "source": {"repoURL": repository.url, "path": "app", "targetRevision": "main"},
            "destination": {"name": "in-cluster", "namespace": name},
            **spec,
        },
    }


async def places(link: Direct, tree: Tree) -> tuple[list[tuple[str, bool]], Tree]:
    answer = await link.queries.answer(TryApplication(tree), "")
    return [(one["field"], one["blocks"]) for one in answer["problems"]], answer


async def test_a_missing_namespace_is_a_warning_until_the_sync_makes_it(
    site: Site, link: Direct
) -> None:
    tree = wanted(site, {"a.yaml": config_map("a", x="1")})
    found, answer = await places(link, tree)
    assert found == [("spec.destination.namespace", False)]
    assert [one["name"] for one in answer["objects"]] == ["a"]
    tree["spec"]["syncPolicy"] = {"syncOptions": ["CreateNamespace=true"]}
    assert (await places(link, tree))[0] == []
    made = Ref("v1", "Namespace", "", tree["metadata"]["name"])
    assert await site.person.find(made) is None  # nothing is written


async def test_what_the_schema_refuses_names_its_field(site: Site, link: Direct) -> None:
    tree = wanted(site, {"a.yaml": config_map("a", x="1")})
    unknown = {**tree, "spec": {**tree["spec"], "sorce": "x"}}
    assert (await places(link, unknown))[0] == [("spec.sorce", True)]
    wrong = {**tree, "spec": {**tree["spec"], "syncPolicy": {"automated": "yes"}}}
    assert (await places(link, wrong))[0] == [("spec.syncPolicy.automated", True)]


async def test_an_object_that_would_be_refused_is_named_and_the_rest_is_shown(
    site: Site, link: Direct
) -> None:
    namespace = await site.new_namespace()
    files = {"a.yaml": config_map("a", x="1"), "b.yaml": BAD}
    tree = wanted(site, files, destination={"name": "in-cluster", "namespace": namespace})
    found, answer = await places(link, tree)
    assert found == [("objects", False)]
    refused = {one["name"]: bool(one["refusal"]) for one in answer["objects"]}
    assert refused == {"Not_A_Name": True, "a": False}
