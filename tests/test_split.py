from collections.abc import Sequence
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import CORPUS
from ketqa.corpus import load_corpus
from ketqa.split import PLAIN, SHORTEST_WRAP, WRAP_WIDTH, Piece, pack_passages, split_sentences
from ketqa.types import Layout

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
        ("Pain fell.\n\n!!!\n\n- \n- …\n\nIt came back.\n", ["Pain fell.", "It came back."]),
        ("Relief took approx. two hours. It lasted.", ["Relief took approx. two hours.", "It lasted."]),
        (
            "- approx. two hours without any pain at all\n- none\n",
            ["approx. two hours without any pain at all", "none"],
        ),
        ("It took two hours approx. Half of them slept.", ["It took two hours approx.", "Half of them slept."]),
        (
            'She was clear. "It is no first-line drug.It has to be a last resort," she said.',
            ["She was clear.", '"It is no first-line drug.', 'It has to be a last resort," she said.'],
        ),
    ],
)  # fmt: skip
def test_golden_rows(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@pytest.mark.parametrize("language", ["en", "de", "es", "fr", "pt"])
def test_abbreviations_of_science_end_no_sentence_in_any_language(language: str) -> None:
    text = "Roberts et al. 2014, cf. approx. two thirds. A review agreed."
    pieces = split_sentences(text, language)
    assert [text[piece.start : piece.end] for piece in pieces] == [
        "Roberts et al. 2014, cf. approx. two thirds.",
        "A review agreed.",
    ]


def test_a_splitter_that_loses_text_is_told_before_anything_is_quoted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sentencex.segment", lambda _, text: [text[:-1]])
    with pytest.raises(AssertionError, match=r"^sentencex lost text: its pieces must join"):
        split_sentences("It fell by half and stayed there for a week.")


MARKS = {"heading": "# ", "question": "? ", "prose": ""}


def outline(text: str, layout: Layout = PLAIN) -> list[list[str]]:
    """Return the sentences of each paragraph, headings and questions marked."""
    paragraphs: dict[int, list[str]] = {}
    for piece in split_sentences(text, layout=layout):
        words = MARKS[piece.kind] + text[piece.start : piece.end]
        paragraphs.setdefault(piece.paragraph, []).append(words)
    return list(paragraphs.values())


@pytest.mark.parametrize(
    "line",
    [
        "PTSD",
        "Ask us about your pain",
        "How long did it last?",
        "Ketamine for the Pain and the Migraine",
        "Results after the 4-week, 8-week and 12-week visits",
        "What Ketamine does to the Migraine brain",
        "Ketamine Infusions for Chronic Migraine, Cluster Headache, Neck Pain, Back Pain and"
        " Depression in Adults",
    ],
)
def test_titles_and_labels_are_headings(line: str) -> None:
    assert outline(line) == [[f"# {line}"]]


@pytest.mark.parametrize(
    "line",
    [
        "Pain fell.",
        "Ask us about the pain here",
        "What Ketamine does to the migraine brain",
        "Ketamine Infusions for Chronic Migraine, Cluster Headache, Neck Pain, Back Pain and"
        " Depression in Adult Patients",
        "by Randy Dotina\nNovember 22 2016\nContributing Writer, MedPage Today",
        "by Randy Dotina\rNovember 22 2016\rContributing Writer, MedPage Today",
    ],
)
def test_sentences_labels_of_many_words_and_bylines_are_none(line: str) -> None:
    assert outline(line) == [[line]]


def test_a_question_that_the_text_asks_is_told_from_what_it_states() -> None:
    text = "It fell by half. Did the pain come back when they had stopped?"
    assert outline(text) == [
        ["It fell by half.", "? Did the pain come back when they had stopped?"]
    ]


WRAPPED = (
    "It lasted for a week in most of those who were given it by drip at\n"
    "the clinic, and for longer in some.\n"
)
LASTED = WRAPPED.strip()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"How long it lasted\n{WRAPPED}", [["# How long it lasted"], [LASTED]]),
        (f"How long it lasted\n  {WRAPPED}", [["# How long it lasted"], [LASTED]]),
        (f"Few fell ill.\n{WRAPPED}", [["Few fell ill.", LASTED]]),
        (f"as we saw, and\n{WRAPPED.lower()}", [[f"as we saw, and\n{LASTED.lower()}"]]),
        (
            "It lasted for a week in most of those who were treated by Dr Ada\nPrice, and longer in some.\n",
            [["It lasted for a week in most of those who were treated by Dr Ada\nPrice, and longer in some."]],
        ),
        (
            "# What it is\n\nIt numbs pain and is given by drip.\n\nIt fell by half.\n",
            [["# What it is"], ["It numbs pain and is given by drip."], ["It fell by half."]],
        ),
        (
            "\ufeff# What ketamine is and how it came to be used\nIt numbs pain.\n",
            [["# What ketamine is and how it came to be used"], ["It numbs pain."]],
        ),
        (
            "It fell.\n\n## How long it lasted in most of them\nA week.\n### And in the others who came\nLess.\n",
            [
                ["It fell."], ["# How long it lasted in most of them"], ["A week."],
                ["# And in the others who came"], ["Less."],
            ],
        ),
        ("#\nIt fell by half.\n# \nIt rose.\n", [["It fell by half.", "It rose."]]),
        (f"{WRAPPED}\n{WRAPPED}", [[LASTED], [LASTED]]),
        (f"{WRAPPED}---\n{WRAPPED}", [[LASTED], [LASTED]]),
    ],
)  # fmt: skip
def test_what_stands_in_lines_of_its_own_is_told_from_what_was_wrapped(
    text: str, expected: list[list[str]]
) -> None:
    assert outline(text) == expected


@pytest.mark.parametrize(
    ("heading", "wrapped", "paragraphs"),
    [
        ("How long", SHORTEST_WRAP, 2),
        ("How long", SHORTEST_WRAP - 1, 1),
        ("How long it lasted in most of them there,", 69, 2),
        ("How long it lasted in most of those there,", 69, 1),
    ],
)
def test_a_heading_is_much_shorter_than_lines_that_were_wrapped(
    heading: str, wrapped: int, paragraphs: int
) -> None:
    line = f"It fell {'again and ' * 9}"[:wrapped]
    assert len(outline(f"{heading}\n{line}\nrose.\n")) == paragraphs


@pytest.mark.parametrize(("length", "paragraphs"), [(WRAP_WIDTH, 1), (WRAP_WIDTH + 1, 2)])
def test_a_line_longer_than_anybody_wraps_is_a_paragraph(length: int, paragraphs: int) -> None:
    line = f"{'It lasted for a week in some and '.ljust(length - 1, 'o')}\n"
    text = f"{WRAPPED}\n{line}and came back.\n"
    assert len(outline(text)) == 1 + paragraphs


GIVEN = "How it was given to those who came"
EASED = (
    "Migraines that nothing else had helped were eased in most of those who came to the clinic in"
    " the two years of the study, and\nfew of them fell ill."
)
BY_DRIP = (
    "It was given by drip for some three to five days, in steps of five milligrams an hour, and"
    " they were watched all the while by a\nnurse."
)


@pytest.mark.parametrize(
    ("wrapped", "expected"),
    [
        (True, [[EASED], [f"# {GIVEN}"], [BY_DRIP]]),
        (False, [[line] for line in [*EASED.split("\n"), f"# {GIVEN}", *BY_DRIP.split("\n")]]),
    ],
)
def test_the_headings_and_line_ends_that_a_document_tells_of_are_kept(
    *, wrapped: bool, expected: list[list[str]]
) -> None:
    text = f"{EASED}\n{GIVEN}\n* * *\n{BY_DRIP}\n"
    places = [(text.index(part), text.index(part) + len(part)) for part in (GIVEN, "* * *")]
    assert outline(text, Layout(headings=tuple(places), wrapped=wrapped)) == expected


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


@pytest.mark.parametrize(
    ("paragraphs", "budget", "expected"),
    [
        (["ffff", "ffff"], 5, [(0, 1), (1, 2)]),
        (["ff ff", "# h", "ff"], 5, [(0, 2), (2, 4)]),
        (["fff", "ff", "# h", "f"], 4, [(0, 1), (1, 2), (2, 4)]),
        (["ff", "ff f ff"], 6, [(0, 1), (1, 4)]),
        (["# h", "fff ff", "ffff"], 5, [(0, 2), (2, 3), (3, 4)]),
        (["# h", "# h", "fff fff"], 5, [(0, 3), (3, 4)]),
        (["f"] * 12, 6, [(0, 6), (6, 12)]),
    ],
)
def test_a_passage_ends_at_a_heading_or_paragraph_before_it_ends_within_one(
    paragraphs: list[str], budget: int, expected: list[tuple[int, int]]
) -> None:
    """Each word is a sentence of so many tokens as letters, # tells of a heading."""
    words = [(word, n, "#" in text) for n, text in enumerate(paragraphs) for word in text.split()]
    found = [(len(word), n, heading) for word, n, heading in words if word != "#"]
    pieces = [
        Piece(place, place + 1, "heading" if heading else "prose", n)
        for place, (_, n, heading) in enumerate(found)
    ]
    assert pack_passages(pieces, [size for size, _, _ in found], budget) == expected


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
