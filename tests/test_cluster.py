"""One suite for every engine: the same questions get the same quotes, wherever rows are searched.

What may differ, and is tolerated: cosines by 1e-5, for each engine adds up in its own order, and
so the order of what lies nearer to each other than that; confidences by .001.
"""

import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import CORPUS
from ketqa.cluster.address import Address, find_place
from ketqa.cluster.fill import fill
from ketqa.index import Index
from ketqa.manifest import PASSAGES, Manifest, current_build
from ketqa.match import QUESTIONS
from ketqa.parts import Engine, Here
from ketqa.verify import verify_index
from milvus import SERVER, Standalone

pytestmark = pytest.mark.model

QUESTION = "How long did relief last?"
ASKED: tuple[tuple[str, tuple[str, ...]], ...] = (
    (QUESTION, ()),
    ("How many workdays do American workers miss due to migraines?", ()),
    ("is it addictive", ()),
    ("what happens next", ()),
    ("who won the world cup in 2018", ()),
    ("what are the side effcts of ketamin infusions", ()),
    ("and did the benefit last?", ("What did the pilot study find?",)),
    ("¿Cuánto duró el alivio?", ()),
    ("hello", ()),
)
ENGINES = ("faiss", "milvus-lite", "postgresql", *(("milvus-2.3.5",) if SERVER else ()))
COSINE, CONFIDENCE = 1e-5, 1e-3


@pytest.fixture(scope="module", params=ENGINES)
def place(
    request: pytest.FixtureRequest, small_index: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Where the small index is opened, on one engine after the other."""
    if request.param == "faiss":
        yield str(small_index)
    elif request.param == "milvus-lite":
        address = request.getfixturevalue("lite").address("same", small_index)
        fill(Address.parse(address))
        yield address
    elif request.param == "postgresql":  # another machine, which has nothing but the address
        documents = request.getfixturevalue("postgres").make("same")
        lite = request.getfixturevalue("lite")
        fill(Address.parse(lite.address("kept", small_index, documents=documents)))
        yield lite.address("kept", tmp_path_factory.mktemp("other"), documents=documents)
    else:
        with Standalone(tmp_path_factory.mktemp("milvus")) as server:
            address = server.address("same", small_index)
            fill(Address.parse(address))
            yield address


@pytest.fixture(scope="module")
def opened(place: str) -> Iterator[Index]:
    with Index.open(place) as index:
        yield index


@pytest.fixture(scope="module")
def measure(small_index: Path) -> Iterator[Index]:
    with Index.open(small_index) as index:
        yield index


def engine_of(index: Index) -> Engine:
    return index._engine


def without_numbers(table: Any) -> Any:  # noqa: ANN401
    """Leave out of an answer what is compared with a tolerance, and how long it took."""
    if isinstance(table, dict):
        left_out = ("confidence", "timings_ms")
        return {key: without_numbers(one) for key, one in table.items() if key not in left_out}
    return [without_numbers(one) for one in table] if isinstance(table, list) else table


def confidences(table: dict[str, Any]) -> list[float]:
    return [table["confidence"], *(one["confidence"] for one in table["evidence"])]


@pytest.mark.parametrize(("question", "history"), ASKED)
def test_the_same_question_gets_the_same_quotes(
    opened: Index, measure: Index, question: str, history: tuple[str, ...]
) -> None:
    expected = measure.ask(question, history=history, min_confidence=0).to_dict()
    found = opened.ask(question, history=history, min_confidence=0).to_dict()
    assert without_numbers(found) == without_numbers(expected)
    assert confidences(found) == pytest.approx(confidences(expected), abs=CONFIDENCE)
    for item in found["evidence"]:
        text = (CORPUS / item["source"]["file"]).read_bytes().decode()
        assert text[item["span"]["start"] : item["span"]["end"]] == item["quote"]


def test_a_plain_question_is_answered_word_for_word(opened: Index) -> None:
    assert opened.ask(QUESTION).evidence[0].quote == (
        '"In half of our patients, relief lasted for up to 3 weeks with minimal side effects," '
        "the researchers reported."
    )
    assert opened.ask("who won the world cup in 2018").status == "no_evidence"


def test_passages_come_best_first_and_as_many_as_are_asked_for(
    opened: Index, measure: Index
) -> None:
    for k in (1, 4, 30):
        found = opened.search("side effects of infusions", k)
        scores = [hit.score for hit in found]
        assert scores == pytest.approx([hit.score for hit in measure.search("side effects of infusions", k)], abs=COSINE)  # fmt: skip
        assert ([hit.rank for hit in found], len(found)) == (list(range(1, k + 1)), k)
        assert all(before >= after for before, after in pairwise(scores))


@pytest.mark.parametrize("kind", [PASSAGES, QUESTIONS])
def test_the_nearest_rows_are_those_of_brute_force(
    opened: Index, small_index: Path, kind: str
) -> None:
    build = current_build(small_index)
    here = Here(build, Manifest.load(build)).nearest(kind)
    rows = here.rows(range(len(here)))
    for number in range(0, len(rows), 97):
        cosines = rows @ rows[number]
        best = np.sort(cosines)[::-1][:20]
        found = engine_of(opened).nearest(kind).search(rows[number], 20)
        assert list(found.values()) == pytest.approx(best.tolist(), abs=COSINE)
        assert [cosines[one] for one in found] == pytest.approx(best.tolist(), abs=COSINE)
        asked = [number, 0, len(rows) - 1]
        again = engine_of(opened).nearest(kind).cosines(rows[number], asked)
        assert again == pytest.approx(cosines[asked], abs=COSINE)


def test_every_promise_is_kept(place: str) -> None:
    checks = verify_index(find_place(place), CORPUS if "://" in place else None)
    assert not [check for check in checks if check.problem and "questions" not in check.problem]
    assert len(checks) == (7 if "://" in place else 5) + ("documents=" in place)


def test_threads_that_ask_at_once_get_what_one_gets(opened: Index) -> None:
    alone = without_numbers(opened.ask(QUESTION).to_dict())
    found: list[Any] = []

    def ask() -> None:
        found.append(without_numbers(opened.ask(QUESTION).to_dict()))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [alone] * 6
