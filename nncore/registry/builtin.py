"""The built-ins' manifest: found through the entry point ``builtin`` of nncore's own distribution, like anyone's."""

from __future__ import annotations

from nncore.contract import Component, hookimpl

NNCORE_API = (1, 0)


@hookimpl
def nncore_layers(api: tuple[int, int]) -> list[Component]:
    return [
        Component("dense", "nncore.layers.dense:Dense", "y = φ(x·W + b)"),
        Component(
            "quantized_dense", "nncore.layers.quantized_dense:QuantizedDense", "a trained dense layer with products of 8 bits, to predict"
        ),
        Component("batch_norm", "nncore.layers.batch_norm:BatchNorm", "standardise each feature over the batch"),
        Component("layer_norm", "nncore.layers.layer_norm:LayerNorm", "standardise each sample over its features"),
        Component("rms_norm", "nncore.layers.rms_norm:RMSNorm", "divide each sample by the root of its mean square"),
        Component("dropout", "nncore.layers.dropout:Dropout", "set inputs to zero at random while training"),
        Component("alpha_dropout", "nncore.layers.alpha_dropout:AlphaDropout", "dropout for selu, which keeps mean and variance"),
        Component("gaussian_noise", "nncore.layers.gaussian_noise:GaussianNoiseLayer", "x + N(0, σ²) while training"),
        Component("activation", "nncore.layers.activation:ActivationLayer", "apply an activation as a layer of its own"),
        Component("residual", "nncore.layers.residual:Residual", "x + f(x), f a chain of layers"),
        Component(
            "parametric_activation",
            "nncore.layers.parametric_activation:ParametricActivation",
            "x + α(φ(x) − x), with a learned α for each unit",
        ),
        Component("prelu", "nncore.layers.prelu:PReLU", "x where positive, a·x elsewhere, with a learned a for each unit"),
        Component("glu", "nncore.layers.glu:GLU", "half of the features, each times a gate made of another one"),
        Component("swiglu", "nncore.layers.swiglu:SwiGLU", "(x·V + c) ⊙ silu(x·W + b), or with another activation"),
        Component("maxout", "nncore.layers.maxout:Maxout", "the largest of each k neighbouring features"),
        Component(
            "multiplicative_interaction",
            "nncore.layers.multiplicative_interaction:MultiplicativeInteraction",
            "(x·V + c) ⊙ (x·W + b): units that are products",
        ),
        Component("scale", "nncore.layers.scale:Scale", "multiply each feature by a learned factor"),
        Component("concat", "nncore.layers.concat:Concat", "chains of layers side by side"),
        Component("flatten", "nncore.layers.flatten:Flatten", "turn samples of any shape into vectors"),
        Component("embedding", "nncore.layers.embedding:Embedding", "learned vectors for category codes, and one for unknown ones"),
        Component(
            "periodic_embedding",
            "nncore.layers.periodic_embedding:PeriodicEmbedding",
            "learned waves of numeric columns (PBLD), behind the columns themselves",
        ),
        Component(
            "piecewise_linear_embedding",
            "nncore.layers.piecewise_linear_embedding:PiecewiseLinearEmbedding",
            "learned piecewise linear functions of numeric columns (PLE)",
        ),
        Component("repeat_members", "nncore.layers.repeat_members:RepeatMembers", "each sample once for each member of an ensemble"),
        Component("members_dense", "nncore.layers.members_dense:MembersDense", "a dense layer that members of an ensemble share and scale"),
        Component("member_heads", "nncore.layers.member_heads:MemberHeads", "a dense layer for each member of an ensemble"),
        Component("mean_members", "nncore.layers.mean_members:MeanMembers", "the mean of members, each trained by its own loss"),
        Component("fill_missing", "nncore.layers.fill_missing:FillMissing", "a learned value for NaN, and a column that says where it was"),
    ]


@hookimpl
def nncore_activations(api: tuple[int, int]) -> list[Component]:
    return [
        Component("identity", "nncore.activations.identity:Identity", "z"),
        Component("sigmoid", "nncore.activations.sigmoid:Sigmoid", "1 / (1 + exp(-z))"),
        Component("tanh", "nncore.activations.tanh:Tanh", "hyperbolic tangent"),
        Component("relu", "nncore.activations.relu:ReLU", "max(0, z)"),
        Component("leaky_relu", "nncore.activations.leaky_relu:LeakyReLU", "z where positive, slope·z elsewhere"),
        Component("relu6", "nncore.activations.relu6:ReLU6", "min(max(0, z), 6)"),
        Component("elu", "nncore.activations.elu:ELU", "z where positive, α(exp(z) − 1) elsewhere"),
        Component("celu", "nncore.activations.celu:CELU", "z where positive, α(exp(z/α) − 1) elsewhere"),
        Component("selu", "nncore.activations.selu:SELU", "ELU scaled so that layers keep mean 0 and variance 1"),
        Component("gelu", "nncore.activations.gelu:GELU", "z·Φ(z), Φ of the standard normal; exact, or by tanh"),
        Component("silu", "nncore.activations.silu:SiLU", "z / (1 + exp(-βz)), also called swish"),
        Component("hard_swish", "nncore.activations.hard_swish:HardSwish", "z·min(max(z + 3, 0), 6) / 6"),
        Component("hard_sigmoid", "nncore.activations.hard_sigmoid:HardSigmoid", "min(max(z + 3, 0), 6) / 6"),
        Component("hard_tanh", "nncore.activations.hard_tanh:HardTanh", "z between −1 and 1, or other bounds; constant beyond"),
        Component("softsign", "nncore.activations.softsign:Softsign", "z / (1 + |z|)"),
        Component("mish", "nncore.activations.mish:Mish", "z·tanh(log(1 + exp(z)))"),
        Component("softplus", "nncore.activations.softplus:Softplus", "log(1 + exp(β·z)) / β"),
        Component("softmax", "nncore.activations.softmax:Softmax", "exp(z) / Σ exp(z) over each row"),
        Component("log_softmax", "nncore.activations.log_softmax:LogSoftmax", "z − log Σ exp(z) over each row"),
        Component("exp", "nncore.activations.exp:Exp", "exp(z)"),
        Component("softmax_heads", "nncore.activations.softmax_heads:SoftmaxHeads", "softmax over each of several groups of columns"),
        Component("step", "nncore.activations.step:Step", "1 where z > 0, else 0; forward only"),
        Component("sign", "nncore.activations.sign:Sign", "1 where z > 0, -1 where z < 0, 0 at 0; forward only"),
    ]


@hookimpl
def nncore_losses(api: tuple[int, int]) -> list[Component]:
    return [
        Component("half_mse", "nncore.losses.half_mse:HalfMSE", "½‖y − Y‖², the mean over samples"),
        Component("mse", "nncore.losses.mse:MSE", "(y − Y)², the mean over samples and outputs"),
        Component("mae", "nncore.losses.mae:MAE", "|y − Y|, the mean over samples and outputs"),
        Component("huber", "nncore.losses.huber:Huber", "squared near the target, absolute far from it"),
        Component("log_cosh", "nncore.losses.log_cosh:LogCosh", "log cosh of the error: squared near the target, absolute far from it"),
        Component("quantile", "nncore.losses.quantile:Quantile", "pinball loss, for several quantiles at once"),
        Component("poisson", "nncore.losses.poisson:Poisson", "half the Poisson deviance, from log-rates"),
        Component("tweedie", "nncore.losses.tweedie:Tweedie", "half the Tweedie deviance, from log-means: amounts of which many are 0"),
        Component("gaussian_nll", "nncore.losses.gaussian_nll:GaussianNLL", "a mean and a variance for each target"),
        Component("crps", "nncore.losses.crps:CRPS", "a mean and a spread for each target, by a proper score in its unit"),
        Component("hinge", "nncore.losses.hinge:Hinge", "a margin between classes, as in support vector machines"),
        Component(
            "binary_cross_entropy",
            "nncore.losses.binary_cross_entropy:BinaryCrossEntropy",
            "yes/no outputs, from logits",
        ),
        Component("cross_entropy", "nncore.losses.cross_entropy:CrossEntropy", "−Σ Y log y of probabilities"),
        Component(
            "softmax_cross_entropy",
            "nncore.losses.softmax_cross_entropy:SoftmaxCrossEntropy",
            "classes, from logits",
        ),
        Component("focal", "nncore.losses.focal:Focal", "classes, from logits, of which easy samples count little"),
        Component(
            "binary_focal", "nncore.losses.binary_focal:BinaryFocal", "yes/no outputs, from logits, of which easy answers count little"
        ),
        Component("ordinal", "nncore.losses.ordinal:Ordinal", "classes in order, from cumulative logits: one output fewer than classes"),
        Component("contrastive", "nncore.losses.contrastive:Contrastive", "embeddings that are alike where classes are, from all pairs"),
        Component("triplet", "nncore.losses.triplet:Triplet", "embeddings nearer to their own class, from the hardest of a batch"),
        Component("softmax_heads", "nncore.losses.softmax_heads:SoftmaxHeads", "several classifications at once, from logits"),
    ]


@hookimpl
def nncore_initializers(api: tuple[int, int]) -> list[Component]:
    return [
        Component("uniform_fan_in", "nncore.initializers.uniform_fan_in:UniformFanIn", "U(−1/√n, 1/√n), n = fan-in"),
        Component("xavier_notes", "nncore.initializers.xavier_notes:XavierNotes", "gain · N(0, 1/n), n = fan-in"),
        Component("glorot_uniform", "nncore.initializers.glorot:GlorotUniform", "Glorot & Bengio 2010, uniform"),
        Component("glorot_normal", "nncore.initializers.glorot:GlorotNormal", "Glorot & Bengio 2010, normal"),
        Component("he_uniform", "nncore.initializers.he:HeUniform", "He et al. 2015, uniform"),
        Component("he_normal", "nncore.initializers.he:HeNormal", "He et al. 2015, normal"),
        Component("orthogonal", "nncore.initializers.orthogonal:Orthogonal", "Saxe et al. 2013: orthonormal rows or columns"),
        Component("random_walk", "nncore.initializers.random_walk:RandomWalk", "Sussillo & Abbott 2014: gradients that do not drift"),
        Component("data_dependent", "nncore.initializers.data_dependent:DataDependent", "Krähenbühl et al. 2015: unit outputs on a batch"),
        Component("data_hull", "nncore.initializers.data_hull:DataHull", "RealMLP's: unit variance, kinks among the samples of a batch"),
        Component("lsuv", "nncore.initializers.lsuv:LSUV", "Mishkin & Matas 2015: orthogonal, then unit variance on a batch"),
        Component("zeros", "nncore.initializers.zeros:Zeros", "0"),
        Component("random_signs", "nncore.initializers.random_signs:RandomSigns", "1 or −1: tells the members of an ensemble apart"),
        Component("constant", "nncore.initializers.constant:Constant", "one value, or an array of the tensor's shape"),
    ]


@hookimpl
def nncore_optimizers(api: tuple[int, int]) -> list[Component]:
    return [
        Component("sgd", "nncore.optimizers.sgd:SGD", "w −= lr·g"),
        Component("momentum", "nncore.optimizers.momentum:Momentum", "a velocity that remembers past gradients"),
        Component("nesterov", "nncore.optimizers.nesterov:Nesterov", "momentum that looks one step ahead"),
        Component("adagrad", "nncore.optimizers.adagrad:AdaGrad", "Duchi et al. 2011"),
        Component("rmsprop", "nncore.optimizers.rmsprop:RMSProp", "Hinton 2012"),
        Component("adam", "nncore.optimizers.adam:Adam", "Kingma & Ba 2015"),
        Component("adamw", "nncore.optimizers.adamw:AdamW", "Loshchilov & Hutter 2019: Adam with decoupled weight decay"),
        Component("nadam", "nncore.optimizers.nadam:NAdam", "Dozat 2016: Adam with Nesterov's momentum"),
        Component("radam", "nncore.optimizers.radam:RAdam", "Liu et al. 2020: Adam with shorter first steps, in place of a warm-up"),
        Component("adamax", "nncore.optimizers.adamax:Adamax", "Kingma & Ba 2015: Adam with the largest recent gradient"),
        Component("adadelta", "nncore.optimizers.adadelta:Adadelta", "Zeiler 2012: steps relative to recent ones"),
        Component("lion", "nncore.optimizers.lion:Lion", "Chen et al. 2023: sign of an interpolated momentum"),
        Component("lamb", "nncore.optimizers.lamb:LAMB", "You et al. 2020: Adam with a step as long as the tensor, for large batches"),
        Component("adafactor", "nncore.optimizers.adafactor:Adafactor", "Shazeer & Stern 2018: Adam's scaling from rows and columns"),
        Component("muon", "nncore.optimizers.muon:Muon", "Jordan et al. 2024: orthogonalised momentum for matrices, AdamW for the rest"),
        Component("schedule_free", "nncore.optimizers.schedule_free:ScheduleFree", "Defazio et al. 2024: AdamW that needs no schedule"),
        Component("schedule_free_sgd", "nncore.optimizers.schedule_free_sgd:ScheduleFreeSGD", "the same for SGD"),
        Component("block_coordinate", "nncore.optimizers.block_coordinate:BlockCoordinate", "one layer or tensor at a time"),
        Component("lookahead", "nncore.optimizers.lookahead:Lookahead", "slow weights that follow those of another optimizer"),
        Component("sam", "nncore.optimizers.sam:SAM", "Foret et al. 2021: flat minima, by a second gradient in each step of another"),
    ]


@hookimpl
def nncore_regularizers(api: tuple[int, int]) -> list[Component]:
    return [
        Component("l1", "nncore.regularizers.l1:L1", "λ·Σ|w|: the lasso, which draws weights to zero"),
        Component("l2", "nncore.regularizers.l2:L2", "½·λ·Σw²: weight decay of chosen tensors"),
        Component("l1_l2", "nncore.regularizers.l1_l2:L1L2", "both: the elastic net"),
        Component("group_lasso", "nncore.regularizers.group_lasso:GroupLasso", "whole rows to zero: an input that nobody needs"),
        Component("orthogonal", "nncore.regularizers.orthogonal:Orthogonality", "λ·‖WᵀW − I‖²: units at right angles"),
    ]


@hookimpl
def nncore_constraints(api: tuple[int, int]) -> list[Component]:
    return [
        Component("non_negative", "nncore.constraints.non_negative:NonNegative", "max(w, 0), for monotone networks"),
        Component("monotone", "nncore.constraints.monotone:Monotone", "inputs with which the network rises or falls"),
        Component("max_norm", "nncore.constraints.max_norm:MaxNorm", "the norm of a unit's weights is at most so large"),
        Component("unit_norm", "nncore.constraints.unit_norm:UnitNorm", "the norm of a unit's weights is 1"),
        Component("soft_threshold", "nncore.constraints.soft_threshold:SoftThreshold", "the proximal step of L1: exact zeros"),
    ]


@hookimpl
def nncore_schedules(api: tuple[int, int]) -> list[Component]:
    return [
        Component("constant", "nncore.schedules.constant:ConstantRate", "the same learning rate throughout"),
        Component("cosine", "nncore.schedules.cosine:Cosine", "half a cosine from 1 down to a last factor, or several (warm restarts)"),
        Component("step", "nncore.schedules.step:StepDecay", "drops at fractions of the fit"),
        Component("polynomial", "nncore.schedules.polynomial:PolynomialDecay", "(1 − t)^power: a straight line unless told"),
        Component("exponential", "nncore.schedules.exponential:ExponentialDecay", "falls by the same share again and again"),
        Component("piecewise", "nncore.schedules.piecewise:PiecewiseConstant", "a factor for each part of the fit"),
        Component("cyclic", "nncore.schedules.cyclic:CyclicRate", "Smith 2017: up and down along lines, several times"),
        Component("one_cycle", "nncore.schedules.one_cycle:OneCycle", "Smith & Topin 2018: up along a cosine, then down to almost 0"),
        Component("plateau", "nncore.schedules.plateau:Plateau", "drops when the validation loss does not improve"),
        Component("warmup", "nncore.schedules.warmup:Warmup", "linear from almost 0, then another schedule"),
        Component("flat_cosine", "nncore.schedules.flat_cosine:FlatCosine", "stays for half of the fit, then half a cosine down to 0"),
        Component("coslog4", "nncore.schedules.coslog4:CosLog4", "RealMLP's four waves, each twice as long as the one before"),
        Component("invscaling", "nncore.schedules.invscaling:InverseScaling", "(1 + t)^(−power), scikit-learn's"),
    ]


@hookimpl
def nncore_samplers(api: tuple[int, int]) -> list[Component]:
    return [
        Component("shuffle", "nncore.samplers.shuffle:ShuffleSampler", "every sample once, in a new random order every epoch"),
        Component("sequential", "nncore.samplers.sequential:SequentialSampler", "every sample once, in the order of the data"),
        Component("balanced", "nncore.samplers.balanced:BalancedSampler", "every class equally often, for classes that are rare"),
        Component("weighted", "nncore.samplers.weighted:WeightedSampler", "drawn with replacement, by weights"),
        Component("grouped", "nncore.samplers.grouped:GroupedSampler", "the samples of a group one after the other"),
        Component("blocks", "nncore.samplers.blocks:BlockSampler", "random order inside of blocks, for data larger than memory"),
    ]


@hookimpl
def nncore_transforms(api: tuple[int, int]) -> list[Component]:
    return [
        Component("gaussian_noise", "nncore.transforms.gaussian_noise:GaussianNoise", "x + N(0, σ²)"),
        Component("mixup", "nncore.transforms.mixup:Mixup", "Zhang et al. 2018: mixtures of two samples and of their targets"),
        Component("cutmix", "nncore.transforms.cutmix:CutMix", "Yun et al. 2019: features of another sample, and targets by their share"),
        Component("feature_dropout", "nncore.transforms.feature_dropout:FeatureDropout", "features replaced by a value at random"),
    ]


@hookimpl
def nncore_encodings(api: tuple[int, int]) -> list[Component]:
    return [
        Component("standard", "nncore.encodings.standard:Standard", "(x − mean)/std"),
        Component("robust", "nncore.encodings.robust:Robust", "(x − median)/(q₇₅ − q₂₅)"),
        Component("smooth_clip", "nncore.encodings.smooth_clip:SmoothClip", "x/√(1 + (x/3)²), never beyond ±3"),
        Component("quantile_normal", "nncore.encodings.quantile_normal:QuantileNormal", "Φ⁻¹ of the level among training numbers"),
        Component("piecewise_linear", "nncore.encodings.piecewise_linear:PiecewiseLinear", "how far x is through each of some bins"),
        Component("indicator", "nncore.encodings.indicator:Indicator", "missing numbers filled, and where they were"),
        Component("one_hot", "nncore.encodings.one_hot:OneHot", "a column for each level; ±1 for two"),
        Component("ordinal", "nncore.encodings.ordinal:Ordinal", "codes of levels, for an embedding"),
        Component("date_parts", "nncore.encodings.date_parts:DateParts", "year, month, weekday, hour, … as numbers"),
        Component("unit_mean", "nncore.encodings.unit_mean:UnitMean", "x/mean, for targets that are never negative"),
        Component("clamp", "nncore.encodings.clamp:Clamp", "predictions in the range of the training targets"),
    ]


@hookimpl
def nncore_metrics(api: tuple[int, int]) -> list[Component]:
    return [
        Component("accuracy", "nncore.metrics.accuracy:Accuracy", "fraction of samples classified correctly"),
        Component("head_accuracy", "nncore.metrics.head_accuracy:HeadAccuracy", "accuracy of several classifications, their mean"),
        Component("r2", "nncore.metrics.r2:R2", "1 − residual variance / variance"),
        Component("d2_absolute_error", "nncore.metrics.d2_absolute_error:D2AbsoluteError", "part of the median's absolute error saved"),
        Component("d2_pinball", "nncore.metrics.d2_pinball:D2Pinball", "part of constant quantiles' pinball loss saved"),
        Component("d2_huber", "nncore.metrics.d2_huber:D2Huber", "part of the best constant's Huber loss saved"),
        Component("d2_tweedie", "nncore.metrics.d2_tweedie:D2Tweedie", "part of the mean's Tweedie deviance saved: Poisson, gamma"),
        Component("balanced_accuracy", "nncore.metrics.balanced_accuracy:BalancedAccuracy", "accuracy in which each class counts alike"),
        Component("top_k_accuracy", "nncore.metrics.top_k_accuracy:TopKAccuracy", "whether the class is among the k likeliest"),
        Component("f1", "nncore.metrics.f1:F1", "harmonic mean of precision and recall"),
        Component("roc_auc", "nncore.metrics.roc_auc:ROCAUC", "area under the ROC curve"),
        Component("average_precision", "nncore.metrics.average_precision:AveragePrecision", "area under the precision-recall curve"),
        Component("log_loss", "nncore.metrics.log_loss:LogLoss", "cross-entropy of predicted probabilities"),
        Component("brier", "nncore.metrics.brier:Brier", "squared error of predicted probabilities"),
        Component("mae", "nncore.metrics.mae:MAE", "mean absolute error"),
        Component("median_absolute_error", "nncore.metrics.median_absolute_error:MedianAbsoluteError", "median of absolute errors"),
        Component("mape", "nncore.metrics.mape:MAPE", "mean absolute error, as a part of the target"),
        Component("pinball", "nncore.metrics.pinball:Pinball", "error of predicted quantiles"),
        Component("rmse", "nncore.metrics.rmse:RMSE", "root of the mean squared error"),
    ]


@hookimpl
def nncore_callbacks(api: tuple[int, int]) -> list[Component]:
    return [
        Component("progress_bar", "nncore.callbacks.progress_bar:ProgressBar", "a bar in a terminal or notebook, plain lines elsewhere"),
        Component("ema", "nncore.callbacks.ema:EMA", "take the moving average of the parameters over steps"),
        Component("swa", "nncore.callbacks.swa:SWA", "take the mean of the parameters over epochs"),
        Component("early_stopping", "nncore.callbacks.early_stopping:EarlyStopping", "stop when nothing improves; restore the best"),
        Component("checkpoint", "nncore.callbacks.checkpoint:Checkpoint", "save the network at the end of epochs, all or the best"),
        Component("csv_logger", "nncore.callbacks.csv_logger:CSVLogger", "write each epoch's row of the history to a CSV file"),
        Component("time_limit", "nncore.callbacks.time_limit:TimeLimit", "end the fit after so many seconds"),
        Component("lambda", "nncore.callbacks.lambda_callback:LambdaCallback", "call functions of yours"),
        Component("tensorboard", "nncore.callbacks.tensorboard:TensorBoard", "curves and histograms for TensorBoard"),
    ]


@hookimpl
def nncore_collectives(api: tuple[int, int]) -> list[Component]:
    return [
        Component("single", "nncore.collectives.single:SingleProcess", "one process, as without a collective"),
    ]


@hookimpl
def nncore_formats(api: tuple[int, int]) -> list[Component]:
    return [
        Component("safetensors", "nncore.formats.safetensors:Safetensors", "tensors and a JSON description, no pickle"),
    ]


@hookimpl
def nncore_exporters(api: tuple[int, int]) -> list[Component]:
    return [
        Component("numpy", "nncore.exporters.numpy:NumPyModule", "a Python module that needs NumPy alone"),
        Component("onnx", "nncore.exporters.onnx:ONNX", "a model for ONNX runtimes"),
        Component("c", "nncore.exporters.c:CHeader", "a C99 header that needs no library"),
    ]
