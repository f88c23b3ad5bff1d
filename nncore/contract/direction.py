"""Whether larger or smaller values of a score are better, inferred from its name."""

from __future__ import annotations

import functools
import re

from nncore.arguments import choice
from nncore.errors import ParameterError

#: Words of names, as scikit-learn and the field use them, for scores that should be small,
SMALL = frozenset({
    "loss", "losses", "error", "errors", "err", "cost", "costs", "deviance", "divergence", "distance", "regret", "perplexity", "brier",
    "crps", "seconds", "mse", "mae", "rmse", "msle", "rmsle", "mape", "smape", "medae", "nll", "mistakes", "misses", "pinball",
})  # fmt: skip
#: what is to be large,
LARGE = frozenset({
    "accuracy", "acc", "auc", "auroc", "auprc", "r2", "d2", "f1", "precision", "recall", "sensitivity", "specificity", "likelihood",
    "correlation", "kappa", "mcc", "jaccard", "iou", "dice",
})  # fmt: skip
#: for scores that should be large where no other word is known (a Brier score should be small),
VAGUELY_LARGE = frozenset({"score", "scores", "scorer"})
#: and first words that reverse the direction: scikit-learn's ``"neg_mean_squared_error"``.
NEGATIVES = ("neg", "negative", "minus")


@functools.lru_cache(maxsize=1024)  # called after every epoch
def direction(name: str) -> str | None:
    """Whether smaller or larger values of a score are better: the last known word of its name decides.

    Parameters
    ----------
    name : str
        ``"val_worst_error"``, ``"neg_log_loss"``, ``"rmse"``.

    Returns
    -------
    {"min", "max", None}
        None if no word is known.
    """
    words = re.findall(r"[A-Za-z]+[0-9]?", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name))
    lowered = [word.lower() for word in words]
    known = [word for word in lowered if word in SMALL or word in LARGE] or [word for word in lowered if word in VAGUELY_LARGE]
    if not known:
        return None
    meant = lowered[lowered[0] in ("val", "train") :]
    n_turns = next(n for n, word in enumerate(meant) if word not in NEGATIVES)
    is_small = known[-1] in SMALL and meant[0] != "d2"  # a D² has the name of the error that it reduces
    return "min" if is_small != (n_turns % 2 == 1) else "max"


def decided_mode(owner: str, column: str, mode: object, known: str | None) -> str:
    """`mode` where it is ``"min"`` or ``"max"``, and `known` where it is ``"auto"``.

    Raises
    ------
    ParameterError
        If the mode is another one, or nothing says whether larger or smaller values of the column are better.
    """
    mode = choice(f"{owner}: mode", mode, ("auto", "min", "max"))
    if mode != "auto":
        return mode
    if known is None:
        raise ParameterError(
            f"{owner}: it is not known whether larger or smaller values of {column!r} are better: pass mode='min' or mode='max', or set "
            "higher_is_better of the metric (nn.FunctionMetric(function, higher_is_better=False) for a function)"
        )
    return known
