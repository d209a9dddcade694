from pathlib import Path

import pytest

from ketqa.errors import CorpusError
from ketqa.lexicon import LANGUAGES, LEXICON, Lexicon, language_lexicon, load_lexicon
from ketqa.types import Change


def anything(word: str) -> bool:
    return True


def lexicon(folder: Path, text: str = "") -> Lexicon:
    (folder / LEXICON).write_text(text, encoding="utf-8")
    return load_lexicon(
        folder / LEXICON, {"BPI": "brief pain inventory", "POP": "pain on palpation"}
    )


def added(words: Lexicon, question: str) -> list[tuple[str, str]]:
    return [(change.before, change.after) for change in words.expand(question, anything)]


def test_an_abbreviation_is_read_both_ways(tmp_path: Path) -> None:
    words = lexicon(tmp_path)
    assert ("CRPS", "complex regional pain syndrome") in added(words, "does CRPS respond?")
    assert ("complex regional pain syndrome", "CRPS") in added(
        words, "is complex regional pain syndrome helped?"
    )
    assert ("crps", "complex regional pain syndrome") in added(words, "help for crps")


def test_what_the_documents_define_counts_too(tmp_path: Path) -> None:
    words = lexicon(tmp_path)
    assert added(words, "bpi scores") == [("bpi", "brief pain inventory")]
    # an English word is no abbreviation unless it is written as one
    assert added(words, "does it pop") == []
    assert added(words, "is POP common") == [("POP", "pain on palpation")]


def test_an_ambiguous_form_needs_its_company(tmp_path: Path) -> None:
    own = """
[[abbreviation]]
short = "QQ"
long = "quick quiz"
near = ["school"]
[[abbreviation]]
short = "QQ"
long = "quiet quarter"
near = ["hospitals"]
"""
    words = lexicon(tmp_path, own)
    assert added(words, "what is QQ") == []
    assert added(words, "QQ in a hospital") == [("QQ", "quiet quarter")]


def test_a_corpus_brings_its_own_everyday_words(tmp_path: Path) -> None:
    words = lexicon(tmp_path, '[lay]\n"fizzy head" = "paraesthesia"\n')
    assert added(words, "why the fizzy heads?") == [("fizzy heads", "paraesthesia")]


def test_the_longest_phrase_is_taken(tmp_path: Path) -> None:
    words = lexicon(tmp_path, '[lay]\n"zog" = "one"\n"zog bog" = "two"\n')
    assert added(words, "a zog bog") == [("zog bog", "two")]


def test_only_words_that_the_corpus_uses_are_added(tmp_path: Path) -> None:
    words = lexicon(tmp_path, '[lay]\n"zog" = "intranasal puff"\n')
    assert words.expand("zog", "puff".__eq__) == [Change("lay", "zog", "puff")]
    assert words.expand("zog", "nothing".__eq__) == []


def test_what_stands_in_the_question_is_not_added_again(tmp_path: Path) -> None:
    words = lexicon(tmp_path, '[lay]\n"zog" = "infusion"\n')
    assert added(words, "zog or infusions?") == []


@pytest.mark.parametrize(
    ("language", "question", "english"),
    [
        ("es", "¿Cuánto dura el alivio?", "how long"),
        ("fr", "effets secondaires", "side effects"),
        ("de", "Nebenwirkungen", "side effects"),
        ("pt", "dor de cabeca", "headache"),
        ("it", "mal di testa", "headache"),
    ],
)
def test_five_languages_are_read(language: str, question: str, english: str) -> None:
    assert english in " ".join(after for _, after in added(language_lexicon(language), question))


def test_other_languages_have_no_words() -> None:
    assert "nl" not in LANGUAGES
    assert added(language_lexicon("nl"), "hoofdpijn") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[abbreviation", "cannot be read"),
        ("[es]\na = 'b'\n", "unknown table 'es'"),
        ("abbreviation = 'A'\n", "write .*abbreviation.* for each"),
        ("abbreviation = ['A']\n", "must have short and long"),
        ("lay = 3\n", "one .lay."),
        ("[[abbreviation]]\nshort = 'A'\n", "must have short and long"),
        ("[[abbreviation]]\nshort = 'A'\nlong = 3\n", "must have short and long"),
        ("[[abbreviation]]\nshort = 'A'\nlong = 'b'\nnear = 'c'\n", "near must be a list"),
        ("[lay]\na = 3\n", "'a' must be given as text"),
        ("[lay]\n'...' = 'b'\n", "'...' has no word"),
    ],
)
def test_a_wrong_lexicon_is_an_error_that_names_it(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(CorpusError, match=words) as caught:
        lexicon(tmp_path, text)
    assert str(tmp_path / LEXICON) in str(caught.value)
