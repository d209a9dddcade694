"""The page for everyone: axe-core, the keyboard alone, small and zoomed windows, one announcement."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect

from browsing import ask

pytestmark = [pytest.mark.browser, pytest.mark.model]

PLACES = (
    "/",
    "/?q=How+long+did+relief+last%3F",
    "/?q=who+won+the+world+cup",
    "/?q=my+mate+took+loads+of+K+and+wont+wake+up",
    "/print?q=How+long+did+relief+last%3F",
    "/documents/medpage-today-stubborn-migraines.txt?start=1937&end=2048",
)


@pytest.fixture
def bare(browser: Browser) -> Iterator[Page]:
    """A page into which axe may be put: no policy of ours forbids scripts there."""
    with browser.new_context(bypass_csp=True) as context:
        yield context.new_page()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(bare: Page, address: str, scheme: str) -> None:
    bare.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for place in PLACES:
        bare.goto(address + place)
        if place.startswith("/?"):
            expect(bare.locator("section.answer.done")).to_have_count(1)
        elif place == "/":
            expect(bare.get_by_label("Your question")).to_be_visible()
        bare.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        assert _findings(bare) == [], place
    bare.goto(address + PLACES[1])
    bare.get_by_role("link", name="Read it in the whole document").first.click()
    expect(bare.locator("#quote")).to_be_visible()
    assert _findings(bare) == []
    bare.locator("nav").get_by_role("button", name="Sources").click()
    expect(bare.locator("#sources .sources > li")).to_have_count(5)
    assert _findings(bare) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_a_dialog(bare: Page, address: str, scheme: str) -> None:
    bare.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    bare.goto(address)
    earlier = bare.get_by_role("dialog", name="Earlier questions")
    bare.get_by_role("button", name="Earlier questions").click()
    expect(earlier).to_contain_text("No questions yet")
    assert _findings(bare) == []
    earlier.get_by_role("button", name="Close").click()
    ask(bare, "How long did relief last?")
    bare.get_by_role("button", name="Earlier questions").click()
    expect(earlier.get_by_role("link")).to_have_count(1)
    assert _findings(bare) == []
    earlier.get_by_role("button", name="Close").click()
    card = bare.locator(".card").first
    card.get_by_text("Check, reasons, your opinion").click()
    card.get_by_role("button", name="Answers it").click()
    expect(bare.get_by_role("dialog")).to_contain_text("Keep it here")
    assert _findings(bare) == []


def _findings(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{one['impact']} {one['id']}: {one['nodes'][0]['html'][:120]}" for one in found]


def test_the_whole_way_can_be_gone_by_keyboard(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the question")).to_be_focused()
    page.get_by_label("Your question").focus()
    page.keyboard.type("How long did relief last?")
    page.keyboard.press("Enter")
    expect(page.locator("section.answer.done")).to_have_count(1)
    page.get_by_role("button", name="Ask again").focus()
    seen = []
    for _ in range(7):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.textContent.trim()"))
    assert seen == [
        "Change what is searched", "very likely an answer", "↑ One sentence before",
        "↓ One sentence after", "Read it in the whole document", "Copy with its source",
        "Check, reasons, your opinion",
    ]  # fmt: skip
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Compare it now").first).to_be_visible()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#quote")).to_be_focused()
    page.get_by_role("button", name="Back to the answer").press("Enter")
    expect(page.get_by_role("link", name="Read it in the whole document").first).to_be_focused()


def test_what_is_meant_by_likely_is_shown_on_focus_and_goes_with_escape(page: Page) -> None:
    ask(page, "How long did relief last?")
    label = page.get_by_role("button", name="very likely an answer")
    note = page.locator(".tip").first
    label.focus()
    expect(note).to_be_visible()
    expect(note).to_contain_text("Of ten quotes marked like this, seven or more")
    page.keyboard.press("Escape")
    expect(note).to_be_hidden()


def test_an_answer_is_announced_once(page: Page) -> None:
    page.evaluate(
        """() => {
          window.heard = [];
          new MutationObserver(() => {
            const text = document.getElementById("said").textContent;
            if (text) window.heard.push(text);
          }).observe(document.getElementById("said"), { childList: true });
        }"""
    )
    ask(page, "How long did relief last?")
    page.wait_for_timeout(500)
    assert page.evaluate("window.heard") == ["5 quotes, word for word, from 5 documents searched."]
    expect(page.locator("#chat [role=log]")).to_have_attribute("aria-live", "off")


@pytest.mark.parametrize(("width", "scale"), [(320, 1), (640, 2), (390, 1)])
def test_nothing_needs_sideways_scrolling(
    browser: Browser, address: str, width: int, scale: int
) -> None:
    # Zooming to 200 % halves the width that a page has.
    viewport: ViewportSize = {"width": width // scale, "height": 700}
    with browser.new_context(viewport=viewport, device_scale_factor=scale) as context:
        page = context.new_page()
        page.goto(f"{address}/?q=How+long+did+relief+last%3F")
        expect(page.locator("section.answer.done")).to_have_count(1)
        page.get_by_role("link", name="Read it in the whole document").first.click()
        expect(page.locator("#quote")).to_be_in_viewport()
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]


def test_nothing_moves_for_those_who_asked_for_that(browser: Browser, address: str) -> None:
    with browser.new_context(reduced_motion="reduce") as context:
        page = context.new_page()
        page.goto(address)
        expect(page.locator("html")).to_have_css("scroll-behavior", "auto")
