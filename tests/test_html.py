"""The HTML gives every quote back, character for character, and reads none of it as markup."""

from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from ketqa.coverage import cover
from ketqa.found import Found
from ketqa.match import NO_MATCHES
from ketqa.query import Query
from ketqa.reader import Asked
from ketqa.types import Answer, CuratedQuestion, Evidence, Passage, Source, Span
from ketqa.web.html import Shown, document_link, render, render_answer
from ketqa.web.reading import Part
from ketqa.web.words import Words

HOSTILE = "aB <>&\"'|*_$`\\[](){}%\n\r\t\f\u00a0\u200b\ufeff“’é\u0301😀{{x}}"
SOURCE = Source(
    "a b&c.txt", "a b&c.txt", "0" * 64, "<i>T</i>", interest="<script>alert(1)</script>"
)


class QuoteReader(HTMLParser):
    """Collects the text of the elements that carry ``data-start``, and every tag seen."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.quotes: list[str] = []
        self.tags: set[str] = set()
        self._inside = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if "data-start" in dict(attrs):
            self._inside = True
            self.quotes.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "mark"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.quotes[-1] += data


def answer_with(before: str, quote: str, after: str) -> Answer:
    span = Span(SOURCE.id, len(before), len(before) + len(quote))
    passage = Passage(0, Span(SOURCE.id, 0, len(before + quote + after)), before + quote + after)
    evidence = Evidence(1, 0.9, quote, span, SOURCE, passage, also_at=(span,))
    return Answer(
        question="<b>q</b>", query="<b>q</b> searched", status="evidence", confidence=0.9,
        evidence=(evidence,), related=(), searched={"documents": 1, "passages": 1},
        timings_ms={}, index="0",
    )  # fmt: skip


def shown(answer: Answer, language: str = "en") -> str:
    asked = Asked(answer.query, np.zeros(4, np.float32), {}, NO_MATCHES)
    found = Found(answer.question, Query(answer.query), asked, [], (), None, 0.0)
    return render_answer(Shown(answer, found, "?q=x"), Words(language), cover([SOURCE]))


def test_curated_questions_are_shown_as_text() -> None:
    answer = answer_with("", "quote", "")
    matched = replace(answer.evidence[0], matched="<b>why</b> & how")
    html = shown(replace(answer, evidence=(matched,)))
    assert "<q><bdi>&lt;b&gt;why&lt;/b&gt; &amp; how</bdi></q>" in html
    assert "Why this quote?" in html
    away = CuratedQuestion(1, "Is <i>it</i> legal?", None, why="law")
    turned = replace(answer, status="no_evidence", evidence=(), unanswered=away)
    html = shown(turned)
    assert "known to have no answer here: “<bdi>Is &lt;i&gt;it&lt;/i&gt; legal?</bdi>”" in html
    said = turned.to_dict()["unanswered"]
    assert (said["question"], said["why"]) == ("Is <i>it</i> legal?", "law")


@given(st.text(HOSTILE, max_size=30), st.text(HOSTILE, min_size=1, max_size=60), st.text(HOSTILE))
@example("<i>a</i>", "<script>b</script> &amp; <b>c</b>", "<i>&#13;")
def test_a_card_gives_the_quote_back(before: str, quote: str, after: str) -> None:
    seen = QuoteReader(shown(answer_with(before, quote, after)))
    assert seen.quotes == [quote]
    assert not {"script", "i", "b"} & seen.tags


@given(st.text(HOSTILE, max_size=30), st.text(HOSTILE, min_size=1, max_size=60), st.text(HOSTILE))
@example("<i>a</i>", "<script>b</script> &amp; <b>c</b>", "<i>&#13;")
def test_a_document_gives_the_quote_back(before: str, quote: str, after: str) -> None:
    start, end = len(before), len(before) + len(quote)
    parts = [
        Part(before, 0, start, "text"),
        Part(quote, start, end, "quote", "quote"),
        Part(after, end, end + len(after), "heading", "at"),
    ]
    printed = {"leaves": [], "unshown_for": "", "pages": 0}
    html = render(
        "document.html", Words("en"), source=SOURCE, segments=parts, quoted=True, **printed
    )
    seen = QuoteReader(html)
    assert seen.quotes == [quote]
    assert not {"script", "i", "b"} & seen.tags


def test_a_carriage_return_is_written_so_that_browsers_keep_it() -> None:
    html = shown(answer_with("a\r\n", "b\rc", ""))
    assert "b&#13;c" in html
    assert "\r" not in html


def test_an_error_is_escaped() -> None:
    assert "&lt;b&gt;" in render("error.html", Words("en"), text="<b>")


def test_a_link_names_the_file_and_the_place() -> None:
    assert document_link(Span("a b&c.txt", 3, 9)) == "/documents/a%20b%26c.txt?start=3&end=9#quote"
