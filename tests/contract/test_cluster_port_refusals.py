"""What a server refuses, and what we make of it: the rows of `holdfast.cluster.errors.TABLE`.

docs/internals/argocd/apply.md D2: each retry class is shown on both servers; what only a real
server can refuse (roles, quotas, policies, webhooks) is shown there.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.cluster.connection import Options
from holdfast.cluster.kubeconfig import Token
from holdfast.cluster.transport import Limits
from holdfast.domain.errors import ClusterError, Retry
from holdfast.domain.identity import GroupVersionKind
from holdfast.domain.manifest import Manifest
from holdfast.domain.plan import Propagation, SystemWrite
from holdfast.domain.ports import WatchScope
from tests.support.kube import (
    CONFIG_MAP,
    CRD,
    NAMESPACE,
    Answer,
    Proxy,
    RecordingSink,
    Stall,
    apply,
    config_map,
    connected,
    crd,
    delete,
    deployment,
    make_namespace,
    refused,
)
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from holdfast.cluster.connection import Connection
    from holdfast.cluster.kubeconfig import Access

pytest_plugins = ("tests.support.kube_fixtures",)

FINALIZER = "example.com/held"


def _verdict(error: ClusterError) -> tuple[str, Retry]:
    return error.code, error.retry


# --- never -----------------------------------------------------------------------------------


async def test_an_invalid_object_is_refused_with_its_causes(
    plane: Connection, namespace: str
) -> None:
    wanted = deployment(namespace, "web", {"name": "c", "image": ""})
    error = await refused(apply(plane, wanted))
    assert _verdict(error) == ("HF2005", Retry.NEVER)
    assert error.status == 422
    assert ("spec.template.spec.containers[0].image", "Required value") in error.causes
    assert "spec.template.spec.containers[0].image" in error.message


async def test_a_selector_cannot_change(plane: Connection, namespace: str) -> None:
    await apply(plane, deployment(namespace, "web"))
    changed = deployment(namespace, "other").with_metadata(name="web")
    error = await refused(apply(plane, changed))
    assert _verdict(error) == ("HF2007", Retry.NEVER)
    assert "spec.selector" in error.message
    assert "Replace=true" in error.hint


async def test_an_immutable_config_map_cannot_change(plane: Connection, namespace: str) -> None:
    there = config_map(namespace, "a", x="1")
    await apply(plane, Manifest({**there.tree, "immutable": True}))
    changed = Manifest({**config_map(namespace, "a", x="2").tree, "immutable": True})
    assert _verdict(await refused(apply(plane, changed))) == ("HF2007", Retry.NEVER)


async def test_a_list_key_that_occurs_twice_has_no_typed_form(
    plane: Connection, namespace: str
) -> None:
    """docs/internals/argocd/apply.md A7."""
    twice = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    wanted = deployment(namespace, "web", {"name": "c", "image": "i", "env": twice})
    error = await refused(apply(plane, wanted))
    assert _verdict(error) == ("HF2012", Retry.NEVER)
    assert error.status == 500
    assert "env" in error.message


async def test_an_unknown_field_has_no_typed_form(plane: Connection, namespace: str) -> None:
    wanted = Manifest({**config_map(namespace, "a").tree, "datta": {"x": "1"}})
    error = await refused(apply(plane, wanted, validate=False))
    assert _verdict(error) == ("HF2012", Retry.NEVER)
    assert "datta" in error.message


async def test_fields_of_another_manager_are_a_conflict_without_force(
    plane: Connection, namespace: str
) -> None:
    await apply(plane, config_map(namespace, "a", x="1"), manager="somebody")
    error = await refused(apply(plane, config_map(namespace, "a", x="2"), force=False))
    assert _verdict(error) == ("HF2004", Retry.NEVER)
    assert [field for field, _ in error.causes] == [".data.x"]


# --- on prerequisite -------------------------------------------------------------------------


async def test_a_missing_namespace_is_a_prerequisite(plane: Connection) -> None:
    error = await refused(apply(plane, config_map("no-such-namespace", "a")))
    assert _verdict(error) == ("HF2008", Retry.ON_PREREQUISITE)
    assert "CreateNamespace=true" in error.hint


async def test_a_namespace_that_is_being_deleted_is_a_prerequisite(
    plane: Connection, namespace: str
) -> None:
    held = config_map(namespace, "held").with_metadata(finalizers=[FINALIZER])
    await plane.system.create(held, SystemWrite.PROJECT)
    await plane.system.delete(NAMESPACE, "", namespace, SystemWrite.NAMESPACE)
    error = await refused(apply(plane, config_map(namespace, "late")))
    assert _verdict(error) == ("HF2008", Retry.ON_PREREQUISITE)
    assert error.status == 403
    await plane.system.merge_patch(
        CONFIG_MAP, namespace, "held", {"metadata": {"finalizers": None}}, SystemWrite.PROJECT
    )


async def test_a_kind_that_is_not_served_is_a_prerequisite(
    plane: Connection, namespace: str
) -> None:
    ghost = Manifest(
        {
            "apiVersion": "nobody.example.com/v1",
            "kind": "Ghost",
            "metadata": {"name": "a", "namespace": namespace},
        }
    )
    assert _verdict(await refused(apply(plane, ghost))) == ("HF2006", Retry.ON_PREREQUISITE)


async def test_a_crd_that_is_being_deleted_and_then_gone_is_a_prerequisite(
    plane: Connection, namespace: str
) -> None:
    group = f"{namespace}.example.com"
    kind = GroupVersionKind(group, "v1", "Widget")
    await apply(plane, crd(group))
    async with asyncio.timeout(20):
        while plane.kinds.find(kind) is None:
            await plane.kinds.refresh()
    widget = _widget(kind, namespace, "held").with_metadata(finalizers=[FINALIZER])
    await _create_soon(plane, widget)
    await delete(plane, crd(group), propagation=Propagation.BACKGROUND)

    async def is_terminating() -> bool:
        found = await plane.reader.get(CRD, "", crd(group).name)
        conditions = found.at("status", "conditions") if found else []
        return any(c["type"] == "Terminating" and c["status"] == "True" for c in conditions or [])

    await eventually(is_terminating)
    error = await refused(apply(plane, _widget(kind, namespace, "late")))
    assert _verdict(error) == ("HF2006", Retry.ON_PREREQUISITE)
    await plane.system.merge_patch(
        kind, namespace, "held", {"metadata": {"finalizers": None}}, SystemWrite.PROJECT
    )

    async def is_gone() -> bool:
        return await plane.reader.get(CRD, "", crd(group).name) is None

    await eventually(is_gone)

    async def is_unknown() -> bool:
        # For a moment after the definition has gone, the API server still says "terminating".
        error = await refused(apply(plane, _widget(kind, namespace, "later")))
        assert _verdict(error) == ("HF2006", Retry.ON_PREREQUISITE)
        return error.status == 404

    await eventually(is_unknown)


async def test_a_name_whose_object_is_still_being_deleted_is_a_prerequisite(
    plane: Connection, namespace: str
) -> None:
    held = config_map(namespace, "held").with_metadata(finalizers=[FINALIZER])
    await plane.system.create(held, SystemWrite.PROJECT)
    await plane.system.delete(CONFIG_MAP, namespace, "held", SystemWrite.PROJECT)
    again = plane.system.create(config_map(namespace, "held"), SystemWrite.PROJECT)
    assert _verdict(await refused(again)) == ("HF2011", Retry.ON_PREREQUISITE)


# --- now -------------------------------------------------------------------------------------


async def test_an_object_that_exists_cannot_be_created(plane: Connection, namespace: str) -> None:
    await apply(plane, config_map(namespace, "a"))
    error = await refused(plane.system.create(config_map(namespace, "a"), SystemWrite.PROJECT))
    assert _verdict(error) == ("HF2011", Retry.NOW)


async def test_a_stale_version_is_tried_again_at_once(plane: Connection, namespace: str) -> None:
    there = await apply(plane, config_map(namespace, "a", x="1"))
    await apply(plane, config_map(namespace, "a", x="2"))
    error = await refused(plane.system.replace(there, SystemWrite.PROJECT))
    assert _verdict(error) == ("HF2004", Retry.NOW)
    stale = config_map(namespace, "a", x="3").with_metadata(resourceVersion=there.resource_version)
    assert _verdict(await refused(apply(plane, stale))) == ("HF2004", Retry.NOW)


# --- backoff ---------------------------------------------------------------------------------


async def test_a_server_that_is_not_there_is_unreachable(any_access: Access) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: refused
        nobody = replace(any_access, server=f"https://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(ClusterError) as caught:
            async with connected(nobody):
                pass
    assert _verdict(caught.value) == ("HF2001", Retry.BACKOFF)
    assert nobody.server in caught.value.message


async def test_a_server_that_does_not_answer_is_unreachable(proxy: Proxy, namespace: str) -> None:
    async with connected(proxy.access, Options(limits=Limits(request_s=0.5))) as far:
        proxy.calls.append(Stall())
        error = await refused(apply(far, config_map(namespace, "a")))
        assert _verdict(error) == ("HF2001", Retry.BACKOFF)
        assert "in time" in error.message
        await apply(far, config_map(namespace, "a"))


async def test_a_certificate_of_another_authority_says_so(
    any_access: Access,
) -> None:
    if not any_access.server.startswith("https"):
        raise AssertionError("each plane speaks https")
    with pytest.raises(ClusterError) as caught:
        async with connected(replace(any_access, ca=None)):
            pass
    assert caught.value.code == "HF2001"
    assert "certificate" in caught.value.describe()


@pytest.mark.parametrize(
    ("status", "code"), [(429, "HF2009"), (503, "HF2009"), (504, "HF2010"), (502, "HF2010")]
)
async def test_a_server_under_load_is_asked_again_later(
    proxy: Proxy, namespace: str, status: int, code: str
) -> None:
    async with connected(proxy.access) as far:
        proxy.calls.append(Answer(status, b"busy", (("Retry-After", "3"),)))
        error = await refused(apply(far, config_map(namespace, "a")))
        assert _verdict(error) == (code, Retry.BACKOFF)
        assert error.retry_after_s == 3.0


async def test_a_refused_sign_in_is_named(any_access: Access) -> None:
    stranger = replace(any_access, sign_in=Token("wrong"), client_cert=None, client_key=None)
    with pytest.raises(ClusterError) as caught:
        async with connected(stranger):
            pass
    assert _verdict(caught.value) == ("HF2002", Retry.BACKOFF)
    assert caught.value.status == 401


# --- what only the real server refuses --------------------------------------------------------


@pytest.mark.real
async def test_a_role_that_lacks_a_verb_is_named(real: Connection, real_access: Access) -> None:
    place = await make_namespace(real)
    nobody = f"nobody-{place}"
    await _bind(real, nobody, "system:discovery")
    stranger = replace(real_access, impersonate=(("Impersonate-User", nobody),))
    async with connected(stranger) as far:
        error = await refused(apply(far, config_map(place, "a")))
        assert _verdict(error) == ("HF2002", Retry.BACKOFF)
        assert f'User "{nobody}" cannot patch resource "configmaps"' in error.message
        sink, scope = RecordingSink(), WatchScope(CONFIG_MAP)
        far.watching.start(scope, sink)
        assert await far.watching.wait_synced([scope], 10)
        failure = sink.failures[0]
        assert isinstance(failure, ClusterError)
        assert failure.code == "HF2002"
        # Rights came, and the one who waits is told.
        await _bind(real, nobody, "view")

        async def is_watched() -> bool:
            far.watching.start(scope, sink)  # a scope that failed is tried again now
            return far.watching.is_synced(scope)

        await eventually(is_watched)
        assert len(sink.failures) == 1


@pytest.mark.real
async def test_an_exhausted_quota_is_named(real: Connection) -> None:
    place = await make_namespace(real)
    await real.system.create(
        _object("v1", "ResourceQuota", place, {"spec": {"hard": {"count/configmaps": "0"}}}),
        SystemWrite.PROJECT,
    )

    error = await _refused_soon(real, place)  # the quota counts once its controller has seen it
    assert _verdict(error) == ("HF2014", Retry.BACKOFF)


@pytest.mark.real
async def test_an_admission_policy_refuses_in_its_own_words(real: Connection) -> None:
    place = await make_namespace(real)
    group = "admissionregistration.k8s.io/v1"
    rules = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"]}
    policy = {
        "matchConstraints": {"resourceRules": [{**rules, "resources": ["configmaps"]}]},
        "validations": [{"expression": "false", "message": "we never want this"}],
    }
    binding = {
        "policyName": f"p-{place}",
        "validationActions": ["Deny"],
        "matchResources": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": place}}
        },
    }
    for kind, spec in (
        ("ValidatingAdmissionPolicy", policy),
        ("ValidatingAdmissionPolicyBinding", binding),
    ):
        await real.system.create(
            _object(group, kind, "", {"spec": spec}, name=f"p-{place}"), SystemWrite.PROJECT
        )

    error = await _refused_soon(real, place)
    assert _verdict(error) == ("HF2013", Retry.BACKOFF)
    assert "we never want this" in error.message


@pytest.mark.real
async def test_a_webhook_that_cannot_be_called_is_a_failure_of_the_server(
    real: Connection,
) -> None:
    place = await make_namespace(real)
    name = f"w-{place}.example.com"
    webhook = {
        "name": name,
        "clientConfig": {"url": "https://127.0.0.1:1/validate"},
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 2,
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": place}},
        "rules": [
            {
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "operations": ["*"],
                "resources": ["configmaps"],
            }
        ],
    }
    kind = "ValidatingWebhookConfiguration"
    group = "admissionregistration.k8s.io/v1"
    await real.system.create(
        _object(group, kind, "", {"webhooks": [webhook]}, name=name), SystemWrite.PROJECT
    )

    try:
        error = await _refused_soon(real, place)
        assert _verdict(error) == ("HF2010", Retry.BACKOFF)
        assert name in error.message
    finally:
        await real.system.delete(GroupVersionKind.parse(group, kind), "", name, SystemWrite.PROJECT)


def _widget(kind: GroupVersionKind, namespace: str, name: str) -> Manifest:
    return _object(kind.api_version, kind.kind, namespace, {}, name=name)


def _object(
    api_version: str, kind: str, namespace: str, rest: dict[str, Any], name: str = "it"
) -> Manifest:
    metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
    return Manifest({"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest})


async def _refused_soon(real: Connection, place: str) -> ClusterError:
    """The error that applies end with as soon as the server knows of what was just made."""
    numbers = itertools.count()

    async def attempt() -> ClusterError | None:
        try:
            await apply(real, config_map(place, f"a-{next(numbers)}"))
        except ClusterError as error:
            return error
        return None

    error = await eventually(attempt)
    assert error is not None
    return error


async def _create_soon(plane: Connection, wanted: Manifest) -> None:
    """Creates an object of a kind that was installed a moment ago."""

    async def attempt() -> bool:
        try:
            await plane.system.create(wanted, SystemWrite.PROJECT)
        except ClusterError as error:
            if error.code != "HF2006":
                raise
            return False
        return True

    await eventually(attempt)


async def _bind(real: Connection, user: str, role: str) -> None:
    group = "rbac.authorization.k8s.io"
    rest = {
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }
    name = f"{user}-{role.replace(':', '-')}"
    wanted = _object(f"{group}/v1", "ClusterRoleBinding", "", rest, name=name)
    await apply(real, wanted)
