"""What may stand in `callboard.yaml` outside the rooms: one typed model a section."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

FORBID = ConfigDict(extra="forbid")


class ServerSettings(BaseModel):
    """Where the portal listens and how people reach it."""

    model_config = FORBID

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=7007, ge=1, le=65535)
    base_url: str = Field(
        default="", description="Address people use, such as https://portal.example.com; empty derives it."
    )
    allowed_hosts: list[str] = Field(
        default_factory=list, description="Further host names the portal answers to; base_url's is included."
    )
    trusted_proxies: list[str] = Field(
        default_factory=list, description="Addresses of proxies whose X-Forwarded-* headers are believed."
    )
    threads: int = Field(default=16, ge=1, le=256, description="Threads of each web process.")
    workers: int = Field(default=1, ge=1, le=64, description="Web processes.")


class DatabaseSettings(BaseModel):
    """Which PostgreSQL to use; without a URL the portal runs its own in the data directory."""

    model_config = FORBID

    url: str = Field(default="", json_schema_extra={"secret": True})
    pool_size: int = Field(default=20, ge=1, le=500, description="Connections each process may hold.")


class PermissionAttribute(BaseModel):
    """Attributes a permission must have."""

    model_config = FORBID

    action: list[Literal["create", "read", "update", "delete"]] = Field(default_factory=list)


class AccessRestrictionSettings(BaseModel):
    """One thing an external token may do."""

    model_config = FORBID

    plugin: str = Field(description="Plugin whose permissions it may use.")
    permission: list[str] = Field(default_factory=list, description="Only these permissions; empty means all.")
    permission_attribute: PermissionAttribute = Field(default_factory=PermissionAttribute)


class ExternalAccessOptions(BaseModel):
    """What a token is recognised by; which of these count depends on the type."""

    model_config = FORBID

    token: str = Field(default="", description="static: the token itself.", json_schema_extra={"secret": True})
    secret: str = Field(
        default="", description="legacy: the shared secret, in base64.", json_schema_extra={"secret": True}
    )
    subject: str = Field(default="", description="static and legacy: who the caller is.")
    url: str = Field(default="", description="jwks: where the issuer publishes its keys.")
    issuer: list[str] = Field(default_factory=list, description="jwks: issuers that count.")
    algorithm: list[Literal["RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "EdDSA"]] = Field(
        default_factory=list, description="jwks: algorithms that count; RS256 and ES256 without any."
    )
    audience: list[str] = Field(default_factory=list, description="jwks: audiences that count.")
    subject_prefix: str = Field(default="", description="jwks: put in front of the token's subject.")


class ExternalAccess(BaseModel):
    """A kind of token that somebody else issues and the API accepts."""

    model_config = FORBID

    type: Literal["static", "jwks", "legacy"]
    options: ExternalAccessOptions
    access_restrictions: list[AccessRestrictionSettings] = Field(default_factory=list)

    @model_validator(mode="after")
    def _complete(self) -> ExternalAccess:
        given = self.options
        if self.type == "static" and (len(given.token) < 8 or any(c.isspace() for c in given.token)):
            raise ValueError("options.token needs at least 8 characters and no spaces")
        if self.type == "legacy" and len(given.secret) < 16:
            raise ValueError("options.secret needs at least 16 characters")
        if self.type in {"static", "legacy"} and (not given.subject or any(c.isspace() for c in given.subject)):
            raise ValueError("options.subject is needed, without spaces")
        if self.type == "jwks" and not given.url.startswith(("https://", "http://")):
            raise ValueError("options.url must be a web address")
        return self


class AuthSettings(BaseModel):
    """How people and programs get in."""

    model_config = FORBID

    session_days: int = Field(default=14, ge=1, le=400)
    sign_in_attempts_per_minute: int = Field(default=10, ge=1, le=1000)
    administrators: list[str] = Field(
        default_factory=list, description="User or group refs whose members administer the portal."
    )
    identity_token_seconds: int = Field(
        default=3600, ge=600, le=86_400, description="How long identity tokens are valid."
    )
    external_access: list[ExternalAccess] = Field(
        default_factory=list, description="Tokens that others issue and the API accepts."
    )
    guest_without_demo: bool = Field(
        default=False, description="Let anybody look around as a guest, outside demo mode too."
    )

    @model_validator(mode="after")
    def _different_tokens(self) -> AuthSettings:
        fixed = [entry.options.token for entry in self.external_access if entry.type == "static"]
        if len(fixed) != len(set(fixed)):
            raise ValueError("two entries of external_access have the same static token")
        return self


class JobSettings(BaseModel):
    """How much the worker does at once."""

    model_config = FORBID

    concurrency: int = Field(default=4, ge=1, le=64)
    keep_days: int = Field(default=30, ge=1, description="How long finished jobs and their logs are kept.")


class WebhookSettings(BaseModel):
    """How the portal tells other systems what happened."""

    model_config = FORBID

    allow: list[str] = Field(
        default_factory=list,
        description="Hosts, addresses and networks that webhooks may reach although they are not public.",
    )
    timeout: float = Field(default=10, gt=0, le=60, description="Seconds a receiver has for its answer.")
    attempts: int = Field(default=10, ge=1, le=50, description="Tries until a delivery is given up.")
    disable_after: int = Field(
        default=50, ge=1, description="Failed tries in a row after which a webhook is switched off."
    )
    keep_days: int = Field(default=14, ge=1, description="How long events and their deliveries are kept.")


class AuditSettings(BaseModel):
    """How long the record of who did what is kept."""

    model_config = FORBID

    keep_days: int = Field(default=400, ge=1)


class LogSettings(BaseModel):
    """What the processes write to standard error."""

    model_config = FORBID

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "text", "json"] = "auto"


class OrganisationSettings(BaseModel):
    """What the portal is called."""

    model_config = FORBID

    name: str = Field(
        default="Callboard",
        min_length=1,
        max_length=60,
        description="What the portal is called.",
        json_schema_extra={"ui": True},
    )
    support_url: str = Field(
        default="",
        max_length=500,
        pattern=r"^(https?://|mailto:|/|$)",
        description="Where the help entry leads people: a web or mail address.",
        json_schema_extra={"ui": True},
    )


class EmbeddingSettings(BaseModel):
    """Where the meaning of texts is computed; without an address, inside the portal."""

    model_config = FORBID

    url: str = Field(
        default="",
        pattern=r"^(https?://.+|)$",
        description="An OpenAI-compatible endpoint, such as https://models.example.com/v1; empty: the built-in model.",
    )
    model: str = Field(default="", description="What the endpoint calls the model.")
    key: str = Field(default="", json_schema_extra={"secret": True})
    dimensions: int = Field(default=0, ge=0, le=4000, description="Length of the vectors; 0 asks the endpoint.")
    timeout: float = Field(default=10, gt=0, le=120)


class SearchSettings(BaseModel):
    """How things are found."""

    model_config = FORBID

    languages: list[Literal["english", "german", "indonesian"]] = Field(
        default=["english", "german", "indonesian"], description="Languages whose word forms are known."
    )
    default_language: Literal["english", "german", "indonesian", "simple"] = Field(
        default="english", description="Language of texts that do not tell."
    )
    semantic: bool = Field(default=True, description="Also find by meaning, where the vector extension is there.")
    synonyms: list[list[str]] = Field(
        default=[
            ["k8s", "kubernetes"],
            ["db", "database", "datenbank"],
            ["auth", "authentication"],
            ["repo", "repository"],
            ["docs", "documentation"],
            ["config", "configuration"],
            ["js", "javascript"],
            ["ts", "typescript"],
            ["postgres", "postgresql"],
            ["env", "environment"],
        ],
        description="Words that mean the same; each list is one meaning.",
    )
    max_term_length: int = Field(default=100, ge=1, le=1000, description="Longest text the search API takes.")
    max_page_limit: int = Field(default=100, ge=1, le=1000, description="Most results of a page of the search API.")
    embeddings: EmbeddingSettings = Field(default_factory=EmbeddingSettings)


class PluginSettings(BaseModel):
    """Which installed plugins stay off, whatever is chosen in the UI."""

    model_config = FORBID

    disabled: list[str] = Field(default_factory=list)


class PortalConfig(BaseModel):
    """The whole configuration; ``rooms`` holds the validated settings of each plugin by its name."""

    model_config = FORBID

    organisation: OrganisationSettings = Field(default_factory=OrganisationSettings)
    server: ServerSettings = Field(default_factory=ServerSettings)
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    data_dir: Path = Field(
        default=Path(".callboard"), description="Where the portal keeps its files; relative to this file."
    )
    secret_key: str = Field(
        default="",
        description="Signs sessions; empty makes one in the data directory. Several machines need the same.",
        json_schema_extra={"secret": True},
    )
    secret_key_fallbacks: list[str] = Field(
        default_factory=list,
        description="Earlier values of secret_key, newest first: what they signed and sealed still counts.",
        json_schema_extra={"secret": True},
    )
    demo: bool = Field(default=False, description="Load the demo organisation and let guests look around.")
    auth: AuthSettings = Field(default_factory=AuthSettings)
    jobs: JobSettings = Field(default_factory=JobSettings)
    webhooks: WebhookSettings = Field(default_factory=WebhookSettings)
    audit: AuditSettings = Field(default_factory=AuditSettings)
    log: LogSettings = Field(default_factory=LogSettings)
    plugins: PluginSettings = Field(default_factory=PluginSettings)
    search: SearchSettings = Field(default_factory=SearchSettings)
    debug: bool = Field(default=False, description="Show tracebacks in the browser; never in production.")
    rooms: dict[str, Any] = Field(default_factory=dict, exclude=True)

    _sources: dict[str, str] = PrivateAttr(default_factory=dict)
    _file: Path | None = PrivateAttr(default=None)

    @property
    def file(self) -> Path | None:
        """The file this configuration was read from, if there is one."""
        return self._file

    def source_of(self, path: str) -> str:
        """Answer where the value of a dotted path comes from: a place, or ``default``."""
        while path:
            if path in self._sources:
                return self._sources[path]
            path = path.rpartition(".")[0]
        return "default"

    def set_sources(self, sources: dict[str, str], file: Path | None) -> None:
        """Note where values come from; for the loader alone."""
        self._sources, self._file = sources, file
