"""Neural networks for tables and other dense networks, trained on CPUs.

>>> import nncore as nn
>>> net = nn.Sequential(nn.Dense(64, activation="relu"), nn.Dense(10))

Importing nncore imports NumPy and little else; each name below is loaded when it is first used.
"""

from __future__ import annotations

import importlib
import sys


def _refuse_subinterpreters() -> None:
    """Raise a clear error in a subinterpreter, before NumPy fails: NumPy and nncore's core keep one state for all interpreters of a
    process."""
    try:
        interpreters = importlib.import_module("_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters")
    except ImportError:  # a Python that has one interpreter
        return
    if interpreters.get_current() != interpreters.get_main():
        raise ImportError(
            "nncore works only in the main interpreter of a process, and this is a subinterpreter: use threads or processes (mod_wsgi: "
            "WSGIApplicationGroup %{GLOBAL})"
        )


_refuse_subinterpreters()

__version__ = "0.1.0"

#: Public names and the module each comes from.
_HOMES = {
    "Sequential": "nncore.network",
    "load": "nncore.network",
    "load_many": "nncore.network",
    "save_many": "nncore.network",
    "fit_many": "nncore.network",
    "each": "nncore.network",
    "History": "nncore.contract",
    "find_learning_rate": "nncore.network",
    "keep_members": "nncore.network",
    "from_sklearn": "nncore.interchange.scikit_learn",
    "from_torch": "nncore.interchange.pytorch",
    "from_keras": "nncore.interchange.keras",
    "from_onnx": "nncore.interchange.onnx",
    "get": "nncore.registry",
    "names": "nncore.registry",
    "plugins": "nncore.registry",
    "register": "nncore.registry",
    "unregister": "nncore.registry",
    "get_include": "nncore.configuration",
    "set_num_threads": "nncore.program",
    "get_num_threads": "nncore.program",
    "Dense": "nncore.layers.dense",
    "BatchNorm": "nncore.layers.batch_norm",
    "LayerNorm": "nncore.layers.layer_norm",
    "QuantizedDense": "nncore.layers.quantized_dense",
    "RMSNorm": "nncore.layers.rms_norm",
    "Dropout": "nncore.layers.dropout",
    "AlphaDropout": "nncore.layers.alpha_dropout",
    "GaussianNoiseLayer": "nncore.layers.gaussian_noise",
    "ActivationLayer": "nncore.layers.activation",
    "ParametricActivation": "nncore.layers.parametric_activation",
    "PReLU": "nncore.layers.prelu",
    "Scale": "nncore.layers.scale",
    "ScaledDense": "nncore.layers.scaled_dense",
    "GLU": "nncore.layers.glu",
    "SwiGLU": "nncore.layers.swiglu",
    "Maxout": "nncore.layers.maxout",
    "MultiplicativeInteraction": "nncore.layers.multiplicative_interaction",
    "Residual": "nncore.layers.residual",
    "Concat": "nncore.layers.concat",
    "Flatten": "nncore.layers.flatten",
    "Embedding": "nncore.layers.embedding",
    "PeriodicEmbedding": "nncore.layers.periodic_embedding",
    "FillMissing": "nncore.layers.fill_missing",
    "PiecewiseLinearEmbedding": "nncore.layers.piecewise_linear_embedding",
    "RepeatMembers": "nncore.layers.repeat_members",
    "RepeatedDense": "nncore.layers.repeated_dense",
    "MembersDense": "nncore.layers.members_dense",
    "MemberHeads": "nncore.layers.member_heads",
    "MeanMembers": "nncore.layers.mean_members",
    "HalfMSE": "nncore.losses.half_mse",
    "MSE": "nncore.losses.mse",
    "MAE": "nncore.losses.mae",
    "Huber": "nncore.losses.huber",
    "LogCosh": "nncore.losses.log_cosh",
    "Quantile": "nncore.losses.quantile",
    "Poisson": "nncore.losses.poisson",
    "Tweedie": "nncore.losses.tweedie",
    "GaussianNLL": "nncore.losses.gaussian_nll",
    "CRPS": "nncore.losses.crps",
    "Hinge": "nncore.losses.hinge",
    "BinaryCrossEntropy": "nncore.losses.binary_cross_entropy",
    "CrossEntropy": "nncore.losses.cross_entropy",
    "SoftmaxCrossEntropy": "nncore.losses.softmax_cross_entropy",
    "Focal": "nncore.losses.focal",
    "BinaryFocal": "nncore.losses.binary_focal",
    "Ordinal": "nncore.losses.ordinal",
    "Contrastive": "nncore.losses.contrastive",
    "Triplet": "nncore.losses.triplet",
    "SoftmaxHeads": "nncore.losses.softmax_heads",
    "SGD": "nncore.optimizers.sgd",
    "Momentum": "nncore.optimizers.momentum",
    "Nesterov": "nncore.optimizers.nesterov",
    "AdaGrad": "nncore.optimizers.adagrad",
    "RMSProp": "nncore.optimizers.rmsprop",
    "Adam": "nncore.optimizers.adam",
    "AdamW": "nncore.optimizers.adamw",
    "NAdam": "nncore.optimizers.nadam",
    "RAdam": "nncore.optimizers.radam",
    "Adamax": "nncore.optimizers.adamax",
    "Adadelta": "nncore.optimizers.adadelta",
    "Lion": "nncore.optimizers.lion",
    "LAMB": "nncore.optimizers.lamb",
    "Adafactor": "nncore.optimizers.adafactor",
    "Muon": "nncore.optimizers.muon",
    "ScheduleFree": "nncore.optimizers.schedule_free",
    "ScheduleFreeSGD": "nncore.optimizers.schedule_free_sgd",
    "BlockCoordinate": "nncore.optimizers.block_coordinate",
    "Lookahead": "nncore.optimizers.lookahead",
    "SAM": "nncore.optimizers.sam",
    "L1": "nncore.regularizers.l1",
    "L2": "nncore.regularizers.l2",
    "L1L2": "nncore.regularizers.l1_l2",
    "GroupLasso": "nncore.regularizers.group_lasso",
    "Orthogonality": "nncore.regularizers.orthogonal",
    "NonNegative": "nncore.constraints.non_negative",
    "Monotone": "nncore.constraints.monotone",
    "MaxNorm": "nncore.constraints.max_norm",
    "UnitNorm": "nncore.constraints.unit_norm",
    "SoftThreshold": "nncore.constraints.soft_threshold",
    "ConstantRate": "nncore.schedules.constant",
    "Cosine": "nncore.schedules.cosine",
    "StepDecay": "nncore.schedules.step",
    "PolynomialDecay": "nncore.schedules.polynomial",
    "ExponentialDecay": "nncore.schedules.exponential",
    "PiecewiseConstant": "nncore.schedules.piecewise",
    "CyclicRate": "nncore.schedules.cyclic",
    "OneCycle": "nncore.schedules.one_cycle",
    "Plateau": "nncore.schedules.plateau",
    "Warmup": "nncore.schedules.warmup",
    "FlatCosine": "nncore.schedules.flat_cosine",
    "CosLog4": "nncore.schedules.coslog4",
    "InverseScaling": "nncore.schedules.invscaling",
    "ShuffleSampler": "nncore.samplers.shuffle",
    "SequentialSampler": "nncore.samplers.sequential",
    "BalancedSampler": "nncore.samplers.balanced",
    "WeightedSampler": "nncore.samplers.weighted",
    "GroupedSampler": "nncore.samplers.grouped",
    "BlockSampler": "nncore.samplers.blocks",
    "GaussianNoise": "nncore.transforms.gaussian_noise",
    "Mixup": "nncore.transforms.mixup",
    "CutMix": "nncore.transforms.cutmix",
    "FeatureDropout": "nncore.transforms.feature_dropout",
    "SingleProcess": "nncore.collectives.single",
    "EMA": "nncore.callbacks.ema",
    "SWA": "nncore.callbacks.swa",
    "EarlyStopping": "nncore.callbacks.early_stopping",
    "FunctionLoss": "nncore.losses.function",
    "FunctionMetric": "nncore.metrics.function",
    "FunctionSchedule": "nncore.schedules.function",
    "ProgressBar": "nncore.callbacks.progress_bar",
    "Checkpoint": "nncore.callbacks.checkpoint",
    "CSVLogger": "nncore.callbacks.csv_logger",
    "TimeLimit": "nncore.callbacks.time_limit",
    "LambdaCallback": "nncore.callbacks.lambda_callback",
    "TensorBoard": "nncore.callbacks.tensorboard",
}
_MODULES = ("errors", "estimators", "plugin", "datasets", "displays", "inspection")

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    if name in _MODULES:
        return importlib.import_module(f"nncore.{name}")
    if name.startswith("_"):
        raise AttributeError(f"module 'nncore' has no attribute {name!r}")
    raise importlib.import_module("nncore.words").no_name("nncore", name)


def __dir__() -> list[str]:
    return sorted([*__all__, *_MODULES])
