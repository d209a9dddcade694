"""What a corpus knows of words -> how a question is spelt, and what else it may be called."""

import json
import shutil
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, get_args

from ketqa.abbreviations import count_definitions, find_abbreviations
from ketqa.errors import CorpusError, IndexDamaged
from ketqa.hyphens import join_broken
from ketqa.language import identify
from ketqa.lexical import LexicalIndex, stems
from ketqa.lexicon import LANGUAGES, LEXICON, Lexicon, language_lexicon, load_lexicon
from ketqa.query import Query, build_query, check_question
from ketqa.spelling import Speller, count_words, load_counts, save_counts, save_words
from ketqa.types import Change, ChangeKind, CuratedQuestion, Document

VOCABULARY, ABBREVIATIONS = "vocabulary.txt", "abbreviations.json"
CHANGES: frozenset[ChangeKind] = frozenset(get_args(ChangeKind))
# Below this probability a question is taken for English.
SURE = 0.6


@dataclass(frozen=True, slots=True)
class Understanding:
    """A corpus's spelling, its lexicon, its words, and the languages beside English it reads.

    ``changes`` are the kinds of changes that may be made.
    """

    speller: Speller
    lexicon: Lexicon
    words: LexicalIndex
    languages: frozenset[str]
    changes: frozenset[ChangeKind]

    @classmethod
    def load(
        cls,
        build: Path,
        words: LexicalIndex,
        documents: Collection[str],
        changes: frozenset[ChangeKind] = CHANGES,
    ) -> Self:
        """Open what ``save_understanding`` wrote.

        Args:
            build: The build's folder.
            words: The words of its passages.
            documents: The languages of the documents, ISO 639-1. Where English is one of
                them, those that the lexicon knows are understood too.
            changes: What may be done to a question.

        Raises:
            IndexDamaged: A file is gone or unreadable.
        """
        languages = frozenset(LANGUAGES if "en" in documents else ())
        try:
            lexicon = load_lexicon(build / LEXICON, _read_abbreviations(build / ABBREVIATIONS))
        except (OSError, ValueError, CorpusError) as error:
            raise IndexDamaged(f"{build}: cannot be read ({error})") from None
        return cls(Speller.load(build / VOCABULARY), lexicon, words, languages, changes)

    def query(self, question: str, history: Sequence[str] = (), *, as_typed: bool = False) -> Query:
        """Return the query for a question and the earlier ones of its chat, oldest first.

        ``as_typed`` leaves it as it is, whatever came before it.

        Raises:
            QuestionError: A question is empty, too long, or not text.
        """
        if as_typed:
            return Query(check_question(question))
        before = history if "follow-up" in self.changes else ()
        return build_query(question, before, self._spell, self.expand)

    def _spell(self, text: str) -> Sequence[tuple[str, str]]:
        if "spelling" not in self.changes or self._language(text) != "en":
            return ()
        return self.speller.correct(text)

    def expand(self, text: str) -> list[Change]:
        """Return the words to add to a question."""
        language = self._language(text)
        lexicon = self.lexicon if language == "en" else language_lexicon(language)
        added = lexicon.expand(text, self._is_used)
        return [change for change in added if change.kind in self.changes]

    def _language(self, text: str) -> str:
        if not self.languages or self.speller.knows_all(text):
            return "en"
        language, probability = identify(text, {"en", *self.languages})
        return language if probability >= SURE else "en"

    def _is_used(self, word: str) -> bool:
        found = stems(word)
        return bool(found) and all(self.words.idf(stem) < self.words.idf("") for stem in found)


def _read_abbreviations(file: Path) -> Mapping[str, str]:
    found = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(found, dict) or not all(isinstance(long, str) for long in found.values()):
        raise ValueError(f"{file.name} holds no abbreviations")
    return found


def save_part(folder: Path, documents: Iterable[Document]) -> None:
    """Write the words and the abbreviations of some documents, with their counts."""
    texts = [join_broken(document.text) for document in documents]
    save_counts(folder / VOCABULARY, count_words(texts))
    _write(folder / ABBREVIATIONS, count_definitions(texts))


def save_understanding(
    build: Path, parts: Iterable[Path], corpus: Path | None, questions: Iterable[CuratedQuestion]
) -> None:
    """Write what a corpus knows of words into a build folder.

    Args:
        build: The build's folder.
        parts: Where ``save_part`` wrote, for all its documents.
        corpus: The folder with its lexicon, if any.
        questions: Its curated questions.
    """
    words: Counter[str] = Counter()
    definitions = []
    for part in parts:
        words.update(load_counts(part / VOCABULARY))
        definitions.append(json.loads((part / ABBREVIATIONS).read_text(encoding="utf-8")))
    asked = (question.text for question in questions if question.language == "en")
    save_words(build / VOCABULARY, words, asked)
    _write(build / ABBREVIATIONS, find_abbreviations(definitions))
    if corpus and (corpus / LEXICON).exists():
        shutil.copyfile(corpus / LEXICON, build / LEXICON)


def _write(file: Path, table: Mapping[str, object]) -> None:
    file.write_text(json.dumps(table, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
