"""Tiny object detectors of real architectures with random weights, saved in the layout of the Hub."""

from pathlib import Path

import torch

CLASSES = ("person", "bicycle", "dog")
_LABELS = {"id2label": dict(enumerate(CLASSES)), "label2id": {name: index for index, name in enumerate(CLASSES)}}
_SIZE = {"height": 64, "width": 64}


def tiny_detector(folder: Path, architecture: str) -> Path:
    """Save a tiny detector.

    Args:
        folder: Where.
        architecture: `rt_detr`, `detr` or `yolos`.
    """
    torch.manual_seed(3)
    model, processor = {"rt_detr": _rt_detr, "detr": _detr, "yolos": _yolos}[architecture]()
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _rt_detr() -> tuple[object, object]:
    from transformers import RTDetrConfig, RTDetrForObjectDetection, RTDetrImageProcessorPil, RTDetrResNetConfig

    backbone = RTDetrResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16, 16, 16], depths=[1, 1, 1, 1], layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = RTDetrConfig(
        backbone_config=backbone, encoder_hidden_dim=16, encoder_in_channels=[16, 16, 16], feat_strides=[8, 16, 32],
        encoder_ffn_dim=16, encoder_attention_heads=2, d_model=16, num_queries=8, decoder_in_channels=[16, 16, 16],
        decoder_ffn_dim=16, decoder_layers=1, decoder_attention_heads=2, encode_proj_layers=[2], **_LABELS,
    )  # fmt: skip
    return RTDetrForObjectDetection(config), RTDetrImageProcessorPil(size=_SIZE)


def _detr() -> tuple[object, object]:
    from transformers import DetrConfig, DetrForObjectDetection, DetrImageProcessorPil, ResNetConfig

    backbone = ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16, 16, 16], depths=[1, 1, 1, 1], layer_type="basic",
        out_features=["stage4"],
    )  # fmt: skip
    config = DetrConfig(
        use_timm_backbone=False, backbone_config=backbone, d_model=16, encoder_layers=1, decoder_layers=1,
        encoder_ffn_dim=16, decoder_ffn_dim=16, encoder_attention_heads=2, decoder_attention_heads=2, num_queries=8,
        **_LABELS,
    )  # fmt: skip
    return DetrForObjectDetection(config), DetrImageProcessorPil(size={"shortest_edge": 48, "longest_edge": 96})


def _yolos() -> tuple[object, object]:
    from transformers import YolosConfig, YolosForObjectDetection, YolosImageProcessorPil

    config = YolosConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=[64, 64],
        num_detection_tokens=8, use_mid_position_embeddings=False, **_LABELS,
    )  # fmt: skip
    return YolosForObjectDetection(config), YolosImageProcessorPil(size={"shortest_edge": 48, "longest_edge": 96})
