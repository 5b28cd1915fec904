"""A SAML identity provider made with pysaml2: it reads the portal's metadata and signs what it says."""

import datetime as dt
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT
from saml2.config import IdPConfig
from saml2.saml import NAMEID_FORMAT_PERSISTENT, NameID
from saml2.server import Server

ENTITY_ID, SSO = "https://saml.example.com/idp", "https://saml.example.com/sso"


class SamlProvider:
    """Knows people by name; ``answer`` is what its page would post to the portal for one of them."""

    def __init__(self, place: Path, sp_metadata: str = "") -> None:
        self.place = place
        self.key, self.cert = place / "key.pem", place / "cert.pem"
        if not self.key.exists():
            self._make_key()
        self._metadata = place / "sp.xml"
        if sp_metadata:
            self._metadata.write_text(sp_metadata)

    @property
    def certificate(self) -> str:
        return self.cert.read_text()

    def server(self) -> Server:
        config = IdPConfig().load(
            {
                "entityid": ENTITY_ID,
                "service": {
                    "idp": {
                        "endpoints": {"single_sign_on_service": [(SSO, BINDING_HTTP_REDIRECT)]},
                        "policy": {
                            "default": {
                                "lifetime": {"minutes": 15},
                                "name_form": "urn:oasis:names:tc:SAML:2.0:attrname-format:basic",
                            }
                        },
                    }
                },
                "key_file": str(self.key),
                "cert_file": str(self.cert),
                "metadata": {"local": [str(self._metadata)]},
                "xmlsec_binary": "/usr/bin/xmlsec1",
            }
        )
        return Server(config=config)

    def answer(self, address: str, person: str, attributes: dict[str, object], *, sign: bool = True) -> str:
        """Take the request in the address a person was sent to, and answer it (base64, as the form posts it)."""
        import base64

        server = self.server()
        request = server.parse_authn_request(parse_qs(urlsplit(address).query)["SAMLRequest"][0], BINDING_HTTP_REDIRECT)
        given = server.response_args(request.message, [BINDING_HTTP_POST])
        text = server.create_authn_response(
            identity=attributes,
            userid=person,
            name_id=NameID(format=NAMEID_FORMAT_PERSISTENT, text=person),
            authn={"class_ref": "urn:oasis:names:tc:SAML:2.0:ac:classes:Password", "authn_auth": ENTITY_ID},
            sign_assertion=sign,
            sign_response=False,
            sign_alg="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            digest_alg="http://www.w3.org/2001/04/xmlenc#sha256",
            **{k: given[k] for k in ("in_response_to", "destination", "sp_entity_id")},
        )
        return base64.b64encode(str(text).encode()).decode()

    def _make_key(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "saml.example.com")])
        now = dt.datetime.now(dt.UTC)
        cert = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=30))
            .sign(key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        self.key.write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
        )
        self.cert.write_bytes(cert.public_bytes(pem))
