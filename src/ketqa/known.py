"""What the index in use knows of documents and texts, so that it is not worked out again.

A document that is there with the same text, under whatever name, gives its passages and
sentences; a text that is there gives its row. What is known equals what would be worked out:
passages depend on the document alone, and a row on the text alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ketqa.dense import DenseIndex
from ketqa.encode import Rows
from ketqa.manifest import PASSAGES, SENTENCES, Manifest
from ketqa.match import QUESTIONS
from ketqa.parts import open_rows, open_store
from ketqa.types import Document, Passage, Sentence

Encode = Callable[[Sequence[str]], Rows]


@dataclass(frozen=True, slots=True)
class Cut:
    """A document's passages and sentences, by the numbers that they had where they are from."""

    passages: list[Passage]
    sentences: list[Sentence]
    rows_known: bool = False


class Known:
    """A build that the same model made."""

    def __init__(self, build: Path, manifest: Manifest, *, cuts: bool) -> None:
        """Open a build.

        Args:
            build: Its folder.
            manifest: What it was built from.
            cuts: Whether the same settings and libraries would split its documents again.
        """
        self.reused = 0
        self._cuts = cuts
        self._store = open_store(build, manifest)
        self._rows = {name: open_rows(name, build, manifest) for name in (PASSAGES, SENTENCES)}
        self._asked: dict[str, int] = {}
        if manifest.counts["questions"]:
            self._rows[QUESTIONS] = DenseIndex.load(build / QUESTIONS)
            self._asked = {asked.text: asked.number for asked in self._store.all_questions()}

    def close(self) -> None:
        """Let go of the files."""
        self._store.close()

    def cut(self, document: Document) -> Cut | None:
        """Return the passages and sentences of a document that is the same."""
        doc_id = self._store.find_document(document) if self._cuts else None
        if doc_id is None:
            return None
        passages = self._store.passages(doc_id)
        sentences = [one for p in passages for one in self._store.sentences(p.number)]
        return Cut(passages, sentences, rows_known=True)

    def rows(self, folder: str, numbers: Sequence[int]) -> Rows:
        """Return (n, dim) rows of passages or sentences, by their numbers in this build."""
        self.reused += len(numbers)
        return self._rows[folder].rows(numbers)

    def row(self, folder: str, text: str) -> Rows | None:
        """Return the (dim,) row of a text, where it is there."""
        if folder == QUESTIONS:
            number = self._asked.get(text)
        else:
            number = self._store.find_text(text, passage=folder == PASSAGES)
        return None if number is None else self.rows(folder, [number])[0]
