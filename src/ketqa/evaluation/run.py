"""Ask an index a file of questions, under one setting or several."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ketqa.cluster.address import Address
from ketqa.evaluation.gold import GoldQuestion
from ketqa.evaluation.score import Score, score_answer
from ketqa.index import Index
from ketqa.opening import Stages
from ketqa.understand import CHANGES

# What --compare knows by name; anything else is the folder of another index, built with
# another model or another size of passages.
SETTINGS = {
    "shipped": Stages(),
    "bm25": Stages(dense_weight=0.0),
    "dense": Stages(dense_weight=1.0),
    "no-reader": Stages(reader=False),
    "no-cross": Stages(cross=False),
    "no-questions": Stages(questions=False),
    **{f"no-{kind}": Stages(changes=CHANGES - {kind}) for kind in sorted(CHANGES)},
    "bm25-no-reader": Stages(dense_weight=0.0, reader=False),
    "dense-no-reader": Stages(dense_weight=1.0, reader=False),
}
READER = "reader:"


@contextmanager
def open_setting(name: str, index: Path | Address) -> Iterator[Index]:
    """Open the index under a named setting.

    Other names: ``reader:MODEL`` for a cross-encoder, or the folder of another index.
    """
    if name in SETTINGS:
        opened = Index.open(index, stages=SETTINGS[name])
    elif name.startswith(READER):
        opened = Index.open(index, stages=Stages(reader=name.removeprefix(READER)))
    else:
        opened = Index.open(name)
    with opened:
        yield opened


def run_gold(
    index: Index,
    questions: Sequence[GoldQuestion],
    *,
    min_confidence: float | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[Score]:
    """Ask every question and score its answer, in order.

    Args:
        index: An open index.
        questions: From ``load_gold``.
        min_confidence: As for ``Index.ask``; 0 leaves the abstention out of the ranking.
        progress: Called with the number of questions done.
    """
    texts = corpus_texts(index)
    scores: list[Score] = []
    for done, gold in enumerate(questions, start=1):
        answer = index.ask(gold.question, history=gold.history, min_confidence=min_confidence)
        scores.append(score_answer(gold, answer, texts))
        if progress:
            progress(done)
    return scores


def corpus_texts(index: Index) -> dict[str, str]:
    """Return every document's text by its file name."""
    documents = (index.store.document(doc_id) for doc_id in index.store.document_ids())
    return {document.source.file: document.text for document in documents}
