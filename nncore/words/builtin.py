"""The names of the built-in components, for type checkers and look-ups without imports. A test compares them with the registry."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, get_args

KindName: TypeAlias = Literal[
    "activations", "callbacks", "collectives", "constraints", "encodings", "exporters", "formats", "initializers", "layers", "losses",
    "metrics", "optimizers", "regularizers", "samplers", "schedules", "transforms",
]  # fmt: skip
LayerName: TypeAlias = Literal[
    "activation", "alpha_dropout", "batch_norm", "concat", "dense", "dropout", "embedding", "fill_missing", "flatten",
    "gaussian_noise", "glu", "layer_norm", "maxout", "mean_members", "member_heads", "members_dense", "multiplicative_interaction",
    "parametric_activation", "periodic_embedding", "piecewise_linear_embedding", "prelu", "quantized_dense", "repeat_members",
    "repeated_dense", "residual", "rms_norm", "scale", "scaled_dense", "swiglu",
]  # fmt: skip
ActivationName: TypeAlias = Literal[
    "celu", "elu", "exp", "gelu", "hard_sigmoid", "hard_swish", "hard_tanh", "identity", "leaky_relu", "log_softmax", "mish", "relu",
    "relu6", "selu", "sigmoid", "sign", "silu", "softmax", "softmax_heads", "softplus", "softsign", "step", "tanh",
]  # fmt: skip
LossName: TypeAlias = Literal[
    "binary_cross_entropy", "binary_focal", "contrastive", "cross_entropy", "crps", "focal", "gaussian_nll", "half_mse", "hinge",
    "huber", "log_cosh", "mae", "mse", "ordinal", "poisson", "quantile", "softmax_cross_entropy", "softmax_heads", "triplet", "tweedie",
]  # fmt: skip
InitializerName: TypeAlias = Literal[
    "constant", "data_dependent", "data_hull", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lsuv", "orthogonal",
    "random_signs", "random_walk", "uniform_fan_in", "xavier_notes", "zeros",
]  # fmt: skip
OptimizerName: TypeAlias = Literal[
    "adadelta", "adafactor", "adagrad", "adam", "adamax", "adamw", "block_coordinate", "lamb", "lion", "lookahead", "momentum", "muon",
    "nadam", "nesterov", "radam", "rmsprop", "sam", "schedule_free", "schedule_free_sgd", "sgd",
]  # fmt: skip
RegularizerName: TypeAlias = Literal["group_lasso", "l1", "l1_l2", "l2", "orthogonal"]
ConstraintName: TypeAlias = Literal["max_norm", "monotone", "non_negative", "soft_threshold", "unit_norm"]
ScheduleName: TypeAlias = Literal[
    "constant", "cosine", "coslog4", "cyclic", "exponential", "flat_cosine", "invscaling", "one_cycle", "piecewise", "plateau",
    "polynomial", "step", "warmup",
]  # fmt: skip
SamplerName: TypeAlias = Literal["balanced", "blocks", "grouped", "sequential", "shuffle", "weighted"]
TransformName: TypeAlias = Literal["cutmix", "feature_dropout", "gaussian_noise", "mixup"]
EncodingName: TypeAlias = Literal[
    "clamp", "date_parts", "indicator", "one_hot", "ordinal", "piecewise_linear", "quantile_normal", "robust", "smooth_clip", "standard",
    "unit_mean",
]  # fmt: skip
MetricName: TypeAlias = Literal[
    "accuracy", "average_precision", "balanced_accuracy", "brier", "d2_absolute_error", "d2_huber", "d2_pinball", "d2_tweedie", "f1",
    "head_accuracy", "log_loss", "mae", "mape", "median_absolute_error", "pinball", "r2", "rmse", "roc_auc", "top_k_accuracy",
]  # fmt: skip
CallbackName: TypeAlias = Literal[
    "checkpoint", "csv_logger", "early_stopping", "ema", "lambda", "progress_bar", "swa", "tensorboard", "time_limit",
]  # fmt: skip
CollectiveName: TypeAlias = Literal["single"]

#: By kind.
BUILT_IN: Final[dict[str, tuple[str, ...]]] = {
    "layers": get_args(LayerName),
    "activations": get_args(ActivationName),
    "losses": get_args(LossName),
    "initializers": get_args(InitializerName),
    "optimizers": get_args(OptimizerName),
    "regularizers": get_args(RegularizerName),
    "constraints": get_args(ConstraintName),
    "schedules": get_args(ScheduleName),
    "samplers": get_args(SamplerName),
    "transforms": get_args(TransformName),
    "encodings": get_args(EncodingName),
    "metrics": get_args(MetricName),
    "callbacks": get_args(CallbackName),
    "collectives": get_args(CollectiveName),
}
