"""Who may use which operation: the table that the matrix is checked against. A new operation needs a line here."""

from dataclasses import dataclass
from enum import Enum


class Who(Enum):
    """For whom an operation is."""

    EVERYBODY = "everybody"
    SIGNED_IN = "signed in"
    BEARER = "whoever shows a proof of its own"
    PROGRAM = "programs, or whoever the thing itself names"
    OWNER = "owner"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True)
class Expected:
    """For whom an operation is; ``reads`` says that it changes nothing although it is no GET."""

    who: Who
    reads: bool = False


EXPECTED: dict[str, Expected] = {
    # rbac
    "GET /api/rbac/policies": Expected(Who.ADMINISTRATOR),
    "POST /api/rbac/policies": Expected(Who.ADMINISTRATOR),
    "GET /api/rbac/policies/{policy_id}": Expected(Who.ADMINISTRATOR),
    "PUT /api/rbac/policies/{policy_id}": Expected(Who.ADMINISTRATOR),
    "DELETE /api/rbac/policies/{policy_id}": Expected(Who.ADMINISTRATOR),
    "GET /api/rbac/policies/{policy_id}/yaml": Expected(Who.ADMINISTRATOR),
    "GET /api/rbac/policies/{policy_id}/preview": Expected(Who.ADMINISTRATOR),
    "GET /api/rbac/policies/{policy_id}/diff": Expected(Who.ADMINISTRATOR),
    "POST /api/rbac/policies/{policy_id}/publish": Expected(Who.ADMINISTRATOR),
    "POST /api/rbac/policies/{policy_id}/approve": Expected(Who.ADMINISTRATOR),
    "POST /api/rbac/policies/{policy_id}/schedule": Expected(Who.ADMINISTRATOR),
    "POST /api/rbac/policies/{policy_id}/roll-back": Expected(Who.ADMINISTRATOR),
    "GET /api/rbac/permissions": Expected(Who.ADMINISTRATOR),
    "POST /api/rbac/test": Expected(Who.ADMINISTRATOR, reads=True),
    "GET /api/rbac/reports/who-can": Expected(Who.SIGNED_IN),
    "GET /api/rbac/reports/what-can": Expected(Who.SIGNED_IN),
    "GET /api/rbac/requests": Expected(Who.SIGNED_IN),
    "POST /api/rbac/requests": Expected(Who.SIGNED_IN),
    "POST /api/rbac/requests/{request_id}/decide": Expected(Who.PROGRAM),
    "POST /api/rbac/requests/{request_id}/withdraw": Expected(Who.SIGNED_IN),
    "GET /api/rbac/grants": Expected(Who.ADMINISTRATOR),
    "DELETE /api/rbac/grants/{grant_id}": Expected(Who.SIGNED_IN),
    "GET /api/rbac/.well-known/backstage/permissions/metadata": Expected(Who.SIGNED_IN),
    "POST /api/rbac/.well-known/backstage/permissions/apply-conditions": Expected(Who.PROGRAM),
    # permission
    "POST /api/permission/authorize": Expected(Who.SIGNED_IN, reads=True),
    "GET /api/permission/roles": Expected(Who.ADMINISTRATOR),
    "POST /api/permission/roles": Expected(Who.ADMINISTRATOR),
    "GET /api/permission/roles/role/{namespace}/{name}": Expected(Who.ADMINISTRATOR),
    "PUT /api/permission/roles/role/{namespace}/{name}": Expected(Who.ADMINISTRATOR),
    "DELETE /api/permission/roles/role/{namespace}/{name}": Expected(Who.ADMINISTRATOR),
    "GET /api/permission/policies": Expected(Who.ADMINISTRATOR),
    "POST /api/permission/policies": Expected(Who.ADMINISTRATOR),
    "GET /api/permission/policies/role/{namespace}/{name}": Expected(Who.ADMINISTRATOR),
    "DELETE /api/permission/policies/role/{namespace}/{name}": Expected(Who.ADMINISTRATOR),
    "GET /api/permission/roles/conditions": Expected(Who.ADMINISTRATOR),
    "POST /api/permission/roles/conditions": Expected(Who.SIGNED_IN),
    "GET /api/permission/roles/conditions/{condition_id}": Expected(Who.ADMINISTRATOR),
    "PUT /api/permission/roles/conditions/{condition_id}": Expected(Who.SIGNED_IN),
    "DELETE /api/permission/roles/conditions/{condition_id}": Expected(Who.ADMINISTRATOR),
    "GET /api/permission/plugins/id": Expected(Who.ADMINISTRATOR),
    "GET /api/permission/plugins/policies": Expected(Who.ADMINISTRATOR),
    "GET /api/permission/plugins/condition-rules": Expected(Who.ADMINISTRATOR),
    "GET /api/permission/.well-known/backstage/permissions/metadata": Expected(Who.SIGNED_IN),
    "POST /api/permission/.well-known/backstage/permissions/apply-conditions": Expected(Who.PROGRAM),
    # search
    "GET /api/search/query": Expected(Who.SIGNED_IN),
    "POST /api/search/find": Expected(Who.SIGNED_IN, reads=True),
    "GET /api/search/.well-known/backstage/permissions/metadata": Expected(Who.SIGNED_IN),
    "POST /api/search/.well-known/backstage/permissions/apply-conditions": Expected(Who.PROGRAM),
    # catalog
    "GET /api/catalog/entities": Expected(Who.SIGNED_IN),
    "GET /api/catalog/entities/by-query": Expected(Who.SIGNED_IN),
    "POST /api/catalog/entities/by-query": Expected(Who.SIGNED_IN, reads=True),
    "GET /api/catalog/entities/by-uid/{uid}": Expected(Who.SIGNED_IN),
    "DELETE /api/catalog/entities/by-uid/{uid}": Expected(Who.OWNER),
    "GET /api/catalog/entities/by-name/{kind}/{namespace}/{name}": Expected(Who.SIGNED_IN),
    "GET /api/catalog/entities/by-name/{kind}/{namespace}/{name}/ancestry": Expected(Who.SIGNED_IN),
    "POST /api/catalog/entities/by-refs": Expected(Who.SIGNED_IN, reads=True),
    "GET /api/catalog/entity-facets": Expected(Who.SIGNED_IN),
    "POST /api/catalog/entity-facets": Expected(Who.SIGNED_IN, reads=True),
    "POST /api/catalog/refresh": Expected(Who.SIGNED_IN),
    "POST /api/catalog/validate-entity": Expected(Who.SIGNED_IN, reads=True),
    "GET /api/catalog/entities/unprocessed/failed": Expected(Who.SIGNED_IN),
    "GET /api/catalog/entities/unprocessed/pending": Expected(Who.SIGNED_IN),
    "DELETE /api/catalog/entities/unprocessed/delete/{entity_id}": Expected(Who.ADMINISTRATOR),
    "GET /api/catalog/locations": Expected(Who.SIGNED_IN),
    "POST /api/catalog/locations": Expected(Who.SIGNED_IN),
    "POST /api/catalog/locations/by-query": Expected(Who.SIGNED_IN, reads=True),
    "GET /api/catalog/locations/{id}": Expected(Who.SIGNED_IN),
    "PUT /api/catalog/locations/{id}": Expected(Who.SIGNED_IN),
    "DELETE /api/catalog/locations/{id}": Expected(Who.OWNER),
    "GET /api/catalog/locations/by-entity/{kind}/{namespace}/{name}": Expected(Who.SIGNED_IN),
    "POST /api/catalog/analyze-location": Expected(Who.SIGNED_IN, reads=True),
    "GET /api/catalog/sets": Expected(Who.SIGNED_IN),
    "GET /api/catalog/sets/{name}": Expected(Who.SIGNED_IN),
    "PUT /api/catalog/sets/{name}": Expected(Who.OWNER),
    "PATCH /api/catalog/sets/{name}": Expected(Who.OWNER),
    "DELETE /api/catalog/sets/{name}": Expected(Who.OWNER),
    "GET /api/catalog/held-deletions": Expected(Who.SIGNED_IN),
    "POST /api/catalog/held-deletions/{id}": Expected(Who.ADMINISTRATOR),
    "GET /api/catalog/entities/by-name/{kind}/{namespace}/{name}/freshness": Expected(Who.SIGNED_IN),
    "GET /api/catalog/.well-known/backstage/permissions/metadata": Expected(Who.SIGNED_IN),
    "POST /api/catalog/.well-known/backstage/permissions/apply-conditions": Expected(Who.PROGRAM),
    # importers
    "GET /api/importers/formats": Expected(Who.SIGNED_IN),
    "POST /api/importers/convert": Expected(Who.SIGNED_IN, reads=True),
    "GET /api/importers/.well-known/backstage/permissions/metadata": Expected(Who.SIGNED_IN),
    "POST /api/importers/.well-known/backstage/permissions/apply-conditions": Expected(Who.PROGRAM),
    # onboarding
    "GET /api/onboarding/repositories": Expected(Who.ADMINISTRATOR),
    "POST /api/onboarding/repositories": Expected(Who.ADMINISTRATOR),
    "PUT /api/onboarding/repositories/{id}": Expected(Who.ADMINISTRATOR),
    "POST /api/onboarding/act": Expected(Who.ADMINISTRATOR),
    "GET /api/onboarding/.well-known/backstage/permissions/metadata": Expected(Who.SIGNED_IN),
    "POST /api/onboarding/.well-known/backstage/permissions/apply-conditions": Expected(Who.PROGRAM),
    # scaffolder
    "GET /api/scaffolder/v2/templates/{namespace}/{kind}/{name}/parameter-schema": Expected(Who.SIGNED_IN),
    "GET /api/scaffolder/v2/actions": Expected(Who.SIGNED_IN),
    "POST /api/scaffolder/v2/actions/{action_id}/run": Expected(Who.SIGNED_IN),
    "GET /api/scaffolder/v2/tasks": Expected(Who.SIGNED_IN),
    "POST /api/scaffolder/v2/tasks": Expected(Who.SIGNED_IN),
    "GET /api/scaffolder/v2/tasks/{task_id}": Expected(Who.SIGNED_IN),
    "POST /api/scaffolder/v2/tasks/{task_id}/cancel": Expected(Who.OWNER),
    "POST /api/scaffolder/v2/tasks/{task_id}/retry": Expected(Who.OWNER),
    "GET /api/scaffolder/v2/tasks/{task_id}/events": Expected(Who.SIGNED_IN),
    "GET /api/scaffolder/v2/tasks/{task_id}/eventstream": Expected(Who.SIGNED_IN),
    "POST /api/scaffolder/v2/dry-run": Expected(Who.SIGNED_IN),
    "POST /api/scaffolder/v2/autocomplete/{provider}/{resource}": Expected(Who.SIGNED_IN),
    "GET /api/scaffolder/v2/templating-extensions": Expected(Who.SIGNED_IN),
    "GET /api/scaffolder/.well-known/backstage/permissions/metadata": Expected(Who.SIGNED_IN),
    "POST /api/scaffolder/.well-known/backstage/permissions/apply-conditions": Expected(Who.PROGRAM),
    # auth
    "GET /api/auth/.well-known/openid-configuration": Expected(Who.EVERYBODY),
    "GET /api/auth/.well-known/oauth-authorization-server": Expected(Who.EVERYBODY),
    "GET /api/auth/.well-known/jwks.json": Expected(Who.EVERYBODY),
    "GET /api/auth/v1/userinfo": Expected(Who.BEARER),
    "GET /api/auth/v1/authorize": Expected(Who.EVERYBODY),
    "GET /api/auth/v1/sessions/{session_id}": Expected(Who.SIGNED_IN),
    "POST /api/auth/v1/sessions/{session_id}/approve": Expected(Who.SIGNED_IN),
    "POST /api/auth/v1/sessions/{session_id}/reject": Expected(Who.SIGNED_IN),
    "POST /api/auth/v1/token": Expected(Who.BEARER),
    "POST /api/auth/v1/revoke": Expected(Who.EVERYBODY),
    "POST /api/auth/v1/register": Expected(Who.EVERYBODY),
    "GET /api/auth/{provider_id}/start": Expected(Who.EVERYBODY),
    "GET /api/auth/{provider_id}/handler/frame": Expected(Who.EVERYBODY),
    "POST /api/auth/{provider_id}/handler/frame": Expected(Who.EVERYBODY),
    "GET /api/auth/{provider_id}/metadata": Expected(Who.EVERYBODY),
    "GET /api/auth/{provider_id}/refresh": Expected(Who.BEARER),
    "POST /api/auth/{provider_id}/logout": Expected(Who.BEARER),
    "GET /api/auth/.well-known/backstage/permissions/metadata": Expected(Who.SIGNED_IN),
    "POST /api/auth/.well-known/backstage/permissions/apply-conditions": Expected(Who.PROGRAM),
    # scim
    "GET /api/scim/v2/ServiceProviderConfig": Expected(Who.SIGNED_IN),
    "GET /api/scim/v2/ResourceTypes": Expected(Who.SIGNED_IN),
    "GET /api/scim/v2/ResourceTypes/{name}": Expected(Who.SIGNED_IN),
    "GET /api/scim/v2/Schemas": Expected(Who.SIGNED_IN),
    "GET /api/scim/v2/Schemas/{name}": Expected(Who.SIGNED_IN),
    "POST /api/scim/v2/{endpoint}/.search": Expected(Who.ADMINISTRATOR, reads=True),
    "GET /api/scim/v2/{endpoint}": Expected(Who.ADMINISTRATOR),
    "POST /api/scim/v2/{endpoint}": Expected(Who.ADMINISTRATOR),
    "GET /api/scim/v2/{endpoint}/{resource_id}": Expected(Who.ADMINISTRATOR),
    "PUT /api/scim/v2/{endpoint}/{resource_id}": Expected(Who.ADMINISTRATOR),
    "PATCH /api/scim/v2/{endpoint}/{resource_id}": Expected(Who.ADMINISTRATOR),
    "DELETE /api/scim/v2/{endpoint}/{resource_id}": Expected(Who.ADMINISTRATOR),
    "GET /api/scim/.well-known/backstage/permissions/metadata": Expected(Who.SIGNED_IN),
    "POST /api/scim/.well-known/backstage/permissions/apply-conditions": Expected(Who.PROGRAM),
    # techdocs
    "GET /api/techdocs/metadata/techdocs/{namespace}/{kind}/{name}": Expected(Who.SIGNED_IN),
    "GET /api/techdocs/metadata/entity/{namespace}/{kind}/{name}": Expected(Who.SIGNED_IN),
    "GET /api/techdocs/sync/{namespace}/{kind}/{name}": Expected(Who.SIGNED_IN),
    "GET /api/techdocs/static/docs/{namespace}/{kind}/{name}/{path}": Expected(Who.SIGNED_IN),
    "GET /api/techdocs/static/docs/@versions/{version}/{namespace}/{kind}/{name}/{path}": Expected(Who.SIGNED_IN),
    "GET /api/techdocs/.backstage/auth/v1/cookie": Expected(Who.SIGNED_IN),
    "GET /api/techdocs/.well-known/backstage/permissions/metadata": Expected(Who.SIGNED_IN),
    "POST /api/techdocs/.well-known/backstage/permissions/apply-conditions": Expected(Who.PROGRAM),
}
