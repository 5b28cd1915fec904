"""What may be set for each type of source, in `callboard.yaml` (`sources:`) and in the UI alike.

The forms of the UI, the reference pages and the checks of the file come from these models.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

SECRET = {"secret": True}


def _lines(title: str, placeholder: str = "", **more: Any) -> dict[str, Any]:
    return {"title": title, "placeholder": placeholder, **more}


class SourceSettings(BaseModel):
    """What every source has."""

    model_config = ConfigDict(extra="forbid")

    schedule: str = Field(
        default="*/30 * * * *",
        description="When it runs, as five fields of cron in UTC; empty runs it only by hand and on webhooks.",
        json_schema_extra={"title": "Schedule", "section": "When", "late": True, "placeholder": "*/30 * * * *"},
    )
    namespace: str = Field(
        default="default",
        pattern=r"^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$",
        description="Namespace of people, groups and mapped entities that name none.",
        json_schema_extra={"title": "Namespace", "advanced": True},
    )

    @field_validator("schedule")
    @classmethod
    def _cron(cls, value: str) -> str:
        from croniter import croniter  # noqa: PLC0415 - only where a source is configured

        if value.strip() and (len(value.split()) != 5 or not croniter.is_valid(value)):
            raise ValueError("five fields of cron, such as */30 * * * * for every half hour")
        return " ".join(value.split())


class RepositoriesSource(SourceSettings):
    """What to look for in the repositories of a host."""

    type: str
    connection: str = Field(
        description="The connection that signs in to the host.",
        json_schema_extra={"title": "Connection", "section": "Where", "choices": "connections"},
    )
    organisations: list[str] = Field(
        default_factory=list,
        description="Organisations to look through, one a line; empty means all that the connection can see.",
        json_schema_extra=_lines("Organisations", "my-company", section="Where"),
    )
    repositories: list[str] = Field(
        default_factory=list,
        description="Patterns of repository names, one a line; empty means all. A line with ! in front leaves out.",
        json_schema_extra=_lines("Repositories", "shop-*\n!*-archive", section="Filters"),
    )
    topics: list[str] = Field(
        default_factory=list,
        description="Only repositories with one of these topics; a line with ! in front leaves out.",
        json_schema_extra=_lines("Topics", "production\n!playground", section="Filters"),
    )
    visibility: Literal["any", "public", "internal", "private"] = Field(
        default="any",
        description="Only repositories that are this visible.",
        json_schema_extra={"title": "Visibility", "section": "Filters"},
    )
    archived: bool = Field(
        default=False,
        description="Archived repositories are left out otherwise.",
        json_schema_extra={"title": "Archived repositories too", "section": "Filters"},
    )
    forks: bool = Field(
        default=False,
        description="Forks are left out otherwise.",
        json_schema_extra={"title": "Forks too", "section": "Filters"},
    )
    paths: list[str] = Field(
        default_factory=lambda: ["catalog-info.yaml", "catalog-info.yml"],
        min_length=1,
        description="Files to take, as paths in the repository; * matches inside one folder, ** across folders.",
        json_schema_extra=_lines("Files", "catalog-info.yaml\n**/catalog-info.yaml", section="What"),
    )
    branch: str = Field(
        default="",
        description="Branch to look at; empty means each repository's default branch.",
        json_schema_extra={"title": "Branch", "section": "What"},
    )
    people: bool = Field(
        default=False,
        description="Members become users and teams become groups of the catalog.",
        json_schema_extra={"title": "People and teams too", "section": "What"},
    )
    trusted: bool = Field(
        default=False,
        description="Whoever can push to a repository can then say who is in which group.",
        json_schema_extra={"title": "Files may declare people and groups", "advanced": True},
    )


class GitHubSource(RepositoriesSource):
    """Catalog files, people and teams of GitHub organisations."""

    type: Literal["github"] = "github"


class GitLabSource(RepositoriesSource):
    """Catalog files and people of GitLab groups and the groups inside them."""

    type: Literal["gitlab"] = "gitlab"


class BitbucketSource(RepositoriesSource):
    """Catalog files and people of Bitbucket workspaces."""

    type: Literal["bitbucket"] = "bitbucket"


class BitbucketServerSource(RepositoriesSource):
    """Catalog files, people and groups of Bitbucket Data Center projects."""

    type: Literal["bitbucket-server"] = "bitbucket-server"


class AzureSource(RepositoriesSource):
    """Catalog files, people and teams of Azure DevOps projects."""

    type: Literal["azure"] = "azure"


class GiteaSource(RepositoriesSource):
    """Catalog files, people and teams of Gitea or Forgejo organisations."""

    type: Literal["gitea"] = "gitea"


class GerritSource(RepositoriesSource):
    """Catalog files, accounts and groups of Gerrit; an organisation is the beginning of project names."""

    type: Literal["gerrit"] = "gerrit"


class GitSource(SourceSettings):
    """Catalog files of repositories that are named one by one."""

    type: Literal["git"] = "git"
    connection: str = Field(
        description="The connection that signs in to the server.",
        json_schema_extra={"title": "Connection", "section": "Where", "choices": "connections"},
    )
    repositories: list[str] = Field(
        min_length=1,
        description="Paths of repositories on the server, one a line.",
        json_schema_extra=_lines("Repositories", "shop/basket.git", section="Where"),
    )
    paths: list[str] = Field(
        default_factory=lambda: ["catalog-info.yaml", "catalog-info.yml"],
        min_length=1,
        description="Files to take, as paths in the repository; * matches inside one folder, ** across folders.",
        json_schema_extra=_lines("Files", "catalog-info.yaml", section="What"),
    )
    branch: str = Field(
        default="",
        description="Branch to look at; empty means each repository's default branch.",
        json_schema_extra={"title": "Branch", "section": "What"},
    )
    trusted: bool = Field(
        default=False,
        description="Whoever can push to a repository can then say who is in which group.",
        json_schema_extra={"title": "Files may declare people and groups", "advanced": True},
    )


class LdapSource(SourceSettings):
    """Users and groups of LDAP or Active Directory."""

    type: Literal["ldap"] = "ldap"
    url: str = Field(
        pattern=r"^ldaps?://[^\s/@]+/?$",
        description="Address of the server; ldaps is encrypted.",
        json_schema_extra={"title": "Server", "section": "Where", "placeholder": "ldaps://ldap.example.com"},
    )
    bind_dn: str = Field(
        default="",
        description="Account that reads; empty reads anonymously.",
        json_schema_extra={
            "title": "Account (DN)",
            "section": "Where",
            "placeholder": "cn=portal,ou=services,dc=example,dc=com",
        },
    )
    password: str = Field(
        default="",
        description="Password of the account.",
        json_schema_extra={**SECRET, "title": "Password", "section": "Where"},
    )
    start_tls: bool = Field(
        default=False,
        description="Encrypt an ldap:// connection before the password is sent.",
        json_schema_extra={"title": "StartTLS", "section": "Where"},
    )
    certificate: str = Field(
        default="",
        description="Certificate authority that signed the server's certificate, as PEM, if it is your own.",
        json_schema_extra={"title": "Certificate authority", "lines": 4, "advanced": True},
    )
    private: bool = Field(
        default=True,
        description="The server may be on a private network or on this machine.",
        json_schema_extra={"title": "It is on a private network", "section": "Where"},
    )
    users_base: str = Field(
        default="",
        description="Where users are; empty brings none.",
        json_schema_extra={
            "title": "Users below (DN)",
            "section": "Users",
            "placeholder": "ou=people,dc=example,dc=com",
        },
    )
    users_filter: str = Field(
        default="(objectClass=person)",
        description="Which entries are users.",
        json_schema_extra={
            "title": "Filter of users",
            "section": "Users",
            "placeholder": "(&(objectClass=user)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))",
        },
    )
    users_map: dict[str, str] = Field(
        default_factory=lambda: {"name": "uid", "displayName": "cn", "email": "mail", "memberOf": "memberOf"},
        description="Attribute of each field: name, displayName, email, picture, description, memberOf.",
        json_schema_extra=_lines("Attributes of users", "name: sAMAccountName", section="Users"),
    )
    groups_base: str = Field(
        default="",
        description="Where groups are; empty brings none.",
        json_schema_extra={
            "title": "Groups below (DN)",
            "section": "Groups",
            "placeholder": "ou=groups,dc=example,dc=com",
        },
    )
    groups_filter: str = Field(
        default="(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup)(objectClass=group))",
        description="Which entries are groups.",
        json_schema_extra={"title": "Filter of groups", "section": "Groups"},
    )
    groups_map: dict[str, str] = Field(
        default_factory=lambda: {"name": "cn", "displayName": "cn", "description": "description", "members": "member"},
        description="Attribute of each field: name, displayName, email, description, type, members, memberOf.",
        json_schema_extra=_lines("Attributes of groups", "members: memberUid", section="Groups"),
    )


class KubernetesSource(SourceSettings):
    """Catalog entities kept in a Kubernetes cluster, as labelled ConfigMaps or custom resources."""

    type: Literal["kubernetes"] = "kubernetes"
    url: str = Field(
        default="",
        pattern=r"^(https?://[^\s@]+)?$",
        description="Address of the API server; empty is the cluster the portal runs in.",
        json_schema_extra={"title": "API server", "section": "Where", "placeholder": "https://k8s.example.com:6443"},
    )
    token: str = Field(
        default="",
        description="Token of a service account that may list what is asked for below.",
        json_schema_extra={**SECRET, "title": "Token", "section": "Where"},
    )
    certificate: str = Field(
        default="",
        description="Certificate authority of the cluster, as PEM.",
        json_schema_extra={"title": "Certificate authority", "lines": 4, "section": "Where"},
    )
    private: bool = Field(
        default=True,
        description="The cluster may be on a private network or on this machine.",
        json_schema_extra={"title": "It is on a private network", "section": "Where"},
    )
    namespaces: list[str] = Field(
        default_factory=list,
        description="Namespaces of the cluster to look in, one a line; empty means all.",
        json_schema_extra=_lines("Namespaces of the cluster", "shop", section="What"),
    )
    selector: str = Field(
        default="callboard.io/catalog=true",
        description="Label of ConfigMaps whose entries are catalog files; empty takes none.",
        json_schema_extra={"title": "Label of ConfigMaps", "section": "What"},
    )
    resources: list[str] = Field(
        default_factory=list,
        description="Custom resources that are entities, as group/version/plural, one a line.",
        json_schema_extra=_lines("Custom resources", "backstage.io/v1alpha1/components", section="What"),
    )


class _Bucket(SourceSettings):
    """How to sign in to object storage."""

    access_key: str = Field(
        default="",
        description="S3: access key id. Azure: name of the storage account. GCS: leave empty.",
        json_schema_extra={"title": "Access key or account", "section": "Sign-in"},
    )
    secret_key: str = Field(
        default="",
        description="S3: secret access key. Azure: account key. GCS: the JSON key of a service account.",
        json_schema_extra={**SECRET, "title": "Secret", "lines": 3, "section": "Sign-in"},
    )
    region: str = Field(
        default="", description="S3: region of the bucket.", json_schema_extra={"title": "Region", "section": "Sign-in"}
    )
    endpoint: str = Field(
        default="",
        pattern=r"^(https?://[^\s@]+)?$",
        description="Address of a storage server of your own; empty is the cloud's.",
        json_schema_extra={"title": "Endpoint", "section": "Sign-in", "placeholder": "https://minio.example.com"},
    )
    anonymous: bool = Field(
        default=False,
        description="Read a public bucket without signing in.",
        json_schema_extra={"title": "Anonymously", "section": "Sign-in"},
    )
    private: bool = Field(
        default=False,
        description="The endpoint may be on a private network or on this machine.",
        json_schema_extra={"title": "It is on a private network", "section": "Sign-in"},
    )


class BucketSource(_Bucket):
    """Catalog files in object storage: S3 and compatible, Google Cloud Storage, Azure Blob Storage."""

    type: Literal["bucket"] = "bucket"
    url: str = Field(
        pattern=r"^(s3|gs|az)://[^\s/]+(/\S*)?$",
        description="Bucket and, if wanted, the beginning of names: s3://bucket/folder, gs://bucket, az://container.",
        json_schema_extra={"title": "Bucket", "section": "Where", "placeholder": "s3://my-catalog/teams"},
    )
    paths: list[str] = Field(
        default_factory=lambda: ["**/*.yaml", "**/*.yml"],
        min_length=1,
        description="Files to take, as paths below the folder.",
        json_schema_extra=_lines("Files", "**/*.yaml", section="Where"),
    )


class PeopleFileSource(_Bucket):
    """People and their groups from a table: CSV, JSON or a spreadsheet (XLSX)."""

    type: Literal["people-file"] = "people-file"
    url: str = Field(
        description="Where the file is: an https address, s3://, gs:// or az://, or a path below `sources.roots`.",
        json_schema_extra={"title": "File", "section": "Where", "placeholder": "https://hr.example.com/people.csv"},
    )
    token: str = Field(
        default="",
        description="Bearer token sent with an https address.",
        json_schema_extra={**SECRET, "title": "Token", "section": "Where"},
    )
    sheet: str = Field(
        default="",
        description="Sheet of a spreadsheet; empty takes the first.",
        json_schema_extra={"title": "Sheet", "section": "What"},
    )
    columns: dict[str, str] = Field(
        default_factory=lambda: {
            "name": "login",
            "displayName": "name",
            "email": "email",
            "groups": "teams",
            "picture": "picture",
            "description": "title",
        },
        description="Column of each field: name, displayName, email, groups, picture, description.",
        json_schema_extra=_lines("Columns", "name: login\ngroups: teams", section="What"),
    )
    separator: str = Field(
        default=",;|",
        min_length=1,
        max_length=10,
        description="Characters between the groups of a person.",
        json_schema_extra={"title": "Separators", "advanced": True},
    )
    make_groups: bool = Field(
        default=True,
        description="A group is made for every name in the column of groups.",
        json_schema_extra={"title": "Make groups", "section": "What"},
    )


class HttpSource(SourceSettings):
    """Any JSON API, with an expression that turns each item into an entity."""

    type: Literal["http"] = "http"
    url: str = Field(
        pattern=r"^https?://[^\s@]+$",
        description="Address that answers JSON.",
        json_schema_extra={
            "title": "Address",
            "section": "Where",
            "placeholder": "https://cmdb.example.com/api/services",
        },
    )
    token: str = Field(
        default="",
        description="Bearer token sent with each request.",
        json_schema_extra={**SECRET, "title": "Token", "section": "Where"},
    )
    headers: dict[str, str] = Field(
        default_factory=dict,
        description="Further headers, one a line; they are kept like secrets.",
        json_schema_extra={**SECRET, "title": "Headers", "section": "Where", "placeholder": "X-Api-Key: …"},
    )
    private: bool = Field(
        default=False,
        description="The address may be on a private network or on this machine.",
        json_schema_extra={"title": "It is on a private network", "section": "Where"},
    )
    items: str = Field(
        default="@",
        description="JMESPath expression of the list of items in an answer; @ is the answer itself.",
        json_schema_extra={"title": "Items", "section": "Mapping", "placeholder": "data.services"},
    )
    language: Literal["jinja", "jmespath"] = Field(
        default="jinja",
        description="Jinja: a catalog file with ${{ item.name }} in it. JMESPath: an expression of the entity.",
        json_schema_extra={"title": "Language", "section": "Mapping"},
    )
    mapping: str = Field(
        default=(
            "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n"
            "  name: ${{ item.name | slug }}\n  description: ${{ item.description }}\n"
            "spec:\n  type: service\n  lifecycle: production\n  owner: ${{ item.team | slug }}\n"
        ),
        max_length=50_000,
        description="What an item becomes; nothing leaves it out.",
        json_schema_extra={"title": "Mapping", "section": "Mapping", "lines": 12, "code": "yaml"},
    )
    pagination: Literal["none", "link", "next", "page", "offset", "cursor"] = Field(
        default="none",
        description="How the next page is found: Link header, address in the answer, page number, offset, or cursor.",
        json_schema_extra={"title": "Pages", "section": "Pages"},
    )
    next: str = Field(
        default="next",
        description="JMESPath expression of the next address or cursor in an answer.",
        json_schema_extra={"title": "Next", "section": "Pages"},
    )
    parameter: str = Field(
        default="page",
        description="Query parameter of the page number, offset or cursor.",
        json_schema_extra={"title": "Parameter", "section": "Pages"},
    )
    page_size: int = Field(
        default=100,
        ge=1,
        le=10_000,
        description="Items of a page, for offsets.",
        json_schema_extra={"title": "Page size", "section": "Pages"},
    )


AnySource = Annotated[
    GitHubSource
    | GitLabSource
    | BitbucketSource
    | BitbucketServerSource
    | AzureSource
    | GiteaSource
    | GerritSource
    | GitSource
    | LdapSource
    | KubernetesSource
    | BucketSource
    | PeopleFileSource
    | HttpSource,
    Field(discriminator="type"),
]


class SourcesSettings(BaseModel):
    """Sources that stand in the file; more are made in the UI."""

    model_config = ConfigDict(extra="forbid")

    entries: dict[str, AnySource] = Field(default_factory=dict, description="Sources by a name of your choice.")
    roots: list[str] = Field(
        default_factory=list,
        description="Directories that sources may read files from; relative to the configuration file.",
        json_schema_extra={"path": True},
    )
    keep_runs: int = Field(default=50, ge=1, le=1000, description="Runs of each source that are remembered.")
