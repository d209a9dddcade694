"""Figures in a Markdown page: each command replaces its own part and leaves the rest."""

from pathlib import Path

from ketqa.errors import KetqaError


def write_part(page: Path, name: str, text: str) -> None:
    """Replace what stands between ``<!-- NAME -->`` and ``<!-- /NAME -->``.

    Raises:
        KetqaError: The page has no such marks.
    """
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise KetqaError(f"{page}: no part {name!r}; put {begin.strip()} and {end} there")
    page.write_text(f"{before}{begin}\n{text}\n\n{end}{after}", encoding="utf-8")
