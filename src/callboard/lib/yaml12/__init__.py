"""Read and write YAML 1.2 quickly and safely, one problem at a time."""

from callboard.lib.yaml12.documents import Document
from callboard.lib.yaml12.reading import Limits, read_documents
from callboard.lib.yaml12.writing import dump

__all__ = ["Document", "Limits", "dump", "read_documents"]
