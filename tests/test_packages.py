"""What others install and run: the wheel, the image, the service, the Space."""

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from fnmatch import fnmatch
from pathlib import Path

import pytest
from huggingface_hub import SpaceCard

from conftest import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
UNIT = (ROOT / "deploy" / "ketqa.service").read_text(encoding="utf-8")


def build(source: Path, target: str, folder: Path) -> Path:
    """Build a wheel or an sdist as any build frontend would, without a network."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)],
        cwd=source, check=True, capture_output=True,
    )  # fmt: skip
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, "sdist", tmp_path_factory.mktemp("sdist"))


def test_the_wheel_has_every_file_of_the_package_and_no_document(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "src/ketqa"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    assert "src/ketqa/adapted/adapter.safetensors" in tracked
    assert "src/ketqa/py.typed" in tracked
    assert {name.removeprefix("src/") for name in tracked} <= names
    assert {name.split("/")[0] for name in names} == {"ketqa", "ketqa-0.1.0.dist-info"}


def test_the_same_sources_give_the_same_wheel_byte_for_byte_from_the_sdist_too(
    wheel: Path, sdist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tarfile.open(sdist) as archive:
        names = archive.getnames()
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # not in 3.11.2
        archive.extractall(tmp_path)  # noqa: S202, our own
    (folder,) = tmp_path.iterdir()
    again = build(folder, "wheel", tmp_path / "again")
    assert again.read_bytes() == wheel.read_bytes()
    assert not [name for name in names if "/corpus/" in name or "/tests/" in name]


def test_the_same_moment_is_in_the_wheel_whenever_it_is_built(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {entry.date_time for entry in zipfile.ZipFile(wheel).infolist()} == {
        (2020, 2, 2, 0, 0, 0)
    }
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    dated = zipfile.ZipFile(build(ROOT, "wheel", tmp_path))
    assert {entry.date_time[:3] for entry in dated.infolist()} == {(2023, 11, 14)}


def test_the_command_has_the_name_of_the_package(wheel: Path) -> None:
    """So that ``pipx run ketqa`` and ``uvx ketqa`` find it."""
    points = zipfile.ZipFile(wheel).read("ketqa-0.1.0.dist-info/entry_points.txt").decode()
    assert points.split() == ["[console_scripts]", "ketqa", "=", "ketqa.cli:main"]


def test_one_version_of_torch_is_installed_everywhere() -> None:
    files = ["Makefile", "Dockerfile", "constraints.txt", "deploy/try_wheel.sh"]
    found = {
        file: set(re.findall(r"torch==([\d.]+\d)", (ROOT / file).read_text(encoding="utf-8")))
        for file in files
    }
    assert found == {file: {"2.13.0"} for file in files}


def test_the_dockerfile_has_nothing_that_its_linter_knows_to_be_wrong(tmp_path: Path) -> None:
    linter = Path(sys.executable).with_name("hadolint")
    told = subprocess.run(
        [linter, ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stdout) == (0, "")
    worse = tmp_path / "Dockerfile"
    worse.write_text(DOCKERFILE.replace("FROM python:3.11-slim-bookworm", "FROM python"))
    assert subprocess.run([linter, worse], capture_output=True, check=False).returncode == 1


def test_the_image_runs_as_nobody_and_says_how_it_is() -> None:
    build_stage, final = DOCKERFILE.rsplit("\nFROM ", 1)
    assert re.findall(r"^USER (.*)$", final, re.MULTILINE) == ["1000:1000"]
    assert "HEALTHCHECK" in final
    assert "pip install" not in final
    assert "HF_HUB_OFFLINE=1" in final
    assert build_stage.count("pip install") == build_stage.count("-c constraints.txt")


def test_what_the_image_copies_is_there_and_is_not_kept_from_it() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    ignored = [line for line in lines if line and not line.startswith("#")]
    copied = [
        name
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
        for name in line.replace("${CORPUS}", "corpus").split()
    ]
    assert copied == ["constraints.txt", "pyproject.toml", "README.md", "LICENSE", "src", "corpus"]
    for name in copied:
        assert (ROOT / name).exists()
        assert not [line for line in ignored if fnmatch(name, line)], name


def test_the_space_is_of_this_image() -> None:
    card = SpaceCard.load(ROOT / "deploy" / "space" / "README.md")
    assert (card.data.sdk, card.data.license) == ("docker", "apache-2.0")
    assert f"EXPOSE {card.data.app_port}\n" in DOCKERFILE
    assert "not medical advice" in card.text


def test_the_service_has_a_user_of_its_own_that_may_write_its_index_alone() -> None:
    lines = UNIT.splitlines()
    for line in (
        "DynamicUser=yes",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "StateDirectory=ketqa",
    ):
        assert line in lines, line
    assert not [line for line in lines if line.startswith("ReadWritePaths")]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not here")
def test_the_service_is_in_order_and_can_do_little(tmp_path: Path) -> None:
    unit = tmp_path / "ketqa.service"
    unit.write_text(UNIT.replace("/opt/ketqa/bin/ketqa", sys.executable))
    order = subprocess.run(
        ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
    )
    assert (order.returncode, order.stderr) == (0, "")
    # from 0, which can do nothing, to 10, in tenths
    exposed = ["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=15"]
    told = subprocess.run([*exposed, unit], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout[-400:]
