"""`fit_many`: train several networks at once, each on one thread."""

from __future__ import annotations

import functools
import inspect
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from nncore import registry
from nncore._core import Crew, Run
from nncore.arguments import choice, flag, is_list, shown, whole_number
from nncore.contract import History
from nncore.data import Source, as_row_numbers, is_stream
from nncore.errors import BusyError, NNCoreError, ParameterError
from nncore.network.claims import claimed
from nncore.network.given import AnySource, Given, validation_source
from nncore.network.preparing import Prepared, prepare
from nncore.network.sequential import Sequential
from nncore.network.training import Training
from nncore.network.turns import fitting
from nncore.network.work import Turns, Work
from nncore.program import at_most_threads, crew_size, sharing
from nncore.words import explains_calls, misfit

#: Arguments of `Sequential.fit` whose value may be a list, so that only `each` gives every network its own.
_LISTS = ("X", "y", "sample_weight", "validation", "metrics", "callbacks", "transforms")
#: Those of `fit_many` itself.
_OWN = ("n_threads", "progress")
#: Arguments of `Sequential.fit` that it does not take, and what to do instead.
_REFUSED = {"collective": "several processes share one fit at a time: give each process other networks, or call fit of one after the other"}
#: How often progress is shown.
_SHOW_SECONDS = 0.05


@explains_calls
class each:
    """Give each network its own value of an argument of `fit_many`.

    Parameters
    ----------
    values : sequence
        One value for each network.

    Examples
    --------
    >>> import nncore as nn
    >>> callbacks = nn.each([[nn.EarlyStopping(patience=3)] for _ in range(5)])
    """

    def __init__(self, values: Sequence[Any]) -> None:
        if not is_list(values):
            raise ParameterError(f"each takes a list with one value for each network, got {shown(values)}")
        self.values = list(values)

    def __repr__(self) -> str:
        return f"each({shown(self.values)})"


@explains_calls
def fit_many(
    networks: Sequence[Sequential],
    X: Any,
    y: Any,
    *,
    rows: Sequence[Any] | None = None,
    validation_rows: Sequence[Any] | None = None,
    n_threads: int | None = None,
    on_error: str = "raise",
    progress: bool = True,
    **fit: Any,
) -> list[Any]:
    """Train several networks at once: folds, members of an ensemble, candidates of a search.

    Each network is trained on one thread. The results have the same bits as separate calls of `Sequential.fit`, for any number of threads.
    Small networks gain most: a single fit of them uses only one thread.

    Parameters
    ----------
    networks : sequence of Sequential
        At least one, and none twice. They may differ in everything.
    X, y : array-like or each
        As in `Sequential.fit`. An array that all networks share is checked once and read in place.
    rows : sequence of array-like of int, optional
        Rows of X, y and sample_weight to train each network on: folds, or bootstrap samples, in which rows may repeat. X is not copied.
    validation_rows : sequence of array-like of int or None, optional
        Rows to validate each network on, as with ``validation`` of `Sequential.fit`; None for a network without validation.
    n_threads : int, optional
        Use at most this many threads; None is `nncore.get_num_threads`. When fewer networks than threads are left, they share the threads.
    on_error : {"raise", "return"}, default "raise"
        What to do if the fit of a network fails. ``"raise"`` stops the other fits after the current step, as Ctrl-C does, and raises the
        error, which names the network by its index. ``"return"`` returns the error instead of the history, and trains the other networks.
    progress : bool, default True
        Show one progress bar for all networks if they take longer than half a second.
    **fit
        Other arguments of `Sequential.fit`. ``nn.each([...])`` gives each network its own value. For arguments that do not take lists, a
        plain list does so too: ``rng=[0, 1, 2]``, but ``callbacks=nn.each([[...], [...]])``.

    Returns
    -------
    list of History
        One for each network, in order. Ctrl-C ends all fits early, and every ``history.interrupted`` is True.

    Raises
    ------
    ParameterError
        If `networks` is empty or has a network twice, or a list has another length than `networks`. Errors of `Sequential.fit` about
        arguments are raised before the first step of any network.
    BusyError
        If a network is being fitted, or two networks have the same callback.

    Notes
    -----
    Callbacks, metrics and other Python code run in the calling thread, one at a time. So do components without a kernel, which therefore
    gain nothing. Callbacks of different networks are called in no defined order. A callback must not wait for a thread that uses another of
    the networks. ``history["seconds"]`` is wall time, which includes the training of other networks.

    Examples
    --------
    >>> import numpy as np, nncore as nn
    >>> X, y = nn.datasets.load_digits()
    >>> X = X.reshape(len(X), 64) / 16
    >>> folds = np.array_split(np.random.default_rng(0).permutation(len(X)), 5)
    >>> rest = [np.concatenate(folds[:k] + folds[k + 1 :]) for k in range(5)]
    >>> nets = [nn.Sequential(nn.Dense(32, activation="relu"), nn.Dense(10)) for _ in range(5)]
    >>> histories = nn.fit_many(
    ...     nets, X, y, rows=rest, validation_rows=folds, loss="softmax_cross_entropy", epochs=30, rng=list(range(5)), progress=False
    ... )
    >>> bool(np.mean([history["val_accuracy"][-1] for history in histories]) > 0.9)
    True
    """
    many = _checked(networks)
    on_error = choice("on_error", on_error, ("raise", "return"))
    if n_threads is not None:
        n_threads = whole_number("n_threads", n_threads, 1)
    arguments = _arguments(len(many), {"X": X, "y": y, **fit})
    givens = _givens(arguments, _own_values("rows", rows, len(many)), _own_values("validation_rows", validation_rows, len(many)))
    with ExitStack() as stack:
        stack.enter_context(fitting(many, "fit_many"))
        prepared = [_prepared(*one) for one in zip(range(len(many)), many, givens, arguments, strict=True)]
        _check_callbacks(prepared)
        stack.enter_context(claimed([callback for one in prepared for callback in one.callbacks]))
        fits = []
        for index, one in enumerate(prepared):
            with _told(index):
                training = stack.enter_context(one.begun())
            stack.enter_context(one.network._turn)
            fits.append(_Fit(index, training))
        crew = _Together(fits, crew_size(n_threads), raises=on_error == "raise", shows=flag("progress", progress))
        crew.run()
    return [fit.outcome for fit in fits]


class _Fit:
    """One of the fits."""

    def __init__(self, index: int, training: Training) -> None:
        self.index, self.training = index, training
        self.turns: Turns[None] = training.turns()
        self.work: Work | None = None  # under way, or waiting to be
        self.error: BaseException | None = None
        self.is_over = False

    @property
    def outcome(self) -> History | BaseException:
        return self.training.history if self.error is None else self.error


class _Overview:
    """All fits together, with the interface that a progress bar needs."""

    def __init__(self, fits: Sequence[_Fit]) -> None:
        self._fits = fits
        self.history, self.n_epochs = History(), 0

    @property
    def fraction(self) -> float:
        return sum(1.0 if fit.is_over else fit.training.fraction for fit in self._fits) / len(self._fits)

    @property
    def status(self) -> str:
        losses = [fit.training.loss for fit in self._fits if fit.error is None]
        known = [loss for loss in losses if loss == loss]
        mean = f"  mean loss {sum(known) / len(known):.4g}" if known else ""
        return f"network {sum(fit.is_over for fit in self._fits)}/{len(self._fits)}{mean}"


class _Together:
    """The fits. This thread drives them: it gives their work to a crew of threads, and works too.

    Parameters
    ----------
    fits : list of _Fit
    n_threads : int
    raises, shows : bool
        Whether an error ends everything; whether there is a progress bar.
    """

    def __init__(self, fits: list[_Fit], n_threads: int, *, raises: bool, shows: bool) -> None:
        self._fits, self._n_threads, self._raises = fits, n_threads, raises
        self._crew = Crew()
        self._given: dict[Run, _Fit] = {}  # to the crew, and not taken back
        self._own: deque[_Fit] = deque()  # with work that only this thread can do
        self._n_left, self._share = len(fits), 1
        self._limit = ExitStack()
        self._overview = _Overview(fits)
        self._bar = new_bar() if shows else None
        self._shown = 0.0

    def run(self) -> None:
        if self._bar is not None:
            self._bar.on_fit_begin(self._overview)
        with sharing(self._n_threads), self._limit:
            self._limit.enter_context(at_most_threads(1))
            try:
                self._crew.run(min(self._n_threads, len(self._fits)), self._dispatch)
            finally:
                if self._bar is not None:
                    self._bar.on_fit_end(self._overview)

    def _dispatch(self) -> None:
        try:
            self._share_threads()
            for fit in self._fits:
                self._go_on(fit)
            while self._n_left:
                self._do_something()
        except KeyboardInterrupt:
            self._break_off()
            failed = next((fit for fit in self._fits if fit.error is not None), None)
            if failed is not None and self._raises:
                raise failed.outcome from None  # type: ignore[misc]
        except BaseException:
            self._break_off()
            raise

    def _do_something(self) -> None:
        """Continue a fit whose work is done; else work; else wait."""
        run = self._crew.done()
        if run is None and self._own:
            fit = self._own.popleft()
            assert fit.work is not None, "it waits for this"
            if fit.work.error is None:
                fit.work.run()
            self._go_on(fit)
        elif run is None and (run := self._crew.take_back()) is not None:
            self._crew.work(run)
        elif run is None:
            self._crew.wait()
        if run is not None:
            assert isinstance(run, Run), "that is what it was given"
            fit = self._given[run]
            assert fit.work is not None, "it was given for this"
            fit.work.end(run)
            del self._given[run]
            self._go_on(fit)
        now = time.perf_counter()
        if self._bar is not None and now - self._shown >= _SHOW_SECONDS:
            self._shown = now
            self._bar.on_progress(self._overview)

    def _go_on(self, fit: _Fit) -> None:
        """Give a fit the results of its work, and start its next work."""
        try:
            fit.work = work = next(fit.turns)
        except StopIteration:
            self._end(fit)
            if fit.training.history.interrupted:
                raise KeyboardInterrupt from None
        except Exception as error:
            _name(error, fit.index)
            fit.error = error
            self._end(fit)
            if self._raises:
                raise
        else:
            work.n_threads = min(work.n_threads, self._share)
            run = work.begin()
            if run is None:
                self._own.append(fit)
            else:
                self._given[run] = fit
                self._crew.give(run)

    def _end(self, fit: _Fit) -> None:
        fit.is_over, fit.work = True, None
        self._n_left -= 1
        self._share_threads()

    def _share_threads(self) -> None:
        """Share threads among the remaining fits: one for each, or more if few are left."""
        if self._n_left == 0:
            return
        self._crew.keep(self._n_left - 1)
        share = max(1, self._n_threads // self._n_left)
        if share == self._share:
            return
        self._share = share
        self._limit.close()
        self._limit.enter_context(at_most_threads(share))
        for fit in self._fits:
            if not fit.is_over:
                fit.training.share_threads(share)

    def _break_off(self) -> None:
        """End all fits after the current step."""
        self._crew.pause()
        while self._crew.done() is not None or self._crew.take_back() is not None:
            continue
        for run, fit in self._given.items():
            assert fit.work is not None, "it was given for this"
            fit.work.end(run)
        for fit in self._fits:
            if fit.is_over:
                continue
            try:
                fit.turns.throw(KeyboardInterrupt())
            except StopIteration:
                pass
            except KeyboardInterrupt:  # it has not begun
                fit.training.history.interrupted, fit.training.history.stop_reason = True, "interrupted"
            except Exception as error:  # of a callback, at the end
                _name(error, fit.index)
                fit.error = error
            fit.is_over = True


def new_bar() -> Any:
    """Make the progress bar."""
    return registry.resolve("callbacks", "progress_bar")


def _checked(networks: Any) -> list[Sequential]:
    many = list(networks) if is_list(networks) and not isinstance(networks, Sequential) else []
    if not many or not all(isinstance(network, Sequential) for network in many):
        raise ParameterError(f"networks must be a list of one network or more, got {shown(networks)}")
    first: dict[int, int] = {}
    for index, network in enumerate(many):
        other = first.setdefault(id(network), index)
        if other != index:
            raise ParameterError(f"networks {other} and {index} are the same object: pass different networks (copy.deepcopy)")
    return many


@functools.cache
def _of_fit() -> inspect.Signature:
    return inspect.signature(Sequential.fit)


def _arguments(n: int, given: dict[str, Any]) -> list[dict[str, Any]]:
    """The arguments of each network, by name, with the defaults of `Sequential.fit`."""
    for name in given.keys() & _REFUSED.keys():
        raise ParameterError(f"fit_many takes no {name}=: {_REFUSED[name]}")
    parameters = {name: parameter for name, parameter in _of_fit().parameters.items() if name not in ("self", *_OWN, *_REFUSED)}
    if unknown := [name for name in given if name not in parameters]:
        signature = _of_fit().replace(parameters=list(parameters.values()))
        raise misfit("fit_many", signature, (), given, TypeError(f"fit_many() got an unexpected keyword argument {unknown[0]!r}"))
    values = {}
    for name, parameter in parameters.items():
        value = given.get(name, parameter.default)
        is_one_each = isinstance(value, each) or (isinstance(value, list) and name not in _LISTS)
        values[name] = _own_values(name, value, n) if is_one_each else [value] * n
    return [{name: own[index] for name, own in values.items()} for index in range(n)]


def _own_values(name: str, values: Any, n: int) -> list[Any]:
    """One value for each of n networks."""
    if values is None:
        return [None] * n
    own = values.values if isinstance(values, each) else list(values) if is_list(values) else None
    if own is None or len(own) != n:
        what = shown(values) if own is None else f"{len(own)}"
        raise ParameterError(f"{name} must have a value for each of the {n} networks, got {what}")
    return own


def _givens(arguments: list[dict[str, Any]], rows: list[Any], validation_rows: list[Any]) -> list[Given]:
    """The data of each network; shared arrays are checked once."""
    sources: dict[tuple[int, ...], Source] = {}
    held_out_sources: dict[int, AnySource] = {}
    numbers: dict[tuple[int, int], np.ndarray] = {}

    def numbered(name: str, index: int, given: Any, source: Source) -> np.ndarray | None:
        key = id(given), id(source)
        if given is not None and key not in numbers:
            numbers[key] = as_row_numbers(given, f"{name}[{index}]", len(source.samples(None)))
        return None if given is None else numbers[key]

    givens = []
    for index, own in enumerate(arguments):
        X, y, weights, validation = (own.pop(name) for name in ("X", "y", "sample_weight", "validation"))
        bounds = [own.pop(name) for name in ("shuffle_buffer", "memory_limit")]
        if is_stream(X, y) or bounds != [None, None]:
            raise ParameterError("fit_many takes arrays, not streams: call fit of one network after the other")
        key = id(X), id(y), id(weights)
        if key not in sources:
            sources[key] = Source(X, y, weights)
        source = sources[key]
        held_out: AnySource | None = held_out_sources.get(id(validation))
        if held_out is None and (held_out := validation_source(validation)) is not None:
            held_out_sources[id(validation)] = held_out
        chosen = numbered("validation_rows", index, validation_rows[index], source)
        if chosen is not None and held_out is not None:
            raise ParameterError("validation and validation_rows contradict each other: pass one of them")
        held_out = source if chosen is not None else held_out
        givens.append(Given(source, numbered("rows", index, rows[index], source), held_out, chosen))
    return givens


def _prepared(index: int, network: Sequential, given: Given, arguments: dict[str, Any]) -> Prepared:
    with _told(index):
        return prepare(network, given, n_threads=1, progress=False, **arguments)


def _check_callbacks(prepared: Sequence[Prepared]) -> None:
    first: dict[int, int] = {}
    for index, one in enumerate(prepared):
        for callback in one.callbacks:
            other = first.setdefault(id(callback), index)
            if other != index:
                raise BusyError(
                    f"networks {other} and {index} have the same callback, {callback!r}, which would mix up the two: "
                    "callbacks=nn.each([[...], [...]]) gives each network its own"
                )


@contextmanager
def _told(index: int) -> Iterator[None]:
    """Add the index of the network to errors inside."""
    try:
        yield
    except Exception as error:
        _name(error, index)
        raise


def _name(error: Exception, index: int) -> None:
    if isinstance(error, NNCoreError) and error.args and isinstance(error.args[0], str):
        error.args = (f"network {index}: {error.args[0]}", *error.args[1:])
    else:
        error.add_note(f"This happened in the fit of network {index}.")
