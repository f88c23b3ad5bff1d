"""Options of ``nncore train``, one field each, for the command line and the configuration file."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nncore.cli.arguments import (
    fraction,
    groups,
    natural,
    number,
    number_of_folds,
    positive,
    positive_integer,
    schedules,
    separator,
    size,
    specification,
    trials,
    weights,
    widths,
)  # fmt: skip

if TYPE_CHECKING:
    from nncore.program import Precision

#: Tables of the configuration file and groups of ``--help``.
SECTIONS = ("data", "network", "training", "score", "output")


@dataclass(frozen=True)
class Option:
    """Name, help and syntax of an option.

    Attributes
    ----------
    section : str
    help : str
    parse : callable
        Converts text of the command line. Values of a configuration file are converted to that text first.
    metavar : str
    choices : tuple of str
        All valid values; empty if other values are possible.
    repeated : bool
        Whether each use adds to a list.
    switch : bool
        Whether the option is a switch: ``--name`` or ``--no-name``.
    keyed : str
        Separator of key and value if each use adds an entry to a dict, which is a table in a configuration file. Empty otherwise.
    kind : str
        Kind of components that the option names, for completion: ``"losses"``.
    """

    section: str
    help: str
    parse: Callable[[str], Any] = str
    metavar: str = ""
    choices: tuple[str, ...] = ()
    repeated: bool = False
    switch: bool = False
    keyed: str = ""
    kind: str = ""


@dataclass(frozen=True, kw_only=True)
class MLPOptions:
    """Default options of the model ``mlp``. Other models get theirs from a preset."""

    hidden: Sequence[int] = (128, 128)
    activation: str = "relu"
    dropout: float = 0.1
    optimizer: str = "adam"
    weight_decay: float = 1e-4
    epochs: int = 200
    patience: int = 20


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of ``nncore train``. `OPTIONS` has their help and syntax."""

    data: Path | None = None
    target: str | None = None
    task: str | None = None
    drop: Sequence[str] = ()
    keep: Sequence[str] = ()
    categorical: Sequence[str] = ()
    weight_column: str | None = None
    exposure_column: str | None = None
    group_column: str | None = None
    time_column: str | None = None
    missing: Sequence[str] = ()
    not_missing: Sequence[str] = ()
    header: bool | None = None
    separator: str | None = None
    decimal: str | None = None
    stream: bool | None = None
    memory_limit: int | None = None

    model: str = "auto"
    preset: str | None = None
    n_cv: int | None = None
    n_ens: int | None = None
    n_refit: int | None = None
    tune: int | str | None = None
    search_space: str | None = None
    trials_file: Path | None = None
    hidden: Sequence[int] | None = None
    activation: str | None = None
    normalization: str | None = None
    dropout: float | None = None

    loss: str | None = None
    class_weight: str | dict[str, float] | None = None
    optimizer: str | None = None
    lr: float | None = None
    schedule: dict[str, str] | None = None
    group: dict[str, dict[str, Any]] | None = None
    sampler: str | None = None
    transform: Sequence[str] = ()
    weight_decay: float | None = None
    clip_norm: float | None = None
    batch_size: int | None = None
    epochs: int | None = None
    patience: int | None = None
    metric: str | None = None
    time_limit: float | None = None
    precision: Precision | None = None
    threads: int | None = None
    seed: int = 0

    test_fraction: float = 0.2
    cv: int | None = None
    baselines: bool = True

    out: Path | None = None
    report: Path | None = None
    json: bool = False
    quiet: bool = False

    @property
    def mlp(self) -> MLPOptions:
        """Options of the model ``mlp``, with its defaults for those that are not set."""
        said = {one.name: getattr(self, one.name) for one in fields(MLPOptions)}
        return MLPOptions(**{name: value for name, value in said.items() if value is not None})

    def said(self, names: Sequence[str]) -> list[str]:
        """Those of some options that differ from their defaults."""
        return [name for name in names if _is_said(getattr(self, name), DEFAULTS[name])]


def _is_said(value: Any, default: Any) -> bool:
    return list(value) != list(default) if isinstance(default, tuple) else value != default


#: All options by field name, in the order of the help and of the configuration file.
OPTIONS = {
    "data": Option(
        "data", "CSV (also .gz, .bz2, .xz, .zst, .zip), Parquet or Feather file, or a folder of them; - for standard input", Path, "DATA"
    ),
    "target": Option("data", "column to predict (c1, c2, … in a file without a header)", str, "COLUMN"),
    "task": Option("data", "kind of task (default: detected from the target)", choices=("classification", "regression")),
    "drop": Option("data", "ignore this column (may be repeated)", str, "COLUMN", repeated=True),
    "keep": Option("data", "use this column even if it looks useless, such as an ID (may be repeated)", str, "COLUMN", repeated=True),
    "categorical": Option(
        "data",
        "treat this column as categories, even if it looks like numbers: 02134, 1E5 (may be repeated)",
        str,
        "COLUMN",
        repeated=True,
    ),
    "weight_column": Option("data", "column of row weights, for training and score; not used as a feature", str, "COLUMN"),
    "exposure_column": Option(
        "data",
        "column of exposures, such as years or persons: the network learns the rate, with --loss poisson or tweedie; not used as a feature",
        str,
        "COLUMN",
    ),
    "group_column": Option(
        "data", "column of groups, such as patients: a group is never on both sides of a split; not used as a feature", str, "COLUMN"
    ),
    "time_column": Option(
        "data",
        "column of times (numbers or dates): train on the past, validate and score on the latest rows; no feature without --keep",
        str,
        "COLUMN",
    ),
    "missing": Option(
        "data",
        "text that means a missing value, besides empty cells and, in features of CSV files, ?, -, NA, None … (may be repeated)",
        str,
        "TEXT",
        repeated=True,
    ),
    "not_missing": Option("data", "text that is a value, not missing, such as NA or none (may be repeated)", str, "TEXT", repeated=True),
    "header": Option("data", "whether the first line has the names of the columns (default: detected)", switch=True),
    "separator": Option("data", "column separator of a CSV file: ; or tab or space (default: detected)", separator, "CHAR"),
    "decimal": Option("data", "decimal point or comma (default: detected)", choices=(".", ",")),
    "stream": Option(
        "data",
        "read the rows in blocks, so they need not fit in memory (default: if four times the size of the file exceeds the free memory, "
        "or if DATA is a folder or a pattern such as 'part-*.csv')",
        switch=True,
    ),
    "memory_limit": Option(
        "data", "memory for the rows, such as 2GB; larger tables are read in blocks (default: the free memory)", size, "SIZE"
    ),
    "model": Option(
        "network",
        "mlp: one network with the options below; realmlp: an ensemble with tuned defaults; tabm: networks of many members, which "
        "take many times the computation; auto: realmlp, or mlp if an option below describes the network, if there are too few rows, "
        "or if rows are read in blocks without an ensemble option",
        choices=("auto", "mlp", "realmlp", "tabm"),
    ),
    "preset": Option(
        "network", "defaults of the model. realmlp: fast (the default), td or td-s; tabm: tabm (the default) or tabm-mini", str, "NAME"
    ),
    "n_cv": Option(
        "network",
        "cross-validation folds of the ensemble: each fold stops the networks trained on the others (default: the preset's)",
        positive_integer,
        "N",
    ),
    "n_ens": Option("network", "networks for each fold (default: the preset's)", positive_integer, "N"),
    "n_refit": Option(
        "network",
        "networks retrained on all rows at the end, for the mean of the best epochs; they replace the networks of the folds "
        "(default: none)",
        natural,
        "N",
    ),
    "tune": Option(
        "network",
        "search hyperparameters: draw N trials, train them by successive halving, average the best ones; time: as many trials as "
        "--time-limit has room for. Options that you set stay fixed",
        trials,
        "N|time",
    ),
    "search_space": Option(
        "network",
        "search space of --tune. realmlp: small (default of the preset fast), paper (default of the others) or tabarena; "
        "tabm: paper or tabarena",
        str,
        "NAME",
    ),
    "trials_file": Option(
        "network", "file for the trials of --tune, written after each round; the same command continues from it", Path, "FILE.nncore"
    ),
    "hidden": Option("network", "units of each hidden layer; none: a linear model", widths, "N,N"),
    "activation": Option("network", "activation of the hidden layers", specification, "NAME", kind="activations"),
    "normalization": Option(
        "network", "layer before each activation, such as batch_norm (default: none)", specification, "NAME", kind="layers"
    ),
    "dropout": Option("network", "fraction of each hidden layer's outputs dropped while training", fraction, "F"),
    "loss": Option(
        "training",
        "loss to minimise (default: softmax_cross_entropy for classes, mse for numbers)",
        specification,
        "NAME",
        kind="losses",
    ),
    "class_weight": Option(
        "training", "weights of the classes; balanced: the same total weight for each class", weights, "balanced|CLASS=W,…"
    ),
    "optimizer": Option(
        "training",
        "optimizer; NAME:argument=value,… sets its hyperparameters (`nncore plugins` lists all)",
        specification,
        "NAME",
        kind="optimizers",
    ),
    "lr": Option("training", "learning rate (default: the optimizer's)", number, "RATE"),
    "schedule": Option(
        "training",
        "schedule of the learning rate, or of another hyperparameter: weight_decay=cosine, dropout_1.rate=step (default: constant; "
        "may be repeated)",
        schedules,
        "[PATH=]NAME",
        keyed="=",
        kind="schedules",
    ),
    "group": Option(
        "training",
        "options for some tensors, by name: *.bias:lr_factor=0.1,weight_decay=0 or dense_1.*:frozen=true (may be repeated)",
        groups,
        "PATTERN:OPTION=VALUE,…",
        keyed=":",
    ),
    "sampler": Option(
        "training",
        "which rows an epoch visits, and in which order: balanced, blocks, … (default: shuffle)",
        specification,
        "NAME",
        kind="samplers",
    ),
    "transform": Option(
        "training",
        "augmentation of each training batch: gaussian_noise:std=0.1, mixup, … (may be repeated; applied in this order)",
        specification,
        "NAME",
        repeated=True,
        kind="transforms",
    ),
    "weight_decay": Option("training", "L2 penalty on the weights", number, "λ"),
    "clip_norm": Option("training", "maximum norm of the gradient; longer gradients are scaled down (default: no limit)", positive, "NORM"),
    "batch_size": Option("training", "rows of a batch (default: 32 to 256, by the number of rows)", positive_integer, "N"),
    "epochs": Option("training", "maximum number of epochs", positive_integer, "N"),
    "patience": Option(
        "training",
        "stop after N epochs without improvement on the validation rows, and restore the best epoch; 0: run all epochs",
        natural,
        "N",
    ),
    "metric": Option(
        "training",
        "metric for early stopping (default: the loss), also shown with the score: a metric of nncore, such as balanced_accuracy, "
        "f1 or roc_auc, or a scorer of scikit-learn, such as matthews_corrcoef",
        specification,
        "NAME",
        kind="metrics",
    ),
    "time_limit": Option(
        "training",
        "stop each training after this time; the networks of an ensemble, or the trials of --tune, share it",
        positive,
        "SECONDS",
    ),
    "precision": Option(
        "training",
        "precision of matrix products: bfloat16 needs a processor that supports it, auto uses it where it is faster (default: float32)",
        choices=("float32", "bfloat16", "auto"),
    ),
    "threads": Option("training", "maximum number of threads (default: all processors, where they help)", positive_integer, "N"),
    "seed": Option("training", "random seed; the same seed gives the same result", natural, "N"),
    "test_fraction": Option("score", "fraction of the rows held out for the score; 0 for none", fraction, "F"),
    "cv": Option("score", "score by K-fold cross-validation; the final network is then trained on all rows", number_of_folds, "K"),
    "baselines": Option("score", "also score a linear model and, with scikit-learn, boosted trees on the same rows", switch=True),
    "out": Option("output", "file to save the trained network to", Path, "MODEL"),
    "report": Option("output", 'write a report to one HTML file; needs pip install "nncore-ml[plot]"', Path, "FILE.html"),
    "json": Option("output", "print the result as JSON to standard output, and everything else to standard error", switch=True),
    "quiet": Option("output", "print only the score", switch=True),
}

#: Default values of the options.
DEFAULTS: dict[str, Any] = {f.name: f.default for f in fields(Settings)}


def long_name(name: str) -> str:
    """Name on the command line: ``weight-decay`` for ``weight_decay``."""
    return name.replace("_", "-")


class Merge(argparse.Action):
    """Merges the dicts of all uses of an option."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: str | None = None
    ) -> None:
        found: dict[str, Any] = getattr(namespace, self.dest, {})
        for key in values:
            if key in found:
                raise argparse.ArgumentError(self, f"{key!r} is given twice")
        setattr(namespace, self.dest, found | values)


def decimal_comma(decimal: str | None) -> bool | None:
    """Whether numbers have a decimal comma, by the value of ``--decimal``; None without one."""
    return None if decimal is None else decimal == ","


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add an argument for every option. Options that are not given are left out, so that a configuration file can set them."""
    groups = {section: parser.add_argument_group(section) for section in SECTIONS}
    for name, option in OPTIONS.items():
        add_option(groups[option.section], name, default=argparse.SUPPRESS)


def add_option(group: argparse._ActionsContainer, name: str, default: object = None) -> None:
    """Add the argument of one option."""
    option, usual = OPTIONS[name], DEFAULTS[name]
    text = option.help.replace("%", "%%")
    if hasattr(MLPOptions, name):
        text += f" (default: the preset's; with --model mlp {_as_text(getattr(MLPOptions, name))})"
    elif usual and not option.switch:
        text += f" (default {_as_text(usual)})"
    if name == "data":
        group.add_argument(name, nargs="?", type=option.parse, metavar=option.metavar, help=text)
        return
    arguments: dict[str, Any] = {"help": text, "default": default}
    if option.switch:
        arguments["action"] = argparse.BooleanOptionalAction
    elif option.choices:
        arguments["choices"] = option.choices
    else:
        arguments |= {"type": option.parse, "metavar": option.metavar}
        if option.repeated or option.keyed:
            arguments["action"] = "append" if option.repeated else Merge
    group.add_argument(f"--{long_name(name)}", **arguments)


def _as_text(usual: object) -> str:
    return ",".join(map(str, usual)) if isinstance(usual, tuple) else str(usual)


def given(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options given on the command line."""
    return {name: value for name, value in vars(arguments).items() if name in OPTIONS and value is not None}
