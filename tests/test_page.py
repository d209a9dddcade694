"""The page in real Chromium, served by the real command, over hostile documents too."""

import json
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from browsing import ask, assert_quotes_are_verbatim, serving
from conftest import CORPUS, write_corpus
from ketqa.build import build_index
from ketqa.models import find_model

pytestmark = [pytest.mark.browser, pytest.mark.model]

HOSTILE = (
    "Odd marks in the world\r\n\r\n"
    "The dose was *5* _mg_ & $x_1$ < 7 > 3 | a\u00a0b\u200b “curly” ’s <script>alert(1)</script> "
    "![i](http://127.0.0.2/x.png) <img src=x onerror=alert(2)>\r\nand **more** of it. "
    "Another plain sentence about the dose follows here.\r\n"
)


def test_a_question_brings_quotes_that_equal_their_slices(page: Page) -> None:
    ask(page, "How long did relief last?")
    assert assert_quotes_are_verbatim(page, CORPUS) == 7  # two stand side by side, too
    card = page.get_by_role("article", name="Quote 1 of 5")
    expect(card).to_contain_text("relief lasted for up to 3 weeks")
    expect(card).to_contain_text("MedPage Today")
    expect(card).to_contain_text("not stated")
    expect(page.locator(".answer .standing")).to_contain_text("not medical advice")


def test_a_page_that_is_still_opening_does_not_wipe_an_answer(
    browser: Browser, address: str
) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        if held:
            route.continue_()
        held.append(route)

    with browser.new_page() as page:
        page.route("**/queue/join*", hold)
        page.goto(address)
        ask(page, "How long did relief last?")
        held[0].continue_()
        page.wait_for_timeout(2000)
        expect(page.locator("section.answer.done")).to_have_count(1)


def test_the_reader_opens_beside_the_chat_with_the_quote_marked_and_in_view(page: Page) -> None:
    ask(page, "How long did relief last?")
    link = page.get_by_role("link", name="Read it in the whole document").first
    link.click()
    book = page.get_by_role("complementary", name="Document")
    expect(book.locator("#quote")).to_be_in_viewport()
    expect(book.locator("#quote")).to_be_focused()
    text = book.locator(".text").evaluate("element => element.textContent")
    assert text == (CORPUS / "medpage-today-stubborn-migraines.txt").read_bytes().decode()
    assert_quotes_are_verbatim(page, CORPUS)
    book.get_by_role("button", name="Back to the answer").click()
    expect(book).to_be_hidden()
    expect(link).to_be_focused()


def test_a_document_on_its_own_page_has_the_quote_marked_and_in_view(page: Page) -> None:
    ask(page, "How long did relief last?")
    link = page.get_by_role("link", name="Read it in the whole document").first
    page.goto(page.url.split("?")[0] + (link.get_attribute("href") or "").removeprefix("/"))
    document = page
    assert assert_quotes_are_verbatim(document, CORPUS) == 1
    expect(document.locator("#quote")).to_be_in_viewport()
    shown = document.locator(".text").evaluate("element => element.textContent")
    assert shown == (CORPUS / "medpage-today-stubborn-migraines.txt").read_bytes().decode()


def test_a_question_nothing_answers_is_told_so_with_what_there_is(page: Page) -> None:
    ask(page, "who won the world cup in 2018")
    answer = page.locator("section.answer")
    expect(answer).to_contain_text("Nothing in these 5 documents answers that.")
    expect(answer).to_contain_text("2 × blog, 1 × clinic page")
    expect(answer).to_contain_text("Not among them: a guideline, a systematic review.")
    answer.get_by_role("button", name="Sources").click()
    expect(page.locator("#sources .sources > li")).to_have_count(5)
    assert page.locator("[data-start]").count() == 0


def test_a_follow_up_shows_what_was_searched(page: Page) -> None:
    ask(page, "Which side effects do infusions have?")
    ask(page, "and how long do they last?")
    searched = page.locator(".searched").last
    expect(searched).to_contain_text("infusions have? and how long do they last?")


def test_an_empty_and_an_endless_question_get_a_clear_answer(page: Page) -> None:
    ask(page, "   ")
    expect(page.locator("section.answer").last).to_contain_text("There is no question")
    page.get_by_label("Your question").fill("pain " * 2000)
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("section.answer").last).to_contain_text("ask in at most 2,000")


def test_a_hostile_question_is_shown_as_it_was_typed(page: Page) -> None:
    question = "<img src=x onerror=document.title='owned'> **bold** is ketamine safe?"
    ask(page, question)
    expect(page.get_by_text(question, exact=True).first).to_be_visible()
    assert page.title() != "owned"


def test_an_example_is_asked(page: Page) -> None:
    page.get_by_role("link", name="Does insurance pay for it?").click()
    expect(page.locator("section.answer.done")).to_have_count(1)
    expect(page).to_have_url(re.compile(re.escape("q=Does+insurance+pay+for+it")))


def test_the_keyboard_alone_is_enough(page: Page) -> None:
    box = page.get_by_label("Your question")
    box.focus()
    page.keyboard.type("Is ketamine approved by the FDA?")
    page.keyboard.press("Enter")
    expect(page.locator("section.answer.done")).to_have_count(1)


def test_a_phone_needs_no_sideways_scrolling(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    ask(page, "What are the side effects?")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_nothing_is_asked_of_any_other_host(browser: Browser, address: str) -> None:
    asked: list[str] = []
    with browser.new_page() as page:
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        ask(page, "How long did relief last?")
    assert len(asked) > 10
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []


def test_documents_that_are_not_there_are_not_found(address: str) -> None:
    assert httpx.get(f"{address}/documents/nothing.txt").status_code == 404
    assert httpx.get(f"{address}/documents/..%2f..%2fpyproject.toml").status_code == 404
    place = "/documents/watch-for-it-ketamine-for-migraine.txt?start=5&end=99999"
    assert httpx.get(address + place).status_code == 422


def test_hostile_documents_are_quoted_and_never_run(browser: Browser, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", {"odd & <b>.txt": HOSTILE})
    build_index(corpus, tmp_path / "index", find_model())
    with serving(tmp_path / "index") as address, browser.new_page() as page:
        page.on("dialog", lambda dialog: pytest.fail(f"a document ran: {dialog.message}"))
        page.goto(address)
        ask(page, "What was the dose of x in mg?")
        assert assert_quotes_are_verbatim(page, corpus) >= 1
        assert "*5* _mg_ & $x_1$ < 7 > 3 |" in page.locator(".card .quote").first.inner_text()
        page.get_by_role("link", name="Read it in the whole document").first.click()
        expect(page.locator("#book #quote")).to_be_visible()
        assert assert_quotes_are_verbatim(page, corpus) >= 2


def test_a_port_that_is_taken_is_told(index_folder: Path, address: str) -> None:
    port = address.rsplit(":", 1)[1]
    command = [Path(sys.executable).with_name("ketqa"), "serve", "--index", index_folder]
    done = subprocess.run(
        [*map(str, command), "--port", port],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr


def test_questions_are_kept_only_where_somebody_switches_it_on(
    browser: Browser, index_folder: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log.jsonl"
    with serving(index_folder, "--log-questions", str(log)) as found, browser.new_page() as opened:
        opened.goto(found)
        ask(opened, "How long did relief last?")
    assert json.loads(log.read_text()) == {
        "question": "How long did relief last?", "status": "evidence",
    }  # fmt: skip
