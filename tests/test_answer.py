"""Quotes: whole sentences that can be understood alone, none said twice."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from conftest import TopicEncoder, write_corpus
from ketqa.answer import choose_quotes, gather_evidence
from ketqa.corpus import load_corpus
from ketqa.match import NO_MATCHES, Match, Matches
from ketqa.reader import Reading
from ketqa.shards import split_documents
from ketqa.store import Store
from ketqa.tables import create_store
from ketqa.types import CuratedQuestion, Document, Evidence, Hit, Layout, Source, Span

DOCUMENTS = {
    "a.txt": "A trial ran in 2014. It had ten patients. The pain fell. Nobody fell ill.\n\n"
    "What then? The pain fell!\n",
    "b.txt": "Sleep was good. The  PAIN fell.\n",
}


def store_of(folder: Path, documents: Sequence[Document]) -> Store:
    passages, sentences = split_documents(documents, TopicEncoder(), tokens=100)
    create_store(folder / "corpus.sqlite", documents, passages, sentences)
    return Store(folder / "corpus.sqlite")


def written(folder: Path, texts: dict[str, str]) -> Store:
    return store_of(folder, load_corpus(write_corpus(folder / "corpus", texts)))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return written(tmp_path, DOCUMENTS)


def readings(store: Store, *numbers: int) -> list[Reading]:
    """Rank the given sentences, best first."""
    sentences = list(store.all_sentences())
    return [
        Reading(
            sentences[number],
            Hit(1, 1.0, store.passage(sentences[number].passage), Source("", "", "", ""), 0, 0),
            logit=-float(place),
            cosine=0.5,
        )
        for place, number in enumerate(numbers)
    ]


def gather(
    found: list[Reading], store: Store, k: int, matches: Matches = NO_MATCHES
) -> tuple[Evidence, ...]:
    return gather_evidence(found, store, matches, k=k, probability=lambda behind: 1 / (1 + behind))


def quotes(store: Store, *numbers: int, k: int = 5) -> list[str]:
    found = gather(readings(store, *numbers), store, k=k)
    for item in found:
        text = store.document(item.span.doc_id).text
        assert text[item.span.start : item.span.end] == item.quote
        assert item.passage.span.start <= item.span.start
        assert item.span.end <= item.passage.span.end
    return [item.quote for item in found]


def test_a_sentence_that_stands_alone_is_quoted_alone(store: Store) -> None:
    assert quotes(store, 3) == ["Nobody fell ill."]


def test_a_sentence_that_leans_takes_in_the_one_before(store: Store) -> None:
    assert quotes(store, 1) == ["A trial ran in 2014. It had ten patients."]


def test_neither_a_heading_nor_what_is_quoted_already_is_taken_in(tmp_path: Path) -> None:
    text = "A Heading\n\nIt fell. It rose. It fell again.\n"
    with written(tmp_path, {"a.txt": text}) as store:
        assert quotes(store, 1) == ["It fell."]
        assert quotes(store, 2, 3, k=2) == ["It fell. It rose. It fell again."]
        far = readings(store, 2, *[1] * 20, 3)
        found = gather(far, store, k=3)
        assert [item.quote for item in found] == ["It fell. It rose.", "It fell again."]


def test_no_quote_is_longer_than_three_sentences(tmp_path: Path) -> None:
    text = "The pain fell. It rose. It fell. It stayed. It went away.\n"
    with written(tmp_path, {"a.txt": text}) as store:
        assert quotes(store, 4) == ["It fell. It stayed. It went away."]
        assert quotes(store, 0, 1, 2, 3, k=1) == ["The pain fell. It rose. It fell."]


def test_a_sentence_that_leans_on_nothing_is_quoted_alone(tmp_path: Path) -> None:
    with written(tmp_path, {"a.txt": "It fell by half. Nobody knew why.\n"}) as store:
        assert quotes(store, 0) == ["It fell by half."]


def test_a_leaning_sentence_that_also_answers_joins_the_quote_before(store: Store) -> None:
    assert quotes(store, 0, 1) == ["A trial ran in 2014. It had ten patients."]


def test_a_leaning_sentence_that_does_not_answer_stays_out(store: Store) -> None:
    assert quotes(store, 0, 3) == ["A trial ran in 2014.", "Nobody fell ill."]


def test_the_same_words_are_quoted_once_and_their_other_places_named(store: Store) -> None:
    found = gather(readings(store, 2, 5, 7), store, k=5)
    assert [item.quote for item in found] == ["The pain fell."]
    places = [(span.doc_id, span.start) for span in found[0].also_at]
    assert places == [("a.txt", DOCUMENTS["a.txt"].index("The pain fell!")), ("b.txt", 16)]


def test_a_quote_stands_elsewhere_only_where_all_of_its_sentences_follow(tmp_path: Path) -> None:
    texts = {
        "a.txt": "The pain fell by half. It stayed away.\n",
        "b.txt": "The pain fell by half. It came back.\n",
        "c.txt": "Nobody fell ill. The PAIN fell by half! It stayed away: for a week.\n",
        "d.txt": "Nobody fell ill. The PAIN fell by half! It stayed away!\n",
        "e.txt": "The pain fell by half.\n",
    }
    with written(tmp_path, texts) as store:
        (quote,) = gather(readings(store, 1), store, k=1)
    assert quote.quote == texts["a.txt"].strip()
    assert quote.also_at == (Span("d.txt", 17, len(texts["d.txt"]) - 1),)


def test_a_quote_tells_its_page_and_whether_it_passes_on_a_study(tmp_path: Path) -> None:
    text = "Ada was treated at home. A trial found less pain. It had ten patients.\n"
    (document,) = load_corpus(write_corpus(tmp_path / "corpus", {"a.txt": text}))
    paged = replace(document, layout=Layout("a reader 1.0", (0, text.index("A trial"))))
    with store_of(tmp_path, [paged]) as store:
        home, trial = gather(readings(store, 0, 2), store, k=2)
    assert (home.page, home.second_hand) == (1, False)
    assert (trial.page, trial.second_hand) == (2, True)
    assert trial.quote == "A trial found less pain. It had ten patients."


def test_at_most_k_quotes_come_best_first(store: Store) -> None:
    found = gather(readings(store, 3, 0, 2), store, k=2)
    assert [item.rank for item in found] == [1, 2]
    assert [item.confidence for item in found] == [1, 0.5]
    assert [q.sentences[0].number for q in choose_quotes(readings(store, 3, 0, 2), store, 2)] == [
        3,
        0,
    ]


def test_no_reading_gives_no_quote(store: Store) -> None:
    assert gather([], store, k=5) == ()


def test_a_quote_names_the_curated_question_that_led_to_it(tmp_path: Path) -> None:
    documents = load_corpus(write_corpus(tmp_path / "corpus", DOCUMENTS))
    passages, sentences = split_documents(documents, TopicEncoder(), tokens=100)
    question = CuratedQuestion(0, "Did anybody get sick?", Span("a.txt", 57, 73))
    create_store(tmp_path / "c.sqlite", documents, passages, sentences, [question], [[3]])
    with Store(tmp_path / "c.sqlite") as store:
        found = Matches({3: Match(0, 0.8)}, {}, None, floor=0.2)
        first, second = gather(readings(store, 3, 0), store, 2, found)
        assert (first.matched, second.matched) == ("Did anybody get sick?", None)
        assert first.to_dict()["matched"] == "Did anybody get sick?"
