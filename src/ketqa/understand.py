"""What a corpus knows of words -> how a question is spelt, and what else it may be called."""

import json
import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ketqa.abbreviations import find_abbreviations
from ketqa.errors import CorpusError, IndexDamaged
from ketqa.hyphens import join_broken
from ketqa.language import identify
from ketqa.lexical import LexicalIndex, stems
from ketqa.lexicon import LANGUAGES, LEXICON, Lexicon, language_lexicon, load_lexicon
from ketqa.query import Query, build_query, check_question, unchanged
from ketqa.spelling import Speller, save_words
from ketqa.types import Change, CuratedQuestion, Document

VOCABULARY, ABBREVIATIONS = "vocabulary.txt", "abbreviations.json"
# Below this probability a question is taken for English.
SURE = 0.6


@dataclass(frozen=True, slots=True)
class Understanding:
    """A corpus's spelling, its lexicon, its words, and the languages beside English it reads.

    ``spelling``: False leaves misspelt words as they are. ``adding``: False adds no words.
    """

    speller: Speller
    lexicon: Lexicon
    words: LexicalIndex
    languages: frozenset[str]
    spelling: bool = True
    adding: bool = True

    @classmethod
    def load(
        cls,
        build: Path,
        words: LexicalIndex,
        documents: Collection[str],
        **parts: bool,
    ) -> Self:
        """Open what ``save_understanding`` wrote.

        Args:
            build: The build's folder.
            words: The words of its passages.
            documents: The languages of the documents, ISO 639-1. Where English is one of
                them, those that the lexicon knows are understood too.
            parts: ``spelling`` and ``adding``.

        Raises:
            IndexDamaged: A file is gone or unreadable.
        """
        languages = frozenset(LANGUAGES if "en" in documents else ())
        try:
            lexicon = load_lexicon(build / LEXICON, _read_abbreviations(build / ABBREVIATIONS))
        except (OSError, ValueError, CorpusError) as error:
            raise IndexDamaged(f"{build}: cannot be read ({error})") from None
        return cls(Speller.load(build / VOCABULARY), lexicon, words, languages, **parts)

    def query(self, question: str, history: Sequence[str] = (), *, as_typed: bool = False) -> Query:
        """Return the query for a question and the earlier ones of its chat, oldest first.

        ``as_typed`` leaves it as it is, whatever came before it.

        Raises:
            QuestionError: A question is empty, too long, or not text.
        """
        if as_typed:
            return Query(check_question(question))
        spell = self.speller.correct if self.spelling else unchanged
        expand = self.expand if self.adding else unchanged
        return build_query(question, history, spell, expand)

    def expand(self, text: str) -> list[Change]:
        """Return the words to add to a question."""
        language = self._language(text)
        lexicon = self.lexicon if language == "en" else language_lexicon(language)
        return lexicon.expand(text, self._is_used)

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


def save_understanding(
    build: Path,
    corpus: Path | None,
    documents: Iterable[Document],
    questions: Iterable[CuratedQuestion],
) -> None:
    """Write the words, the abbreviations and the lexicon of a corpus into a build folder."""
    texts = [join_broken(document.text) for document in documents]
    asked = (question.text for question in questions if question.language == "en")
    save_words(build / VOCABULARY, texts, asked)
    defined = json.dumps(find_abbreviations(texts), ensure_ascii=False, indent=1)
    (build / ABBREVIATIONS).write_text(defined + "\n", encoding="utf-8")
    if corpus and (corpus / LEXICON).exists():
        shutil.copyfile(corpus / LEXICON, build / LEXICON)
