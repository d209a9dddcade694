"""Make the screenshots in docs/: ``python benchmarks/screenshots.py [--index index] [NAME]``."""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from ketqa.build import build_index
from page import CHROMIUM, FLAGS, serving

DOCS = Path(__file__).parent.parent / "docs"
DESKTOP, WIDE, PHONE = (1180, 1000), (1380, 1000), (390, 844)
RELIEF = "/?q=How+long+did+relief+last%3F"
READ = "document.querySelectorAll('.card [data-do=read]')[1].click()"
WARD = "/?q=What+should+I+do+if+I+feel+sick+during+the+infusion%3F"
READ_FIRST = "document.querySelector('.card [data-do=read]').click()"
DIFFER = "document.querySelector('.differences').scrollIntoView({block: 'center'})"
# name: address, window, scheme, what is done before the picture is taken
PICTURES = {
    "start": ("/", DESKTOP, "light", ""),
    "desktop": (RELIEF, DESKTOP, "light", ""),
    "phone": (RELIEF, PHONE, "light", ""),
    "dark": (RELIEF, DESKTOP, "dark", ""),
    "emergency": ("/?q=my+mate+took+loads+of+K+and+wont+wake+up", PHONE, "light", ""),
    "nothing-found": ("/?q=who+won+the+world+cup", DESKTOP, "light", ""),
    "differences": (RELIEF, DESKTOP, "light", DIFFER),
    "reader": (RELIEF, WIDE, "light", READ),
    "sources": ("/", DESKTOP, "light", "document.querySelector('nav [data-do=sources]').click()"),
    "print": ("/print?q=How+long+did+relief+last%3F", (800, 1130), "light", ""),
}
# The same, of a page that answers from the leaflet below.
OF_LEAFLET = {
    "pdf": (WARD, WIDE, "light", READ_FIRST),
    "pdf-phone": (WARD, PHONE, "light", READ_FIRST),
}
LEAFLET = (
    ("What will happen on the day", (
        "Please do not eat for six hours before you come. A nurse will measure your blood pressure "
        "and put a thin tube into a vein of your arm.",
        "The infusion takes forty minutes. You lie in a quiet room, and a nurse stays near you all "
        "the time. Most people feel light or far away while it runs, and some see colours.",
    )),
    ("If you feel unwell", (
        "If you feel sick during the infusion, tell the nurse at once: it can be slowed down, and "
        "you can be given something against it. The sickness goes within an hour.",
        "Your blood pressure may rise. It is measured every ten minutes, and the infusion is "
        "stopped when it stays high.",
    )),
    ("Afterwards", (
        "You stay for one hour. Somebody must take you home, and you must not drive until the next "
        "morning.",
        "Write down how strong your headache is each evening for two weeks, and bring these notes "
        "to your next visit.",
    )),
)  # fmt: skip


def main() -> None:
    """Take every picture, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--index", default="index")
    parser.add_argument("names", nargs="*", choices=[[], *PICTURES, *OF_LEAFLET], metavar="NAME")
    options = parser.parse_args()
    names = options.names or [*PICTURES, *OF_LEAFLET]
    with leaflet() as index, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for pictures, served in ((PICTURES, options.index), (OF_LEAFLET, str(index))):
            wanted = [name for name in pictures if name in names]
            if wanted:
                with serving(served, "--country", "GB") as address:
                    for name in wanted:
                        take(browser, address, name)
        browser.close()


@contextmanager
def leaflet() -> Iterator[Path]:
    """Index a leaflet of a ward, as a PDF."""
    from fpdf import FPDF

    pdf = FPDF()
    pdf.set_title("Your ketamine infusion")
    pdf.set_margin(24)
    pdf.add_page()
    pdf.set_font("times", style="B", size=22)
    pdf.cell(text="Your ketamine infusion", new_x="LMARGIN", new_y="NEXT")
    for heading, paragraphs in LEAFLET:
        pdf.ln(8)
        pdf.set_font("times", style="B", size=15)
        pdf.cell(text=heading, new_x="LMARGIN", new_y="NEXT")
        pdf.set_font("times", size=13)
        for words in paragraphs:
            pdf.ln(3)
            pdf.multi_cell(w=0, h=6.5, text=words, align="L", new_x="LMARGIN", new_y="NEXT")
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder, "corpus")
        corpus.mkdir()
        pdf.output(str(corpus / "infusion.pdf"))
        build_index(corpus, Path(folder, "index"))
        yield Path(folder, "index")


def take(browser: Browser, address: str, name: str) -> None:
    """Take one picture, into this folder."""
    path, (width, height), scheme, act = (PICTURES | OF_LEAFLET)[name]
    with browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
    ) as context:
        page = context.new_page()
        page.goto(address + path)
        if not path.startswith("/print"):
            page.wait_for_selector("section.answer.done" if "q=" in path else "body.ready")
        if act:
            page.evaluate(act)
        if name in OF_LEAFLET:
            page.wait_for_function("document.querySelector('.sheet img')?.complete")
        page.wait_for_timeout(700)
        page.screenshot(path=DOCS / f"page-{name}.png")


if __name__ == "__main__":
    main()
