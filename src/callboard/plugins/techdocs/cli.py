"""`callboard techdocs …`: build documentation in a pipeline, publish it, look at it while writing.

Names of commands and options are those of the original's command line, so that pipelines only change the program.
"""

from __future__ import annotations

import functools
import shutil
import tempfile
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated

import typer

from callboard.plugins.techdocs.clients.builder.process import BuildError, BuildLimits, builder
from callboard.plugins.techdocs.clients.store import Store, StoreError
from callboard.plugins.techdocs.services.folders import FolderError, copy_source, publish_folder
from callboard.plugins.techdocs.services.publishing import write_metadata
from callboard.sdk.cli import fail, note, show

app = typer.Typer(help="Build, publish and preview documentation.", no_args_is_help=True)

_SCHEMES = {"awsS3": "s3", "googleGcs": "gs", "azureBlobStorage": "az", "local": "file"}


@app.command()
def generate(  # noqa: PLR0917 - Typer reads options from parameters
    source_dir: Annotated[Path, typer.Option("--source-dir", help="Folder that holds mkdocs.yml.")] = Path(),
    output_dir: Annotated[Path, typer.Option("--output-dir", help="Where the site is written.")] = Path("site"),
    techdocs_ref: Annotated[
        str, typer.Option("--techdocs-ref", help="Where the source is edited: url:https://host/owner/repository/…")
    ] = "",
    etag: Annotated[str, typer.Option("--etag", help="A word for this state of the source, such as the commit.")] = "",
    site_name: Annotated[str, typer.Option("--site-name", help="Name where mkdocs.yml gives none.")] = "",
    timeout: Annotated[int, typer.Option("--timeout", help="Seconds the build may take.")] = 600,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show every line of the log.")] = False,
    no_docker: Annotated[bool, typer.Option("--no-docker", help="Accepted; Docker is never used.")] = False,
    docker_image: Annotated[str, typer.Option("--docker-image", help="Accepted; Docker is never used.")] = "",
    no_pull: Annotated[bool, typer.Option("--no-pull", help="Accepted; Docker is never used.")] = False,
    omit_core: Annotated[
        bool, typer.Option("--omitTechdocsCoreMkdocsPlugin", help="Accepted; the plugin is always used.")
    ] = False,
    legacy_readme: Annotated[
        bool, typer.Option("--legacyCopyReadmeMdToIndexMd", help="Accepted; README.md stands in where it has to.")
    ] = False,
) -> None:
    """Build the site of a folder, the way the portal builds it: locked in, with the same rules."""
    del no_docker, docker_image, no_pull, omit_core, legacy_readme
    work = Path(tempfile.mkdtemp(prefix="callboard-docs-"))
    try:
        config = copy_source(source_dir, work / "source", title=site_name, techdocs_ref=techdocs_ref)
        for warning in config.warnings:
            note(f"warning: {warning}")

        def say(level: str, text: str) -> None:
            if verbose or level != "info":
                note(text if level == "info" else f"{level}: {text}")

        report = builder.build(work, config.values, BuildLimits(seconds=timeout), say, etag=etag)
        write_metadata(work / "site", etag)
        shutil.copytree(work / "site", output_dir, dirs_exist_ok=True)
    except (FolderError, BuildError) as error:
        fail(str(error))
    finally:
        builder.close()
        shutil.rmtree(work, ignore_errors=True)
    pages = sum(1 for _ in output_dir.rglob("*.html"))
    answer = {"output": str(output_dir.resolve()), "pages": pages, **report, "dropped": list(config.warnings)}
    show(answer, f"Built {pages} pages in {report['seconds']} seconds into {output_dir}.")


@app.command()
def publish(  # noqa: PLR0917 - see above
    entity: Annotated[str, typer.Option("--entity", help="namespace/kind/name of the entity the site belongs to.")],
    publisher_type: Annotated[
        str, typer.Option("--publisher-type", help="awsS3, googleGcs, azureBlobStorage or local.")
    ] = "local",
    storage_name: Annotated[
        str, typer.Option("--storage-name", help="Bucket or container; for local, the folder.")
    ] = "",
    directory: Annotated[Path, typer.Option("--directory", help="The built site.")] = Path("site"),
    legacy_case: Annotated[
        bool, typer.Option("--legacyUseCaseSensitiveTripletPaths", help="Keep the case of the entity in the path.")
    ] = False,
    aws_endpoint: Annotated[str, typer.Option("--awsEndpoint", help="Address of a store that speaks S3.")] = "",
    aws_region: Annotated[str, typer.Option("--awsRegion", help="Region of the bucket.")] = "",
    aws_root: Annotated[str, typer.Option("--awsBucketRootPath", help="Folder in the bucket.")] = "",
    aws_path_style: Annotated[bool, typer.Option("--awsS3ForcePathStyle", help="Name the bucket in the path.")] = False,
    gcs_root: Annotated[str, typer.Option("--gcsBucketRootPath", help="Folder in the bucket.")] = "",
    azure_account: Annotated[str, typer.Option("--azureAccountName", help="Name of the storage account.")] = "",
    azure_key: Annotated[str, typer.Option("--azureAccountKey", help="Key of the storage account.")] = "",
) -> None:
    """Put a built site into the store; keys come from the usual environment of the cloud."""
    scheme = _SCHEMES.get(publisher_type)
    if scheme is None:
        fail(f"There is no publisher {publisher_type}. Use one of {', '.join(_SCHEMES)}.")
    if not storage_name:
        fail("Name the bucket, container or folder with --storage-name.")
    options: dict[str, str] = {}
    if scheme == "s3":
        pairs = {"aws_endpoint": aws_endpoint, "aws_region": aws_region}
        options |= {key: value for key, value in pairs.items() if value}
        if aws_path_style or aws_endpoint:
            options["aws_virtual_hosted_style_request"] = "false"
    if scheme == "az":
        pairs = {"azure_storage_account_name": azure_account, "azure_storage_account_key": azure_key}
        options |= {key: value for key, value in pairs.items() if value}
    root = aws_root if scheme == "s3" else gcs_root if scheme == "gs" else ""
    url = Path(storage_name).resolve().as_uri() if scheme == "file" else f"{scheme}://{storage_name}/{root}".rstrip("/")
    try:
        count, size = publish_folder(Store(url, options), entity, directory, keep_case=legacy_case)
    except (FolderError, StoreError) as error:
        fail(str(error))
    show({"store": url, "entity": entity, "files": count, "bytes": size}, f"Published {count} files to {url}.")


@app.command()
def migrate(
    storage_name: Annotated[str, typer.Option("--storage-name", help="Bucket or container; for local, the folder.")],
    publisher_type: Annotated[
        str, typer.Option("--publisher-type", help="awsS3, googleGcs, azureBlobStorage or local.")
    ] = "local",
    remove_original: Annotated[bool, typer.Option("--removeOriginal", help="Remove the old paths.")] = False,
) -> None:
    """Bring a store with case-sensitive paths to lower-case ones."""
    scheme = _SCHEMES.get(publisher_type)
    if scheme is None:
        fail(f"There is no publisher {publisher_type}. Use one of {', '.join(_SCHEMES)}.")
    url = Path(storage_name).resolve().as_uri() if scheme == "file" else f"{scheme}://{storage_name}"
    try:
        moved = Store(url).lower_case(remove=remove_original)
    except StoreError as error:
        fail(str(error))
    show({"store": url, "moved": moved}, f"{moved} files have lower-case paths now.")


@app.command()
def serve(
    source_dir: Annotated[Path, typer.Option("--source-dir", help="Folder that holds mkdocs.yml.")] = Path(),
    port: Annotated[int, typer.Option("--port", "--mkdocs-port", help="Port of the preview.")] = 8000,
    no_docker: Annotated[bool, typer.Option("--no-docker", help="Accepted; Docker is never used.")] = False,
) -> None:
    """Show the site of a folder at http://127.0.0.1:8000 and build it again at every change."""
    del no_docker
    work = Path(tempfile.mkdtemp(prefix="callboard-docs-"))
    served = work / "served"
    served.mkdir()

    def say(level: str, text: str) -> None:
        if level != "info":
            note(f"{level}: {text}")

    def build() -> None:
        shutil.rmtree(work / "source", ignore_errors=True)
        shutil.rmtree(work / "site", ignore_errors=True)
        try:
            config = copy_source(source_dir, work / "source", title="", techdocs_ref="")
            for warning in config.warnings:
                note(f"warning: {warning}")
            report = builder.build(work, config.values, BuildLimits(), say)
        except (FolderError, BuildError) as error:
            note(f"error: {error}")
            return
        shutil.copytree(work / "site", served, dirs_exist_ok=True)
        note(f"Built in {report['seconds']} seconds.")

    build()
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(served))
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    note(f"Read it at http://127.0.0.1:{port}; Ctrl-C ends it.")
    from watchfiles import watch  # noqa: PLC0415 - only here

    try:
        for _ in watch(source_dir.resolve()):
            build()
    except KeyboardInterrupt:
        pass
    finally:
        server.shutdown()
        builder.close()
        shutil.rmtree(work, ignore_errors=True)
