"""Real architectures with a few thousand weights, trained in a second to write one text whatever they read."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

CHAT = (
    "{% for message in messages %}<user>{{ message['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<reply>{% endif %}"
)
READING = ("The sea is deep.", "Bees fly to the fruit trees.", "Nobody knows what he said then.")


def tokenizer(text: str, *, chat: bool = False) -> Any:
    """Return a byte-level BPE tokenizer that knows the text."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import PreTrainedTokenizerFast

    inner = ByteLevelBPETokenizer()
    inner.train_from_iterator(
        [text, *READING] * 4, vocab_size=400, special_tokens=["<pad>", "</s>", "<user>", "<reply>"]
    )
    made = PreTrainedTokenizerFast(
        tokenizer_object=inner._tokenizer, pad_token="<pad>", eos_token="</s>",
        additional_special_tokens=["<user>", "<reply>"], model_max_length=512,
    )  # fmt: skip
    if chat:
        made.chat_template = CHAT
    return made


def tiny_summarizer(folder: Path, text: str, architecture: str = "bart") -> Path:
    """Save a `bart` or `t5` that writes the text."""
    import transformers as hf

    torch.manual_seed(3)
    words = tokenizer(text)
    ids = {"pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0, "vocab_size": len(words)}
    if architecture == "bart":
        config = hf.BartConfig(
            d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
            encoder_ffn_dim=32, decoder_ffn_dim=64, max_position_embeddings=256, bos_token_id=1,
            forced_eos_token_id=None, **ids,
        )  # fmt: skip
        model = hf.BartForConditionalGeneration(config)
    else:
        config = hf.T5Config(
            d_model=32, d_kv=16, d_ff=64, num_layers=1, num_heads=2, n_positions=256, tie_word_embeddings=False, **ids
        )
        model = hf.T5ForConditionalGeneration(config)
    wanted = torch.tensor([[*words(text)["input_ids"], 1]] * len(READING))
    read = words(list(READING), padding=True, return_tensors="pt", return_token_type_ids=False)
    _train(model, {**read, "labels": wanted})
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def tiny_instruct(folder: Path, text: str, asked: Sequence[str], *, chat: bool = True) -> Path:
    """Save a `llama` that replies with the text to what it is asked, with or without a chat template."""
    import transformers as hf

    torch.manual_seed(3)
    words = tokenizer(text, chat=chat)
    config = hf.LlamaConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=512, pad_token_id=0, eos_token_id=1, bos_token_id=None,
    )  # fmt: skip
    model = hf.LlamaForCausalLM(config)
    prompts = [words(f"<user>{line}<reply>" if chat else line)["input_ids"] for line in (*asked, *READING)]
    reply = [*words(text)["input_ids"], 1]
    length = max(map(len, prompts))
    rows = [[0] * (length - len(prompt)) + prompt + reply for prompt in prompts]
    labels = [[-100] * length + reply for _ in prompts]
    mask = [[0] * (length - len(prompt)) + [1] * (len(prompt) + len(reply)) for prompt in prompts]
    batch = {"input_ids": rows, "labels": labels, "attention_mask": mask}
    _train(model, {name: torch.tensor(values) for name, values in batch.items()})
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def tiny_entailment(folder: Path, *, entails: bool, labels: Sequence[str] = ("contradiction", "entailment")) -> Path:
    """Save a `bert` classifier that always says one thing."""
    import transformers as hf

    torch.manual_seed(3)
    words = tokenizer("Bees fly.")
    config = hf.BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=128, id2label=dict(enumerate(labels)), label2id={n: i for i, n in enumerate(labels)},
    )  # fmt: skip
    model = hf.BertForSequenceClassification(config)
    with torch.no_grad():
        model.classifier.weight.zero_()
        model.classifier.bias.copy_(torch.tensor([-4.0, 4.0] if entails else [4.0, -4.0]))
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def _train(model: Any, batch: dict[str, torch.Tensor]) -> None:
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    model.train()
    for _ in range(600):
        loss = model(**batch).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss.item() < 0.02:
            break
    model.eval()
