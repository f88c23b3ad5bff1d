"""The manifest of the built-in components. The entry point ``builtin`` of nncore's distribution points to it."""

from __future__ import annotations

from nncore.contract import Component, hookimpl

NNCORE_API = (1, 0)


@hookimpl
def nncore_layers(api: tuple[int, int]) -> list[Component]:
    return [
        Component("dense", "nncore.layers.dense:Dense", "fully connected: y = φ(x·W + b)"),
        Component("quantized_dense", "nncore.layers.quantized_dense:QuantizedDense", "a dense layer with int8 weights, for prediction"),
        Component("batch_norm", "nncore.layers.batch_norm:BatchNorm", "batch normalisation: standardise each feature over the batch"),
        Component("layer_norm", "nncore.layers.layer_norm:LayerNorm", "layer normalisation: standardise each sample over its features"),
        Component("rms_norm", "nncore.layers.rms_norm:RMSNorm", "divide each sample by its root mean square"),
        Component("dropout", "nncore.layers.dropout:Dropout", "set inputs to zero at random in training"),
        Component("alpha_dropout", "nncore.layers.alpha_dropout:AlphaDropout", "dropout for selu, which preserves mean and variance"),
        Component("gaussian_noise", "nncore.layers.gaussian_noise:GaussianNoiseLayer", "add N(0, σ²) in training"),
        Component("activation", "nncore.layers.activation:ActivationLayer", "an activation as a layer of its own"),
        Component("residual", "nncore.layers.residual:Residual", "layers with a shortcut around them: x + f(x)"),
        Component(
            "parametric_activation",
            "nncore.layers.parametric_activation:ParametricActivation",
            "an activation with a learned strength for each unit: x + α(φ(x) − x)",
        ),
        Component("prelu", "nncore.layers.prelu:PReLU", "leaky ReLU with a learned slope for each unit"),
        Component("glu", "nncore.layers.glu:GLU", "gated linear unit: half of the features times gates from the other half"),
        Component("swiglu", "nncore.layers.swiglu:SwiGLU", "dense layer with gated units: (x·V + c) ⊙ silu(x·W + b)"),
        Component("maxout", "nncore.layers.maxout:Maxout", "the largest of each k neighbouring features"),
        Component(
            "multiplicative_interaction",
            "nncore.layers.multiplicative_interaction:MultiplicativeInteraction",
            "dense layer whose units are products: (x·V + c) ⊙ (x·W + b)",
        ),
        Component("scale", "nncore.layers.scale:Scale", "multiply each feature by a learned factor"),
        Component(
            "scaled_dense",
            "nncore.layers.scaled_dense:ScaledDense",
            "dense layer with a learned factor for each input, also of sparse samples",
        ),
        Component("concat", "nncore.layers.concat:Concat", "concatenate the outputs of parallel branches"),
        Component("flatten", "nncore.layers.flatten:Flatten", "flatten samples to vectors"),
        Component("embedding", "nncore.layers.embedding:Embedding", "learned vectors for category codes, with one for unknown codes"),
        Component(
            "periodic_embedding",
            "nncore.layers.periodic_embedding:PeriodicEmbedding",
            "append learned waves of numeric columns (PBLD)",
        ),
        Component(
            "piecewise_linear_embedding",
            "nncore.layers.piecewise_linear_embedding:PiecewiseLinearEmbedding",
            "piecewise linear embeddings of numeric columns (PLE)",
        ),
        Component("repeat_members", "nncore.layers.repeat_members:RepeatMembers", "repeat each sample for every member of an ensemble"),
        Component(
            "repeated_dense",
            "nncore.layers.repeated_dense:RepeatedDense",
            "first dense layer of an ensemble whose members share a weight, also of sparse samples",
        ),
        Component(
            "members_dense",
            "nncore.layers.members_dense:MembersDense",
            "dense layer whose weight the members of an ensemble share and scale",
        ),
        Component("member_heads", "nncore.layers.member_heads:MemberHeads", "a separate dense layer for each member of an ensemble"),
        Component("mean_members", "nncore.layers.mean_members:MeanMembers", "average the predictions of an ensemble's members"),
        Component(
            "fill_missing",
            "nncore.layers.fill_missing:FillMissing",
            "fill NaN with learned values, and append indicators of missing values",
        ),
    ]


@hookimpl
def nncore_activations(api: tuple[int, int]) -> list[Component]:
    return [
        Component("identity", "nncore.activations.identity:Identity", "no activation: z"),
        Component("sigmoid", "nncore.activations.sigmoid:Sigmoid", "1 / (1 + exp(-z))"),
        Component("tanh", "nncore.activations.tanh:Tanh", "hyperbolic tangent"),
        Component("relu", "nncore.activations.relu:ReLU", "max(0, z)"),
        Component("leaky_relu", "nncore.activations.leaky_relu:LeakyReLU", "z where positive, slope·z elsewhere"),
        Component("relu6", "nncore.activations.relu6:ReLU6", "min(max(0, z), 6)"),
        Component("elu", "nncore.activations.elu:ELU", "z where positive, α(exp(z) − 1) elsewhere"),
        Component("celu", "nncore.activations.celu:CELU", "z where positive, α(exp(z/α) − 1) elsewhere"),
        Component("selu", "nncore.activations.selu:SELU", "ELU scaled to preserve mean 0 and variance 1"),
        Component("gelu", "nncore.activations.gelu:GELU", "z·Φ(z), Φ of the standard normal; exact, or by tanh"),
        Component("silu", "nncore.activations.silu:SiLU", "z / (1 + exp(-βz)), also called swish"),
        Component("hard_swish", "nncore.activations.hard_swish:HardSwish", "z·min(max(z + 3, 0), 6) / 6"),
        Component("hard_sigmoid", "nncore.activations.hard_sigmoid:HardSigmoid", "min(max(z + 3, 0), 6) / 6"),
        Component("hard_tanh", "nncore.activations.hard_tanh:HardTanh", "z clipped to −1 and 1, or other bounds"),
        Component("softsign", "nncore.activations.softsign:Softsign", "z / (1 + |z|)"),
        Component("mish", "nncore.activations.mish:Mish", "z·tanh(log(1 + exp(z)))"),
        Component("softplus", "nncore.activations.softplus:Softplus", "log(1 + exp(β·z)) / β"),
        Component("softmax", "nncore.activations.softmax:Softmax", "exp(z) / Σ exp(z) over each row"),
        Component("log_softmax", "nncore.activations.log_softmax:LogSoftmax", "z − log Σ exp(z) over each row"),
        Component("exp", "nncore.activations.exp:Exp", "exp(z)"),
        Component("softmax_heads", "nncore.activations.softmax_heads:SoftmaxHeads", "softmax over each of several groups of columns"),
        Component("step", "nncore.activations.step:Step", "1 where z > 0, else 0; for prediction only"),
        Component("sign", "nncore.activations.sign:Sign", "1 where z > 0, -1 where z < 0, 0 at 0; for prediction only"),
    ]


@hookimpl
def nncore_losses(api: tuple[int, int]) -> list[Component]:
    return [
        Component("half_mse", "nncore.losses.half_mse:HalfMSE", "half the squared error, ½‖y − Y‖²"),
        Component("mse", "nncore.losses.mse:MSE", "mean squared error"),
        Component("mae", "nncore.losses.mae:MAE", "mean absolute error"),
        Component("huber", "nncore.losses.huber:Huber", "squared for small errors, absolute for large ones"),
        Component("log_cosh", "nncore.losses.log_cosh:LogCosh", "like huber, and smooth everywhere"),
        Component("quantile", "nncore.losses.quantile:Quantile", "pinball loss, for one or several quantiles"),
        Component("poisson", "nncore.losses.poisson:Poisson", "counts and rates, from log-rates"),
        Component("tweedie", "nncore.losses.tweedie:Tweedie", "amounts of which many are 0, from log-means"),
        Component("gaussian_nll", "nncore.losses.gaussian_nll:GaussianNLL", "predict a mean and a variance for each target"),
        Component("crps", "nncore.losses.crps:CRPS", "predict a mean and a standard deviation, robust to outliers"),
        Component("hinge", "nncore.losses.hinge:Hinge", "the margin of support vector machines"),
        Component(
            "binary_cross_entropy",
            "nncore.losses.binary_cross_entropy:BinaryCrossEntropy",
            "two classes or independent labels, from logits",
        ),
        Component("cross_entropy", "nncore.losses.cross_entropy:CrossEntropy", "classes, from probabilities (a softmax layer)"),
        Component(
            "softmax_cross_entropy",
            "nncore.losses.softmax_cross_entropy:SoftmaxCrossEntropy",
            "classes, from logits",
        ),
        Component("focal", "nncore.losses.focal:Focal", "imbalanced classes, from logits: gives easy samples little weight"),
        Component(
            "binary_focal",
            "nncore.losses.binary_focal:BinaryFocal",
            "imbalanced binary outputs, from logits: gives easy samples little weight",
        ),
        Component(
            "ordinal", "nncore.losses.ordinal:Ordinal", "classes with an order, from cumulative logits: one output fewer than classes"
        ),
        Component(
            "contrastive",
            "nncore.losses.contrastive:Contrastive",
            "embeddings that are close for samples of a class, from all pairs of a batch",
        ),
        Component(
            "triplet",
            "nncore.losses.triplet:Triplet",
            "embeddings closer within a class than between classes, from the hardest samples of a batch",
        ),
        Component("softmax_heads", "nncore.losses.softmax_heads:SoftmaxHeads", "multi-task classification, from logits"),
    ]


@hookimpl
def nncore_initializers(api: tuple[int, int]) -> list[Component]:
    return [
        Component("uniform_fan_in", "nncore.initializers.uniform_fan_in:UniformFanIn", "uniform within ±1/√n, n = fan-in"),
        Component("xavier_notes", "nncore.initializers.xavier_notes:XavierNotes", "normal with variance 1/fan-in"),
        Component("glorot_uniform", "nncore.initializers.glorot:GlorotUniform", "Glorot (Xavier) 2010, uniform"),
        Component("glorot_normal", "nncore.initializers.glorot:GlorotNormal", "Glorot (Xavier) 2010, normal"),
        Component("he_uniform", "nncore.initializers.he:HeUniform", "He et al. 2015 for ReLU, uniform"),
        Component("he_normal", "nncore.initializers.he:HeNormal", "He et al. 2015 for ReLU, normal"),
        Component("orthogonal", "nncore.initializers.orthogonal:Orthogonal", "Saxe et al. 2013: orthonormal rows or columns"),
        Component("random_walk", "nncore.initializers.random_walk:RandomWalk", "Sussillo & Abbott 2014: for very deep networks"),
        Component(
            "data_dependent",
            "nncore.initializers.data_dependent:DataDependent",
            "Krähenbühl et al. 2015: units of variance 1 over a batch, layers that change at one rate",
        ),
        Component("data_hull", "nncore.initializers.data_hull:DataHull", "RealMLP's: unit variance over a batch, kinks among its samples"),
        Component("lsuv", "nncore.initializers.lsuv:LSUV", "Mishkin & Matas 2015: orthogonal, then unit variance on a batch"),
        Component("zeros", "nncore.initializers.zeros:Zeros", "zeros, for biases"),
        Component("random_signs", "nncore.initializers.random_signs:RandomSigns", "1 or −1, for the members of an ensemble"),
        Component("constant", "nncore.initializers.constant:Constant", "one value, or an array of the tensor's shape"),
    ]


@hookimpl
def nncore_optimizers(api: tuple[int, int]) -> list[Component]:
    return [
        Component("sgd", "nncore.optimizers.sgd:SGD", "stochastic gradient descent: w −= lr·g"),
        Component("momentum", "nncore.optimizers.momentum:Momentum", "SGD with momentum"),
        Component("nesterov", "nncore.optimizers.nesterov:Nesterov", "SGD with Nesterov's momentum"),
        Component("adagrad", "nncore.optimizers.adagrad:AdaGrad", "Duchi et al. 2011: rates that fall with the sum of squared gradients"),
        Component("rmsprop", "nncore.optimizers.rmsprop:RMSProp", "Hinton 2012: AdaGrad with a running average"),
        Component("adam", "nncore.optimizers.adam:Adam", "Kingma & Ba 2015: momentum with a step size per parameter"),
        Component("adamw", "nncore.optimizers.adamw:AdamW", "Loshchilov & Hutter 2019: Adam with decoupled weight decay"),
        Component("nadam", "nncore.optimizers.nadam:NAdam", "Dozat 2016: Adam with Nesterov's momentum"),
        Component("radam", "nncore.optimizers.radam:RAdam", "Liu et al. 2020: Adam with shorter first steps, instead of a warm-up"),
        Component("adamax", "nncore.optimizers.adamax:Adamax", "Kingma & Ba 2015: Adam with the largest recent gradient"),
        Component("adadelta", "nncore.optimizers.adadelta:Adadelta", "Zeiler 2012: steps relative to recent ones"),
        Component("lion", "nncore.optimizers.lion:Lion", "Chen et al. 2023: sign descent with momentum"),
        Component("lamb", "nncore.optimizers.lamb:LAMB", "You et al. 2020: Adam for large batches"),
        Component("adafactor", "nncore.optimizers.adafactor:Adafactor", "Shazeer & Stern 2018: Adam's scaling with little memory"),
        Component(
            "muon", "nncore.optimizers.muon:Muon", "Jordan et al. 2024: orthogonalised momentum for matrices, AdamW for other parameters"
        ),
        Component("schedule_free", "nncore.optimizers.schedule_free:ScheduleFree", "Defazio et al. 2024: AdamW without a schedule"),
        Component(
            "schedule_free_sgd", "nncore.optimizers.schedule_free_sgd:ScheduleFreeSGD", "Defazio et al. 2024: SGD without a schedule"
        ),
        Component("block_coordinate", "nncore.optimizers.block_coordinate:BlockCoordinate", "update one layer or tensor at a time"),
        Component("lookahead", "nncore.optimizers.lookahead:Lookahead", "slow weights that follow those of another optimizer"),
        Component("sam", "nncore.optimizers.sam:SAM", "Foret et al. 2021: flat minima, by a second gradient in each step"),
    ]


@hookimpl
def nncore_regularizers(api: tuple[int, int]) -> list[Component]:
    return [
        Component("l1", "nncore.regularizers.l1:L1", "λ·Σ|w|: the lasso, which shrinks weights"),
        Component("l2", "nncore.regularizers.l2:L2", "½·λ·Σw²: weight decay of chosen tensors"),
        Component("l1_l2", "nncore.regularizers.l1_l2:L1L2", "L1 and L2 together: the elastic net"),
        Component("group_lasso", "nncore.regularizers.group_lasso:GroupLasso", "shrink whole rows to zero: feature selection"),
        Component("orthogonal", "nncore.regularizers.orthogonal:Orthogonality", "λ·‖WᵀW − I‖²: orthonormal units"),
    ]


@hookimpl
def nncore_constraints(api: tuple[int, int]) -> list[Component]:
    return [
        Component("non_negative", "nncore.constraints.non_negative:NonNegative", "weights of at least 0, for monotone networks"),
        Component("monotone", "nncore.constraints.monotone:Monotone", "monotone in chosen features"),
        Component("max_norm", "nncore.constraints.max_norm:MaxNorm", "limit the norm of each unit's weights"),
        Component("unit_norm", "nncore.constraints.unit_norm:UnitNorm", "norm 1 for each unit's weights"),
        Component("soft_threshold", "nncore.constraints.soft_threshold:SoftThreshold", "the proximal step of L1, which gives exact zeros"),
    ]


@hookimpl
def nncore_schedules(api: tuple[int, int]) -> list[Component]:
    return [
        Component("constant", "nncore.schedules.constant:ConstantRate", "a constant learning rate"),
        Component("cosine", "nncore.schedules.cosine:Cosine", "cosine annealing, with or without warm restarts"),
        Component("step", "nncore.schedules.step:StepDecay", "drops at milestones or regular intervals"),
        Component("polynomial", "nncore.schedules.polynomial:PolynomialDecay", "(1 − t)^power: linear decay by default"),
        Component("exponential", "nncore.schedules.exponential:ExponentialDecay", "exponential decay"),
        Component("piecewise", "nncore.schedules.piecewise:PiecewiseConstant", "a factor for each part of the fit"),
        Component("cyclic", "nncore.schedules.cyclic:CyclicRate", "Smith 2017: rises and falls linearly, several times"),
        Component("one_cycle", "nncore.schedules.one_cycle:OneCycle", "Smith & Topin 2018: rises, then falls to almost 0"),
        Component("plateau", "nncore.schedules.plateau:Plateau", "drops when the validation loss does not improve"),
        Component("warmup", "nncore.schedules.warmup:Warmup", "linear warm-up, then another schedule"),
        Component("flat_cosine", "nncore.schedules.flat_cosine:FlatCosine", "constant for half of the fit, then cosine annealing to 0"),
        Component("coslog4", "nncore.schedules.coslog4:CosLog4", "RealMLP's four cosine waves"),
        Component("invscaling", "nncore.schedules.invscaling:InverseScaling", "scikit-learn's (1 + t)^(−power)"),
    ]


@hookimpl
def nncore_samplers(api: tuple[int, int]) -> list[Component]:
    return [
        Component("shuffle", "nncore.samplers.shuffle:ShuffleSampler", "every sample once, in a new random order every epoch"),
        Component("sequential", "nncore.samplers.sequential:SequentialSampler", "every sample once, in the order of the data"),
        Component("balanced", "nncore.samplers.balanced:BalancedSampler", "every class equally often, for imbalanced classes"),
        Component("weighted", "nncore.samplers.weighted:WeightedSampler", "drawn with replacement, by weights"),
        Component("grouped", "nncore.samplers.grouped:GroupedSampler", "the samples of a group in the same batch"),
        Component("blocks", "nncore.samplers.blocks:BlockSampler", "random order within blocks, for data larger than memory"),
    ]


@hookimpl
def nncore_transforms(api: tuple[int, int]) -> list[Component]:
    return [
        Component("gaussian_noise", "nncore.transforms.gaussian_noise:GaussianNoise", "add N(0, σ²) to features"),
        Component("mixup", "nncore.transforms.mixup:Mixup", "Zhang et al. 2018: mixtures of two samples and of their targets"),
        Component("cutmix", "nncore.transforms.cutmix:CutMix", "Yun et al. 2019: swap features between samples, and mix targets"),
        Component("feature_dropout", "nncore.transforms.feature_dropout:FeatureDropout", "replace features by a value at random"),
    ]


@hookimpl
def nncore_encodings(api: tuple[int, int]) -> list[Component]:
    return [
        Component("standard", "nncore.encodings.standard:Standard", "mean 0 and standard deviation 1"),
        Component("robust", "nncore.encodings.robust:Robust", "median 0 and interquartile range 1"),
        Component("smooth_clip", "nncore.encodings.smooth_clip:SmoothClip", "clip outliers smoothly to ±3"),
        Component("quantile_normal", "nncore.encodings.quantile_normal:QuantileNormal", "transform to a normal distribution by quantiles"),
        Component(
            "piecewise_linear", "nncore.encodings.piecewise_linear:PiecewiseLinear", "a column for each bin: the position of x in it"
        ),
        Component("indicator", "nncore.encodings.indicator:Indicator", "fill missing numbers, and add columns that mark them"),
        Component("one_hot", "nncore.encodings.one_hot:OneHot", "a column for each level; ±1 for two levels"),
        Component("ordinal", "nncore.encodings.ordinal:Ordinal", "category codes, for an embedding"),
        Component("date_parts", "nncore.encodings.date_parts:DateParts", "year, month, weekday, hour, … as numbers"),
        Component("unit_mean", "nncore.encodings.unit_mean:UnitMean", "mean 1, for counts, rates and durations"),
        Component("clamp", "nncore.encodings.clamp:Clamp", "clip predictions to the range of the training targets"),
    ]


@hookimpl
def nncore_metrics(api: tuple[int, int]) -> list[Component]:
    return [
        Component("accuracy", "nncore.metrics.accuracy:Accuracy", "fraction of samples classified correctly"),
        Component("head_accuracy", "nncore.metrics.head_accuracy:HeadAccuracy", "mean accuracy of multi-task classification"),
        Component("r2", "nncore.metrics.r2:R2", "coefficient of determination R²"),
        Component("d2_absolute_error", "nncore.metrics.d2_absolute_error:D2AbsoluteError", "D² with the absolute error"),
        Component("d2_pinball", "nncore.metrics.d2_pinball:D2Pinball", "D² with the pinball loss"),
        Component("d2_huber", "nncore.metrics.d2_huber:D2Huber", "D² with the Huber loss"),
        Component("d2_tweedie", "nncore.metrics.d2_tweedie:D2Tweedie", "D² with the Tweedie deviance (Poisson, gamma)"),
        Component("balanced_accuracy", "nncore.metrics.balanced_accuracy:BalancedAccuracy", "mean recall of the classes"),
        Component(
            "top_k_accuracy", "nncore.metrics.top_k_accuracy:TopKAccuracy", "fraction of samples whose class is among the k most likely"
        ),
        Component("f1", "nncore.metrics.f1:F1", "harmonic mean of precision and recall"),
        Component("roc_auc", "nncore.metrics.roc_auc:ROCAUC", "area under the ROC curve"),
        Component("average_precision", "nncore.metrics.average_precision:AveragePrecision", "area under the precision-recall curve"),
        Component("log_loss", "nncore.metrics.log_loss:LogLoss", "cross-entropy of predicted probabilities"),
        Component("brier", "nncore.metrics.brier:Brier", "squared error of predicted probabilities"),
        Component("mae", "nncore.metrics.mae:MAE", "mean absolute error"),
        Component("median_absolute_error", "nncore.metrics.median_absolute_error:MedianAbsoluteError", "median of the absolute errors"),
        Component("mape", "nncore.metrics.mape:MAPE", "mean absolute percentage error"),
        Component("pinball", "nncore.metrics.pinball:Pinball", "pinball loss of predicted quantiles"),
        Component("rmse", "nncore.metrics.rmse:RMSE", "root mean squared error"),
    ]


@hookimpl
def nncore_callbacks(api: tuple[int, int]) -> list[Component]:
    return [
        Component("progress_bar", "nncore.callbacks.progress_bar:ProgressBar", "a bar in a terminal or notebook, plain lines elsewhere"),
        Component("ema", "nncore.callbacks.ema:EMA", "predict with a moving average of the parameters"),
        Component("swa", "nncore.callbacks.swa:SWA", "predict with the mean of the parameters over epochs"),
        Component(
            "early_stopping", "nncore.callbacks.early_stopping:EarlyStopping", "stop when nothing improves, and restore the best weights"
        ),
        Component("checkpoint", "nncore.callbacks.checkpoint:Checkpoint", "save the network every few epochs, steps or minutes"),
        Component("csv_logger", "nncore.callbacks.csv_logger:CSVLogger", "log losses and metrics to a CSV file"),
        Component("time_limit", "nncore.callbacks.time_limit:TimeLimit", "stop the fit after a number of seconds"),
        Component("lambda", "nncore.callbacks.lambda_callback:LambdaCallback", "call your own functions"),
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
        Component("numpy", "nncore.exporters.numpy:NumPyModule", "a Python module that needs only NumPy"),
        Component("onnx", "nncore.exporters.onnx:ONNX", "a model for ONNX runtimes"),
        Component("c", "nncore.exporters.c:CHeader", "a C99 header that needs no library"),
    ]
