"""The ready-made JWT templates that can be taken over. The real library is longer."""

from __future__ import annotations

from typing import Any

from descope_mcp.sandbox.engine.fields import Record

#: What a template decides beside its claims, as it is when it is left out.
OPTIONS: Record = {
    "tags": [],
    "authSchema": "default",
    "type": "user",
    "conformanceIssuer": False,
    "autoDCT": False,
    "enforceIssuer": False,
    "emptyClaimPolicy": "none",
    "overrideSubject": False,
    "issuerType": "",
    "omitCustomClaimsFromDSR": False,
    "addJti": False,
    "excludePermissions": False,
}


def _entry(
    entry_id: str, name: str, description: str, claims: Record, tags: list[str], **other: Any
) -> Record:
    return {
        "id": entry_id,
        "name": name,
        "description": description,
        "template": claims,
        **OPTIONS,
        "tags": tags,
        "experimental": False,
        "logoLight": "",
        "logoDark": "",
        **other,
    }


#: By id.
LIBRARY: dict[str, Record] = {
    entry["id"]: entry
    for entry in (
        _entry(
            "hasura",
            "Hasura",
            "Role and user id where Hasura's permission rules look for them",
            {
                "https://hasura.io/jwt/claims": {
                    "x-hasura-default-role": "user",
                    "x-hasura-allowed-roles": ["user"],
                    "x-hasura-user-id": "{{user.userId}}",
                }
            },
            ["database"],
        ),
        _entry(
            "supabase",
            "Supabase",
            "The role and address that row level security of Supabase reads",
            {"role": "authenticated", "email": "{{user.email}}"},
            ["database"],
            conformanceIssuer=True,
        ),
        _entry(
            "aws-principal-tags",
            "AWS principal tags",
            "Session tags for access by attribute in AWS",
            {"https://aws.amazon.com/tags": {"principal_tags": {"email": ["{{user.email}}"]}}},
            ["cloud"],
            experimental=True,
        ),
        _entry(
            "service-identity",
            "Service identity",
            "Name and creator of an access key",
            {"service": "{{key.name}}", "owner": "{{key.createdBy}}"},
            ["machine"],
            type="key",
            addJti=True,
        ),
    )
}
