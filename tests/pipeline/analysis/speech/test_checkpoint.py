"""Weights: whatever layout a Whisper comes in, openai-whisper computes the same from it."""

import json
from pathlib import Path

import pytest
import torch

from pipeline.analysis.speech.engines import load_engine
from pipeline.analysis.speech.engines.checkpoint import (
    Checkpoint,
    cached_checkpoint,
    open_checkpoint,
    read_checkpoint,
    save_checkpoint,
)
from pipeline.analysis.speech.engines.tensor_names import read_ctranslate2
from pipeline.models import ModelInfo, resolve
from schemas.config import SpeechConfig
from schemas.errors import ModelError

pytestmark = pytest.mark.slow

DIMS = {
    "n_mels": 8, "n_audio_ctx": 20, "n_audio_state": 32, "n_audio_head": 4, "n_audio_layer": 2,
    "n_vocab": 100, "n_text_ctx": 12, "n_text_state": 32, "n_text_head": 4, "n_text_layer": 3,
}  # fmt: skip


def info(path: Path) -> ModelInfo:
    return ModelInfo(role="speech", id=str(path), path=path, licence="unknown", digest="0" * 16)


def whisper_of(dims: dict[str, int]) -> torch.nn.Module:
    from whisper.model import ModelDimensions, Whisper

    return Whisper(ModelDimensions(**dims))


def logits(checkpoint: Checkpoint, mel: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    model = whisper_of(checkpoint.dims)
    model.load_state_dict(checkpoint.state)
    with torch.inference_mode():
        return model.eval()(mel, tokens)


@pytest.fixture
def tiny() -> torch.nn.Module:
    torch.manual_seed(0)
    model = whisper_of(DIMS)
    torch.nn.init.normal_(model.decoder.positional_embedding)
    return model


def test_a_transformers_whisper_with_random_weights_gives_the_same_logits(tmp_path: Path) -> None:
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    torch.manual_seed(0)
    config = WhisperConfig(
        vocab_size=100, num_mel_bins=8, d_model=32, max_source_positions=20, max_target_positions=12,
        encoder_layers=2, decoder_layers=3, encoder_attention_heads=4, decoder_attention_heads=4,
        encoder_ffn_dim=128, decoder_ffn_dim=128, pad_token_id=0, bos_token_id=1, eos_token_id=2,
        decoder_start_token_id=3, suppress_tokens=None, begin_suppress_tokens=None,
    )  # fmt: skip
    theirs = WhisperForConditionalGeneration(config).eval()
    theirs.save_pretrained(tmp_path)
    hints = json.loads((tmp_path / "generation_config.json").read_text())
    (tmp_path / "generation_config.json").write_text(json.dumps({**hints, "alignment_heads": [[1, 2], [2, 0]]}))

    checkpoint = read_checkpoint(info(tmp_path))

    mel, tokens = torch.randn(2, 8, 40), torch.randint(0, 100, (2, 7))
    with torch.inference_mode():
        expected = theirs(input_features=mel, decoder_input_ids=tokens).logits
    torch.testing.assert_close(logits(checkpoint, mel, tokens), expected, atol=1e-4, rtol=1e-4)
    assert checkpoint.dims == DIMS
    assert checkpoint.alignment_heads == ((1, 2), (2, 0))


def test_an_openai_checkpoint_is_read_without_unpickling_anything_but_tensors(
    tmp_path: Path, tiny: torch.nn.Module
) -> None:
    torch.save({"dims": DIMS, "model_state_dict": tiny.half().state_dict()}, tmp_path / "mine.pt")
    checkpoint = read_checkpoint(info(tmp_path))
    mel, tokens = torch.randn(1, 8, 40), torch.randint(0, 100, (1, 5))
    with torch.inference_mode():
        torch.testing.assert_close(logits(checkpoint, mel, tokens), tiny.float()(mel, tokens))

    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return (pytest.fail, ("a pickle was executed",))

    torch.save({"dims": DIMS, "model_state_dict": Trap()}, tmp_path / "mine.pt")
    with pytest.raises(ModelError, match="besides tensors"):
        read_checkpoint(info(tmp_path))


def test_a_saved_checkpoint_reads_back_exactly(tmp_path: Path, tiny: torch.nn.Module) -> None:
    state = {name: tensor.clone() for name, tensor in tiny.state_dict().items()}
    state["encoder.conv1.weight"] = state["encoder.conv1.weight"].half().float()
    save_checkpoint(Checkpoint(DIMS, state, ((0, 1),)), tmp_path / "c.safetensors")
    back = open_checkpoint(tmp_path / "c.safetensors")
    assert (back.dims, back.alignment_heads) == (DIMS, ((0, 1),))
    assert all(torch.equal(back.state[name], tensor) for name, tensor in state.items())


@pytest.mark.models
def test_the_embedded_whisper_matches_every_key_and_is_converted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded = resolve("speech", "embedded:whisper-base")
    monkeypatch.setenv("VIDEOLAKE_CACHE", str(tmp_path))
    first = cached_checkpoint(embedded)
    whisper_of(first.dims).load_state_dict(first.state)
    assert len(first.alignment_heads) == 8
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    before = files[0].stat().st_mtime_ns
    cached_checkpoint(embedded)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == files
    assert files[0].stat().st_mtime_ns == before


def ct2_file(path: Path, *, kind: bytes = b"WhisperSpec\0", dtype: int = 1) -> Path:
    def number(value: int, size: int) -> bytes:
        return value.to_bytes(size, "little")

    name = b"encoder/conv1/weight\0"
    variable = (
        number(len(name), 2) + name + number(2, 1) + number(2, 4) * 2 + number(dtype, 1) + number(4, 4) + b"\1" * 4
    )
    path.write_bytes(number(6, 4) + number(len(kind), 2) + kind + number(3, 4) + number(1, 4) + variable)
    return path


def test_a_quantized_ctranslate2_model_is_refused_with_the_reason(tmp_path: Path) -> None:
    ct2_file(tmp_path / "model.bin")
    with pytest.raises(ModelError, match="quantized"):
        read_checkpoint(info(tmp_path))


def test_another_kind_of_ctranslate2_model_is_refused(tmp_path: Path) -> None:
    path = ct2_file(tmp_path / "model.bin", kind=b"TransformerSpec\0")
    with path.open("rb") as file, pytest.raises(ValueError, match="expected WhisperSpec"):
        read_ctranslate2(file)


def test_a_folder_with_no_whisper_says_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.bin .*model\.safetensors .*\.pt"):
        read_checkpoint(info(tmp_path))


def test_faster_whisper_says_how_to_convert_what_it_cannot_read(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match="ct2-transformers-converter"):
        load_engine(SpeechConfig(engine="faster-whisper"), info(tmp_path), device="cpu", threads=1)


@pytest.mark.parametrize("engine", ["faster-whisper", "openai-whisper"])
def test_a_damaged_model_is_a_model_error(tmp_path: Path, engine: str) -> None:
    (tmp_path / "model.bin").write_bytes(b"\6\0\0\0garbage")
    with pytest.raises(ModelError, match=r"speech\.model"):
        load_engine(SpeechConfig(engine=engine), info(tmp_path), device="cpu", threads=1)
