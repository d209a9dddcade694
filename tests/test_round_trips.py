"""A place told by one program is the same words for another, whatever the letters.

Offsets are code points. What counts in UTF-16 (a browser, Java, a spreadsheet's script) is here
the real Chromium: it reads the JSON, the annotations and the HTML, and cuts the text itself.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

from ketqa.errors import KetqaError
from ketqa.export import export_answer
from ketqa.formats.jsonl import read_jsonl
from ketqa.lookup import check_quote
from ketqa.query import check_question
from ketqa.types import Answer, Document
from ketqa.web.html import verbatim
from test_html import answer_with, shown

DAY = datetime(2026, 3, 9, tzinfo=UTC)
# Beyond 16 bits, joined, combining, right to left and its overrides, controls, line ends of all
# kinds, separators, a byte order mark, noncharacters, letters that grow when they are folded,
# and what HTML, JSON and JavaScript take for their own.
HOSTILE = (
    "aB \n\r\t\f\v\x01\x1b\x7f\x80\x85\x9f\u00a0\u00ad\u200b\u200d\u200f\u202e\u2028\u2029\u2066\u2069"
    "\ufeff\ufffd\ufffe\uffffe\u0301\u0e33\u0645İßﬁ½<>&\"'\\/`${}]😀👩\u200d⚕️𝔘\U0010ffff"
)
TEXTS = st.text(HOSTILE, min_size=1, max_size=40)
TIMES = 300


def answers() -> Iterator[tuple[str, Answer, Document]]:
    """Yield texts of hostile letters with an answer that quotes a part of each."""
    chance = random.Random(11)
    while True:
        before, quote, after = (
            "".join(chance.choices(HOSTILE, k=chance.randint(low, 12))) for low in (0, 1, 0)
        )
        text, answer = before + quote + after, answer_with(before, quote, after)
        source = replace(answer.evidence[0].source, sha256="ab" * 32)
        answer = replace(answer, evidence=(replace(answer.evidence[0], source=source),))
        yield text, answer, Document(source, text)


@given(TEXTS, TEXTS, TEXTS, st.booleans())
@example("😀\r\n", "e\u0301\u202e", "\u2028", True)
def test_an_answer_comes_back_from_its_json(
    before: str, quote: str, after: str, plain: bool
) -> None:
    answer = answer_with(before, quote, after)
    data = json.dumps(answer.to_dict(), ensure_ascii=plain).encode()
    again = Answer.from_dict(json.loads(data))
    assert again == answer
    span = again.evidence[0].span
    assert (before + quote + after)[span.start : span.end] == again.evidence[0].quote


@pytest.fixture
def reader(browser: Browser) -> Iterator[Page]:
    with browser.new_page() as opened:
        yield opened


@pytest.mark.browser
def test_a_browser_that_counts_in_utf_16_cuts_the_same_words(reader: Page) -> None:
    """From the JSON of the API, and from the selectors of an annotation."""
    rows = []
    for text, answer, document in islice(answers(), TIMES):
        form = export_answer(answer, "annotation", accessed=DAY, document=lambda _, d=document: d)  # type: ignore[misc]
        rows.append([json.dumps(text), json.dumps(answer.to_dict()), form.text])
    wrong = reader.evaluate(
        """rows => rows.filter(([whole, said, annotated]) => {
          const text = JSON.parse(whole);
          const points = [...text];
          const [item] = JSON.parse(said).evidence;
          const cut = points.slice(item.span.start, item.span.end).join("");
          const [place, words] = JSON.parse(annotated).first.items[0].target.selector;
          const before = points.slice(0, place.start).join("");
          return cut !== item.quote || words.exact !== cut || place.end !== item.span.end
            || !before.endsWith(words.prefix)
            || !text.slice(before.length).startsWith(words.exact + words.suffix);
        })""",
        rows,
    )
    assert wrong == []


@pytest.mark.browser
def test_a_browser_reads_a_quote_from_its_card_letter_by_letter(reader: Page) -> None:
    rows = []
    for text, answer, _ in islice(answers(), TIMES):
        item = answer.evidence[0]
        rows.append([shown(answer), item.quote, item.span.start, item.span.end, text])
    wrong = reader.evaluate(
        """rows => rows.filter(([html, quote, start, end, text]) => {
          const page = new DOMParser().parseFromString(html, "text/html");
          const mark = page.querySelector("mark.quote");
          const { start: first, end: last } = mark.dataset;
          return mark.textContent !== quote || Number(first) !== start || Number(last) !== end
            || [...text].slice(Number(first), Number(last)).join("") !== mark.textContent;
        }).map(([html, quote]) => quote)""",
        rows,
    )
    assert wrong == []


@pytest.mark.browser
def test_every_letter_alone_comes_back_from_html(reader: Page) -> None:
    letters = [*map(chr, range(1, 0x250)), *HOSTILE]
    rows = [[f"<mark>x{verbatim(letter)}x</mark>", f"x{letter}x"] for letter in letters]
    wrong = reader.evaluate(
        """rows => rows.filter(([html, text]) =>
          new DOMParser().parseFromString(html, "text/html").body.textContent !== text)""",
        rows,
    )
    assert wrong == []


@pytest.mark.parametrize("half", ["\ud800", "a\udc00\ud800b"])
def test_half_a_character_is_refused_wherever_it_comes_in(half: str) -> None:
    for check in (check_question, check_quote):
        with pytest.raises(KetqaError, match="not text"):
            check(f"What was the dose of {half}?")
    for field in ("text", "title", "_id"):
        row = {"_id": "7", "title": "A", "text": "It fell."} | {field: half}
        with pytest.raises(KetqaError, match="half a character"):
            read_jsonl(json.dumps(row).encode(), "a.jsonl")
