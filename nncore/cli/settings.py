"""What ``nncore train`` can be told: one field an option, from which the command line and the configuration file are made."""

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
    """How an option is written.

    Attributes
    ----------
    section : str
    help : str
    parse : callable
        From its text on the command line; what a configuration file holds is turned into that text first.
    metavar : str
    choices : tuple of str
        All values there are; empty if there are others.
    repeated : bool
        Each use adds to a list.
    switch : bool
        ``--name`` or ``--no-name``.
    keyed : str
        What stands between key and value; each use adds an entry to a dict. A configuration file has a table. Empty for no dict.
    kind : str
        Of components that can be named here, for completion: ``"losses"``.
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
    """Options of the model ``mlp``, as they are if nobody says. Other models have theirs from a preset."""

    hidden: Sequence[int] = (128, 128)
    activation: str = "relu"
    dropout: float = 0.1
    optimizer: str = "adam"
    weight_decay: float = 1e-4
    epochs: int = 200
    patience: int = 20


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of ``nncore train``; `OPTIONS` says what each means and how it is written."""

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
        """Those of the model ``mlp``, with its defaults where nothing is said."""
        said = {one.name: getattr(self, one.name) for one in fields(MLPOptions)}
        return MLPOptions(**{name: value for name, value in said.items() if value is not None})

    def said(self, names: Sequence[str]) -> list[str]:
        """Which of some options are not at their defaults."""
        return [name for name in names if _is_said(getattr(self, name), DEFAULTS[name])]


def _is_said(value: Any, default: Any) -> bool:
    return list(value) != list(default) if isinstance(default, tuple) else value != default


#: Every option by the name of its field, in the order of the help and of the configuration file.
OPTIONS = {
    "data": Option(
        "data", "CSV (.gz, .bz2, .xz, .zst, .zip too), Parquet or Feather, or a folder of such; - is standard input", Path, "DATA"
    ),
    "target": Option("data", "column to predict (c1, c2, … in a file without header)", str, "COLUMN"),
    "task": Option("data", "default: seen from the target", choices=("classification", "regression")),
    "drop": Option("data", "leave this column out (may be repeated)", str, "COLUMN", repeated=True),
    "keep": Option("data", "use this column although it looks useless (may be repeated)", str, "COLUMN", repeated=True),
    "categorical": Option(
        "data",
        "take this column as categories, also if it looks like numbers: 02134, 1E5 (may be repeated)",
        str,
        "COLUMN",
        repeated=True,
    ),
    "weight_column": Option("data", "how much each row counts, in training and in the score; no feature", str, "COLUMN"),
    "exposure_column": Option(
        "data",
        "what each count was counted over, as years or persons: the rate is learnt, by --loss poisson or tweedie; no feature",
        str,
        "COLUMN",
    ),
    "group_column": Option("data", "rows of one group, as a patient, are never on both sides of a split; no feature", str, "COLUMN"),
    "time_column": Option(
        "data", "numbers or dates: learn from the past, stop by and score on the latest rows; no feature unless --keep", str, "COLUMN"
    ),
    "missing": Option(
        "data",
        "what stands for a missing value, beside an empty cell and, in features of CSV files, ?, -, NA, None … (may be repeated)",
        str,
        "TEXT",
        repeated=True,
    ),
    "not_missing": Option(
        "data", "a word that is a value of its own and not missing, as NA or none (may be repeated)", str, "TEXT", repeated=True
    ),
    "header": Option("data", "the first line names the columns, or not; default: seen from the file", switch=True),
    "separator": Option("data", "what parts the columns of a CSV file: ; or tab or space; default: seen from the file", separator, "CHAR"),
    "decimal": Option("data", "decimal point or comma; default: seen from the file", choices=(".", ",")),
    "stream": Option(
        "data",
        "train on blocks of rows, which need not fit in memory; default: if four times the size of the file is more than is free, or DATA "
        "is a folder or a pattern as 'part-*.csv'",
        switch=True,
    ),
    "memory_limit": Option("data", "how much memory rows may take, as 2GB; more is read in blocks (default: what is free)", size, "SIZE"),
    "model": Option(
        "network",
        "mlp: one network, of the options below; realmlp: an ensemble by a recipe; tabm: networks that are ensembles themselves, for "
        "many times the computation; auto: realmlp, but mlp where an option describes a "
        "network of your own, there are too few rows to divide, or rows are read in blocks and nothing is said of ensembles",
        choices=("auto", "mlp", "realmlp", "tabm"),
    ),
    "preset": Option("network", "recipe: fast (the default), td or td-s of realmlp; tabm (the default) or tabm-mini of tabm", str, "NAME"),
    "n_cv": Option(
        "network",
        "folds of the ensemble: each is left out by some networks and decides when they stop (default: the preset's)",
        positive_integer,
        "N",
    ),
    "n_ens": Option("network", "networks of the ensemble for each fold (default: the preset's)", positive_integer, "N"),
    "n_refit": Option(
        "network",
        "networks that are trained in the end on all rows, for the mean of the best epochs, and predict in place of those of the folds "
        "(default: none)",
        natural,
        "N",
    ),
    "tune": Option(
        "network",
        "draw N recipes, train them together by successive halving, and average the best ones; time: as many as --time-limit has room for. "
        "What other options say stays as it is",
        trials,
        "N|time",
    ),
    "search_space": Option(
        "network",
        "what --tune draws from: small (the default of the preset fast), paper (of the others) or tabarena; of tabm paper or tabarena",
        str,
        "NAME",
    ),
    "trials_file": Option(
        "network", "file that holds the trials of --tune after each round; the same command goes on from it", Path, "FILE.nncore"
    ),
    "hidden": Option("network", "units of the hidden layers; none for no hidden layer", widths, "N,N"),
    "activation": Option("network", "of the hidden layers", specification, "NAME", kind="activations"),
    "normalization": Option(
        "network", "layer before each activation: batch_norm or another (default: none)", specification, "NAME", kind="layers"
    ),
    "dropout": Option("network", "part of each hidden layer's outputs left out while training", fraction, "F"),
    "loss": Option(
        "training",
        "what training makes small (default: softmax_cross_entropy for classes, mse for numbers)",
        specification,
        "NAME",
        kind="losses",
    ),
    "class_weight": Option("training", "how much a row counts by its class; balanced: all classes alike", weights, "balanced|CLASS=W,…"),
    "optimizer": Option(
        "training", "`nncore plugins` lists all; NAME:argument=value,… sets more", specification, "NAME", kind="optimizers"
    ),
    "lr": Option("training", "learning rate (default: the optimizer's)", number, "RATE"),
    "schedule": Option(
        "training",
        "how the learning rate moves, or another number: weight_decay=cosine, dropout_1.rate=step (default: it stays; may be repeated)",
        schedules,
        "[PATH=]NAME",
        keyed="=",
        kind="schedules",
    ),
    "group": Option(
        "training",
        "train the tensors of these names in another way: *.bias:lr_factor=0.1,weight_decay=0 or dense_1.*:frozen=true (may be repeated)",
        groups,
        "PATTERN:OPTION=VALUE,…",
        keyed=":",
    ),
    "sampler": Option(
        "training", "which rows an epoch visits: balanced, blocks, … (default: shuffle)", specification, "NAME", kind="samplers"
    ),
    "transform": Option(
        "training",
        "change each batch while training: gaussian_noise:std=0.1, mixup, … (may be repeated; applied in this order)",
        specification,
        "NAME",
        repeated=True,
        kind="transforms",
    ),
    "weight_decay": Option("training", "L2 penalty on the weights", number, "λ"),
    "clip_norm": Option("training", "longest gradient; longer ones are shortened (default: none are)", positive, "NORM"),
    "batch_size": Option("training", "default: by the number of rows, 32 to 256", positive_integer, "N"),
    "epochs": Option("training", "at most this many", positive_integer, "N"),
    "patience": Option(
        "training", "stop after N epochs without improvement on rows set aside, and take the best; 0: run all epochs", natural, "N"
    ),
    "metric": Option(
        "training",
        "shown with the score, and what must improve on the rows set aside (default: the loss): a metric of nncore, as balanced_accuracy, "
        "f1 or roc_auc, or one of scikit-learn's scorers, as matthews_corrcoef",
        specification,
        "NAME",
        kind="metrics",
    ),
    "time_limit": Option(
        "training", "end a training after so long; the networks of an ensemble, or the trials of --tune, share it", positive, "SECONDS"
    ),
    "precision": Option(
        "training",
        "of matrix products: bfloat16 needs a processor that has it, auto uses it where it is faster (default: float32)",
        choices=("float32", "bfloat16", "auto"),
    ),
    "threads": Option("training", "at most so many (default: all processors, where they help)", positive_integer, "N"),
    "seed": Option("training", "same seed, same result", natural, "N"),
    "test_fraction": Option("score", "rows held out for the score; 0 for none", fraction, "F"),
    "cv": Option("score", "score by cross-validation in K parts; the network kept then learns from all rows", number_of_folds, "K"),
    "baselines": Option("score", "what a linear model and, with scikit-learn, boosted trees reach on the same rows", switch=True),
    "out": Option("output", "file for the trained network", Path, "MODEL"),
    "report": Option("output", 'report in one file; needs pip install "nncore-ml[plot]"', Path, "FILE.html"),
    "json": Option("output", "print the result as JSON on standard output, and the rest on standard error", switch=True),
    "quiet": Option("output", "print the score and nothing else", switch=True),
}

#: What an option is if nobody says.
DEFAULTS: dict[str, Any] = {f.name: f.default for f in fields(Settings)}


def long_name(name: str) -> str:
    """``weight_decay`` as it is written: ``weight-decay``."""
    return name.replace("_", "-")


class Merge(argparse.Action):
    """Gathers the dicts of all uses of an option."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: str | None = None
    ) -> None:
        found: dict[str, Any] = getattr(namespace, self.dest, {})
        for key in values:
            if key in found:
                raise argparse.ArgumentError(self, f"{key!r} stands there twice")
        setattr(namespace, self.dest, found | values)


def add_options(parser: argparse.ArgumentParser) -> None:
    """An argument for every option. Those that are not given leave no trace, so that a configuration file can speak."""
    groups = {section: parser.add_argument_group(section) for section in SECTIONS}
    for name, option in OPTIONS.items():
        add_option(groups[option.section], name, default=argparse.SUPPRESS)


def add_option(group: argparse._ActionsContainer, name: str, default: object = None) -> None:
    """The argument for one option."""
    option, usual = OPTIONS[name], DEFAULTS[name]
    text = option.help.replace("%", "%%")
    if hasattr(MLPOptions, name):
        text += f" (default: the preset's; mlp: {_as_text(getattr(MLPOptions, name))})"
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
    """The options that stand on the command line."""
    return {name: value for name, value in vars(arguments).items() if name in OPTIONS and value is not None}
