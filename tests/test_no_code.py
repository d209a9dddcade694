"""No code comes out of data: not of an index, not of a model's folder, not of a document."""

import ast
import json
import pickle
import shutil
from pathlib import Path

import pytest

from ketqa.encode import load_model
from ketqa.errors import ModelError
from ketqa.models import find_model
from test_project import imports, modules

# Modules that make objects of bytes, or code of text.
UNSAFE = {"pickle", "marshal", "shelve", "joblib", "dill", "cloudpickle", "yaml", "imp"}
CALLS = {"eval", "exec", "compile_command", "__import__"}


class Bomb:
    """Makes a file where it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = str(file)

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (self.file, "w")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return Path(shutil.copytree(find_model().path, tmp_path / "model"))


def name_module(model: Path, folder: str, kind: str) -> None:
    table = json.loads((model / "modules.json").read_text())
    row = {"idx": len(table), "name": str(len(table)), "path": folder, "type": kind}
    (model / "modules.json").write_text(json.dumps([*table, row]))


def test_nothing_in_the_package_can_turn_bytes_into_objects_or_code() -> None:
    for name, path in modules().items():
        if name == "cluster.bulk":
            continue  # what it hands to Ray's own processes, which are this program's
        assert not {used.split(".")[0] for used in imports(path)} & UNSAFE, name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func.id if isinstance(node.func, ast.Name) else ""
                given = {word.arg: getattr(word.value, "value", None) for word in node.keywords}
                assert called not in CALLS, name
                assert not given.get("allow_pickle"), name
                assert not given.get("trust_remote_code"), name
                assert getattr(node.func, "attr", "") != "load" or not _is_torch(node.func), name


def _is_torch(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and getattr(function.value, "id", "") == "torch"


@pytest.mark.model
def test_a_model_folder_with_a_module_of_its_own_is_refused_and_not_run(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    (model / "evil.py").write_text(f"open({str(ran)!r}, 'w')\nclass Module: pass\n")
    name_module(model, "", "evil.Module")
    monkeypatch.chdir(model)
    with pytest.raises(ModelError, match=str(model)):
        load_model(find_model(str(model)).path)
    assert not ran.exists()


@pytest.mark.model
def test_a_pickle_in_a_model_folder_is_not_opened(model: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    dense = model / "2_Dense"
    dense.mkdir()
    config = {"in_features": 384, "out_features": 384, "bias": False}
    (dense / "config.json").write_text(
        json.dumps(config | {"activation_function": "torch.nn.modules.linear.Identity"})
    )
    (dense / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb(ran)))
    name_module(model, "2_Dense", "sentence_transformers.models.Dense")
    with pytest.raises(ModelError, match=str(model)):
        load_model(model)
    assert not ran.exists()
