"""Is this text verbatim in the documents?"""

import random
from collections.abc import Mapping
from pathlib import Path

import pytest

from conftest import CORPUS, FOUR_DOCUMENTS, TopicEncoder, write_corpus
from ketqa import lookup
from ketqa.corpus import load_corpus
from ketqa.errors import QuestionError
from ketqa.index import Index
from ketqa.lexical import LexicalIndex
from ketqa.lookup import Place, check_quote, find_places
from ketqa.shards import split_documents
from ketqa.store import Store
from ketqa.tables import create_store

ODD = (
    "Ketamine was in\u00adeffective in treating pain; the dose was 0.5\u00a0mg/kg.\r\n"
    "“Relief” lasted — for most — 3–5 days, an e\ufb00ect of 10⁵ cells.\n"
    "No head-\nache came after the treat-\n ment of long-\nterm pain.\n"
)


class Shelf:
    """Documents with their words, and no encoder: all that a lookup needs."""

    def __init__(self, folder: Path, documents: Mapping[str, str]) -> None:
        found = load_corpus(write_corpus(folder / "corpus", dict(documents)))
        passages, sentences = split_documents(found, TopicEncoder(), tokens=100)
        create_store(folder / "store", found, passages, sentences)
        self.store = Store(folder / "store")
        self.words = LexicalIndex.build((passage.text for passage in passages), folder / "words")

    def find(self, text: str) -> list[Place]:
        return find_places(check_quote(text), self.store, self.words)


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    documents = {**FOUR_DOCUMENTS, "odd.txt": ODD, "twin.txt": ODD}
    return Shelf(tmp_path_factory.mktemp("odd"), documents)


@pytest.fixture(params=["every document", "the engine first"])
def search(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Look up in both ways, that of a small and that of a large corpus."""
    if request.param == "the engine first":
        monkeypatch.setattr(lookup, "SCANNED", 0)
    return str(request.param)


def test_a_text_in_the_same_characters_is_exact_with_each_of_its_places(
    odd: Shelf, search: str
) -> None:
    found = odd.find("treating pain; the dose was 0.5\u00a0mg/kg.\n")
    assert [(place.match, place.span.doc_id) for place in found] == [
        ("exact", "odd.txt"),
        ("exact", "twin.txt"),
    ]
    start, end = ODD.index("treating"), ODD.index("\r\n")
    assert (found[0].span.start, found[0].span.end) == (start, end)


@pytest.mark.parametrize(
    "text",
    [
        "KETAMINE WAS INEFFECTIVE",
        'the dose was 0.5 mg/kg. "relief" lasted - for most - 3-5 days',
        "an effect of 10⁵ cells",
        "headache came after the treatment of long-term pain",
        "ketamine\u00a0\u00a0was in\u200beffective",
    ],
)
def test_other_quotes_case_spaces_and_ligatures_are_equal(
    odd: Shelf, search: str, text: str
) -> None:
    found = odd.find(text)
    assert [place.match for place in found] == ["equal", "equal"]
    assert all(ODD[place.span.start : place.span.end] == place.quote for place in found)


@pytest.mark.parametrize(
    "text",
    [
        "an effect of 105 cells",
        "Ketamine was ... treating pain",
        "Ketamine was effective in treating pain",
        "the dose was 0.5 mg/kg of it",
        "pain; the dose was 5 mg/kg",
    ],
)
def test_changed_or_pieced_together_text_is_absent(odd: Shelf, search: str, text: str) -> None:
    assert odd.find(text) == []


def test_a_text_cut_inside_a_word_or_number_says_so(odd: Shelf) -> None:
    def whole(text: str) -> bool:
        found = odd.find(text)
        assert found
        return all(place.whole_words for place in found)

    assert not whole("effective in treating pain")
    assert not whole("5\u00a0mg/kg.\r\n“Relief”")
    assert not whole("the dose was 0.5\u00a0mg")
    assert not whole("treating pain; the dose was 0")
    assert not whole("ache came after the treat-\n ment")
    assert not whole("head-\nache came after the treat")
    assert whole("treating pain; the dose was 0.5\u00a0mg/kg")
    assert whole("dose was 0.5\u00a0mg/kg.")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("eleven char", "has 11 characters; give at least 12"),
        (" \u00ad a\u00a0 b \u200b    \n     ", "has 3 characters"),
        ("pain " * 3000, "has 14,999 characters; give at most 10,000"),
        ("twelve bytes \x00 here", "bytes that are not text"),
        ("a lone surrogate \ud800", "bytes that are not text"),
    ],
)
def test_what_cannot_be_looked_up_is_refused(text: str, told: str) -> None:
    with pytest.raises(QuestionError, match=told):
        check_quote(text)


def test_only_common_words_are_refused_where_the_corpus_is_large(
    odd: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert odd.find("that it was not for this") == []
    monkeypatch.setattr(lookup, "SCANNED", 0)
    with pytest.raises(QuestionError, match="stand almost everywhere"):
        odd.find("that it was not for this")


@pytest.mark.model
def test_any_slice_of_the_corpus_is_exact_in_either_way(index: Index, search: str) -> None:
    draw = random.Random(5)
    texts = {file.name: file.read_bytes().decode() for file in sorted(CORPUS.glob("*.txt"))}
    for _ in range(60):
        file, text = draw.choice(sorted(texts.items()))
        start = draw.randrange(len(text) - 60)
        wanted = text[start : start + draw.choice((30, 60, 400, 3000))].strip()
        found = index.verify_quote(wanted)
        assert found.status == "exact", wanted
        places = [(place.span.doc_id, place.span.start) for place in found.places]
        assert (file, text.index(wanted, max(0, start - 5))) in places


def test_a_text_across_passages_is_found_in_a_large_corpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "SCANNED", 100)
    monkeypatch.setattr(lookup, "FEW", 0)
    text = "".join(f"Sentence {n} tells of pain and dose number {n}. " for n in range(300))
    shelf = Shelf(tmp_path, {"long.txt": text, "other.txt": "Dose and pain and cost.\n"})
    assert len(shelf.words) > lookup.SCANNED
    wanted = text[text.index("tence 200 ") : text.index("number 204") + 10]
    assert list(lookup.candidates(wanted, shelf.store, shelf.words)) == ["long.txt"]
    assert [place.span.start for place in shelf.find(wanted)] == [text.index("tence 200 ")]
    assert shelf.find("Sentence 200 tells of pain and dose number 201.") == []


@pytest.mark.model
def test_more_places_than_are_listed_are_told(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "MOST_PLACES", 1)
    monkeypatch.setattr("ketqa.index.MOST_PLACES", 1)
    found = index.verify_quote("113 million workdays")
    assert (len(found.places), found.more) == (1, True)
    table = found.to_dict()
    assert (table["status"], table["version"]) == ("exact", 1)
    assert set(table["places"][0]) == {"match", "quote", "span", "source", "whole_words"}
