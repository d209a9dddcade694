"""An answer -> W3C Web Annotations in JSON-LD, a quote an annotation.

The target is the file, named by its hash; ``via`` is where its publisher has it. A quote is
found by its place, and by its words with as much before and after as make it the only one.
"""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from ketqa import present
from ketqa.types import Answer, Document, Evidence, Source, Span

CONTEXT = "http://www.w3.org/ns/anno.jsonld"
# How an address names a page of a PDF (RFC 3778, by the name that the vocabulary gives it).
PDF_PAGES = "http://tools.ietf.org/rfc/rfc3778"
# Characters before and after a quote; doubled until the words stand in one place only.
CONTEXT_LENGTH = 32


def render_annotations(
    answer: Answer, accessed: datetime, document: Callable[[str], Document]
) -> str:
    """Return an ``AnnotationCollection`` whose first page holds all annotations."""
    items = answer.evidence or answer.related
    collection = {
        "@context": CONTEXT,
        "id": _name(answer.index, answer.question, answer.status),
        "type": "AnnotationCollection",
        "label": answer.question,
        "total": len(items),
    }
    if items:
        collection["first"] = {
            "id": _name(answer.index, answer.question, answer.status, "page"),
            "type": "AnnotationPage",
            "startIndex": 0,
            "items": [
                _annotation(answer, item, accessed, document(item.source.id).text) for item in items
            ],
        }
    return json.dumps(collection, ensure_ascii=False, indent=2) + "\n"


def _annotation(answer: Answer, item: Evidence, accessed: datetime, text: str) -> dict[str, Any]:
    span = item.span
    prefix, suffix = surroundings(text, span)
    return {
        "id": _name(item.source.sha256, item.source.id, span.start, span.end, answer.question),
        "type": "Annotation",
        "motivation": "highlighting",
        "created": accessed.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "generator": {"type": "Software", "name": "ketqa"},
        "body": [
            _body("questioning", answer.question),
            _body("describing", present.sureness(item, answer.status)),
            _body("commenting", present.STANDING),
        ],
        "target": {
            "type": "SpecificResource",
            "source": _source(item.source),
            "selector": [
                {"type": "TextPositionSelector", "start": span.start, "end": span.end},
                {
                    "type": "TextQuoteSelector",
                    "prefix": prefix,
                    "exact": item.quote,
                    "suffix": suffix,
                },
                *_page(item),
            ],
        },
    }


def _page(item: Evidence) -> list[dict[str, str]]:
    if item.page is None:
        return []
    return [{"type": "FragmentSelector", "conformsTo": PDF_PAGES, "value": f"page={item.page}"}]


def surroundings(text: str, span: Span) -> tuple[str, str]:
    """Return what stands before and after a place, enough to find no other place by it."""
    length = CONTEXT_LENGTH
    while True:
        low, high = max(0, span.start - length), min(len(text), span.end + length)
        words = text[low:high]
        if text.find(words) == low and text.find(words, low + 1) == -1:
            return text[low : span.start], text[span.end : high]
        length *= 2


def _source(source: Source) -> dict[str, Any]:
    interest = source.interest
    fields = {
        "id": _hash_name(source.sha256),
        "type": "Text",
        "via": source.url,
        "language": source.language,
        "dcterms:identifier": source.file,
        "dcterms:title": source.title,
        "dcterms:creator": source.author,
        "dcterms:publisher": source.publisher,
        "dcterms:issued": source.published,
        "dcterms:type": source.kind,
        "dcterms:rights": source.licence,
        "dcterms:description": f"Commercial interest: {interest}" if interest else None,
    }
    return {name: value for name, value in fields.items() if value}


def _body(purpose: str, words: str) -> dict[str, str]:
    return {"type": "TextualBody", "purpose": purpose, "format": "text/plain", "value": words}


def _hash_name(digest: str) -> str:
    """Return the name of a file by its SHA-256 (RFC 6920)."""
    encoded = base64.urlsafe_b64encode(bytes.fromhex(digest)).decode().rstrip("=")
    return f"ni:///sha-256;{encoded}"


def _name(*parts: object) -> str:
    """Return an address of its own for what is told by these parts, the same every time."""
    return uuid5(NAMESPACE_URL, "\0".join(map(str, parts))).urn
