"""Trusted documents: the only ones that a deployment runs, known by their hashes.

A manifest is what graphql-codegen writes for `presetConfig.persistedDocuments`: one JSON object, of hashes and
documents. Clients name a document by `documentId`, as GraphQL over HTTP's appendix on persisted documents has it, or by
`extensions.persistedQuery.sha256Hash`, as Apollo Client and urql do. Whoever sends a text that is in the manifest, to
the letter, need not know its hash.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from resolvers.errors import RequestError


class UntrustedDocument(RequestError):
    """A document that is not in the manifest."""

    code = "UNTRUSTED_DOCUMENT"

    def __init__(self) -> None:
        super().__init__("This server runs only the documents that it was given. Send the hash of one of them.")


class UnknownDocument(RequestError):
    """A hash instead of a document, where there is no manifest. Apollo Client and urql then send the document."""

    code = "PERSISTED_QUERY_NOT_SUPPORTED"

    def __init__(self) -> None:
        super().__init__("PersistedQueryNotSupported")


class Manifest:
    """Documents by their hashes."""

    def __init__(self, documents: Mapping[str, str]) -> None:
        self._documents = documents
        self._texts = frozenset(documents.values())

    def __or__(self, other: "Manifest") -> "Manifest":
        """The documents of both."""
        return Manifest({**self._documents, **other._documents})

    def find(self, document_id: str | None, text: str | None) -> str:
        """The document of an id, or else the text itself; raises UntrustedDocument for what is not in the manifest."""
        if document_id is not None:
            # An id may say how it was hashed: sha256:9f86d0...
            found = self._documents.get(document_id, self._documents.get(document_id.rpartition(":")[2]))
            if found is not None:
                return found
        if text is not None and text in self._texts:
            return text
        raise UntrustedDocument


def read_manifest(path: Path) -> Manifest:
    """The manifest in a file; raises ValueError for what is none."""
    try:
        documents = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        documents = None
    if not isinstance(documents, dict) or not all(isinstance(each, str) for each in documents.values()):
        raise ValueError("must name a file with one JSON object of hashes and documents")
    return Manifest(documents)


def document_id(stated: Any, extensions: Mapping[str, Any] | None) -> str | None:
    """By which id a request names its document, if it does: `documentId`, or the hash of a persisted query."""
    if isinstance(stated, str):
        return stated
    persisted = (extensions or {}).get("persistedQuery")
    named = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    return named if isinstance(named, str) else None
