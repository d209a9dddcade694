"""A corpus -> an encoder adapted to it, and the reader's weights that go with it."""

import json
import shutil
from pathlib import Path

from ketqa.adapter import READER_WEIGHTS
from ketqa.build import build_index
from ketqa.corpus import load_corpus
from ketqa.index import Index
from ketqa.learn.adapt import Adapted, adapt
from ketqa.learn.examples import Example, curated_examples, gold_examples
from ketqa.learn.lesson import is_held_back, load_pairs, make_lesson
from ketqa.learn.weights import fit_weights
from ketqa.lock import building
from ketqa.manifest import sync
from ketqa.models import find_model
from ketqa.questions import load_questions
from ketqa.shards import Progress

MOST = 1500


def adapt_corpus(
    corpus: Path,
    out: Path,
    *,
    model: str,
    pairs: Path | None = None,
    gold: Path | None = None,
    progress: Progress,
) -> Adapted:
    """Adapt a model to a corpus; ``out`` appears whole, or not at all.

    Args:
        corpus: The documents' folder, with its curated questions.
        out: The new model's folder; must not exist.
        model: The model to start from, by name or folder.
        pairs: Other people's questions to mix in, so that other documents do not suffer.
        gold: Gold questions that set calibration and thresholds; they are not trained on.
        progress: Called with (stage, done, in all).

    Raises:
        CorpusError: The corpus, its questions or the pairs cannot be used.
        IndexBusy: Another process is adapting into the same folder.
        IndexUnwritable: The disk is full, or the folder may not be written.
        ModelError: The model cannot be loaded.
    """
    documents = load_corpus(corpus)
    lesson = make_lesson(
        {document.source.id: document for document in documents},
        load_questions(corpus, documents),
        load_pairs(pairs) if pairs else (),
    )
    scratch = out.with_name(f".{out.name}.new")
    made, hashes = scratch / "model", [document.source.sha256 for document in documents]
    with building(scratch):
        try:
            for left in ("model", "index"):  # by one that was killed
                shutil.rmtree(scratch / left, ignore_errors=True)
            came = adapt(find_model(model), lesson, made, hashes, progress=progress)
            _teach_reader(corpus, made, scratch / "index", gold, progress)
            for path in [*made.rglob("*"), made]:
                sync(path)
            made.rename(out)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return came


def _teach_reader(
    corpus: Path, made: Path, scratch: Path, gold: Path | None, progress: Progress
) -> None:
    """Fit the reader on the questions that the encoder has not seen."""
    build_index(corpus, scratch, find_model(str(made)), progress=progress)
    with Index.open(scratch) as index:
        examples = _held_back(index, progress)
        if len({example.answerable for example in examples}) == 1:
            return  # too few to tell an answer from none: the shipped weights do
        calibration = gold_examples(index, gold) if gold else examples
        table = fit_weights(examples, calibration, index)
    (made / READER_WEIGHTS).write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def _held_back(index: Index, progress: Progress) -> list[Example]:
    held = [question for question in index.store.all_questions() if is_held_back(question.text)]
    examples: list[Example] = []
    for chosen in ([q for q in held if q.span], [q for q in held if not q.span]):
        for example in curated_examples(index, chosen, MOST):
            examples.append(example)
            progress("reader", len(examples), len(held))
    return examples
