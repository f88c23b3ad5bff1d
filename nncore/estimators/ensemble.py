"""Ensembles of networks: folds × starts, each with encodings of its own training rows, trained together and averaged."""

# scikit-learn has no type information.
# mypy: disable-error-code="import-untyped", disallow-subclassing-any=False

from __future__ import annotations

import copy
import math
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import check_is_fitted

from nncore.contract import ExportGraph, History, Loss, Value
from nncore.data import Fold, SparseSamples, Stream, some_rows
from nncore.ensembles import (
    FAMILIES,
    EnsembleFit,
    FitOptions,
    InputColumns,
    InputLayout,
    Members,
    Recipe,
    Samples,
    Score,
    StreamedFit,
    Validated,
    member_folds,
    run_search,
    together,
    weights_of,
    write_members,
    write_temperature,
)
from nncore.errors import DataError, NonFiniteError, ParameterError, warn_user
from nncore.estimators.columns import TableColumns
from nncore.estimators.convergence_warning import ConvergenceWarning
from nncore.estimators.ensemble_file import load_ensemble, save_ensemble
from nncore.estimators.ensemble_streams import EnsembleRows, refuse_for_ensembles
from nncore.estimators.ensemble_tasks import EnsembleTasks
from nncore.estimators.exporting import graph_of_estimator
from nncore.estimators.fit_tasks import CallbackSupportMixin
from nncore.estimators.frame_streams import NO_TARGETS, raw_stream, training_stream
from nncore.estimators.given import Given
from nncore.estimators.held_out import HeldOut, Judge, check_validation
from nncore.estimators.network_estimator import NOT_FINITE, NetworkEstimator, Weigher, checked_weights, joined, seed_from
from nncore.estimators.parameters import as_random_state, check_parameters
from nncore.estimators.plain_numbers import only_row, plain_row, row_blocks
from nncore.estimators.real_targets import RealTargets
from nncore.estimators.sample_groups import splitter_of
from nncore.estimators.sparse_gathering import in_memory
from nncore.estimators.streamed_rows import blocks_of, stream_answers
from nncore.estimators.training_data import NO_WEIGHT
from nncore.estimators.trial import check_judge
from nncore.estimators.tuned import check_tuning, forget, leave, search_of, trials_file
from nncore.files import FileLike
from nncore.network import Sequential
from nncore.program import ModelWriter
from nncore.words import explains_calls

#: Bytes that a number of a sparse matrix takes while it is encoded.
SPARSE_BYTES = 100


@explains_calls
class Ensemble(CallbackSupportMixin, NetworkEstimator):
    """Base class of ensembles: trains members by a recipe, and averages their predictions."""

    #: The kind of network, a key of `FAMILIES`.
    _family: ClassVar[str]
    loss: Any
    memory_limit: int | str | None
    networks_: list[Sequential]
    histories_: list[History]
    _members: list[Members]

    # ---- implemented by subclasses -----------------------------------------------------------------------------------------------

    @abstractmethod
    def _preset(self, given: Given) -> Recipe:
        """Defaults of parameters that are None: a recipe of `_family`."""

    @abstractmethod
    def _learn_target(self, y: Any) -> None:
        """Set `_targets` from y."""

    @abstractmethod
    def _encode_target(self, y: Any, loss: Loss) -> np.ndarray:
        """Encode y for the loss."""

    @abstractmethod
    def _loss(self, given: Given, recipe: Recipe) -> Loss:
        """Make the loss."""

    @abstractmethod
    def _default_scoring(self, recipe: Recipe, loss: Loss) -> Any:
        """The score of epochs if `scoring` is None."""

    def _look_at_members(self, splits: list[Fold], samples: Samples) -> None:
        """Learn from validation rows after the networks are trained. Most estimators do nothing here."""

    # ---- fitting ------------------------------------------------------------------------------------------------------------

    def _fit(self, X: Any, y: Any, sample_weight: Any, validation: tuple[Any, Any, Any], groups: Any, times: Any) -> Self:
        given = Given(self)
        check_parameters(self, optional=[field.name for field in fields(self._preset(given))])
        raw = training_stream(given, X, y, sample_weight)
        raw, X, y, sample_weight = in_memory(X, raw, y, sample_weight, given.memory_limit)
        if raw is None and validation[0] is not None:
            validation = in_memory(validation[0], raw_stream(*validation, "validation "), *validation[1:], given.memory_limit)[1:]
        if raw is not None:
            refuse_for_ensembles(given, raw, groups, times, validation)
        with self._kept_on_error():
            is_whole = self._train(given, raw, X, y, sample_weight, validation, groups, times)
        if not is_whole:  # the estimator is partly fitted; a caller such as a search gets the interrupt
            raise KeyboardInterrupt
        return self

    def _train(
        self,
        given: Given,
        raw: Stream | None,
        X: Any,
        y: Any,
        sample_weight: Any,
        validation: tuple[Any, Any, Any],
        groups: Any,
        times: Any,
    ) -> bool:
        """Train members on checked data, in memory or from the blocks of `raw`. False if Ctrl-C interrupted the training."""
        began = time.monotonic()
        check_tuning(self, given)
        recipe = self._preset(given).with_arguments(vars(self))
        random_state = as_random_state(given.random_state)
        columns = TableColumns(given.categorical_features)
        table = None if raw is None else EnsembleRows(self, raw, given.memory_limit)
        if table is not None:
            _refuse_unused(given, recipe, has_validation=validation[0] is not None)
        if table is None:
            matrix, y = self._checked_samples(X, y, learns=columns)
            weights, n_each = checked_weights(sample_weight, matrix), None
        else:
            seed, counts = seed_from(random_state), partial(self._counts, given)
            recipe = table.look_through(columns, recipe, seed, counts, holds_out=validation[0] is None)
            matrix, y, weights, n_each = None, table.facts.y, None, table.facts.n_each
        if isinstance(matrix, SparseSamples):
            recipe = self._for_sparse(given, recipe)
        self._learn_target(y)
        loss = self._loss(given, recipe)
        self.n_outputs_ = self._targets.n_outputs(loss)
        weigh = self._weigher(given, y, n_each)
        X_val, y_val, _ = validation
        splits: Any
        if table is None:
            samples = Samples(matrix, self._encode_target(y, loss), weigh(y, weights), len(matrix))
            rows = np.arange(len(matrix)) if samples.weights is None else np.flatnonzero(samples.weights > 0)
            if not len(rows):
                raise DataError(NO_WEIGHT)
            recipe = recipe.for_rows(len(rows))
            check_validation(*validation)
            if X_val is not None:
                own = self._own_validation(loss, weigh, validation)
                samples = samples.with_validation(own.matrix, own.target, own.weights)
            splits, n_starts = self._splits(given, recipe, samples, rows, groups, times, random_state)
            whole: Any = Fold(rows, None)
            layout = self._layout_of(columns, recipe)
        else:
            table.take_target(loss, weigh)
            layout, n_starts = self._layout_of(columns, recipe), recipe.n_ens
            found, splits, whole = table.divide(layout)
            if found is not None:
                samples = found
            else:
                raw_val = raw_stream(*validation, "validation ", features=self._names_of_columns)
                samples = self._own_validation(loss, weigh, validation) if raw_val is None else table.kept(raw_val, seed)
                splits, n_starts = [replace(whole, validation=np.arange(len(samples.matrix)))], recipe.n_ens * recipe.n_cv
        scorer = partial(self._scorer, samples, ((X, y), (X_val, y_val)))
        n_networks = len(splits) * n_starts + recipe.n_refit
        tasks = None
        if given.tune is None:
            tasks = EnsembleTasks(self, X, y, sample_weight, n_networks=n_networks, max_iter=recipe.max_iter)
        kind: Any = EnsembleFit if table is None else partial(StreamedFit, source=table, memory_limit=given.memory_limit)
        new_fit = partial(self._new_fit, given, kind=kind, samples=samples, layout=layout, scorer=scorer, tasks=tasks, began=began)
        forget(self)
        try:
            if tasks is None:
                return self._tune(given, recipe, new_fit, splits, n_starts, whole, random_state, samples, began)
            is_whole = self._train_members(new_fit(recipe), splits, n_starts, whole, random_state, samples)
        except NonFiniteError as error:
            raise DataError(f"{NOT_FINITE} {error}") from error
        tasks.finish()
        return is_whole

    def _own_validation(self, loss: Loss, weigh: Weigher, validation: tuple[Any, Any, Any]) -> Samples:
        """The user's validation data in memory, encoded for networks."""
        check_validation(*validation)
        X_val, y_val, weights_val = validation
        matrix, y_val = self._checked_samples(X_val, y_val)
        self._targets.check(y_val)
        weights = weigh(y_val, checked_weights(weights_val, matrix))
        return Samples(matrix, self._encode_target(y_val, loss), weights, len(matrix))

    def _for_sparse(self, given: Given, recipe: Recipe) -> Recipe:
        """The recipe for sparse samples.

        Raises
        ------
        ParameterError
            If the user asks for something that needs dense samples.
        """
        for name, why in recipe.dense_only.items():
            if _is_asked_for(given.unread(name)):
                raise ParameterError(f"{given.shown(name)} {why}, but X is sparse: leave {name} at None, or pass X.toarray()")
        return recipe.for_sparse()

    @staticmethod
    def _layout_of(columns: TableColumns, recipe: Recipe) -> InputLayout:
        hot = [start for start, one in columns.category_columns if len(one.levels) < recipe.max_one_hot]
        return InputLayout.of(columns, hot, names=columns.names)

    def _new_fit(
        self,
        given: Given,
        recipe: Recipe,
        *,
        kind: Any,
        samples: Samples,
        layout: InputLayout,
        scorer: Callable[[Judge, Loss, Members, Any], Score],
        tasks: EnsembleTasks | None,
        began: float,
        encoded: dict[Any, tuple[InputColumns, NDArray[np.floating]]] | None = None,
    ) -> EnsembleFit:
        """Make the fit of a recipe on checked samples, by `kind`: `EnsembleFit` or a function that makes it."""
        loss = self._loss(given, recipe)
        fit: EnsembleFit = kind(
            FAMILIES[self._family],
            self._options(given, recipe, loss, scorer, tasks),
            recipe,
            layout,
            samples,
            loss,
            scales_targets=isinstance(self._targets, RealTargets),
            n_outputs=self.n_outputs_,
            began=began,
            encoded=encoded,
        )
        return fit

    def _train_members(
        self,
        fit: EnsembleFit,
        splits: list[Any],
        n_starts: int,
        whole: Any,
        random_state: np.random.RandomState,
        samples: Samples,
    ) -> bool:
        """Train members by one recipe, and finally on all rows if requested. False if Ctrl-C interrupted the training."""
        new_seed = partial(seed_from, random_state)
        self._members = fit.members(splits, n_starts, new_seed)
        is_whole = fit.validate(self._members)
        self._calibrate(fit.recipe, fit.loss, lambda: fit.validated(self._members))
        if fit.recipe.n_refit and is_whole:
            self._members = fit.members([whole], fit.recipe.n_refit, new_seed)
            is_whole = fit.refit(self._members)
        for text in fit.diverged:
            warn_user(text, ConvergenceWarning)
        self._take(self._members, fit.best_epochs, fit.scores, fit.n_iter, fit.histories)
        self._look_at_members(fit.splits, samples)
        return is_whole

    def _take(
        self, members: list[Members], best_epochs: list[int], scores: list[float], n_iter: int, histories: list[History] | None = None
    ) -> None:
        """Set the fitted attributes from a fit, a search or a file. Files have no histories."""
        self._members = members
        self.networks_ = [network for one in members for network in one.networks]
        self.best_epochs_, self.validation_scores_, self.n_iter_ = best_epochs, scores, n_iter
        if histories is not None:
            self.histories_ = histories

    def _tune(
        self,
        given: Given,
        recipe: Recipe,
        new_fit: Callable[..., EnsembleFit],
        splits: list[Fold],
        n_starts: int,
        whole: Fold,
        random_state: np.random.RandomState,
        samples: Samples,
        began: float,
    ) -> bool:
        """Search recipes, and select members. False if Ctrl-C interrupted the search."""
        search = search_of(self, given, recipe, new_fit, splits, n_starts, random_state, began)
        chosen = run_search(search, trials_file(given, search, self, samples, recipe))
        self._calibrate(recipe, chosen[0].fit.loss, partial(search.validated, chosen))
        if recipe.n_refit and not search.interrupted:
            splits = [whole]
            search.refit(chosen, whole, recipe.n_refit, partial(seed_from, random_state))
        for text in [text for trial in chosen for text in trial.fit.diverged]:
            warn_user(text, ConvergenceWarning)
        leave(self, search, chosen, splits, samples)
        return not search.interrupted

    def _options(
        self, given: Given, recipe: Recipe, loss: Loss, scorer: Callable[[Judge, Loss, Members, Any], Score], tasks: EnsembleTasks | None
    ) -> FitOptions:
        """Options of the training that are not part of the recipe."""
        judge = Judge(given.scoring, self._default_scoring(recipe, loss))
        return FitOptions(
            judge.metrics,
            given.time_limit,
            list(given.callbacks or ()),
            np.dtype(np.float32 if given.dtype == "input" else given.dtype),
            given.n_threads,
            bool(given.progress),
            partial(scorer, judge, loss) if judge.needs_estimator else None,
            None if tasks is None else lambda network: tasks.of_network(partial(self._alone, network)),
            given.precision,
        )

    def _scorer(
        self,
        samples: Samples,
        given: tuple[tuple[Any, Any], tuple[Any, Any]],
        judge: Judge,
        loss: Loss,
        members: Members,
        rows: NDArray[np.int64],
    ) -> Score:
        """Score outputs for validation rows by a scorer. `given` are the user's training and validation data."""
        (X, y), (X_val, y_val) = given
        if X_val is None:
            X_val, y_val = _safe_indexing(X.tocsr() if issparse(X) else X, rows), _safe_indexing(y, rows)
        weights = None if samples.weights is None else samples.weights[rows]
        matrix: Any = some_rows(samples.matrix, rows)
        held_out = HeldOut(X_val, matrix, y_val, samples.target[rows], weights, judge)
        network = members.networks[0]
        if judge.is_of_scikit_learn:
            check_judge(self._stand_in(X_val, np.empty(0), network), held_out)

        def score(outputs: list[NDArray[np.floating]]) -> float:
            average = together(members.in_units(outputs, loss), loss)
            return judge.by_scorer(self._stand_in(X_val, average, network), held_out)

        return score

    def _stand_in(self, X: Any, outputs: NDArray[np.floating], network: Sequential) -> Self:
        """A copy that returns `outputs` for `X` only, for scorers during training."""
        made = copy.copy(self)
        made.networks_ = [network]

        def answers(asked: Any, answer: Callable[[NDArray[np.floating]], Any]) -> Any:
            if asked is not X:
                raise ParameterError("during training, a scorer can only predict for the X it is given")
            return answer(outputs)

        made.__dict__["_answers"] = answers
        return made

    def _alone(self, network: Sequential) -> dict[str, Any]:
        """Attributes that turn a copy of this estimator into a fitted one with a single network in its current state."""
        members = next(members for members in self._members if any(one is network for one in members.networks))
        now = copy.deepcopy(network)
        return {"networks_": [now], "_members": [Members(members.columns, members.target, [now])]}

    def _calibrate(self, recipe: Recipe, loss: Loss, validated: Callable[[], Validated]) -> None:
        """Find the temperature on the validation samples, if there are probabilities."""

    def _splits(
        self,
        given: Given,
        recipe: Recipe,
        samples: Samples,
        rows: NDArray[np.int64],
        groups: Any,
        times: Any,
        random_state: np.random.RandomState,
    ) -> tuple[list[Fold], int]:
        """Folds, and the number of starts of each."""
        if samples.n_train < len(samples.matrix):
            _refuse_unused(given, recipe, has_validation=True)
            if groups is not None or times is not None:
                name = "groups" if times is None else "times"
                raise ParameterError(f"{name} splits X into folds, but X_val is given for validation: pass only one of them")
            # The same number of members as with folds. They differ in initial weights and the order of samples.
            return [Fold(rows, np.arange(samples.n_train, len(samples.matrix)))], recipe.n_ens * recipe.n_cv
        splitter = splitter_of(self._strata(samples.target), groups, times, samples.n_train)
        if times is None:
            _refuse_unused(given, recipe, has_validation=False)
        return member_folds(recipe, splitter, rows, random_state, n_cv=given.n_cv)

    # ---- files --------------------------------------------------------------------------------------------------------------

    def save(self, path: FileLike) -> None:
        """Save the fitted ensemble to one file: its networks, the encoding of columns and targets, and the constructor's arguments.

        `load` reads it. `callbacks`, and arguments that a file cannot hold, such as functions and random states, are left out with a
        warning. Histories are left out too, and so are the trials of a search.

        Parameters
        ----------
        path : str, path-like or binary file object
            As in `nncore.Sequential.save`.

        Raises
        ------
        ParameterError
            A category or class is not text, a number or a truth value.
        """
        self._check_is_fitted()
        save_ensemble(self, path)

    @classmethod
    def load(cls, path: FileLike) -> Self:
        """Load an ensemble that `save` wrote. No code from the file is run.

        Parameters
        ----------
        path : str, path-like or binary file object
            The file, as in `nncore.load`.

        Returns
        -------
        estimator
            The fitted estimator, with the arguments it was saved with.

        Raises
        ------
        FileFormatError
            The file is damaged, or holds no ensemble of this class.
        """
        loaded: Self = load_ensemble(cls, path)
        return loaded

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        recipe, _ = next(iter(FAMILIES[self._family].presets.values()))
        tags.input_tags.sparse = not any(_is_asked_for(getattr(self, name)) for name in recipe.dense_only)
        return tags

    # ---- prediction --------------------------------------------------------------------------------------------------------------

    def _check_is_fitted(self) -> None:
        if "networks_" not in vars(self):
            check_is_fitted(self, "networks_")

    @property
    def _fitted_loss(self) -> Loss:
        loss: Loss | None = self.networks_[0].loss
        assert loss is not None, "a network is trained with a loss"
        return loss

    @property
    def _loss_of_outputs(self) -> Loss:
        return self._fitted_loss.for_any_unit()

    def _answers(self, X: Any, answer: Callable[[NDArray[np.floating]], Any]) -> Any:
        self._check_is_fitted()
        if (raw := raw_stream(X, None, None, features=self._names_of_columns)) is not None:
            return stream_answers(raw, self.memory_limit, lambda X: self._answers(X, answer))
        samples = self._columns.rows(self, X)
        row_bytes = 8 * (len(self.networks_) + 1) * self.n_outputs_
        if isinstance(samples, SparseSamples) and all(network.takes_sparse for network in self.networks_):
            row_bytes += SPARSE_BYTES * samples.n_numbers // max(1, len(samples))
            parts = (some_rows(samples, rows) for rows in row_blocks(len(samples), row_bytes))
        else:
            row_bytes += 2 * samples.shape[1] * samples.dtype.itemsize
            parts = (samples[rows] for rows in row_blocks(len(samples), row_bytes))
        return joined([answer(self._outputs_of_matrix(part)) for part in parts])

    def _outputs_of_matrix(self, matrix: Any) -> NDArray[np.floating]:
        """Averaged predictions of all members for rows from `_columns`."""
        loss = self._fitted_loss
        outputs = [output for members in self._members for output in members.outputs(matrix, loss)]
        return self._at_temperature(together(outputs, loss, weights_of(self._members)), loss)

    def _quantized(self, samples: Any, **how: Any) -> dict[str, Any]:
        made = [members.quantized(samples, **how) for members in self._members]
        return {"_members": made, "networks_": [network for members in made for network in members.networks]}

    def _export_graph(self) -> ExportGraph:
        self._check_is_fitted()

        def outputs(g: ModelWriter, matrix: Value) -> Value:
            loss = self._fitted_loss
            found = write_members(g, self._members, matrix, loss)
            with g.writing("answers"):
                return write_temperature(g, found, loss, vars(self).get("temperature_", 1.0))

        return graph_of_estimator(self, outputs, "float64", averaged=True)

    def _at_temperature(self, outputs: NDArray[np.floating], loss: Loss) -> NDArray[np.floating]:
        """Apply the temperature to averaged predictions."""
        return outputs

    def _outputs_of_one(self, x: Any) -> NDArray[np.floating]:
        self._check_is_fitted()
        row = plain_row(self, x) if self._columns.has_numbers_alone else None
        if row is None or not np.isfinite(row).all():  # the general way replaces missing values, or raises an error
            output: NDArray[np.floating] = self._outputs(only_row(x))[0]
            return output
        return self._outputs_of_matrix(row[np.newaxis])[0]

    def _mean_loss(self, X: Any, y: Any, sample_weight: Any) -> float:
        self._check_is_fitted()
        loss = self._loss_of_outputs
        if loss.link is not None:
            raise ParameterError(f"{loss!r} has no score for predictions: use a metric of sklearn.metrics")
        matrix, y = self._checked_samples(X, y)
        losses = loss.forward(self._outputs(X), self._encode_target(y, loss).reshape(len(y), -1))
        return float(np.average(losses, weights=checked_weights(sample_weight, matrix)))

    def _score_of_stream(self, X: Any, y: Any, sample_weight: Any) -> float | None:
        raw = raw_stream(X, y, sample_weight, features=self._names_of_columns)
        if raw is None:
            return super()._score_of_stream(X, y, sample_weight)
        if not raw.has_targets:
            raise ParameterError(NO_TARGETS)
        return self._score_of_blocks(raw)

    def _score_of_blocks(self, raw: Stream) -> float:
        """`score` of streamed samples: the weighted mean over blocks."""
        scores, sums = [], []
        for block in blocks_of(raw, self.memory_limit):
            weights = checked_weights(block.sample_weight, block.X)
            total = float(block.X.shape[0] if weights is None else weights.sum())
            if total > 0:
                scores.append(total * self.score(block.X, block.y, block.sample_weight))
                sums.append(total)
        if not sums:
            raise DataError(f"{raw.source} has no samples")
        return math.fsum(scores) / math.fsum(sums)


def _is_asked_for(value: Any) -> bool:
    """Whether the user asks for something that None and False leave out; an empty dict does."""
    return isinstance(value, Mapping) or bool(value)


def _refuse_unused(given: Given, recipe: Recipe, *, has_validation: bool) -> None:
    """Raise `ParameterError` for arguments about validation data that would be ignored."""
    if has_validation and given.n_cv is not None and given.n_cv > 1:
        raise ParameterError(f"n_cv={given.n_cv} splits X into folds, but X_val is given for validation: pass only one of them")
    if (has_validation or recipe.n_cv > 1) and given.validation_fraction is not None:
        decider = "X_val" if has_validation else f"n_cv={recipe.n_cv}"
        raise ParameterError(
            f"validation_fraction={given.validation_fraction!r} would be ignored: {decider} determines the validation samples"
        )
