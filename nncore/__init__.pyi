# What type checkers see in place of the names that __init__.py loads at first use; a test holds the two equal.

from nncore.callbacks.checkpoint import Checkpoint
from nncore.callbacks.csv_logger import CSVLogger
from nncore.callbacks.early_stopping import EarlyStopping
from nncore.callbacks.ema import EMA
from nncore.callbacks.lambda_callback import LambdaCallback
from nncore.callbacks.progress_bar import ProgressBar
from nncore.callbacks.swa import SWA
from nncore.callbacks.tensorboard import TensorBoard
from nncore.callbacks.time_limit import TimeLimit
from nncore.collectives.single import SingleProcess
from nncore.configuration import get_include
from nncore.constraints.max_norm import MaxNorm
from nncore.constraints.monotone import Monotone
from nncore.constraints.non_negative import NonNegative
from nncore.constraints.soft_threshold import SoftThreshold
from nncore.constraints.unit_norm import UnitNorm
from nncore.contract import History
from nncore.interchange.keras import from_keras
from nncore.interchange.onnx import from_onnx
from nncore.interchange.pytorch import from_torch
from nncore.interchange.scikit_learn import from_sklearn
from nncore.layers.activation import ActivationLayer
from nncore.layers.alpha_dropout import AlphaDropout
from nncore.layers.batch_norm import BatchNorm
from nncore.layers.concat import Concat
from nncore.layers.dense import Dense
from nncore.layers.dropout import Dropout
from nncore.layers.embedding import Embedding
from nncore.layers.fill_missing import FillMissing
from nncore.layers.flatten import Flatten
from nncore.layers.gaussian_noise import GaussianNoiseLayer
from nncore.layers.glu import GLU
from nncore.layers.layer_norm import LayerNorm
from nncore.layers.maxout import Maxout
from nncore.layers.mean_members import MeanMembers
from nncore.layers.member_heads import MemberHeads
from nncore.layers.members_dense import MembersDense
from nncore.layers.multiplicative_interaction import MultiplicativeInteraction
from nncore.layers.parametric_activation import ParametricActivation
from nncore.layers.periodic_embedding import PeriodicEmbedding
from nncore.layers.piecewise_linear_embedding import PiecewiseLinearEmbedding
from nncore.layers.prelu import PReLU
from nncore.layers.quantized_dense import QuantizedDense
from nncore.layers.repeat_members import RepeatMembers
from nncore.layers.repeated_dense import RepeatedDense
from nncore.layers.residual import Residual
from nncore.layers.rms_norm import RMSNorm
from nncore.layers.scale import Scale
from nncore.layers.scaled_dense import ScaledDense
from nncore.layers.swiglu import SwiGLU
from nncore.losses.binary_cross_entropy import BinaryCrossEntropy
from nncore.losses.binary_focal import BinaryFocal
from nncore.losses.contrastive import Contrastive
from nncore.losses.cross_entropy import CrossEntropy
from nncore.losses.crps import CRPS
from nncore.losses.focal import Focal
from nncore.losses.function import FunctionLoss
from nncore.losses.gaussian_nll import GaussianNLL
from nncore.losses.half_mse import HalfMSE
from nncore.losses.hinge import Hinge
from nncore.losses.huber import Huber
from nncore.losses.log_cosh import LogCosh
from nncore.losses.mae import MAE
from nncore.losses.mse import MSE
from nncore.losses.ordinal import Ordinal
from nncore.losses.poisson import Poisson
from nncore.losses.quantile import Quantile
from nncore.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from nncore.losses.softmax_heads import SoftmaxHeads
from nncore.losses.triplet import Triplet
from nncore.losses.tweedie import Tweedie
from nncore.metrics.function import FunctionMetric
from nncore.network import Sequential, each, find_learning_rate, fit_many, keep_members, load, load_many, save_many
from nncore.optimizers.adadelta import Adadelta
from nncore.optimizers.adafactor import Adafactor
from nncore.optimizers.adagrad import AdaGrad
from nncore.optimizers.adam import Adam
from nncore.optimizers.adamax import Adamax
from nncore.optimizers.adamw import AdamW
from nncore.optimizers.block_coordinate import BlockCoordinate
from nncore.optimizers.lamb import LAMB
from nncore.optimizers.lion import Lion
from nncore.optimizers.lookahead import Lookahead
from nncore.optimizers.momentum import Momentum
from nncore.optimizers.muon import Muon
from nncore.optimizers.nadam import NAdam
from nncore.optimizers.nesterov import Nesterov
from nncore.optimizers.radam import RAdam
from nncore.optimizers.rmsprop import RMSProp
from nncore.optimizers.sam import SAM
from nncore.optimizers.schedule_free import ScheduleFree
from nncore.optimizers.schedule_free_sgd import ScheduleFreeSGD
from nncore.optimizers.sgd import SGD
from nncore.program import get_num_threads, set_num_threads
from nncore.registry import get, names, plugins, register, unregister
from nncore.regularizers.group_lasso import GroupLasso
from nncore.regularizers.l1 import L1
from nncore.regularizers.l1_l2 import L1L2
from nncore.regularizers.l2 import L2
from nncore.regularizers.orthogonal import Orthogonality
from nncore.samplers.balanced import BalancedSampler
from nncore.samplers.blocks import BlockSampler
from nncore.samplers.grouped import GroupedSampler
from nncore.samplers.sequential import SequentialSampler
from nncore.samplers.shuffle import ShuffleSampler
from nncore.samplers.weighted import WeightedSampler
from nncore.schedules.constant import ConstantRate
from nncore.schedules.cosine import Cosine
from nncore.schedules.coslog4 import CosLog4
from nncore.schedules.cyclic import CyclicRate
from nncore.schedules.exponential import ExponentialDecay
from nncore.schedules.flat_cosine import FlatCosine
from nncore.schedules.function import FunctionSchedule
from nncore.schedules.invscaling import InverseScaling
from nncore.schedules.one_cycle import OneCycle
from nncore.schedules.piecewise import PiecewiseConstant
from nncore.schedules.plateau import Plateau
from nncore.schedules.polynomial import PolynomialDecay
from nncore.schedules.step import StepDecay
from nncore.schedules.warmup import Warmup
from nncore.transforms.cutmix import CutMix
from nncore.transforms.feature_dropout import FeatureDropout
from nncore.transforms.gaussian_noise import GaussianNoise
from nncore.transforms.mixup import Mixup

from . import (
    datasets as datasets,
    displays as displays,
    errors as errors,
    estimators as estimators,
    inspection as inspection,
    plugin as plugin,
)

__version__: str

__all__ = [
    "CRPS",
    "EMA",
    "GLU",
    "L1",
    "L1L2",
    "L2",
    "LAMB",
    "MAE",
    "MSE",
    "SAM",
    "SGD",
    "SWA",
    "ActivationLayer",
    "AdaGrad",
    "Adadelta",
    "Adafactor",
    "Adam",
    "AdamW",
    "Adamax",
    "AlphaDropout",
    "BalancedSampler",
    "BatchNorm",
    "BinaryCrossEntropy",
    "BinaryFocal",
    "BlockCoordinate",
    "BlockSampler",
    "CSVLogger",
    "Checkpoint",
    "Concat",
    "ConstantRate",
    "Contrastive",
    "CosLog4",
    "Cosine",
    "CrossEntropy",
    "CutMix",
    "CyclicRate",
    "Dense",
    "Dropout",
    "EarlyStopping",
    "Embedding",
    "ExponentialDecay",
    "FeatureDropout",
    "FillMissing",
    "FlatCosine",
    "Flatten",
    "Focal",
    "FunctionLoss",
    "FunctionMetric",
    "FunctionSchedule",
    "GaussianNLL",
    "GaussianNoise",
    "GaussianNoiseLayer",
    "GroupLasso",
    "GroupedSampler",
    "HalfMSE",
    "Hinge",
    "History",
    "Huber",
    "InverseScaling",
    "LambdaCallback",
    "LayerNorm",
    "Lion",
    "LogCosh",
    "Lookahead",
    "MaxNorm",
    "Maxout",
    "MeanMembers",
    "MemberHeads",
    "MembersDense",
    "Mixup",
    "Momentum",
    "Monotone",
    "MultiplicativeInteraction",
    "Muon",
    "NAdam",
    "Nesterov",
    "NonNegative",
    "OneCycle",
    "Ordinal",
    "Orthogonality",
    "PReLU",
    "ParametricActivation",
    "PeriodicEmbedding",
    "PiecewiseConstant",
    "PiecewiseLinearEmbedding",
    "Plateau",
    "Poisson",
    "PolynomialDecay",
    "ProgressBar",
    "Quantile",
    "QuantizedDense",
    "RAdam",
    "RMSNorm",
    "RMSProp",
    "RepeatMembers",
    "RepeatedDense",
    "Residual",
    "Scale",
    "ScaledDense",
    "ScheduleFree",
    "ScheduleFreeSGD",
    "Sequential",
    "SequentialSampler",
    "ShuffleSampler",
    "SingleProcess",
    "SoftThreshold",
    "SoftmaxCrossEntropy",
    "SoftmaxHeads",
    "StepDecay",
    "SwiGLU",
    "TensorBoard",
    "TimeLimit",
    "Triplet",
    "Tweedie",
    "UnitNorm",
    "Warmup",
    "WeightedSampler",
    "__version__",
    "each",
    "find_learning_rate",
    "fit_many",
    "from_keras",
    "from_onnx",
    "from_sklearn",
    "from_torch",
    "get",
    "get_include",
    "get_num_threads",
    "keep_members",
    "load",
    "load_many",
    "names",
    "plugins",
    "register",
    "save_many",
    "set_num_threads",
    "unregister",
]
