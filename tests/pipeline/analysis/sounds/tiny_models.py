"""Real architectures of audio models with random weights, small enough to make and save in a test."""

from pathlib import Path

import torch

LABELS = {0: "Speech", 1: "Applause", 2: "Laughter", 3: "Siren", 4: "Silence", 5: "Male speech, man speaking"}


def tiny_ast(folder: Path) -> Path:
    """Save an Audio Spectrogram Transformer of six classes of AudioSet, as the Hub holds it."""
    import transformers as hf

    torch.manual_seed(7)
    config = hf.ASTConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, patch_size=16,
        frequency_stride=16, time_stride=64, max_length=1024, num_mel_bins=32, num_labels=len(LABELS), id2label=LABELS,
    )  # fmt: skip
    hf.ASTForAudioClassification(config).save_pretrained(folder)
    hf.ASTFeatureExtractor(num_mel_bins=32, max_length=1024).save_pretrained(folder)
    return folder


def tiny_wav2vec2(folder: Path) -> Path:
    """Save a classifier that reads samples, whose classes exclude each other."""
    import transformers as hf

    torch.manual_seed(7)
    config = hf.Wav2Vec2Config(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, conv_dim=[8, 8],
        conv_kernel=[10, 8], conv_stride=[80, 40], num_feat_extract_layers=2, num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2, num_labels=len(LABELS), id2label=LABELS, classifier_proj_size=8,
        problem_type="single_label_classification",
    )  # fmt: skip
    hf.Wav2Vec2ForSequenceClassification(config).save_pretrained(folder)
    hf.Wav2Vec2FeatureExtractor().save_pretrained(folder)
    return folder


def tiny_clap(folder: Path, *, fusion: bool = False) -> Path:
    """Save a CLAP model with both towers and a word-level tokenizer."""
    import transformers as hf

    torch.manual_seed(7)
    text = {
        "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32, "vocab_size": 64,
        "max_position_embeddings": 40, "projection_dim": 12,
    }  # fmt: skip
    audio = {
        "window_size": 4, "num_mel_bins": 16, "spec_size": 128, "patch_size": 4, "patch_stride": [4, 4],
        "num_classes": 4, "hidden_size": 32, "projection_dim": 12, "depths": [1, 1], "num_attention_heads": [2, 2],
        "patch_embeds_hidden_size": 16, "enable_fusion": fusion, "aff_block_r": 1,
    }  # fmt: skip
    config = hf.ClapConfig(text_config=text, audio_config=audio, projection_dim=12)
    hf.ClapModel(config).save_pretrained(folder)
    truncation = "fusion" if fusion else "rand_trunc"
    hf.ClapFeatureExtractor(feature_size=16, truncation=truncation).save_pretrained(folder)
    _word_tokenizer().save_pretrained(folder)
    return folder


def _word_tokenizer():
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = ["<s>", "<pad>", "</s>", "<unk>", "This", "is", "a", "sound", "of", ".", "speech", "siren", "rain", "dog"]
    inner = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="<pad>"
    )
