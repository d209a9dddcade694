import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import CNN, Pooling, StaticEmbedding

from ketqa.build import build_index
from ketqa.compiled import DESCRIPTION, MODEL, CompiledEncoder, load_encoder
from ketqa.encode import Encoder, SentenceEncoder
from ketqa.errors import IndexDamaged, ModelError
from ketqa.index import Index
from ketqa.manifest import current_build
from ketqa.models import find_model
from ketqa.runtime import import_openvino

pytestmark = pytest.mark.model

TEXTS = [
    "Relief lasted three weeks.",
    "Naïve “quotes” — 0.5 mg/kg, 10 µg, and 片頭痛.",
    "",
    "The weather was fine and the road was dry. " * 60 + "Then it rained.",
]


@pytest.fixture(scope="module")
def torch_encoder() -> SentenceEncoder:
    return SentenceEncoder(find_model())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compiled") / "encoder"
    assert isinstance(load_encoder(find_model(), folder), CompiledEncoder)
    return folder


@pytest.fixture(scope="module")
def compiled(folder: Path) -> CompiledEncoder:
    return CompiledEncoder(folder)


def test_compiled_rows_are_the_models_own(compiled: Encoder, torch_encoder: Encoder) -> None:
    assert compiled.max_tokens == torch_encoder.max_tokens
    assert compiled.count_tokens(TEXTS) == torch_encoder.count_tokens(TEXTS)
    for ours, theirs in (
        (compiled.encode_texts(TEXTS), torch_encoder.encode_texts(TEXTS)),
        (compiled.encode_queries(TEXTS), torch_encoder.encode_queries(TEXTS)),
    ):
        assert ours.dtype == np.float32
        assert np.linalg.norm(ours, axis=1) == pytest.approx(np.ones(4), abs=1e-5)
        assert (ours * theirs).sum(axis=1) == pytest.approx(np.ones(4), abs=2e-4)
    assert compiled.encode_texts([]).shape == (0, 384)
    assert compiled.count_tokens([]) == []


def test_a_row_does_not_depend_on_what_is_encoded_beside_it(compiled: Encoder) -> None:
    words = ("pain", "dose", "sleep", "migraine", "week", "infusion", "relief")
    texts = [" ".join(words[n % 7 :][: 1 + n % 4] * (1 + n % 5)) for n in range(60)]
    alone = np.vstack([compiled.encode_texts([text]) for text in texts])
    assert (compiled.encode_texts(texts) == alone).all()
    assert (compiled.encode_texts(texts[::-1])[::-1] == alone).all()


def test_an_index_answers_without_torch_and_tells_nobody(index_folder: Path) -> None:
    program = (
        "import sys; from ketqa import Index; "
        f"answer = Index.open({str(index_folder)!r}).ask('Does ketamine help with migraine?'); "
        "assert answer.evidence; print(sorted({name.split('.')[0] for name in sys.modules "
        "if sys.modules[name]} & {'torch', 'transformers', 'sklearn', 'openvino_telemetry'}))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_without_the_runtime_torch_does_it_with_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "openvino", None)
        import_openvino.cache_clear()
        encoder = load_encoder(find_model(), tmp_path / "encoder")
    import_openvino.cache_clear()
    assert isinstance(encoder, SentenceEncoder)
    assert "runs on torch, which is slower: OpenVINO is missing" in caplog.text
    assert not (tmp_path / "encoder").exists()


def test_a_model_of_another_kind_runs_on_torch(
    tmp_path: Path, torch_encoder: SentenceEncoder, caplog: pytest.LogCaptureFixture
) -> None:
    parts = list(torch_encoder.model)
    wider = CNN(in_embedding_dimension=384, out_channels=8)
    pooling = Pooling(wider.get_embedding_dimension())
    SentenceTransformer(modules=[parts[0], wider, pooling], device="cpu").save(str(tmp_path / "m"))
    encoder = load_encoder(find_model(str(tmp_path / "m")), tmp_path / "encoder")
    assert isinstance(encoder, SentenceEncoder)
    assert encoder.encode_texts(["pain"]).shape == (1, 24)
    assert "its parts CNN cannot be compiled" in caplog.text


def test_a_model_without_places_of_words_is_refused(
    tmp_path: Path, torch_encoder: SentenceEncoder
) -> None:
    words = StaticEmbedding(torch_encoder.model.tokenizer.backend_tokenizer, embedding_dim=8)
    SentenceTransformer(modules=[words], device="cpu").save(str(tmp_path / "model"))
    with pytest.raises(ModelError, match="take another"):
        load_encoder(find_model(str(tmp_path / "model")), tmp_path / "encoder")


def test_a_model_gets_the_words_it_wants_put_before_texts(
    tmp_path: Path, torch_encoder: SentenceEncoder
) -> None:
    copy = tmp_path / "model"
    shutil.copytree(find_model().path, copy)
    settings = json.loads((copy / "config_sentence_transformers.json").read_text())
    settings["prompts"] = {"query": "query: ", "document": "passage: "}
    (copy / "config_sentence_transformers.json").write_text(json.dumps(settings))
    encoder = load_encoder(find_model(str(copy)), tmp_path / "encoder")
    assert isinstance(encoder, CompiledEncoder)
    for ours, text in (
        (encoder.encode_queries(["pain"]), "query: pain"),
        (encoder.encode_texts(["pain"]), "passage: pain"),
    ):
        assert (ours * torch_encoder.encode_texts([text])).sum() == pytest.approx(1, abs=2e-4)


def test_damage_is_named(tmp_path: Path, four_documents: Path) -> None:
    build_index(four_documents, tmp_path / "index")
    encoder = current_build(tmp_path / "index") / "encoder"
    damaged = bytearray((encoder / MODEL).with_suffix(".bin").read_bytes())
    damaged[1000] ^= 1
    (encoder / MODEL).with_suffix(".bin").write_bytes(damaged)
    with pytest.raises(IndexDamaged, match="encoder/model.bin: was changed"):
        Index.open(tmp_path / "index")
    (encoder / DESCRIPTION).write_text("{}")
    with pytest.raises(IndexDamaged, match="the encoder cannot be opened"):
        CompiledEncoder(encoder)


def test_a_new_build_shares_the_encoder_of_the_old(tmp_path: Path, four_documents: Path) -> None:
    build_index(four_documents, tmp_path / "index")
    before = (current_build(tmp_path / "index") / "encoder" / MODEL).stat().st_ino
    (four_documents / "more.txt").write_text("Sleep came late.\n")
    report = build_index(four_documents, tmp_path / "index")
    assert report.reused > 0
    assert (current_build(tmp_path / "index") / "encoder" / MODEL).stat().st_ino == before
    with Index.open(tmp_path / "index") as index:
        assert index.search("sleep")[0].passage.text.startswith(("Sleep", "People"))
