"""What is taken away comes back: each form is read by a library that did not write it."""

import csv
import io
import json
import re
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import rispy
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pybtex.database import BibliographyData, parse_string
from pylatexenc.latex2text import (
    LatexNodes2Text,
    MacroTextSpec,
    SpecialsTextSpec,
    get_default_latex_context_db,
)
from pyld import jsonld

from ketqa import present
from ketqa.cli import main
from ketqa.cli.asking import FORMS as CLI_FORMS
from ketqa.export import FORMS, Form, export_answer
from ketqa.export.annotation import surroundings
from ketqa.types import Answer, Document, Evidence, Passage, Source, Span

DAY = datetime(2026, 3, 9, 23, 30, tzinfo=UTC)
ALPHABET = "aB1.!?\"'`()[]{}<>&|\\$#%^_~@*+-=:;,/ \n\r\t\f\x00\x1b\x85\u00a0\u200b\u2028\ufeffİßﬁ½é\u0301＝😀"
HOSTILE = st.text(ALPHABET, min_size=1, max_size=40)
ONE_LINE = re.compile(r"\r\n|[\n\r\t\u2028\u2029]")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# Written so that a form which leaves one out fails: the terms used, as the vocabulary has them.
OA, DC = "http://www.w3.org/ns/oa#", "http://purl.org/dc/terms/"
TERMS = {
    "@vocab": "unknown:",
    "id": "@id",
    "type": "@type",
    "dcterms": DC,
    **{name: f"{OA}{name}" for name in ("Annotation", "SpecificResource", "TextualBody")},
    **{name: f"{OA}{name}" for name in ("TextPositionSelector", "TextQuoteSelector")},
    **{name: f"{OA}{name}" for name in ("exact", "prefix", "suffix", "start", "end")},
    **{name: f"{OA}{name}" for name in ("highlighting", "questioning", "describing", "commenting")},
    "FragmentSelector": f"{OA}FragmentSelector",
    "conformsTo": {"@id": f"{DC}conformsTo", "@type": "@id"},
    "body": {"@id": f"{OA}hasBody", "@type": "@id"},
    "target": {"@id": f"{OA}hasTarget", "@type": "@id"},
    "source": {"@id": f"{OA}hasSource", "@type": "@id"},
    "selector": {"@id": f"{OA}hasSelector", "@type": "@id"},
    "via": {"@id": f"{OA}via", "@type": "@id"},
    "motivation": {"@id": f"{OA}motivatedBy", "@type": "@vocab"},
    "purpose": {"@id": f"{OA}hasPurpose", "@type": "@vocab"},
    "created": {"@id": f"{DC}created", "@type": "http://www.w3.org/2001/XMLSchema#dateTime"},
    "value": "http://www.w3.org/1999/02/22-rdf-syntax-ns#value",
    "label": "http://www.w3.org/2000/01/rdf-schema#label",
    "name": "http://xmlns.com/foaf/0.1/name",
    "format": "http://purl.org/dc/elements/1.1/format",
    "language": "http://purl.org/dc/elements/1.1/language",
    "Text": "http://purl.org/dc/dcmitype/Text",
    "Software": "http://www.w3.org/ns/activitystreams#Application",
    "generator": "http://www.w3.org/ns/activitystreams#generator",
    "AnnotationCollection": "http://www.w3.org/ns/activitystreams#OrderedCollection",
    "AnnotationPage": "http://www.w3.org/ns/activitystreams#OrderedCollectionPage",
    "first": {"@id": "http://www.w3.org/ns/activitystreams#first", "@type": "@id"},
    "items": {
        "@id": "http://www.w3.org/ns/activitystreams#items",
        "@type": "@id",
        "@container": "@list",
    },
    "total": "http://www.w3.org/ns/activitystreams#totalItems",
    "startIndex": "http://www.w3.org/ns/activitystreams#startIndex",
}


def answer_of(
    *quotes: str, page: int | None = None, **stated: str
) -> tuple[Answer, Callable[[str], Document]]:
    """An answer that quotes a document of these sentences, one after the other."""
    source = Source("a b.txt", "a b.txt", "ab" * 32, **({"title": "A title"} | stated))  # type: ignore[arg-type]
    text = "".join(f"<{quote}>" for quote in quotes)
    items, start = [], 0
    for rank, quote in enumerate(quotes, start=1):
        span = Span("a b.txt", start + 1, start + 1 + len(quote))
        start += len(quote) + 2
        passage = Passage(0, Span("a b.txt", 0, len(text)), text)
        items.append(Evidence(rank, 0.9, quote, span, source, passage, page=page))
    answer = Answer(
        question="Does it help?", query="Does it help?", status="evidence", confidence=0.9,
        evidence=tuple(items), related=(), searched={"documents": 1, "passages": 1},
        timings_ms={}, index="f" * 64,
    )  # fmt: skip
    return answer, lambda doc_id: Document(source, text)


def export(form: Form, *quotes: str, page: int | None = None, **stated: str) -> str:
    answer, document = answer_of(*quotes, page=page, **stated)
    return export_answer(answer, form, accessed=DAY, document=document).text


def shown(text: str) -> str:
    """What a form without line breaks and control characters has of a text."""
    return ONE_LINE.sub(" ", CONTROL.sub("\ufffd", text))


def read_csv(text: str) -> list[dict[str, str]]:
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    guarded = re.compile(r"[\s']*'[\s']*[=+\-@\t\r\n＝＋－＠]")
    return [
        {name: cell[1:] if cell[0:1] == "'" and guarded.match(cell) else cell for name, cell in row.items()}
        for row in rows
    ]  # fmt: skip


def read_bibtex(text: str) -> BibliographyData:
    return parse_string(text, "bibtex")


@cache
def latex_reader() -> LatexNodes2Text:
    macros = get_default_latex_context_db()
    lacking = {"textbraceleft": "{", "textbraceright": "}", "textbar": "|"}
    lacking |= {"textless": "<", "textgreater": ">", "textasciicircum": "^", "textasciitilde": "~"}
    macros.add_context_category(
        "what this reader lacks or reads as another sign",
        macros=[MacroTextSpec(name, character) for name, character in lacking.items()],
        specials=[SpecialsTextSpec("~", "\u00a0")],
        prepend=True,
    )
    return LatexNodes2Text(macros, strict_latex_spaces=True, keep_comments=True)


def from_latex(text: str) -> str:
    return str(latex_reader().latex_to_text(text))


def read_annotations(text: str) -> list[dict[str, Any]]:
    """Expand offline: the one remote context is given, and no other is fetched."""

    def load(url: str, options: object) -> dict[str, Any]:
        assert url == "http://www.w3.org/ns/anno.jsonld"
        return {"contextUrl": None, "documentUrl": url, "document": {"@context": TERMS}}

    expanded: list[dict[str, Any]] = jsonld.expand(json.loads(text), {"documentLoader": load})
    return expanded


def quotes_in_markdown(text: str) -> list[str]:
    """The text of each block quote as a reader of Markdown shows it."""
    tokens = MarkdownIt("commonmark").parse(text)
    opened = [n for n, token in enumerate(tokens) if token.type == "blockquote_open"]
    found = []
    for n in opened:
        assert [token.type for token in tokens[n : n + 5]] == [
            "blockquote_open", "paragraph_open", "inline", "paragraph_close", "blockquote_close",
        ]  # fmt: skip
        children = tokens[n + 2].children or []
        assert {child.type for child in children} <= {"text", "text_special", "softbreak"}
        found.append("".join("\n" if c.type == "softbreak" else c.content for c in children))
    return found


@settings(max_examples=150, deadline=None)
@given(quote=HOSTILE, title=HOSTILE)
@example(quote="=cmd|' /C calc'!A0", title="'=1")
@example(quote="''=x", title=" \t+1")
@example(quote="@SUM(1)", title="＝1")
def test_a_quote_comes_back_from_csv_and_no_cell_is_a_formula(quote: str, title: str) -> None:
    text = export("csv", quote, title=title)
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert not [cell for cell in cells if cell.lstrip()[:1] in set("=+-@＝＋－＠")]
    assert not [cell for cell in cells if cell[:1] in set("\t\r\n")]
    (row,) = read_csv(text)
    assert (row["quote"], row["title"], row["author"]) == (quote, title, "")
    assert (row["file"], row["start"], row["end"]) == ("a b.txt", "1", str(1 + len(quote)))
    assert (row["sha256"], row["accessed"]) == ("ab" * 32, "2026-03-09")
    assert row["standing"] == "These are quotations, not medical advice."


@settings(max_examples=200, deadline=None)
@given(quote=HOSTILE)
@example(quote="a\n\n# b\n- c\n    d\n---\n1. e")
@example(quote="<script>x</script> ![a](b) &amp; [a]: http://x")
@example(quote=" two  blanks \n")
def test_a_quote_comes_back_from_markdown_as_plain_words(quote: str) -> None:
    assert quotes_in_markdown(export("md", quote)) == [CONTROL.sub("\ufffd", quote)]


@settings(max_examples=200, deadline=None)
@given(quote=HOSTILE, author=HOSTILE)
@example(quote="a -- b ``c'' ?` {", author="}@misc{x,")
def test_a_quote_comes_back_from_bibtex(quote: str, author: str) -> None:
    (entry,) = read_bibtex(export("bibtex", quote, author=author)).entries.values()
    annote = from_latex(entry.fields["annote"])
    start, _, words = annote.partition(": ")
    assert start == f"Characters 1 to {1 + len(quote)}"
    assert words == shown(quote)
    assert len(entry.persons["author"]) <= 1
    assert "publisher" not in entry.fields
    assert "ab" * 32 in entry.fields["note"]
    assert entry.fields["urldate"] == "2026-03-09"


@settings(max_examples=200, deadline=None)
@given(quote=HOSTILE, author=HOSTILE)
@example(quote="a\r\nER  - \r\nTY  - JOUR", author="x\nAU  - y")
def test_a_quote_comes_back_from_ris(quote: str, author: str) -> None:
    text = export("ris", quote, author=author)
    assert text.count("\n") == text.count("\r") == text.count("\r\n")
    (entry,) = rispy.loads(text)
    about, placed = entry["notes"]
    assert placed == f"Characters 1 to {1 + len(quote)}: {shown(quote)}".strip()
    assert [name.strip() for name in entry["authors"]] == [shown(author).strip()]
    assert about.startswith("These are quotations, not medical advice. File a b.txt, SHA-256 abab")
    assert entry["access_date"] == "2026/03/09/"
    assert "publisher" not in entry


@settings(max_examples=100, deadline=None)
@given(quote=HOSTILE, title=HOSTILE)
def test_a_quote_comes_back_from_json_csl_and_annotations(quote: str, title: str) -> None:
    table = json.loads(export("json", quote, title=title))
    assert table["answer"]["evidence"][0]["quote"] == quote
    assert table["answer"]["evidence"][0]["source"]["title"] == title
    assert (table["accessed"], table["standing"]) == (DAY.isoformat(), present.STANDING)
    (item,) = json.loads(export("csl", quote, title=title))
    assert item["note"].endswith(f"\nCharacters 1 to {1 + len(quote)}: {quote}")
    assert item["title"] == title
    (collection,) = read_annotations(export("annotation", quote, title=title))
    assert [value["@value"] for value in _found(collection, f"{OA}exact")] == [quote]
    assert [value["@value"] for value in _found(collection, f"{DC}title")] == [title]


def _found(node: object, term: str) -> list[Any]:
    """All values of a term, anywhere in an expanded document."""
    if isinstance(node, list):
        return [value for part in node for value in _found(part, term)]
    if isinstance(node, dict):
        return list(node.get(term, [])) + _found(list(node.values()), term)
    return []


def test_annotations_say_where_and_whose_in_the_words_of_the_vocabulary() -> None:
    stated: dict[str, Any] = {
        "url": "https://x.org/a",
        "publisher": "P",
        "published": "2016-11",
        "kind": "blog",
    }
    text = export("annotation", "It helps.", "It hurts.", interest="sells it", **stated)
    (collection,) = read_annotations(text)
    assert "unknown:" not in json.dumps(collection)
    assert [value["@value"] for value in _found(collection, f"{OA}start")] == [1, 12]
    assert [value["@value"] for value in _found(collection, f"{OA}end")] == [10, 21]
    assert [v["@id"] for v in _found(collection, f"{OA}via")] == ["https://x.org/a"] * 2
    assert [v["@value"] for v in _found(collection, f"{DC}issued")] == ["2016-11"] * 2
    assert [v["@value"] for v in _found(collection, f"{DC}created")] == ["2026-03-09T23:30:00Z"] * 2
    sources = [node["@id"] for node in _found(collection, f"{OA}hasSource")]
    assert sources == ["ni:///sha-256;q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s"] * 2
    said = [value["@value"] for value in _found(collection, TERMS["value"])]  # type: ignore[arg-type]
    assert said.count("These are quotations, not medical advice.") == 2
    assert len({node["@id"] for node in _found(collection, f"{OA}hasTarget") if "@id" in node}) == 0


def test_the_page_and_the_licence_go_with_a_quote() -> None:
    stated: dict[str, Any] = {"licence": "CC BY 4.0"}
    (row,) = read_csv(export("csv", "It helps.", page=3, **stated))
    assert (row["page"], row["licence"]) == ("3", "CC BY 4.0")
    (record,) = rispy.loads(export("ris", "It helps.", page=3, **stated))
    about, placed = record["notes"]
    assert about.endswith(" Licence: CC BY 4.0.")
    assert placed == "Characters 1 to 10, page 3: It helps."
    assert "- Page: 3\n" in export("md", "It helps.", page=3)
    assert "- Licence: CC BY 4.0\n" in export("md", "It helps.", **stated)
    (collection,) = read_annotations(export("annotation", "It helps.", page=3, **stated))
    assert "unknown:" not in json.dumps(collection)
    assert [v["@value"] for v in _found(collection, f"{DC}rights")] == ["CC BY 4.0"]
    selectors = _found(collection, f"{OA}hasSelector")
    assert selectors[2][f"{DC}conformsTo"] == [{"@id": "http://tools.ietf.org/rfc/rfc3778"}]
    assert selectors[2][str(TERMS["value"])] == [{"@value": "page=3"}]


@given(text=st.text("ab ", min_size=1, max_size=8).map(lambda text: text * 40), data=st.data())
def test_what_stands_around_a_quote_makes_it_the_only_one(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    prefix, suffix = surroundings(text, Span("a", start, end))
    words = prefix + text[start:end] + suffix
    places = [n for n in range(len(text)) if text.startswith(words, n)]
    assert places == [start - len(prefix)]


def test_a_bibliography_is_set_from_csl_and_makes_up_nothing() -> None:
    from citeproc import (
        Citation,
        CitationItem,
        CitationStylesBibliography,
        CitationStylesStyle,
        formatter,
    )
    from citeproc.source.json import CiteProcJSON

    stated: dict[str, Any] = {
        "author": "Smith & Co",
        "published": "2016-11-22",
        "url": "https://x.org/a?b=c&d",
    }
    items = json.loads(export("csl", "It helps.", title="A <title>", **stated))
    assert items[0] | {"note": ""} == {
        "id": "a-b-cd6c4a05", "type": "webpage", "title": "A <title>",
        "author": [{"literal": "Smith & Co"}], "issued": {"date-parts": [[2016, 11, 22]]},
        "URL": "https://x.org/a?b=c&d", "accessed": {"date-parts": [[2026, 3, 9]]},
        "language": "en", "note": "",
    }  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the style that comes with the library has old terms
        style = CitationStylesStyle("harvard-cite-them-right", validate=False)
        bibliography = CitationStylesBibliography(style, CiteProcJSON(items), formatter.plain)
    bibliography.register(Citation([CitationItem(items[0]["id"])]))
    (line,) = ["".join(map(str, entry)) for entry in bibliography.bibliography()]
    assert "Smith & Co" in line
    assert "2016" in line
    assert "https://x.org/a?b=c&d" in line


def test_what_a_document_does_not_state_is_left_out_or_said_to_be_so() -> None:
    (entry,) = read_bibtex(export("bibtex", "It helps.")).entries.values()
    assert set(entry.fields) == {"title", "urldate", "language", "note", "annote"}
    assert not entry.persons
    (record,) = rispy.loads(export("ris", "It helps."))
    assert record.keys() == {"type_of_reference", "id", "title", "access_date", "language", "notes"}
    assert json.loads(export("csl", "It helps."))[0].keys() == {
        "id", "type", "title", "accessed", "language", "note",
    }  # fmt: skip
    assert export("md", "It helps.").count("not stated") == 6


def test_bibtex_keeps_two_quotes_apart_and_names_as_they_are() -> None:
    text = export(
        "bibtex", "50% {of} us.", "A_b & c.", author="Lee, A. and Kim", title="On Café DNA"
    )
    (entry,) = read_bibtex(text).entries.values()
    first, second = entry.fields["annote"].split(r" \par ")
    assert from_latex(first) == "Characters 1 to 13: 50% {of} us."
    assert from_latex(second) == "Characters 15 to 23: A_b & c."
    assert [str(person) for person in entry.persons["author"]] == ["{Lee, A. and Kim}"]
    assert entry.fields["title"] == "{On Café DNA}"


def test_an_address_keeps_its_signs_and_can_break_nothing() -> None:
    url = "https://x.org/a_b%20c?d=1&e=2#f~{g}\\"
    (entry,) = read_bibtex(export("bibtex", "It helps.", url=url)).entries.values()
    assert entry.fields["url"] == "https://x.org/a_b%20c?d=1&e=2#f~%7Bg%7D%5C"


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_that_these_are_quotations(form: Form) -> None:
    assert "These are quotations, not medical advice." in export(form, "It helps.")


def test_an_answer_of_nothing_is_taken_away_without_quotes() -> None:
    answer, document = answer_of("It helps.")
    nothing = Answer(
        question="Who?", query="Who?", status="no_evidence", confidence=0.1, evidence=(),
        related=(), searched=answer.searched, timings_ms={}, index=answer.index,
    )  # fmt: skip
    texts = {
        form: export_answer(nothing, form, accessed=DAY, document=document).text for form in FORMS
    }
    assert "Nothing in these 1 document answers that." in texts["md"]
    assert read_csv(texts["csv"]) == []
    assert list(read_bibtex(texts["bibtex"]).entries) == []
    assert rispy.loads(texts["ris"]) == json.loads(texts["csl"]) == []
    assert json.loads(texts["annotation"])["total"] == 0


def test_a_wrong_form_or_a_time_without_its_zone_is_refused() -> None:
    answer, document = answer_of("It helps.")
    with pytest.raises(ValueError, match=r"form must be one of md, json, .*, got 'pdf'"):
        export_answer(answer, "pdf", accessed=DAY, document=document)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="must have a time zone, got 2026-03-09"):
        export_answer(answer, "md", accessed=DAY.replace(tzinfo=None), document=document)


def test_the_command_line_offers_every_form() -> None:
    assert CLI_FORMS == FORMS


@pytest.mark.model
def test_the_command_writes_what_the_library_gives_as_a_whole_file(
    index_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    question = [
        "export",
        "What schedule drug is ketamine?",
        "--index",
        str(index_folder),
        "-k",
        "1",
    ]
    file = tmp_path / "quotes.csv"
    assert main([*question, "--format", "csv", "--output", str(file)]) == 0
    assert main([*question, "--format", "csv"]) == 0
    shown = capsys.readouterr().out
    assert file.read_bytes() == b"\xef\xbb\xbf" + shown.encode()
    (row,) = read_csv(shown)
    assert row["quote"].startswith("Ketamine is a Schedule III drug")
    assert list(tmp_path.iterdir()) == [file]
    assert main([*question, "--format", "md", "--output", str(tmp_path / "no" / "x.md")]) == 1
    assert capsys.readouterr().err.endswith("x.md: cannot be written: No such file or directory\n")
