"""Hostile documents and questions are shown as they are, run nothing, and fetch nothing."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from browsing import ask, assert_quotes_are_verbatim, serving
from conftest import write_corpus
from ketqa.build import build_index

pytestmark = [pytest.mark.browser, pytest.mark.model]

DOCUMENTS = {
    "marks & <b>.txt": "Odd marks in the world\r\n\r\n"
    "The dose was *5* _mg_ & $x_1$ < 7 > 3 | a\u00a0b\u200b “curly” ’s ~~no~~ <script>alert(1)</script> "
    "![i](http://127.0.0.2/x.png) <img src=x onerror=alert(2)>\r\nand **more** of it. "
    "Another plain sentence about the dose follows here.\r\n",
    "links.txt": "The nausea page is at [here](javascript:alert(3)) and <a href='javascript:alert(4)'>"
    "there</a> for the nausea of patients. Nausea came to ${alert(5)} and {{7*7}} of `them`.\n",
    "letters.txt": "Sleep was good for e\u0301 😀👩‍⚕️ ﬁ İ ß \u0645\u0631\u062d\u0628\u0627 and \u202eslept\u202c well "
    "in \u2066all\u2069 cases. Zalgo s\u0321\u0321l\u0334\u0337e\u0353e\u0354p was bad.\n",
    "long.txt": "The bladder " + "x" * 1_000_000 + " hurt. The kidney was well in all patients.\n",
}  # fmt: skip
SOURCES = """
[[source]]
file = "links.txt"
title = "<img src=x onerror=alert(6)> **T** $x$"
publisher = "<script>alert(7)</script>"
kind = "blog"
interest = "sells \\"><script>alert(9)</script>"

[[source]]
file = "marks & <b>.txt"
title = "Marks"
url = "https://example.org/marks"
"""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_corpus(tmp_path_factory.mktemp("hostile") / "corpus", DOCUMENTS)
    (folder / "sources.toml").write_text(SOURCES, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def hostile(corpus: Path) -> Iterator[str]:
    index = corpus.parent / "index"
    build_index(corpus, index)
    with serving(index) as found:
        yield found


@pytest.fixture
def watched(browser: Browser, hostile: str) -> Iterator[Page]:
    """A page that fails the test on a dialog, an error, or a request to anywhere else."""
    wrong: list[str] = []
    with browser.new_page() as page:
        page.on("dialog", lambda dialog: wrong.append(f"ran: {dialog.message}"))
        page.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "request",
            lambda request: wrong.append(request.url) if _elsewhere(request.url, hostile) else None,
        )
        page.goto(hostile)
        yield page
        page.wait_for_timeout(100)
    assert wrong == []


def _elsewhere(url: str, here: str) -> bool:
    return not url.startswith((here, "data:", "blob:"))


@pytest.mark.parametrize(
    "question",
    [
        "What was the dose of x in mg?",
        "Did patients have nausea?",
        "How did they sleep?",
        "Was the kidney well?",
    ],
)
def test_every_quote_is_its_slice_wherever_it_is_shown(
    watched: Page, corpus: Path, question: str
) -> None:
    ask(watched, question)
    assert assert_quotes_are_verbatim(watched, corpus) >= 1
    for details in watched.locator("details").all():
        details.evaluate("element => { element.open = true; }")
    watched.get_by_role("link", name="Read it in the whole document").first.click()
    expect(watched.locator("#book #quote")).to_be_visible()
    assert_quotes_are_verbatim(watched, corpus)
    card = watched.locator(".card").first
    card.get_by_role("button", name="One sentence after").click()
    watched.wait_for_timeout(200)
    file = card.get_attribute("data-file")
    shown = card.locator("blockquote").evaluate("element => element.textContent")
    assert file
    assert shown in (corpus / file).read_bytes().decode()


def test_no_link_leads_to_a_script(watched: Page) -> None:
    ask(watched, "Did patients have nausea?")
    watched.locator("nav").get_by_role("button", name="Sources").click()
    expect(watched.locator("#sources .sources > li")).to_have_count(4)
    links = watched.eval_on_selector_all("a[href]", "links => links.map(link => link.protocol)")
    assert set(links) <= {"http:", "https:", "tel:"}
    expect(watched.locator("#sources")).to_contain_text("<img src=x onerror=alert(6)> **T** $x$")


def test_a_web_source_opens_at_the_quoted_words(watched: Page) -> None:
    ask(watched, "What was the dose of x in mg?")
    link = watched.get_by_role("link", name="Open the original page").first
    href = str(link.get_attribute("href"))
    assert href.startswith("https://example.org/marks#:~:text=")
    assert link.get_attribute("rel") == "noopener noreferrer"


@pytest.mark.parametrize(
    "question",
    [
        "<img src=x onerror=alert(1)> **bold** [l](javascript:alert(2)) is the dose good?",
        "${alert(3)} {{7*7}} $\\frac{1}{2}$ `code` was the dose 5?",
        "</section><script>alert(4)</script>\u202e dose?",
    ],
)
def test_a_hostile_question_is_shown_as_it_was_typed(watched: Page, question: str) -> None:
    ask(watched, question)
    shown = watched.locator(".turn bdi").first.evaluate("element => element.textContent")
    assert shown == question
    watched.get_by_role("button", name="Earlier questions").click()
    expect(watched.locator("#earlier .list a").first).to_have_text(question)


def test_the_policy_lets_no_script_stand_within_a_page(hostile: str) -> None:
    page = httpx.get(hostile)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self' 'unsafe-eval';" in policy
    assert "http" not in policy.replace("https-", "")
    assert "<script>" not in page.text
    script = re.search(r'src="(/assets/index-[\w-]+\.js)"', page.text)
    assert script
    assert "immutable" in httpx.get(hostile + script[1]).headers["cache-control"]
    document = httpx.get(f"{hostile}/documents/links.txt")
    assert "script" not in document.headers["content-security-policy"]
    assert "<script" not in document.text
