# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The settings of every Keras layer: which ones its handler reads, which change nothing at inference, and why.

Keras 2 and 3 alike. A setting that is not listed here, or whose only known value is another, is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..workbench import Refused
from .keras_config import short
from .keras_spec import Layer

TRAINING = "matters in training only"
RANDOM = "says how values change in training; at inference they pass"
SPEED = "says how Keras computes, not what"


class Settings(NamedTuple):
    """read: by the class's handler. idle: changes nothing at inference, and why. fixed: the values that are known."""

    read: frozenset[str]
    idle: Mapping[str, str]
    fixed: Mapping[str, tuple[Any, ...]]


# In the configuration of any layer; "dtype" is checked below.
EVERY = {
    "name": "is the layer's name",
    "trainable": TRAINING,
    "batch_input_shape": "is the model's, whose first layer it is",
    "batch_shape": "is the model's, whose first layer it is",
    "input_shape": "is the model's, whose first layer it is",
    "input_dtype": "is the model's, whose first layer it is",
    "activity_regularizer": TRAINING,
    "dynamic": SPEED,
    "autocast": SPEED,
}


def _trained(*weights: str) -> dict[str, str]:
    """How Keras initialises, constrains and regularises these weights."""
    return {f"{w}_{what}": TRAINING for w in weights for what in ("initializer", "regularizer", "constraint")}


def _settings(read: str = "", idle: Mapping[str, str] | None = None, **fixed: tuple[Any, ...]) -> Settings:
    return Settings(frozenset(read.split()), {**EVERY, **(idle or {})}, fixed)


def _random(names: str, **fixed: tuple[Any, ...]) -> Settings:
    return _settings("", dict.fromkeys(f"{names} seed data_format".split(), RANDOM), **fixed)


BATCH_NORMS = ("BatchNormalization", "BatchNormalizationV1", "BatchNormalizationV2", "SyncBatchNormalization")
_WINDOW = "kernel_size strides padding data_format dilation_rate activation use_bias"
_LORA = dict.fromkeys(("lora_rank", "lora_alpha"), "Keras adds it to the kernel when it saves")
_CONV = _settings(f"filters groups {_WINDOW}", {**_trained("kernel", "bias"), **_LORA})
_DEPTHWISE = _settings(f"depth_multiplier {_WINDOW}", _trained("depthwise", "kernel", "bias"), groups=(1, None))
_SEPARABLE = _settings(
    f"filters depth_multiplier {_WINDOW}", _trained("depthwise", "pointwise", "kernel", "bias"), groups=(1, None)
)
_TRANSPOSED = _settings(f"filters groups output_padding {_WINDOW}", _trained("kernel", "bias"))
_POOL = _settings("pool_size strides padding data_format")
_GLOBAL = _settings("keepdims data_format")
_NORM = _settings(
    "axis epsilon center scale",
    {
        **_trained("beta", "gamma"),
        **dict.fromkeys(("moving_mean_initializer", "moving_variance_initializer", "momentum"), TRAINING),
        **dict.fromkeys(("renorm_clipping", "renorm_momentum", "virtual_batch_size", "synchronized"), TRAINING),
        "fused": SPEED,
    },
    renorm=(False, None),
)
_DENSE = _settings("units activation use_bias", {**_trained("kernel", "bias"), **_LORA}, quantization_config=(None,))
_MOVED = "factor fill_mode fill_value interpolation"

_RECURRENT_IDLE = {
    **_trained("kernel", "recurrent", "bias"),
    **dict.fromkeys(("dropout", "recurrent_dropout", "seed", "unit_forget_bias"), TRAINING),
    **dict.fromkeys(("implementation", "unroll", "use_cudnn", "time_step"), SPEED),
    "zero_output_for_mask": "there are no masks",
}
_RNN = "units activation use_bias return_sequences return_state go_backwards stateful"
_GATED = _settings(f"{_RNN} recurrent_activation", _RECURRENT_IDLE, time_major=(False, None))
_GRU = _settings(f"{_RNN} recurrent_activation reset_after", _RECURRENT_IDLE, time_major=(False, None))

LAYERS: dict[str, Settings] = {
    "SimpleRNN": _settings(_RNN, _RECURRENT_IDLE, time_major=(False, None)),
    "LSTM": _GATED,
    "GRU": _GRU,
    "Bidirectional": _settings("layer backward_layer merge_mode"),
    "LayerNormalization": _settings("axis epsilon center scale", _trained("beta", "gamma"), rms_scaling=(False, None)),
    "RMSNormalization": _settings("axis epsilon", _trained("scale")),
    "GroupNormalization": _settings("groups axis epsilon center scale", _trained("beta", "gamma")),
    "UnitNormalization": _settings("axis"),
    "Dot": _settings("axes normalize"),
    "Attention": _settings("use_scale score_mode", dict.fromkeys(("dropout", "seed"), TRAINING), causal=(False, None)),
    "AdditiveAttention": _settings("use_scale", dict.fromkeys(("dropout", "seed"), TRAINING), causal=(False, None)),
    "MultiHeadAttention": _settings("num_heads key_dim value_dim use_bias output_shape", {
        **_trained("kernel", "bias"), **dict.fromkeys(("dropout", "seed"), TRAINING), "flash_attention": SPEED,
        **dict.fromkeys(("query_shape", "key_shape", "value_shape"), "its inputs show it"),
    }, use_gate=(False, None), attention_axes=(None, [1], (1,)), sliding_window=(None,)),
    "Embedding": _settings(
        "input_dim output_dim", {**_trained("embeddings"), **_LORA, "input_length": "its input shows it"},
        mask_zero=(False, None), quantization_config=(None,), sparse=(False, None),
    ),
    "TimeDistributed": _settings("layer"),
    "InputLayer": _settings("batch_shape batch_input_shape", {
        "optional": "the input is always given",
    }, sparse=(False, None), ragged=(False, None), type_spec=(None,)),
    **{f"{name}{rank}D": settings for rank in (1, 2) for name, settings in (
        ("Conv", _CONV), ("Convolution", _CONV), ("DepthwiseConv", _DEPTHWISE), ("SeparableConv", _SEPARABLE),
        ("SeparableConvolution", _SEPARABLE), ("MaxPooling", _POOL), ("AveragePooling", _POOL),
        ("GlobalMaxPooling", _GLOBAL), ("GlobalAveragePooling", _GLOBAL),
        ("ZeroPadding", _settings("padding data_format")), ("Cropping", _settings("cropping data_format")),
        ("UpSampling", _settings("size interpolation data_format")),
    )},
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose"), _TRANSPOSED),
    "Dense": _DENSE,
    **dict.fromkeys(BATCH_NORMS, _NORM),
    "PReLU": _settings("", {**_trained("alpha"), "shared_axes": "the shape of alpha shows it"}),
    **dict.fromkeys(("Add", "Subtract", "Multiply", "Maximum", "Minimum", "Average"), _settings()),
    "Concatenate": _settings("axis"),
    "Activation": _settings("activation"),
    "ReLU": _settings("max_value negative_slope threshold"),
    "LeakyReLU": _settings("alpha negative_slope"),
    "ELU": _settings("alpha"),
    "Softmax": _settings("axis"),
    "Reshape": _settings("target_shape"),
    "Flatten": _settings("data_format"),
    "Permute": _settings("dims"),
    "RepeatVector": _settings("n"),
    "Rescaling": _settings("scale offset"),
    "Normalization": _settings("axis mean variance invert"),
    "Resizing": _settings(
        "height width interpolation crop_to_aspect_ratio pad_to_aspect_ratio antialias data_format",
        dict.fromkeys(("fill_mode", "fill_value"), "is for pad_to_aspect_ratio, which is refused"),
    ),
    # idle at inference
    "Identity": _settings(),
    "ActivityRegularization": _settings("", dict.fromkeys(("l1", "l2"), TRAINING)),
    **dict.fromkeys(("Dropout", "SpatialDropout1D", "SpatialDropout2D", "AlphaDropout"), _random("rate noise_shape")),
    "GaussianDropout": _random("rate"),
    "GaussianNoise": _random("stddev"),
}  # fmt: skip

# Layers for preprocessing that change images in training and pass them at inference.
AUGMENTATIONS: dict[str, Settings] = {
    "RandomFlip": _random("mode"),
    "RandomRotation": _random(_MOVED),
    "RandomZoom": _random(f"height_factor width_factor {_MOVED}"),
    "RandomTranslation": _random(f"height_factor width_factor {_MOVED}"),
    "RandomShear": _random(f"x_factor y_factor {_MOVED}"),
    "RandomPerspective": _random(f"scale {_MOVED}"),
    "RandomElasticTransform": _random(f"scale value_range {_MOVED}"),
    "RandomHeight": _random("factor interpolation"),
    "RandomWidth": _random("factor interpolation"),
    "RandomErasing": _random("factor scale fill_value value_range"),
    "RandomGaussianBlur": _random("factor kernel_size sigma value_range"),
    "RandomColorJitter": _random("value_range brightness_factor contrast_factor saturation_factor hue_factor"),
    "AugMix": _random("value_range num_chains chain_depth factor alpha all_ops interpolation"),
    "RandAugment": _random("value_range num_ops factor interpolation"),
    "MixUp": _random("alpha"),
    **dict.fromkeys((
        "RandomContrast", "RandomBrightness", "RandomColorDegeneration", "RandomGrayscale", "RandomHue", "RandomInvert",
        "RandomPosterization", "RandomSaturation", "RandomSharpness", "CutMix",
    ), _random("factor value_range")),
    "RandomCrop": _settings("height width", dict.fromkeys(("seed", "data_format"), RANDOM)),
}  # fmt: skip
LAYERS.update(AUGMENTATIONS)

PREPROCESSING = (*AUGMENTATIONS, "Resizing")  # called with training=True unless told otherwise

FLOATS = ("float16", "bfloat16", "float32", "float64", "mixed_float16", "mixed_bfloat16", "_infer", "infer")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32")
# Whole numbers pass these unchanged, in any type.
ANY_TYPE = (
    "InputLayer", "Identity", "Flatten", "Reshape", "Permute", "RepeatVector", "Concatenate", "ZeroPadding1D",
    "ZeroPadding2D", "Cropping1D", "Cropping2D", "UpSampling1D", "Maximum", "Minimum", "MaxPooling1D", "MaxPooling2D",
    "GlobalMaxPooling1D", "GlobalMaxPooling2D",
)  # fmt: skip


def check(layer: Layer) -> None:
    """Refused, by name, of the first setting of a supported layer that is unknown or has an unknown value."""
    known = LAYERS[layer.cls]
    for key, value in layer.config.values.items():
        if key == "dtype":
            _check_dtype(layer, value)
        elif key in known.fixed:
            if value not in known.fixed[key]:
                wanted = short(known.fixed[key][0])
                raise Refused(f"setting '{key}' is {short(value)}", f"only {wanted} is supported")
        elif key == "data_format" and key in known.read:
            _check_format(value)
        elif key not in known.read and key not in known.idle:
            raise Refused(
                f"setting '{key}' ({short(value)}) is unknown for this class", "use a layer of Keras 2 or 3 without it"
            )


def check_origin(layer: Layer) -> None:
    """Refused of a class that may only be called like one of Keras's."""
    module, registered = layer.origin
    foreign = isinstance(module, str) and module.split(".")[0] not in ("keras", "tf_keras", "tensorflow")
    if foreign or (isinstance(registered, str) and ">" in registered):
        raise Refused(f"a class of your own or of another package ({registered or module})", "use layers of Keras")


def _check_format(value: Any) -> None:
    if value == "channels_first":
        raise Refused("data_format 'channels_first'", "build it channels_last; its weights can be kept")
    if value not in (None, "channels_last"):
        raise Refused(f"data_format {short(value)}", "use 'channels_last'")


def _check_dtype(layer: Layer, policy: Any) -> None:
    """Layers compute in float32 here, whichever floats Keras takes; whole numbers may only be moved."""
    name, config = policy, policy
    if isinstance(policy, dict):
        if "Quantized" in str(policy.get("class_name")):
            raise Refused("Keras has quantised it already", "convert the model as it was before quantize()")
        config = policy.get("config")
        name = config.get("name") if isinstance(config, dict) else config
    if name is None or name in FLOATS or (name in INTEGERS and layer.cls in ANY_TYPE):
        return
    raise Refused(f"its dtype is {short(name)}", "build it in float32")
