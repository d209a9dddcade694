from collections.abc import Sequence
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import CORPUS
from ketqa.corpus import load_corpus
from ketqa.split import Piece, pack_passages, split_sentences

AWKWARD = "aB.!?\"'() \n\r\t\f\u00a0\u200b\ufeffİßﬁ½é\u0301😀#>•…:"


def sentences(text: str) -> list[str]:
    return [text[piece.start : piece.end] for piece in split_sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "nervous system dysfunction.Intractable migraines are hard.",
            ["nervous system dysfunction.", "Intractable migraines are hard."],
        ),
        (
            "It works,\" cautioned Magdalena Anitescu, MD, PhD, of the University. Next came more.",
            ["It works,\" cautioned Magdalena Anitescu, MD, PhD, of the University.", "Next came more."],
        ),
        (
            "Doses (0.2-0.3 mg/kg intravenously) helped. Few fell ill.",
            ["Doses (0.2-0.3 mg/kg intravenously) helped.", "Few fell ill."],
        ),
        (
            "Pain fell by half (Roberts et al., 2014). A review agreed.",
            ["Pain fell by half (Roberts et al., 2014).", "A review agreed."],
        ),
        ("Roberts et al. 2014 saw less pain. We agree.", ["Roberts et al. 2014 saw less pain.", "We agree."]),
        ("It began on January 1. Next came spring.", ["It began on January 1.", "Next came spring."]),
        (
            "by Randy Dotina\nNovember 22 2016\nContributing Writer, MedPage Today",
            ["by Randy Dotina\nNovember 22 2016\nContributing Writer, MedPage Today"],
        ),
        (
            "This line was wrapped by hand where it became too long for\nthe page. And so was this.",
            ["This line was wrapped by hand where it became too long for\nthe page.", "And so was this."],
        ),
        ("\ufeff# What it is\n\nA drug.\n", ["What it is", "A drug."]),
        ("Effects:\n- nausea in some\n- dizziness in some\n", ["Effects:", "nausea in some", "dizziness in some"]),
        (">A third showed less pain. \u00a0It’s rare.", ["A third showed less pain.", "It’s rare."]),
        ("Pain fell.\r\n\r\nIt came back.\r\n", ["Pain fell.", "It came back."]),
        (" \n\u00a0\n", []),
    ],
)  # fmt: skip
def test_golden_rows(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_a_heading_pasted_into_running_text_is_cut_off() -> None:
    text = "Ketamine and Migraines\n\nIt helps. Ketamine and Migraines Used medically, it helps."
    assert [(p.kind, text[p.start : p.end]) for p in split_sentences(text)] == [
        ("heading", "Ketamine and Migraines"),
        ("prose", "It helps."),
        ("heading", "Ketamine and Migraines"),
        ("prose", "Used medically, it helps."),
    ]


def test_headings_menus_forms_and_rhetorical_questions_of_the_corpus_are_no_prose() -> None:
    others = {
        document.text[piece.start : piece.end]
        for document in load_corpus(CORPUS)
        for piece in split_sentences(document.text)
        if piece.kind != "prose"
    }
    assert others >= {
        "Ketamine Treatment Provider",
        "Home Ketamine For Migraines",
        "How Does it Work?",
        "Ketamine for depression, migraine, and more?",
        "Ketamine for Refractory Chronic Migraine: An Observational Pilot Study",
        "PTSD",
        "See If Our Breakthrough Therapy Is Right For You",
        "Enter your info below…",
    }
    assert not any(text.endswith(".") for text in others)


@given(st.text(AWKWARD, max_size=200))
def test_sentences_never_overlap_and_leave_out_no_word(text: str) -> None:
    pieces = split_sentences(text)
    end = 0
    for piece in pieces:
        assert end <= piece.start < piece.end <= len(text)
        assert text[piece.start : piece.end].strip() == text[piece.start : piece.end]
        assert not any(c.isalnum() for c in text[end : piece.start])
        end = piece.end
    assert not any(c.isalnum() for c in text[end:])


def prose(count: int) -> list[Piece]:
    return [Piece(10 * n, 10 * n + 5, "prose", n // 3) for n in range(count)]


# the first example loads the splitter's library
@settings(deadline=None)
@given(st.lists(st.integers(1, 40), max_size=40), st.integers(1, 60))
def test_passages_cover_every_sentence_once_within_the_budget(
    sizes: Sequence[int], budget: int
) -> None:
    ranges = pack_passages(prose(len(sizes)), sizes, budget)
    assert [n for low, high in ranges for n in range(low, high)] == list(range(len(sizes)))
    for low, high in ranges:
        assert high - low == 1 or sum(sizes[low:high]) <= budget


def test_a_passage_ends_rather_at_a_heading_than_within_a_section() -> None:
    pieces = [
        Piece(0, 1, "prose", 0),
        Piece(2, 3, "prose", 0),
        Piece(4, 5, "heading", 1),
        Piece(6, 7, "prose", 2),
    ]
    assert pack_passages(pieces, [4, 4, 1, 4], 9) == [(0, 2), (2, 4)]


@pytest.mark.parametrize(
    "text",
    [
        "Heading Here\n" * 40_000,
        "\n\n".join(
            f"Heading Number {n}\n\nIt fell on day {n} and came back." for n in range(10_000)
        ),
        "1. " * 100_000,
        "It fell" + " " * 400_000 + "by half.",
        "word " * 300_000,
    ],
)
def test_a_hostile_text_is_split_in_seconds(text: str) -> None:
    start = perf_counter()
    assert split_sentences(text)
    assert perf_counter() - start < 10


def test_an_abbreviation_far_into_a_paragraph_ends_no_sentence() -> None:
    text = "It fell by half. " * 9 + "Smith et al. found the same."
    last = split_sentences(text)[-1]
    assert text[last.start : last.end] == "Smith et al. found the same."
