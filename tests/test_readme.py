"""The README tells the truth: its command gives its output, its Python gives its values."""

import re
import shlex
from pathlib import Path

import pytest

from conftest import ROOT
from ketqa.cli import main

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_two_commands_and_the_output_stand_at_the_top() -> None:
    lines = README.splitlines()
    assert lines.index("make run      # set everything up, build the index, open the chat page on http://127.0.0.1:7860") < 15  # fmt: skip
    assert max(n for n, line in enumerate(lines[:40]) if "not medical advice" in line) < 30


def test_every_file_it_links_to_is_there() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


@pytest.mark.model
def test_the_command_gives_the_output_shown(
    index_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = re.search(r"```\n\$ .venv/bin/ketqa (.*)\n((?s:.)*?)```", README)
    assert shown
    assert main([*shlex.split(shown[1]), "--index", str(index_folder)]) == 0
    assert capsys.readouterr().out == shown[2]


@pytest.mark.model
def test_the_python_gives_the_values_shown(
    index_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = re.search(r"```python\n((?s:.)*?)```", README)
    assert code
    exec(code[1].replace('"index"', repr(str(index_folder))), {})  # noqa: S102, our own README
    printed = capsys.readouterr().out
    assert printed.startswith(re.findall(r"# (Ketamine is .*)", code[1])[0])
    assert "sells ketamine treatment" in printed
