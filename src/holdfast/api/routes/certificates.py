"""Host keys and certificates that git may trust (docs/internals/argocd/api.md §1.5)."""

import base64
import binascii

from holdfast.api.call import Call
from holdfast.api.failures import invalid
from holdfast.api.models.repositories import (
    CertificateBody,
    Certificates,
    CertificatesBody,
    CertificatesQuery,
    UpsertQuery,
)
from holdfast.api.table import Route
from holdfast.domain.globs import matches_glob
from holdfast.domain.manifest import JSON
from holdfast.domain.stored_settings import (
    DeleteTrustedKeys,
    ListTrustedKeys,
    PutTrustedKeys,
    TrustedKey,
)

CERTIFICATES = "certificates"
_ALL = "/api/v1/certificates"


async def _list(call: Call[CertificatesQuery, None]) -> JSON:
    call.demand(CERTIFICATES, "get", "")
    query = call.query
    host = query.host_name_pattern or "*"
    found = await call.services.queries.answer(ListTrustedKeys(), call.caller.username)
    items = [
        tree
        for tree in found
        if matches_glob(host, tree["serverName"])
        and query.cert_type in ("", "*", tree["certType"])
        and query.cert_sub_type in ("", "*", tree["certSubType"])
    ]
    return {"metadata": {}, "items": items}


async def _create(call: Call[UpsertQuery, CertificatesBody]) -> JSON:
    call.demand(CERTIFICATES, "create", "")
    if call.query.upsert:
        call.demand(CERTIFICATES, "update", "")
    keys = tuple(_key(item) for item in call.body.items)
    command = PutTrustedKeys(keys, upsert=call.query.upsert)
    done = await call.services.commands.carry_out(command, call.caller.username)
    return {"metadata": {}, **(done.tree or {})}


def _key(body: CertificateBody) -> TrustedKey:
    try:
        text = base64.b64decode(body.cert_data, validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise invalid(f"certData of {body.server_name[:100]} is no base64 of a text") from error
    return TrustedKey(body.server_name, body.cert_type, body.cert_sub_type, text)


async def _delete(call: Call[CertificatesQuery, None]) -> JSON:
    call.demand(CERTIFICATES, "delete", "")
    query = call.query
    if not query.host_name_pattern:
        raise invalid("hostNamePattern: name a host")
    command = DeleteTrustedKeys(query.host_name_pattern, query.cert_type, query.cert_sub_type)
    done = await call.services.commands.carry_out(command, call.caller.username)
    return {"metadata": {}, **(done.tree or {})}


ROUTES = (
    Route("GET", _ALL, _list, "List host keys and certificates.",
          query=CertificatesQuery, answer=Certificates),
    Route("POST", _ALL, _create, "Trust host keys and certificates.",
          query=UpsertQuery, body=CertificatesBody, answer=Certificates),
    Route("DELETE", _ALL, _delete, "Trust them no longer.",
          query=CertificatesQuery, answer=Certificates),
)  # fmt: skip
