"""Write the reference of the Python names from their docstrings: ``make reference``."""

import sys
from pathlib import Path

import pdoc

import ketqa

MODULES = ("ketqa", "ketqa.types", "ketqa.errors", "ketqa.export", "ketqa.verify")


def write_reference(folder: Path) -> None:
    """Write a page a module into a folder; ``index.html`` leads to them."""
    ketqa.__dict__["Index"] = ketqa.Index  # loaded on first use, and not to be seen before
    pdoc.render.configure(docformat="google", show_source=False)
    pdoc.pdoc(*MODULES, r"!ketqa\.export\.", output_directory=folder)


if __name__ == "__main__":
    write_reference(Path(sys.argv[1]))
