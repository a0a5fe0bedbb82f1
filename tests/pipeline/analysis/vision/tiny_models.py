"""Real architectures with random weights, small enough to make and save in a test."""

from pathlib import Path

import torch


def tiny_classifier(folder: Path, architecture: str) -> Path:
    """Save a classifier of three classes: `vit`, `resnet` or `convnext`."""
    import transformers as hf

    torch.manual_seed(7)
    labels = {"id2label": {0: "cat, house cat", 1: "dog", 2: "red fox"}, "num_labels": 3}
    if architecture == "vit":
        config = hf.ViTConfig(
            hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=32,
            patch_size=8, **labels,
        )  # fmt: skip
        hf.ViTForImageClassification(config).save_pretrained(folder)
        processor = hf.ViTImageProcessorPil(size={"height": 32, "width": 32})
    elif architecture == "resnet":
        config = hf.ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", **labels)
        hf.ResNetForImageClassification(config).save_pretrained(folder)
        processor = hf.ConvNextImageProcessorPil(size={"shortest_edge": 32})
    else:
        config = hf.ConvNextConfig(hidden_sizes=[8, 16], depths=[1, 1], num_stages=2, image_size=32, **labels)
        hf.ConvNextForImageClassification(config).save_pretrained(folder)
        processor = hf.ConvNextImageProcessorPil(size={"shortest_edge": 32})
    processor.save_pretrained(folder)
    return folder


def tiny_dinov2(folder: Path) -> Path:
    """Save an encoder without classes."""
    import transformers as hf

    torch.manual_seed(7)
    config = hf.Dinov2Config(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=14)
    hf.Dinov2Model(config).save_pretrained(folder)
    hf.BitImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}).save_pretrained(folder)
    return folder


def tiny_contrastive(folder: Path, architecture: str, *, tokenizer: bool) -> Path:
    """Save a `clip` or `siglip` with both towers, and a word-level tokenizer of its own if wanted."""
    import transformers as hf

    torch.manual_seed(7)
    text = {
        "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
        "max_position_embeddings": 16, "vocab_size": 64, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1,
    }  # fmt: skip
    vision = {
        "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
        "image_size": 32, "patch_size": 8,
    }  # fmt: skip
    if architecture == "clip":
        hf.CLIPModel(hf.CLIPConfig(text_config=text, vision_config=vision, projection_dim=12)).save_pretrained(folder)
        processor = hf.CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    else:
        hf.SiglipModel(hf.SiglipConfig(text_config=text, vision_config=vision)).save_pretrained(folder)
        processor = hf.SiglipImageProcessorPil(size={"height": 32, "width": 32})
    processor.save_pretrained(folder)
    if tokenizer:
        _word_tokenizer().save_pretrained(folder)
    return folder


def _word_tokenizer():
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = ["<s>", "</s>", "<unk>", "a", "photo", "of", ".", "cat", "dog", "suit", "tie", "church"]
    inner = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="</s>"
    )
