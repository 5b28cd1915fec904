"""SAML: ask an identity provider, and check its signed answer. The library is loaded when somebody signs in so."""

from __future__ import annotations

from typing import Any

from callboard.plugins.signin.types import Provider, ProviderFailedError, Vouched

EMAIL = (
    "email", "mail", "urn:oid:0.9.2342.19200300.100.1.3",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
)  # fmt: skip
USERNAME = ("username", "uid", "urn:oid:0.9.2342.19200300.100.1.1", "http://schemas.auth0.com/nickname")
NAME = ("displayName", "name", "cn", "urn:oid:2.16.840.1.113730.3.1.241",
        "http://schemas.microsoft.com/identity/claims/displayname")  # fmt: skip
_NAME_ID_EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
_MACE = "urn:mace:dir:attribute-def:"
_POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
_REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
_SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
_RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"


def request_for(provider: Provider, acs_url: str, metadata_url: str) -> tuple[str, str]:
    """Answer the address to send the person to, and the id that the answer must name."""
    auth = _auth(provider, acs_url, metadata_url, {})
    address = auth.login(return_to="")
    return str(address), str(auth.get_last_request_id())


def vouched_by_response(
    provider: Provider, acs_url: str, metadata_url: str, response: str, request_id: str
) -> tuple[Vouched, str, int]:
    """Answer whom a signed response is about, with the id of its assertion and until when that may be used.

    Raises :class:`ProviderFailedError` for anything that is not exactly as it must be.
    """
    from onelogin.saml2.errors import OneLogin_Saml2_Error  # noqa: PLC0415 - not at start-up

    auth = _auth(provider, acs_url, metadata_url, {"SAMLResponse": response})
    try:
        auth.process_response(request_id=request_id)
    except (OneLogin_Saml2_Error, ValueError) as error:
        raise ProviderFailedError(f"the answer is malformed: {error}") from error
    except Exception as error:
        raise ProviderFailedError(f"the answer is malformed: {type(error).__name__}") from error
    if auth.get_errors() or not auth.is_authenticated():
        raise ProviderFailedError(f"the answer is not valid: {auth.get_last_error_reason() or auth.get_errors()}")
    # Some write `urn:mace:dir:attribute-def:mail` for `mail`.
    attributes = {key.removeprefix(_MACE): values for key, values in auth.get_attributes().items()}
    name_id = str(auth.get_nameid() or "")
    email = _first(attributes, EMAIL) or (name_id if auth.get_nameid_format() == _NAME_ID_EMAIL else "")
    username = _first(attributes, USERNAME) or name_id
    groups = tuple(str(g) for g in attributes.get(provider.settings.groups_claim, []))
    claims: dict[str, Any] = {key: values[0] if len(values) == 1 else values for key, values in attributes.items()}
    claims |= {"nameId": name_id, "username": username, "email": email}
    if not name_id:
        raise ProviderFailedError("the answer does not say whom it is about (it has no NameID)")
    who = Vouched(name_id, username, email.lower(), bool(email), _first(attributes, NAME), groups, claims)
    until = auth.get_last_assertion_not_on_or_after()
    return who, str(auth.get_last_assertion_id()), int(until or 0)


def metadata(provider: Provider, acs_url: str, metadata_url: str) -> str:
    """Answer the metadata an administrator of the identity provider asks for."""
    from onelogin.saml2.settings import OneLogin_Saml2_Settings  # noqa: PLC0415 - not at start-up

    settings = OneLogin_Saml2_Settings(_settings(provider, acs_url, metadata_url), sp_validation_only=True)
    text = settings.get_sp_metadata()
    return text.decode() if isinstance(text, bytes) else str(text)


def _auth(provider: Provider, acs_url: str, metadata_url: str, posted: dict[str, str]) -> Any:
    from urllib.parse import urlsplit  # noqa: PLC0415 - beside its use

    from onelogin.saml2.auth import OneLogin_Saml2_Auth  # noqa: PLC0415 - not at start-up
    from onelogin.saml2.errors import OneLogin_Saml2_Error  # noqa: PLC0415 - not at start-up

    target = urlsplit(acs_url)
    request = {
        "https": "on" if target.scheme == "https" else "off",
        "http_host": target.netloc,
        "script_name": target.path,
        "get_data": {},
        "post_data": posted,
    }
    try:
        return OneLogin_Saml2_Auth(request, _settings(provider, acs_url, metadata_url))
    except OneLogin_Saml2_Error as error:
        raise ProviderFailedError(f"the settings of this provider cannot be used: {error}") from error


def _settings(provider: Provider, acs_url: str, metadata_url: str) -> dict[str, Any]:
    given = provider.settings
    lines = [line.strip() for line in given.certificate.splitlines() if "-----" not in line]
    return {
        "strict": True,
        "sp": {
            "entityId": metadata_url,
            "assertionConsumerService": {"url": acs_url, "binding": _POST},
            "NameIDFormat": "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
        },
        "idp": {
            "entityId": given.entity_id,
            "singleSignOnService": {"url": given.sso_url, "binding": _REDIRECT},
            "x509cert": "".join(lines),
        },
        "security": {
            "wantAssertionsSigned": True,
            "wantMessagesSigned": False,
            "wantAttributeStatement": False,
            "requestedAuthnContext": False,
            "rejectUnsolicitedResponsesWithInResponseTo": True,
            "rejectDeprecatedAlgorithm": True,
            "signatureAlgorithm": _RSA_SHA256,
            "digestAlgorithm": _SHA256,
            "allowSingleLabelDomains": True,
        },
    }


def _first(attributes: dict[str, list[Any]], names: tuple[str, ...]) -> str:
    return next((str(attributes[name][0]) for name in names if attributes.get(name)), "")
