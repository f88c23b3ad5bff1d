"""Classification targets: users' classes, their encoding for the loss, and decoding of outputs."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, issparse
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from nncore.arguments import is_list, shown
from nncore.contract import Loss, activation_for, class_indices
from nncore.data import as_labels, in_terms_of
from nncore.errors import DataError, ParameterError
from nncore.registry import resolve

#: scikit-learn's name of the loss for every kind of target.
LOG_LOSS = "log_loss"

#: Kinds of dtypes that scikit-learn always accepts as classes: integers, booleans, text.
PLAIN_KINDS = "iubU"

MULTILABEL, HEADS = "multilabel-indicator", "multiclass-multioutput"


def own_score(estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
    """The estimator's own score, for targets without a metric on the network's outputs."""
    return float(estimator.score(X, y, sample_weight))


def _n_plain(y: Any) -> int | None:
    """Number of classes in a simple vector of labels, for which scikit-learn's checks find only the kind; None for other targets."""
    if type(y) is not np.ndarray or y.ndim != 1 or y.dtype.kind not in PLAIN_KINDS or not y.size:
        return None
    n_classes = len(np.unique(y))
    return n_classes if n_classes <= max(2, len(y) // 3) else None


def _checked_kind(y: Any) -> str:
    """Check a classification target, and return scikit-learn's kind of it.

    Raises
    ------
    ValueError
        From scikit-learn, if it has no classes.
    DataError
        If several columns of two values are neither labels of 0 and 1 nor classes.
    """
    if (n_classes := _n_plain(y)) is not None:  # same result as the two calls below, 20 times as fast
        return "binary" if n_classes <= 2 else "multiclass"
    check_classification_targets(y)
    kind: str = type_of_target(y)
    if kind == MULTILABEL:
        values = np.unique(y.data if issparse(y) else np.asarray(y))
        if not np.isin(values, (0, 1)).all():
            raise DataError(f"`y` has several columns of the two values {values.tolist()}: multilabel labels must be 0 and 1")
    return kind


class ClassTargets:
    """The classes of a target, its codes for a loss, and the way back from a network's outputs.

    Parameters
    ----------
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        Targets, or only the classes.

    Attributes
    ----------
    kind : {"binary", "multiclass", "multilabel-indicator", "multiclass-multioutput"}
    is_sparse : bool
        Whether y was a sparse matrix of labels. Predictions are sparse then, too.
    classes : ndarray of shape (n_classes,), or a list of them
        Sorted classes; one array for each target if there are several with their own classes.
    """

    def __init__(self, y: Any) -> None:
        self.is_sparse = issparse(y)
        self.kind: str = _checked_kind(y)
        if self.kind == MULTILABEL:
            self.classes: Any = np.arange(y.shape[1])
        elif self.kind == HEADS:
            self.classes = [np.unique(column) for column in np.asarray(y).T]
        else:
            self.classes = np.unique(y)
            self.kind = "binary" if len(self.classes) <= 2 else "multiclass"

    @classmethod
    def of_classes(cls, classes: Any, y: Any) -> ClassTargets:
        """Make targets like `y`, with all classes that may occur."""
        kind = _checked_kind(y)
        if kind == MULTILABEL:
            return cls(y)
        if kind != HEADS:
            classes = as_labels(classes, "classes")
            if np.ndim(classes) != 1 or not len(classes):
                raise DataError(f"classes must list the classes of y, got {classes!r}")
            return cls(np.asarray(classes))
        targets = cls(y)
        if not is_list(classes) or len(list(classes)) != len(targets.classes):
            raise DataError(f"classes must list the classes of each of the {len(targets.classes)} targets, got {classes!r}")
        targets.classes = [np.unique(as_labels(column, "classes")) for column in classes]
        return targets

    @classmethod
    def known(cls, kind: str, classes: Any, is_sparse: bool) -> ClassTargets:
        """Make targets from their description: see the attributes."""
        targets = cls.__new__(cls)
        targets.kind, targets.classes, targets.is_sparse = kind, classes, is_sparse
        return targets

    def has_exactly(self, classes: Any) -> bool:
        """Whether `classes` equal the known classes, in any order."""
        known, asked = (self.classes, classes) if self.kind == HEADS else ([self.classes], [as_labels(classes, "classes")])
        if not all(np.ndim(some) == 1 for some in (asked if is_list(asked) else [asked])):
            return False
        return len(known) == len(asked) and all(set(np.asarray(a).tolist()) == set(b.tolist()) for a, b in zip(asked, known, strict=True))

    def check(self, y: Any) -> None:
        """Raise `DataError` if `y` is of another kind, or has unknown classes or another number of targets."""
        kind = _checked_kind(y)
        n_targets = len(self.classes) if self.kind in (MULTILABEL, HEADS) else 0
        if n_targets and (len(y.shape) != 2 or y.shape[1] != n_targets):
            raise DataError(f"`y` must have {n_targets} columns, as in earlier calls; its shape is {y.shape}")
        if not n_targets and len(y.shape) != 1:
            raise DataError(f"`y` must have one class for each sample, as in earlier calls; its shape is {y.shape}")
        if self.kind == MULTILABEL:
            if kind != MULTILABEL:
                raise DataError("`y` must have only labels 0 and 1, as in earlier calls; it has other values")
            return
        columns = np.asarray(y).T if self.kind == HEADS else [y]
        for known, column in zip(self.classes if self.kind == HEADS else [self.classes], columns, strict=True):
            present = np.unique(column)
            if len(np.setdiff1d(present, known)):
                raise DataError(f"`y` has classes not in `self.classes_`. `self.classes_` has {known}. 'y' has {present}.")

    def columns(self, y: Any) -> list[tuple[np.ndarray, np.ndarray]]:
        """Classes of each target, and the class index of each sample; for labels, 0 and 1."""
        if self.kind == MULTILABEL:
            labels = y.toarray() if issparse(y) else np.asarray(y)
            return [(np.arange(2), column.astype(np.int64)) for column in labels.T]
        known = zip(self.classes, np.asarray(y).T, strict=True) if self.kind == HEADS else [(self.classes, y)]
        return [(classes, np.searchsorted(classes, column)) for classes, column in known]

    def recognised(self, y: Any) -> Any:
        """Convert the labels of `y` to the type of the known classes."""
        return y if self.kind in (MULTILABEL, HEADS) else in_terms_of(self.classes, y)

    def is_plain(self, y: Any) -> bool:
        """Whether scikit-learn's accuracy is simply the fraction of `y` that equals the predictions."""
        if self.kind in (MULTILABEL, HEADS) or _n_plain(y) is None or len(self.classes) > max(2, len(y) // 3):
            return False
        return bool((y.dtype.kind == "U") == (self.classes.dtype.kind == "U") and self.classes.dtype.kind in PLAIN_KINDS)

    # ---- targets of the network -------------------------------------------------------------------------------------

    def loss(self, spec: Any) -> Loss:
        """Make the loss that `spec` means for these classes."""
        if not (isinstance(spec, str) and spec == LOG_LOSS):
            loss: Loss = resolve("losses", spec)
            self._check_loss(loss)
            return loss
        if self.kind == HEADS:
            heads: Loss = resolve("losses", {"name": "softmax_heads", "n_classes": [len(classes) for classes in self.classes]})
            return heads
        made: Loss = resolve("losses", "softmax_cross_entropy" if self.kind == "multiclass" else "binary_cross_entropy")
        return made

    def _check_loss(self, loss: Loss) -> None:
        if self.kind == HEADS:
            raise ParameterError(f"several classification targets need loss={LOG_LOSS!r}, got {shown(loss)}")
        if self.kind == MULTILABEL and not loss.has_yes_no_outputs and loss.targets != "real":
            raise ParameterError(f"{loss!r} takes one class for each sample, but y is multilabel: use loss={LOG_LOSS!r}")

    def accuracy(self, loss: Loss) -> Any:
        """The metric for scikit-learn's accuracy: of all labels at once, or the mean over several targets."""
        if self.kind == HEADS:
            return loss.metrics[0]
        if loss.has_own_decision:
            return own_score
        # From the targets alone, labels of which every sample happens to have one would be mistaken for classes.
        return {"name": "accuracy", "mode": "labels"} if self.kind == MULTILABEL else "accuracy"

    def n_outputs(self, loss: Loss) -> int:
        """Units of the network's last layer."""
        if self.kind == HEADS:
            return sum(len(classes) for classes in self.classes)
        return len(self.classes) if self.kind == MULTILABEL else max(1, loss.n_outputs(len(self.classes)))

    def _takes_codes(self, loss: Loss) -> bool:
        """Whether the loss takes class indices; otherwise 0 and 1."""
        if loss.targets == "labels" or self.kind == MULTILABEL or len(self.classes) == 1 or loss.has_yes_no_outputs:
            return loss.targets == "labels"
        return loss.targets_for(self.n_outputs(loss)) != "real"

    def encode(self, y: Any, loss: Loss) -> np.ndarray:
        """The target of `loss`.

        Returns
        -------
        ndarray
            Class indices ``(n_samples,)`` int64, or ``(n_samples, n_targets)`` for several targets. For a loss of single outputs: yes
            or no, ``(n_samples, n)`` bool, of the second class, of each label, or of each class.
        """
        if self.kind == MULTILABEL:
            return (y.toarray() if issparse(y) else np.asarray(y)).astype(bool)
        if self.kind == HEADS:
            columns = zip(self.classes, np.asarray(y).T, strict=True)
            return np.column_stack([np.searchsorted(classes, column) for classes, column in columns])
        codes = np.searchsorted(self.classes, y)
        if self._takes_codes(loss):
            return codes
        if self.n_outputs(loss) == 1:
            return (codes == 1)[:, np.newaxis]
        return codes[:, np.newaxis] == np.arange(len(self.classes))

    # ---- predictions of the network -------------------------------------------------------------------------------------------

    def decode(self, outputs: np.ndarray, loss: Loss) -> Any:
        """Predict classes from outputs of shape (n_samples, n_outputs) after the link of the loss, by `Loss.decide`."""
        decided = loss.decide(outputs)
        if self.kind == MULTILABEL:
            labels = (decided > 0.5).astype(np.int64)
            return csr_matrix(labels) if self.is_sparse else labels
        if self.kind == HEADS:
            return np.column_stack([classes[column] for classes, column in zip(self.classes, decided.T, strict=True)])
        if len(self.classes) == 1:
            return self.classes[np.zeros(len(outputs), np.int64)]
        return self.classes[class_indices(decided)]

    def decode_one(self, output: np.ndarray, loss: Loss) -> Any:
        """Predict the class from the outputs of one sample, shape (n_outputs,)."""
        # The result of decode and class_indices without intermediate arrays; a loss with its own `decide` needs the general way.
        if self.kind not in (MULTILABEL, HEADS) and len(self.classes) > 1 and not loss.has_own_decision:
            if len(output) > 1:
                return self.classes[output.argmax()]
            if loss.has_yes_no_outputs:
                return self.classes[int(output.item() > 0.5)]
        answer = self.decode(output[np.newaxis], loss)
        return answer.toarray()[0] if self.is_sparse else answer[0]

    def probabilities(self, outputs: np.ndarray, loss: Loss) -> np.ndarray | list[np.ndarray]:
        """A column for each class, or label; for several targets with classes of their own, a list with an array for each."""
        if self.kind == HEADS:
            return self.split(outputs)
        outputs = loss.probabilities(outputs)
        if self.kind == "multiclass" and loss.has_yes_no_outputs:  # one class against the others, each separately
            return outputs / np.maximum(outputs.sum(axis=1, keepdims=True), np.finfo(outputs.dtype).tiny)
        if self.kind == MULTILABEL or outputs.shape[1] > 1:
            return outputs
        return np.hstack([1 - outputs, outputs]) if len(self.classes) == 2 else np.ones_like(outputs)

    def split(self, outputs: np.ndarray) -> list[np.ndarray]:
        """The columns of each of several targets."""
        return np.split(outputs, np.cumsum([len(classes) for classes in self.classes])[:-1], axis=1)

    def out_activation(self, loss: Loss) -> str | None:
        """scikit-learn's name of the output activation; None if predictions need more than that."""
        n_outputs = self.n_outputs(loss)
        if self.kind == HEADS or len(self.classes) == 1 or loss.has_own_decision:
            return None
        link = loss.link or activation_for(loss, n_outputs)
        if link == "softmax":
            return "softmax"
        # One class against the others, each separately: probabilities are divided by their sum.
        return "logistic" if link == "sigmoid" and (n_outputs == 1 or self.kind == MULTILABEL) else None
