"""Whether more or less of a score is better, as far as its name tells."""

from __future__ import annotations

import functools
import re

from nncore.arguments import choice
from nncore.errors import ParameterError

#: Words of names, as scikit-learn and the field use them: what is to be small,
SMALL = frozenset({
    "loss", "losses", "error", "errors", "err", "cost", "costs", "deviance", "divergence", "distance", "regret", "perplexity", "brier",
    "crps", "seconds", "mse", "mae", "rmse", "msle", "rmsle", "mape", "smape", "medae", "nll", "mistakes", "misses", "pinball",
})  # fmt: skip
#: what is to be large,
LARGE = frozenset({
    "accuracy", "acc", "auc", "auroc", "auprc", "r2", "d2", "f1", "precision", "recall", "sensitivity", "specificity", "likelihood",
    "correlation", "kappa", "mcc", "jaccard", "iou", "dice",
})  # fmt: skip
#: and what is to be large where no other word is known: a Brier score is to be small.
VAGUELY_LARGE = frozenset({"score", "scores", "scorer"})
#: First words by which a score is turned round: scikit-learn's ``"neg_mean_squared_error"``.
NEGATIVES = ("neg", "negative", "minus")


@functools.lru_cache(maxsize=1024)  # asked for after every epoch
def direction(name: str) -> str | None:
    """What is better of a score called `name`: the last of its words that is known decides.

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
    is_small = known[-1] in SMALL and meant[0] != "d2"  # a D² names the error whose saving it is
    return "min" if is_small != (n_turns % 2 == 1) else "max"


def decided_mode(owner: str, column: str, mode: object, known: str | None) -> str:
    """`mode` where it is ``"min"`` or ``"max"``, and `known` where it is ``"auto"``.

    Raises
    ------
    ParameterError
        For another mode; or if nothing tells whether more or less of the column is better, which nobody should guess.
    """
    mode = choice(f"{owner}: mode", mode, ("auto", "min", "max"))
    if mode != "auto":
        return mode
    if known is None:
        raise ParameterError(
            f"{owner}: nothing says whether more or less of {column!r} is better: pass mode='min' or mode='max', or let the metric "
            "say so (higher_is_better; nn.FunctionMetric(function, higher_is_better=False) for a function)"
        )
    return known
