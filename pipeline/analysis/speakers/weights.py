"""Loading the published CAM++ weights, with batch norms folded."""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from pipeline.models import weight_files

_EPS = 1e-5
_FOLDED = (
    (r"bn(\d)", r"conv\1"),
    (r"shortcut\.1", "shortcut.0"),
    (r"nonlinear2\.batchnorm", "linear1"),
    (r"(tdnn|dense)\.nonlinear\.batchnorm", r"\1.linear"),
    (r"out_nonlinear\.batchnorm", "transit3.linear"),
)
"""Name endings of batch norms and of the convolutions they follow."""


def load_weights(network: nn.Module, path: Path) -> None:
    """Load published weights into a network that has the same layer names, but no batch norms.

    Args:
        network: A `CamPlusPlus`.
        path: Folder or file, from `pipeline.models.resolve`.

    Raises:
        LOAD_ERRORS: The weights are missing or have other sizes.
    """
    shapes = {name: weight.shape for name, weight in network.state_dict().items()}
    # All published weights are of one-dimensional convolutions.
    weights = {name: weight.reshape(shapes.get(name, weight.shape)) for name, weight in fold_norms(_read(path)).items()}
    network.load_state_dict(weights)


def fold_norms(published: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Fold each batch norm into the convolution before it.

    The result computes the same function, faster and more exactly in bfloat16. A batch norm that follows no convolution
    becomes a scale and a shift, named after its layer.

    Args:
        published: Weights by 3D-Speaker's names.

    Returns:
        Weights by the names in `CamPlusPlus`.
    """
    weights = {name: weight for name, weight in published.items() if not name.endswith("num_batches_tracked")}
    for norm in [name.removesuffix(".running_var") for name in published if name.endswith(".running_var")]:
        mean, variance = weights.pop(f"{norm}.running_mean"), weights.pop(f"{norm}.running_var")
        scale = weights.pop(f"{norm}.weight", torch.ones_like(mean)) / torch.sqrt(variance + _EPS)
        shift = weights.pop(f"{norm}.bias", torch.zeros_like(mean)) - mean * scale
        convolution = _convolution_before(norm)
        if convolution:
            weight = weights[f"{convolution}.weight"]
            weights[f"{convolution}.weight"] = weight * scale.reshape(-1, *[1] * (weight.ndim - 1))
            weights[f"{convolution}.bias"] = shift
        else:
            name = norm.removesuffix(".batchnorm")
            weights |= {f"{name}.weight": scale, f"{name}.bias": shift}
    return weights


def _convolution_before(norm: str) -> str | None:
    for ending, convolution in _FOLDED:
        name, found = re.subn(rf"{ending}$", convolution, norm)
        if found:
            return name
    return None


def _read(path: Path) -> dict[str, torch.Tensor]:
    file = weight_files(path)[0]
    if file.suffix == ".safetensors":
        from safetensors.torch import load_file

        return dict(load_file(file))
    weights: dict[str, torch.Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    return weights
