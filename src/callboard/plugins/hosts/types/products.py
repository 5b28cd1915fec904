"""The products there are, and how each is connected."""

from __future__ import annotations

from dataclasses import dataclass

from callboard.plugins.hosts.settings import ProductName


@dataclass(frozen=True, slots=True)
class Product:
    """A product: what it is called, where it lives unless told otherwise, which credentials it takes.

    ``owner`` is what it calls the thing that holds repositories, ``owner_example`` one of those.
    ``token_help`` says where a token is made and what it must be allowed to do.
    """

    name: ProductName
    title: str
    icon: str
    summary: str
    url: str
    owner: str
    owner_example: str
    token_help: str
    token_url: str = ""
    username_help: str = ""
    app: bool = False


PRODUCTS: tuple[Product, ...] = (
    Product(
        "github",
        "GitHub",
        "brand-github",
        "github.com and GitHub Enterprise Server, with a token or as a GitHub App.",
        "https://github.com",
        "Organisation",
        "my-company",
        "A fine-grained token with read access to contents and metadata (and members, for people). "
        "To write templates and onboard repositories: contents, pull requests and administration too.",
        "{url}/settings/personal-access-tokens/new",
        app=True,
    ),
    Product(
        "gitlab",
        "GitLab",
        "brand-gitlab",
        "gitlab.com and self-managed GitLab, with a personal, group or project token.",
        "https://gitlab.com",
        "Group",
        "my-company/platform",
        "A personal or group access token with the scope read_api; with api, if templates are to create projects.",
        "{url}/-/user_settings/personal_access_tokens",
    ),
    Product(
        "bitbucket",
        "Bitbucket Cloud",
        "brand-bitbucket",
        "bitbucket.org, with an API token or a workspace access token.",
        "https://bitbucket.org",
        "Workspace",
        "my-company",
        "An API token with read access to repositories and the account; write access to repositories and "
        "pull requests, if templates are to create some.",
        "https://id.atlassian.com/manage-profile/security/api-tokens",
        "E-mail address of the account for an API token; empty for a workspace access token.",
    ),
    Product(
        "bitbucket-server",
        "Bitbucket Data Center",
        "brand-bitbucket",
        "Bitbucket Server and Data Center on a machine of your own.",
        "",
        "Project",
        "SHOP",
        "An HTTP access token with read access to projects and repositories; with write, for templates.",
        "{url}/plugins/servlet/access-tokens/manage",
        "Only with a password instead of a token.",
    ),
    Product(
        "azure",
        "Azure DevOps",
        "brand-windows",
        "Azure DevOps Services and Server, one organisation or collection, with a personal access token.",
        "",
        "Organisation",
        "my-company",
        "A personal access token with Code (read) and Graph (read); Code (read & write) for templates.",
        "{url}/_usersSettings/tokens",
    ),
    Product(
        "gitea",
        "Gitea and Forgejo",
        "git-fork",
        "Gitea, Forgejo and Codeberg, with an access token.",
        "https://codeberg.org",
        "Organisation",
        "my-company",
        "An access token with read:repository and read:organization; write:repository for templates.",
        "{url}/user/settings/applications",
    ),
    Product(
        "gerrit",
        "Gerrit",
        "git-merge",
        "Gerrit Code Review, with an HTTP password or anonymously.",
        "",
        "Project prefix",
        "platform/",
        "The HTTP password of the account, made in Gerrit under Settings, HTTP Credentials.",
        "{url}/settings/#HTTPCredentials",
        "Name of the account the HTTP password belongs to; empty reads anonymously.",
    ),
    Product(
        "git",
        "Other Git servers",
        "brand-git",
        "Any server that speaks Git over https or ssh; repositories are named one by one.",
        "",
        "Folder",
        "",
        "A token or password of an account that may read the repositories.",
        "",
        "Name that goes with the password.",
    ),
)

BY_NAME = {product.name: product for product in PRODUCTS}


def product(name: str) -> Product:
    """Answer a product by its name; raises ``KeyError``."""
    return BY_NAME[name]  # type: ignore[index]
