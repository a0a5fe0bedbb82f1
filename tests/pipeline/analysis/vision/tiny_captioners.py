"""Real image-to-text architectures with random weights, small enough to make and save in a test."""

from pathlib import Path

import torch

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "<image>", "a", "photo", "of", "cat", "dog", "red", "the")
_VISION = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "image_size": 32,
    "patch_size": 8,
}  # fmt: skip
_LAYERS = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
_TOKENS = {"vocab_size": len(WORDS), "bos_token_id": 2, "eos_token_id": 3, "pad_token_id": 0}
_SQUARE = {"height": 32, "width": 32}
_CHAT = (
    "{% for message in messages %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image> {% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endfor %}"
)


def tiny_captioner(folder: Path, architecture: str, *, seed: int = 2) -> Path:
    """Save a `blip`, `git`, `vision-encoder-decoder`, `llava` or `idefics3`, with its processor and a tokenizer."""
    import transformers as hf

    torch.manual_seed(seed)
    text = {**_LAYERS, **_TOKENS, "max_position_embeddings": 64}
    clip = hf.CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=_SQUARE)
    if architecture == "blip":
        config = hf.BlipConfig(
            text_config={**text, "sep_token_id": 3, "encoder_hidden_size": 16, "projection_dim": 16},
            vision_config=_VISION, projection_dim=16, image_text_hidden_size=16,
        )  # fmt: skip
        hf.BlipForConditionalGeneration(config).save_pretrained(folder)
        hf.BlipProcessor(hf.BlipImageProcessorPil(size=_SQUARE), _tokenizer()).save_pretrained(folder)
    elif architecture == "git":
        hf.GitForCausalLM(hf.GitConfig(vision_config=_VISION, **text)).save_pretrained(folder)
        hf.GitProcessor(clip, _tokenizer()).save_pretrained(folder)
    elif architecture == "llava":
        config = hf.LlavaConfig(
            vision_config=hf.CLIPVisionConfig(**_VISION), text_config=hf.LlamaConfig(**_LAYERS, **_TOKENS),
            image_token_index=WORDS.index("<image>"),
        )  # fmt: skip
        hf.LlavaForConditionalGeneration(config).save_pretrained(folder)
        hf.LlavaProcessor(
            clip, _tokenizer(), patch_size=8, vision_feature_select_strategy="default", chat_template=_CHAT,
            num_additional_image_tokens=1,
        ).save_pretrained(folder)  # fmt: skip
    elif architecture == "idefics3":
        words = _tokenizer()
        words.add_tokens(["<fake_token_around_image>", "<global-img>", "<end_of_utterance>"], special_tokens=True)
        config = hf.Idefics3Config(
            vision_config=_VISION, text_config=hf.LlamaConfig(**_LAYERS, **{**_TOKENS, "vocab_size": len(words)}),
            image_token_id=WORDS.index("<image>"), scale_factor=2, pad_token_id=0,
        )  # fmt: skip
        hf.Idefics3ForConditionalGeneration(config).save_pretrained(folder)
        images = hf.Idefics3ImageProcessorPil(size={"longest_edge": 64}, max_image_size={"longest_edge": 32})
        hf.Idefics3Processor(images, words, image_seq_len=4, chat_template=_CHAT).save_pretrained(folder)
    else:
        config = hf.VisionEncoderDecoderConfig.from_encoder_decoder_configs(
            hf.ViTConfig(**_VISION), hf.BertConfig(**text, is_decoder=True, add_cross_attention=True)
        )
        model = hf.VisionEncoderDecoderModel(config)
        model.generation_config.decoder_start_token_id, model.generation_config.pad_token_id = 2, 0
        model.save_pretrained(folder)
        hf.ViTImageProcessorPil(size=_SQUARE).save_pretrained(folder)
        _tokenizer().save_pretrained(folder)
    return folder


def _tokenizer():
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )
    tokenizer.add_tokens(["<image>"], special_tokens=True)
    return tokenizer
