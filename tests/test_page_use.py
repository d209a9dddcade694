"""Every button of the page does what it says, by mouse and by keyboard, in real Chromium."""

import json
import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from browsing import ask, assert_quotes_are_verbatim
from conftest import CORPUS

pytestmark = [pytest.mark.browser, pytest.mark.model]

RELIEF = "How long did relief last?"
DONE = "section.answer.done"


def test_an_address_opens_answered_and_can_be_gone_back_from(page: Page, address: str) -> None:
    page.goto(f"{address}/?q=How+long+did+relief+last%3F&q=and+in+children%3F")
    expect(page.locator(DONE)).to_have_count(2)
    expect(page.locator("bdi", has_text="and in children?").first).to_be_visible()
    ask(page, "Does insurance pay for it?")
    expect(page).to_have_url(re.compile(re.escape("&q=Does+insurance+pay+for+it%3F") + "$"))
    page.go_back()
    expect(page.locator(DONE)).to_have_count(2)
    page.go_forward()
    expect(page.locator(DONE)).to_have_count(3)
    page.locator("nav").get_by_role("link", name="New chat").click()
    expect(page.locator(DONE)).to_have_count(0)
    expect(page.get_by_role("heading", name="What is searched")).to_be_visible()


def test_a_changed_question_replaces_its_answer_and_what_came_after(page: Page) -> None:
    ask(page, RELIEF)
    ask(page, "Does insurance pay for it?")
    page.get_by_role("button", name="Change", exact=True).first.click()
    box = page.get_by_label("Your question")
    expect(box).to_have_value(RELIEF)
    expect(page.locator(".editing")).to_be_visible()
    box.fill("What schedule drug is ketamine?")
    box.press("Enter")
    expect(page.locator(DONE)).to_have_count(1)
    expect(page.locator(".card .quote").first).to_contain_text("Schedule III")
    expect(page).to_have_url(re.compile(re.escape("?q=What+schedule+drug+is+ketamine%3F") + "$"))


def test_a_change_can_be_cancelled_and_a_question_asked_again(page: Page) -> None:
    ask(page, RELIEF)
    page.get_by_role("button", name="Change", exact=True).click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_label("Your question")).to_have_value("")
    page.get_by_role("button", name="Ask again").click()
    expect(page.locator(DONE)).to_have_count(1)
    expect(page.locator(".card .quote").first).to_contain_text("3 weeks")


def test_what_is_searched_can_be_changed_and_changes_undone(page: Page) -> None:
    ask(page, "how do infusoins work")
    expect(page.locator(".searched").first).to_contain_text("infusoins → infusions")
    page.get_by_role("button", name="Change what is searched").click()
    box = page.get_by_label("Your question")
    expect(box).to_have_value("how do infusions work")
    expect(page.get_by_label("Search exactly what I type")).to_be_checked()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Search my words instead").click()
    expect(page.locator(".searched").first).to_contain_text("as you typed them")
    expect(page).to_have_url(re.compile(re.escape("?x=how+do+infusoins+work") + "$"))


def test_more_context_comes_sentence_by_sentence_and_word_for_word(page: Page) -> None:
    ask(page, RELIEF)
    card = page.locator(".card").first
    shown = card.locator("blockquote")
    before = shown.evaluate("element => element.textContent")
    for _ in range(3):
        card.get_by_role("button", name="One sentence before").click()
        card.get_by_role("button", name="One sentence after").click()
        page.wait_for_timeout(200)
    after = shown.evaluate("element => element.textContent")
    assert len(after) > len(before)
    assert after in (CORPUS / "medpage-today-stubborn-migraines.txt").read_bytes().decode()
    assert_quotes_are_verbatim(page, CORPUS)


def test_a_quote_is_copied_with_its_source_and_compared(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    ask(page, RELIEF)
    card = page.locator(".card").first
    card.get_by_role("button", name="Copy with its source").click()
    expect(card.locator(".told").first).to_have_text("Copied.")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert '“"In half of our patients' in copied
    assert "MedPage Today · Randy Dotina · 2016-11-22" in copied
    card.get_by_text("Check, reasons, your opinion").click()
    expect(card).to_contain_text("f8df7a7cea94abb20b30c0a8ddf8fb0fd2b89fe621937deaee962b024b398497")
    card.get_by_role("button", name="Compare it now").click()
    expect(card).to_contain_text("exactly those of the stored document")
    page.evaluate("document.querySelector('.card mark.quote').append('!')")
    card.get_by_role("button", name="Compare it now").click()
    expect(card).to_contain_text("differ from the stored document")


def test_the_panel_says_why_a_quote_was_chosen(page: Page) -> None:
    ask(page, RELIEF)
    card = page.locator(".card").first
    card.get_by_text("Check, reasons, your opinion").click()
    expect(card).to_contain_text(re.compile(r"Its passage is number \d+ of \d+ by meaning"))
    expect(card).to_contain_text(re.compile(r"Search \d+\.\d ms, reading \d+\.\d ms"))


def test_the_reader_turns_from_quote_to_quote_and_to_headings(page: Page) -> None:
    ask(page, "What are the side effects?")
    file = page.locator(".card .quote").first.get_attribute("data-file")
    page.get_by_role("link", name="Read it in the whole document").first.click()
    book = page.get_by_role("complementary")
    marks = book.locator("mark.quote")
    expect(marks.first).to_be_attached()
    assert {mark.get_attribute("data-file") for mark in marks.all()} == {file}
    if marks.count() > 1:
        book.get_by_role("button", name="Next quote").click()
        expect(book.locator("mark.quote:not(.other)")).to_have_count(1)
        expect(book.locator(".place")).to_contain_text(f"of {marks.count()} in this document")
        book.get_by_role("button", name="Previous quote").click()
        expect(book.locator("#quote")).to_be_focused()
    assert_quotes_are_verbatim(page, CORPUS)


def test_sources_can_be_looked_through_and_left_out(page: Page) -> None:
    ask(page, RELIEF)
    cards = page.locator("#chat .card:visible").count()
    page.locator("nav").get_by_role("button", name="Sources").click()
    dialog = page.get_by_role("dialog", name="Sources")
    expect(dialog.locator(".sources > li")).to_have_count(5)
    expect(dialog).to_contain_text("quoted 2 times in this chat")
    dialog.get_by_label("clinic page (1)").uncheck()
    dialog.get_by_role("button", name="Close").click()
    expect(page.locator(".filtered")).to_contain_text("1 quotes are hidden")
    assert page.locator("#chat .card:visible").count() == cards - 1
    page.get_by_role("button", name="Show all").click()
    assert page.locator("#chat .card:visible").count() == cards


def test_earlier_questions_stay_in_this_browser_until_deleted(page: Page) -> None:
    ask(page, RELIEF)
    page.locator("nav").get_by_role("link", name="New chat").click()
    page.get_by_role("button", name="Earlier questions").click()
    dialog = page.get_by_role("dialog", name="Earlier questions")
    dialog.get_by_role("link", name=RELIEF).click()
    expect(page.locator(DONE)).to_have_count(1)
    page.get_by_role("button", name="Earlier questions").click()
    dialog.get_by_label("Keep my questions in this browser").uncheck()
    expect(dialog.get_by_role("link")).to_have_count(0)
    dialog.get_by_role("button", name="Close").click()
    ask(page, "Does insurance pay for it?")
    assert page.evaluate("localStorage.getItem('ketqa.earlier')") is None


def test_what_a_browser_keeps_can_be_deleted(page: Page) -> None:
    ask(page, RELIEF)
    card = page.locator(".card").first
    card.get_by_text("Check, reasons, your opinion").click()
    card.get_by_role("button", name="Answers it").click()
    page.get_by_role("button", name="Keep it here").click()
    page.get_by_role("button", name="Earlier questions").click()
    dialog = page.get_by_role("dialog", name="Earlier questions")
    kept = "Object.values(localStorage).filter(value => value.includes('relief')).length"
    assert page.evaluate(kept) == 2
    dialog.get_by_role("button", name="Delete all").first.click()
    expect(dialog.get_by_role("link")).to_have_count(0)
    assert page.evaluate(kept) == 1
    dialog.get_by_role("button", name="Delete all").last.click()
    assert page.evaluate(kept) == 0


def test_an_opinion_is_kept_after_consent_only_and_exported_as_a_candidate(
    page: Page, tmp_path: Path
) -> None:
    ask(page, RELIEF)
    card = page.locator(".card").first
    card.get_by_text("Check, reasons, your opinion").click()
    card.get_by_role("button", name="Answers it").click()
    page.get_by_role("button", name="No, keep nothing").click()
    assert page.evaluate("localStorage.getItem('ketqa.opinions')") is None
    card.get_by_role("button", name="Answers it").click()
    page.get_by_role("button", name="Keep it here").click()
    expect(card.get_by_role("button", name="Answers it")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Earlier questions").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    download.value.save_as(tmp_path / "opinions.jsonl")
    row = json.loads((tmp_path / "opinions.jsonl").read_text(encoding="utf-8"))
    assert row["question"] == RELIEF
    assert row["gold"][0]["grade"] == 2
    text = (CORPUS / row["gold"][0]["source"]).read_bytes().decode()
    assert row["gold"][0]["quote"] in text


def test_a_search_can_be_stopped(page: Page) -> None:
    # The button belongs to a search that is running: here one that the page is told is.
    ask(page, RELIEF)
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    page.evaluate("document.querySelector('section.answer').classList.replace('done', 'reading')")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(DONE)).to_contain_text("Stopped. Nothing was answered.")


@pytest.mark.parametrize(
    ("question", "heading"),
    [
        (RELIEF, "These two differ"),
        ("Does ketamine help migraine?", "Also said: harms and limits"),
        ("Has the FDA approved ketamine", "These two differ"),
    ],
)
def test_what_differs_and_what_speaks_against_has_its_heading(
    page: Page, question: str, heading: str
) -> None:
    ask(page, question)
    expect(page.get_by_role("heading", name=heading)).to_be_visible()
    assert_quotes_are_verbatim(page, CORPUS)


def test_an_emergency_comes_first_with_numbers_to_call_and_quotes_folded(page: Page) -> None:
    ask(page, "my mate took loads of K and wont wake up")
    notice = page.locator(".notice-emergency")
    expect(notice.get_by_role("link", name="999")).to_have_attribute("href", "tel:999")
    expect(page.locator("#alarm")).to_contain_text("Call 999 now")
    assert page.locator(".card:visible").count() == 0
    page.get_by_text("What the documents say, for later").click()


def test_the_print_sheet_is_one_page_and_holds_what_is_needed(page: Page, address: str) -> None:
    page.goto(f"{address}/print?q=How+long+did+relief+last%3F")
    expect(page.locator("body")).to_contain_text("not medical advice")
    expect(page.locator("body")).to_contain_text("SHA-256 f8df7a7cea94abb2")
    assert assert_quotes_are_verbatim(page, CORPUS) == 3
    pdf = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1


def test_an_answer_is_taken_away_in_each_form(page: Page, address: str) -> None:
    ask(page, RELIEF)
    page.get_by_text("Take it away").click()
    links = page.locator(".take a")
    for link in links.all():
        taken = httpx.get(address + str(link.get_attribute("href")))
        assert taken.status_code == 200
        assert "relief lasted for up to 3 weeks" in taken.text
    assert links.count() == 7
    assert httpx.get(f"{address}/take/md").status_code == 422
    assert httpx.get(f"{address}/take/nothing?q=a").status_code == 422


def test_the_page_speaks_four_languages_and_quotes_stay_as_they_are(
    page: Page, address: str
) -> None:
    page.goto(f"{address}/de/?q=Wie+lange+hielt+die+Linderung+an%3F")
    expect(page.locator(DONE)).to_have_count(1)
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.get_by_role("button", name="Fragen", exact=True)).to_be_visible()
    assert assert_quotes_are_verbatim(page, CORPUS) >= 1
    page.get_by_role("link", name="Français").click()
    expect(page.locator(DONE)).to_have_count(1)
    expect(page.get_by_role("button", name="Demander", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(re.escape("/fr/?q=Wie")))
