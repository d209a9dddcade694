"""Make the screenshots in docs/: ``python benchmarks/screenshots.py [--index index]``."""

import argparse
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from page import CHROMIUM, FLAGS, serving

DOCS = Path(__file__).parent.parent / "docs"
DESKTOP, WIDE, PHONE = (1180, 1000), (1380, 1000), (390, 844)
RELIEF = "/?q=How+long+did+relief+last%3F"
READ = "document.querySelectorAll('.card [data-do=read]')[1].click()"
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


def main() -> None:
    """Take every picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--index", default="index")
    options = parser.parse_args()
    with serving(options.index, "--country", "GB") as address, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for name in PICTURES:
            take(browser, address, name)
        browser.close()


def take(browser: Browser, address: str, name: str) -> None:
    """Take one picture, into this folder."""
    path, (width, height), scheme, act = PICTURES[name]
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
        page.wait_for_timeout(700)
        page.screenshot(path=DOCS / f"page-{name}.png")


if __name__ == "__main__":
    main()
