"""A quote of a PDF is shown on its printed page, in real Chromium, and its words beside it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from browsing import ask, serving
from ketqa.build import build_index
from ketqa.index import Index
from ketqa.types import Document
from made_files import LEAFLET, make_pdf

pytestmark = [pytest.mark.browser, pytest.mark.model]

FILE = "a leaflet & more.pdf"
RELIEF = "How long did the relief last?"
# A quote across two pages, and one on the first of them.
LONG = "The dose was 0.5 mg a kilogram of body weight, given over forty minutes by a nurse, and "
PAGES = (
    [*LEAFLET[:2], ("", LONG)],
    [("", "it was given again after a week."), LEAFLET[2]],
    [("Questions", "Ask the ward when you do not understand a word of this leaflet.")],
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("printed") / "corpus"
    folder.mkdir()
    (folder / FILE).write_bytes(make_pdf(PAGES))
    build_index(folder, folder.parent / "index")
    return folder


@pytest.fixture(scope="module")
def document(corpus: Path) -> Document:
    with Index.open(corpus.parent / "index") as index:
        return index.store.document(FILE)


@pytest.fixture(scope="module")
def printed(corpus: Path) -> Iterator[str]:
    with serving(corpus.parent / "index") as found:
        yield found


@contextmanager
def opened(browser: Browser, address: str, width: int, height: int) -> Iterator[Page]:
    """A page where the quote on relief was opened; an error in it fails the test."""
    wrong: list[str] = []
    with browser.new_page(viewport={"width": width, "height": height}) as page:
        page.on("console", lambda line: wrong.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(address)
        ask(page, RELIEF)
        page.get_by_role("link", name="Read it in the whole document").first.click()
        yield page
    assert wrong == []


@pytest.fixture
def reader(browser: Browser, printed: str) -> Iterator[Page]:
    with opened(browser, printed, 1300, 800) as page:
        yield page


@pytest.fixture
def phone(browser: Browser, printed: str) -> Iterator[Page]:
    with opened(browser, printed, 320, 640) as page:
        yield page


def test_a_quote_of_a_pdf_opens_on_its_printed_page(reader: Page, document: Document) -> None:
    sheet = reader.get_by_role("region", name="The page as it is printed")
    picture = sheet.get_by_role("img")
    expect(picture).to_have_accessible_name(
        "Page 1 as it is printed; the quote is outlined on it. Opens larger."
    )
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [1200, 1698]
    quote = sheet.locator("mark.quote")
    expect(quote).to_be_focused()
    start, end = (int(quote.get_attribute(f"data-{name}") or "") for name in ("start", "end"))
    assert quote.evaluate("element => element.textContent") == document.text[start:end]
    assert "three weeks" in document.text[start:end]
    expect(sheet.locator(".here")).to_be_in_viewport()
    text = reader.locator("#book .text").evaluate("element => element.textContent")
    assert text == document.text
    sheet.get_by_role("button", name="The quote in the text").click()
    expect(reader.locator("#quote")).to_be_focused()
    expect(reader.locator("#quote")).to_be_in_viewport()


def test_pages_can_be_turned_by_keyboard(reader: Page) -> None:
    sheet = reader.locator(".sheet")
    expect(sheet.get_by_role("button", name="Previous page")).to_be_disabled()
    sheet.get_by_role("button", name="Next page").press("Enter")
    expect(sheet).to_contain_text("Page 2 of 3, as it is printed.")
    expect(reader.locator("#said")).to_contain_text("Page 2 of 3")
    expect(sheet.get_by_role("button", name="Next page")).to_be_focused()
    reader.keyboard.press("Enter")
    expect(sheet).to_contain_text("Page 3 of 3")
    expect(sheet.get_by_role("button", name="Next page")).to_be_disabled()
    expect(sheet.get_by_role("img")).to_have_accessible_name(
        "Page 3 as it is printed. Opens larger."
    )
    sheet.get_by_role("button", name="Previous page").press("Enter")
    expect(sheet).to_contain_text("Page 2 of 3")


def test_a_document_opened_from_the_sources_shows_its_first_page(reader: Page) -> None:
    reader.locator("nav").get_by_role("button", name="Sources").click()
    reader.get_by_role("dialog").get_by_role("link").first.click()
    expect(reader.locator(".sheet img")).to_have_js_property("complete", True)
    expect(reader.locator(".sheet")).to_contain_text("Page 1 of 3")
    expect(reader.locator(".sheet mark")).to_have_count(0)


def test_the_printed_page_fits_a_phone(phone: Page) -> None:
    expect(phone.locator(".sheet img")).to_have_js_property("complete", True)
    assert phone.evaluate("document.documentElement.scrollWidth") <= 320
    width = phone.locator(".sheet img").evaluate("image => image.clientWidth")
    assert 240 < width <= 320
    larger = phone.locator(".sheet .leaf a")
    assert str(larger.get_attribute("href")).startswith(
        "/pictures/a%20leaflet%20%26%20more.pdf?page=1&"
    )


def test_axe_finds_nothing_on_a_printed_page(browser: Browser, printed: str) -> None:
    with browser.new_context(bypass_csp=True) as context:
        page = context.new_page()
        page.goto(printed)
        ask(page, RELIEF)
        page.get_by_role("link", name="Read it in the whole document").first.click()
        expect(page.locator(".sheet img")).to_have_js_property("complete", True)
        assert Axe().run(page).response["violations"] == []


def test_a_quote_across_two_pages_is_marked_on_both(printed: str, document: Document) -> None:
    start = document.text.index("The dose")
    end = document.text.index("after a week.") + len("after a week.")
    place = {"start": str(start), "end": str(end)}
    path = f"{printed}/printed/{FILE}"
    assert "goes on on page 2" in httpx.get(path, params=place).text
    assert "goes on" not in httpx.get(path, params={**place, "page": "2"}).text
    shown = [_picture(printed, {**place, "page": page}) for page in ("1", "2")]
    plain = [_picture(printed, {"page": page}) for page in ("1", "2")]
    assert all(one != other for one, other in zip(shown, plain, strict=True))
    own = httpx.get(f"{printed}/documents/{FILE}", params=place)
    assert own.text.count("<img ") == 2
    assert "script" not in own.headers["content-security-policy"]


def _picture(address: str, params: dict[str, str]) -> bytes:
    got = httpx.get(f"{address}/pictures/{FILE}", params=params)
    assert (got.status_code, got.headers["content-type"]) == (200, "image/png")
    assert got.headers["content-security-policy"] == "default-src 'none'"
    assert got.headers["x-content-type-options"] == "nosniff"
    return Image.open(BytesIO(got.content)).tobytes()


@pytest.mark.parametrize("kind", ["printed", "pictures"])
@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{FILE}?page=0", 404),
        (f"{FILE}?page=4", 404),
        (f"{FILE}?page=-1", 404),
        (f"{FILE}?page=99999999999999999999999", 404),
        (f"{FILE}?page=1e3", 422),
        (f"{FILE}?page=../../x", 422),
        (f"{FILE}?start=5&end=2", 422),
        (f"{FILE}?start=-1&end=2", 422),
        (f"{FILE}?start=0&end=999999", 422),
        (f"{FILE}?also=9-3", 422),
        (f"{FILE}?also=a-b", 422),
        (f"{FILE}?" + "also=1-2&" * 60, 422),
        (f"{FILE}?lang=../x", 422),
        ("nothing.pdf?page=1", 404),
        ("..%2f..%2fetc%2fpasswd?page=1", 404),
        ("%2fetc%2fpasswd?page=1", 404),
    ],
)
def test_a_hostile_place_is_refused(printed: str, kind: str, path: str, status: int) -> None:
    assert httpx.get(f"{printed}/{kind}/{path}").status_code == status


def test_a_changed_or_missing_file_is_told_and_the_text_stays(
    browser: Browser, corpus: Path, tmp_path: Path, document: Document
) -> None:
    folder = shutil.copytree(corpus, tmp_path / "corpus")
    with (
        serving(corpus.parent / "index", "--corpus", str(folder)) as address,
        browser.new_page() as page,
    ):
        assert httpx.get(f"{address}/pictures/{FILE}").status_code == 200
        (folder / FILE).write_bytes(make_pdf(title="Another leaflet"))
        page.goto(address)
        ask(page, RELIEF)
        link = page.get_by_role("link", name="Read it in the whole document").first
        link.click()
        sheet = page.locator(".sheet")
        expect(sheet).to_contain_text("The file has changed since it was read")
        expect(sheet.locator("mark.quote")).to_be_focused()
        expect(sheet.get_by_role("img")).to_have_count(0)
        expect(page.locator("#book .text")).to_contain_text("Ask the ward")
        own = str(link.get_attribute("href"))
        assert "The file has changed" in httpx.get(address + own).text
        assert httpx.get(f"{address}/pictures/{FILE}").status_code == 409
        (folder / FILE).unlink()
        page.get_by_role("button", name="Back to the answer").click()
        link.click()
        expect(sheet).to_contain_text("The file is no longer where it was read")
        assert httpx.get(f"{address}/pictures/{FILE}").status_code == 404
