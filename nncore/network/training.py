"""The fit loop: epochs in slices of about 50 ms, between which Python shows progress, handles Ctrl-C and runs callbacks."""

from __future__ import annotations

import math
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np

from nncore._core import Epochs, Program
from nncore.contract import Callback, History, Metric, Sampler, Snapshot, Transform
from nncore.data import Block, Dataset, StreamedDataset, Visits
from nncore.errors import warn_user
from nncore.network.ahead import MOST_KEPT, Ended, Handed, Reached, epochs_affordable, epochs_unseen, is_watched, moved_in, overrides
from nncore.network.averaging import Average, check_averages
from nncore.network.evaluation import Evaluation, metric_name
from nncore.network.model import Model
from nncore.network.processes import Processes, checked, interruptions
from nncore.network.remembering import Memory, memories
from nncore.network.resuming import Way
from nncore.network.scheduling import Moving, Reach
from nncore.network.standing import Standing
from nncore.network.work import Turns, Work, drive, while_others_may
from nncore.program import Move, Pace, ProgramSpec, courses_of, sharing

#: How long the core runs before Python can handle Ctrl-C and callbacks.
SLICE_SECONDS = 0.05
#: Progress shows the fraction of time spent waiting for a stream if it is at least this.
SHOWN_WAIT = 0.2


def columns(metrics: Sequence[Metric], *, evaluated: Iterable[str], scheduled: Iterable[str]) -> list[str]:
    """Names of the columns that a run records; `evaluated` are the roles of what is scored after each epoch, "train" and "val"."""
    names = ["loss", *(metric_name(metric) for metric in metrics)]
    return ["loss", *scheduled, *(f"{role}_{name}" for role in evaluated for name in names), "seconds"]


def history_for(metrics: Sequence[Metric], scheduled: Iterable[str]) -> History:
    """The history of a run before its first epoch, with the directions of metrics and the scheduled numbers."""
    return History({metric_name(metric): metric.higher_is_better for metric in metrics}, moved=tuple(scheduled))


class Training:
    """A running fit, which callbacks get as argument.

    Attributes
    ----------
    network : Sequential
        The network that is being trained.
    history : History
        Losses and metrics so far.
    epoch : int
        The current epoch of this fit, from 1.
    n_epochs : int
        Number of epochs of this fit.
    n_steps : int
        Number of updates in this fit so far.
    sampler : Sampler
        This fit's own copy. Setting an argument takes effect in the next epoch.
    transforms : tuple of Transform
        This fit's own copies. Setting a number takes effect at the next step.
    fraction : float
        Fraction of the fit that is done, 0 to 1.
    loss : float
        Mean loss so far in this epoch; NaN before the first step.
    wait_share : float
        Fraction of the time so far that was spent waiting for a stream, 0 to 1.
    stop_reason : str or None
        Why the fit stopped; None while it runs.
    status : str
        Text of a progress bar.
    """

    def __init__(
        self,
        network: Model,
        program: Program[ProgramSpec],
        way: Way,
        *,
        n_epochs: int,
        pace: Pace,
        evaluated: Mapping[str, Dataset | StreamedDataset],
        metrics: Sequence[Metric],
        callbacks: Sequence[Callback],
        sound: Mapping[str, Reach],
        place: Mapping[str, Any] | None,
        restored: Sequence[tuple[Callback, Memory]],
        stood: Snapshot | None,
        processes: Processes | None,
        must_round: bool,
    ) -> None:
        self.network, self.data, self._way, self._processes = network, way.data, way, processes
        self._n_rows, self._average_decay, self._has_two_sets = program.spec.max_rows, 0.0, False
        self._program, self._is_sparse = program, program.spec.is_sparse
        self.n_epochs, self._batch_rows, self.accumulate, self.drop_last = n_epochs, way.batch_rows, way.accumulate, way.drop_last
        self.shards, self._rounds, self._must_round = way.shards, way.rounds, must_round
        self._visits = way.visits
        self._pace = pace
        self.callbacks = callbacks
        self._evaluations = [Evaluation(network, data, metrics, f"{role}_", processes=processes) for role, data in evaluated.items()]
        self._streams = [data for data in (way.data, *evaluated.values()) if isinstance(data, StreamedDataset)]
        self.history = history_for(metrics, network.schedules)
        self.epoch = 0
        self.stop_reason: str | None = None
        self._average: Average | None = None
        self._steps_before = program.step
        self._progress: list[Any] = [0, 0.0, 0.0]  # samples done in the block, weighted loss sum, weight sum of the epoch
        self._block_begin = 0  # samples of the epoch before the block
        self._samples_done = 0  # in the epoch
        self._is_in_epoch = False  # which is not counted yet
        self._cut_short = False
        self.is_telling = False  # its callbacks are running
        self._standing: Standing | None = None
        self._is_interrupted = [False]  # by Ctrl-C, which other processes must learn
        self.is_spread = False  # whether each process has updated only its range of the optimizer state
        self._has_rounded = False  # a product to bfloat16
        self._is_watched = False  # epoch by epoch; once it is, it stays so
        self._has_begun = False  # until then the network keeps the state of the fit before
        self._restored, self._stood = restored, stood
        self._begin = place
        self._moving = Moving(network, sound)
        self._moved: dict[str, float] = {}  # what schedules made of numbers in the last step
        self._began = time.perf_counter()
        self._epoch_began = self._epoch_seconds = 0.0  # the epoch under way, and how long one took in the run before
        self._scores: dict[str, float] | None = None  # of the current epoch, once the core has scored it
        self._handed: Handed | None = None  # to the core, with results not read yet
        self._ended: deque[Ended] = deque()  # earlier epochs that callbacks do not know yet
        self._reached: Reached | None = None  # while callbacks are called

    @property
    def program(self) -> Program[ProgramSpec]:
        """The network's; another one once a callback has changed what a program is compiled for."""
        return self.network.program_for_training(
            self._n_rows,
            accumulates=self.accumulate > 1,
            average_decay=self._average_decay,
            transformed=True,
            shards=self.shards,
            rounds=self._rounds,
            sparse_inputs=self._is_sparse,
            own_samples=self._way.n_together > 1,
        )

    @property
    def sampler(self) -> Sampler:
        return self._visits.sampler

    @property
    def transforms(self) -> tuple[Transform, ...]:
        return self.network.transforms

    @property
    def n_steps(self) -> int:
        return self.network.n_steps - self._steps_before

    @property
    def fraction(self) -> float:
        return min(1.0, (max(self.epoch - 1, 0) + self._samples_done / self._visits.length) / max(1, self.n_epochs))

    @property
    def loss(self) -> float:
        _, loss_sum, weight_sum = self._progress
        return loss_sum / weight_sum if weight_sum > 0 else float("nan")

    @property
    def wait_share(self) -> float:
        """Fraction of the time so far that was spent waiting for a stream, 0 to 1."""
        seconds = time.perf_counter() - self._began
        return min(1.0, sum(data.seconds_waited for data in self._streams) / seconds) if seconds > 0 else 0.0

    @property
    def status(self) -> str:
        """``"epoch 3/20  loss 0.1234  val_loss 0.2"``: the loss so far, and scores of the last full epoch.

        ``"waiting 40%"`` follows if reading a stream slows the fit down.
        """
        history = self.history
        cells = [f"epoch {self.epoch}/{self.n_epochs}", f"loss {self.loss:.4g}"]
        cells += [f"{name} {history[name][-1]:.4g}" for name in history if name not in ("loss", "seconds")]
        if (waiting := self.wait_share) >= SHOWN_WAIT:
            cells.append(f"waiting {waiting:.0%}")
        return "  ".join(cells)

    def share_threads(self, n_threads: int) -> None:
        """Limit the number of threads, from the next piece of work on."""
        self._pace = self.network._pace(self.program, self._batch_rows, n_threads)

    def stop(self, reason: str, *, cut_short: bool = False) -> None:
        """Stop the fit after this round of callbacks.

        Parameters
        ----------
        reason : str
            Reason for the history.
        cut_short : bool, default False
            True if a later fit should resume where this one stops: the network then stores the state of callbacks. It always does so after
            Ctrl-C, and if the fit stops within an epoch.
        """
        self._cut_short = cut_short and (self.stop_reason is None or self._cut_short)  # another callback may have ended it for good
        self.stop_reason = reason

    def memories(self) -> tuple[Memory, ...]:
        """The state of callbacks, for files that are saved during the fit."""
        return memories(self.callbacks)

    def place(self) -> dict[str, Any] | None:
        """The position within the current epoch, None between two epochs."""
        samples, loss_sum, weight_sum = self._progress
        if not self._is_in_epoch or self._block_begin + samples == 0 or math.isinf(self._visits.length):
            return None
        network = self.network
        so_far = {"loss_sum": loss_sum, "weight_sum": weight_sum, "moved": self._moved}
        life = {"n_steps": network.n_steps, "n_epochs": network.n_epochs, "seed": network.seed}
        return {"samples": self._block_begin + samples, **so_far, **life, **self._way.described()}

    def average_parameters(self, *, over: str, decay: float = 0.0, begin: int = 0) -> None:
        """Average the network's parameters from the first epoch on: see `averaging.Average`. For ``on_fit_begin``."""
        check_averages(1 + (self._average is not None), self.network.optimizers)
        self._average = Average(self.network, over, decay, begin)

    def _prepare_average(self) -> None:
        """Start the average, if there is one."""
        if self._average is None and not self.network.has_evaluation:
            self.network.end_average()
        if self._average is not None:
            self._average.start()
        self._has_two_sets = self._average is not None or self.network.has_evaluation
        self._average_decay = self._average.decay if self._average is not None and self._average.over == "steps" else 0.0

    def run(self) -> History:
        """Train until all epochs are done, a callback stops the run, or Ctrl-C."""
        with ExitStack() as inside:
            if self._processes is not None:
                self._is_interrupted = inside.enter_context(interruptions())
            inside.enter_context(self.network._turn)
            inside.enter_context(sharing(self._pace.n_threads))
            drive(self.turns())
        return self.history

    def turns(self) -> Turns[None]:
        """Yield the work of the core, piece by piece; callbacks and other Python code run in between.

        The caller has the turn of the network. `KeyboardInterrupt`, thrown in, ends the fit as Ctrl-C does; so does `close`.
        """
        with ExitStack() as at_the_end:  # every callback is called at the end, even if another one raises there
            at_the_end.enter_context(self.network._followed_by(self))
            at_the_end.callback(self._keep_standing)
            for callback in reversed(self.callbacks):
                at_the_end.callback(self._tell, callback, "on_fit_end")
            try:
                self._call("on_fit_begin")
                for callback, memory in self._restored:
                    if self._is_told(callback):
                        callback.restore(memory.state(), self)
                if self._stood is not None and self.n_epochs > 0 and self.stop_reason is None:
                    self._stood.restore(self.network)
                self._prepare_average()
                try:
                    while self.epoch < self.n_epochs and self.stop_reason is None:
                        if not self._has_begun:
                            self.network.forget_fit()
                            self._program, self._has_begun = self.program, True
                        self.epoch += 1
                        yield from self._run_epoch()
                except BaseException:  # also Ctrl-C in the middle of this
                    self._take_in()
                    raise
                self._complete()
                self._leave_behind()
                self._warn_unrounded()
            except (KeyboardInterrupt, GeneratorExit):
                self.stop_reason = "interrupted"
                self.history.interrupted = self._cut_short = True
                self._complete()
                self._leave_behind()
            except BaseException as error:
                self.stop_reason = f"{type(error).__name__}: {error}"
                if self._processes is not None and self._processes.know(error):
                    self._complete()
                if self._cut_short:
                    self._leave_behind()
                raise
            finally:
                self.history.stop_reason = self.stop_reason or "all epochs done"

    def _warn_unrounded(self) -> None:
        """Warn if bfloat16 was requested, and nothing used it."""
        if self._must_round and self.n_steps > 0 and not self._has_rounded:
            warn_user(
                "precision='bfloat16' changed nothing: no layer of this network computes matrix products in C with sums of 64 terms or "
                "more. Leave it out, or use wider layers, or batches of at least 64 samples"
            )

    def _leave_behind(self) -> None:
        """Store what a fit needs to resume this one."""
        if self._cut_short or self._is_in_epoch:
            if self._has_begun:
                self.network._leave_fit(self.place(), tuple(memory.copied() for memory in self.memories()))
                self._standing = Standing(self.network)
        elif self.stop_reason is not None:  # at once
            self.network.forget_fit()

    def _keep_standing(self) -> None:
        """After the last callbacks, which may have put other parameters into the network."""
        memory = None if self._standing is None else self._standing.memory(self.network)
        if memory is not None:
            self.network._leave_fit(self.network.place, (*self.network.memories, memory))

    def _call(self, event: str, listeners: Sequence[Callback] | None = None, *, late: bool = False) -> None:
        """Call all callbacks that handle an event, or the given ones."""
        told = [callback for callback in self.callbacks if overrides(callback, event)] if listeners is None else listeners
        if self._processes is not None and told and (event != "on_progress" or any(callback.saves for callback in told)):
            self._complete()
        try:
            with nullcontext() if self._processes is None or not told else self._told_together(self._processes):
                for callback in told:
                    self._tell(callback, event, late=late)
        except Exception:  # between two steps, where a fit can be resumed
            self._cut_short = True
            raise

    @contextmanager
    def _told_together(self, processes: Processes) -> Iterator[None]:
        """For calls of callbacks: an error ends the fit in all processes, and the first process says whether one stopped it."""
        with checked(processes):
            yield
        self.stop_reason, self._cut_short = processes.of_first([self.stop_reason, self._cut_short])

    def _is_told(self, callback: Callback) -> bool:
        """Whether this process calls a callback."""
        return self._processes is None or self._processes.is_first or not (callback.reports or callback.saves)

    def _complete(self) -> None:
        """Gather the optimizer state, of which each process has updated its range."""
        if self._processes is not None and self.is_spread:
            self._processes.gather_state(self._program)
            self.is_spread = False

    def _tell(self, callback: Callback, event: str, *, late: bool = False) -> None:
        """Call a callback while other threads may use the network, but not save it with half of the callback's state.

        If it is `late`, other epochs have been trained since. Other threads then wait, so that nobody saves a network of one epoch with the
        counters of another.
        """
        if not self._is_told(callback):
            return
        if late:
            self._tell_now(callback, event)
        else:
            with self.network._turn.pause(), self.network._round:
                self._tell_now(callback, event)

    def _tell_now(self, callback: Callback, event: str) -> None:
        self.is_telling = True
        try:
            getattr(callback, event)(self)
        finally:
            self.is_telling = False

    def _steps_to_pause(self) -> int:
        """Number of steps until a callback asks to be called, very large for none."""
        wanted = sys.maxsize
        for callback in self.callbacks:
            if callback.pause_every is not None:
                wanted = min(wanted, callback.pause_every - self.network.n_steps % callback.pause_every)
        return wanted

    def _run_epoch(self) -> Turns[None]:
        """Train an epoch, or the rest of it. Further epochs may end before it returns, if nothing in Python has to look in between."""
        self._epoch_began, network = time.perf_counter(), self.network
        has_set_out = self._has_two_sets and network._set_out()
        try:
            yield from self._run_steps()
        finally:
            if has_set_out:
                self._complete()
                network._arrive()
        if self._samples_done < self._visits.length:  # a callback stopped the run
            return
        average = None if self._average is None else self._average.end_epoch()
        network._n_epochs += 1
        self._is_in_epoch = False
        try:
            scores = self._scores if self._scores is not None else (yield from self._evaluate())
        except (KeyboardInterrupt, GeneratorExit):  # the epoch is not over: a fit that resumes evaluates it first
            self._is_in_epoch = True
            network._n_epochs -= 1
            if average is not None:
                average()
            raise
        self._record(scores, time.perf_counter() - self._epoch_began)
        self._call("on_epoch_end")

    def _record(self, scores: Mapping[str, float], seconds: float) -> None:
        """The row of an epoch that is over."""
        self.history.append(loss=self.loss, **self._moved, **scores, seconds=seconds)
        self.history.wait_share = self.wait_share
        for schedule in self.network.schedules.values():
            schedule.observe(self.history)

    def _evaluate(self) -> Turns[dict[str, float]]:
        """Compute scores. Other threads may use the network in between, but cannot change its parameters."""
        found = {}
        for evaluation in self._evaluations:
            turns = evaluation.turns()
            while True:
                try:
                    work = next(turns)
                except StopIteration as end:
                    found.update(end.value)
                    break
                yield work
                self.network._turn.give_way()
        return found

    def _run_steps(self) -> Turns[None]:
        """Train the remaining steps of an epoch, or fewer if a callback stops the fit."""
        network, begin, self._begin = self.network, self._begin, None
        skipped = 0 if begin is None else begin["samples"]
        self._block_begin, self._samples_done = 0, skipped
        self._progress = [skipped, *((0.0, 0.0) if begin is None else (begin["loss_sum"], begin["weight_sum"]))]
        if begin is not None:
            self._moved = dict(begin["moved"])
        self._is_in_epoch, self._scores = True, None
        # It depends only on the seed and the epoch's number, so that a resumed run has the same order.
        blocks = self._visits.blocks(network.seed, network.n_epochs, self._batch_rows * self.accumulate)
        block_begin = 0
        with closing(while_others_may(network._turn, blocks)) as waited:
            for block in waited:
                length = len(block)
                self._block_begin, self._progress[0] = block_begin, min(max(skipped - block_begin, 0), length)
                block_begin += length
                yield from self._run_block(block)
                if self.stop_reason is not None and self._samples_done < self._visits.length:
                    return

    def _run_block(self, block: Block) -> Turns[None]:
        """Train the steps of a block of samples. If it is a whole epoch, later epochs may follow, the last of them perhaps not complete."""
        network, length, last_look = self.network, len(block), time.perf_counter()
        step_size = self._batch_rows * self.accumulate
        n_trained = length - (length % self._batch_rows if self.drop_last else 0)
        n_steps = -(-n_trained // step_size)
        first_step = network.n_steps - self._progress[0] // step_size
        known: tuple[int, int] = (-1, 0)
        moves: list[Move] = []
        while self._progress[0] < length:
            if self._program is not network._programs.training:
                self._program = self.program
            program = self._program
            part = block.until(self._progress[0] + self._steps_to_pause() * step_size)
            n_threads, seconds = self._pace.next(SLICE_SECONDS)
            began = time.perf_counter()
            orders, epochs = self._epochs_to_come(program, seconds) if part is block and length == self._visits.length else ([], None)
            if known != (network.version, len(orders)):  # also a schedule may have been changed
                known, moves = (network.version, len(orders)), self._moving.moves(first_step, n_steps * (1 + len(orders)))
            courses = courses_of(program.spec, moves) if moves else []
            n_before = self._progress[0]
            settings = (courses, self._batch_rows, self.accumulate, self.drop_last, seconds, self._progress)
            work = Work(program, "train", (*part.fields, part.order, *settings), n_threads, epochs, self._processes)
            self.is_spread = self._processes is not None
            self._handed = Handed(epochs, moves, began, first_step, n_steps, step_size, n_trained)
            yield work
            if n_ended := self._take_in():
                first_step, known = first_step + n_ended * n_steps, (-1, 0)
                block = replace(block, order=orders[n_ended - 1])
            work.check()
            self._has_rounded = self._has_rounded or (self._rounds and program.has_rounded)
            n_done = n_ended * length + self._progress[0] - n_before
            is_whole = work.seconds >= seconds or self._progress[0] >= len(part)  # else another thread wants the network
            if is_whole:
                self._pace.record(n_threads, n_done, work.seconds)
            self._epoch_seconds = work.seconds * length / max(1, n_done)
            network._turn.give_way()
            now = time.perf_counter()
            if self._is_time_to_tell(is_whole or now - last_look >= seconds):
                last_look = now
                self._call("on_progress")
            if self.stop_reason is not None and self._samples_done < self._visits.length:
                return

    def _decided(self, number: int) -> int:
        """The value of the first process, for decisions that depend on the clock or on callbacks of that process."""
        return number if self._processes is None else self._processes.decided(number)

    def _is_time_to_tell(self, is_time: bool) -> bool:
        """Whether to call `on_progress` now, by the clock of the first process."""
        if self._processes is None:
            return is_time
        is_interrupted, agreed = self._processes.are_interrupted(self._is_interrupted[0], is_time)
        if is_interrupted:
            raise KeyboardInterrupt
        return bool(agreed)

    def _epochs_to_come(self, program: Program[ProgramSpec], seconds: float) -> tuple[list[np.ndarray | None], Epochs | None]:
        """What the core may do after the current epoch: score it, and train further epochs in their orders. None: nothing."""
        network, visits = self.network, self._visits
        if not isinstance(visits, Visits) or not self.data.in_place or program.runs_python or self._has_two_sets:
            return [], None
        judges = [judge for evaluation in self._evaluations if (judge := evaluation.judge()) is not None]
        if len(judges) < len(self._evaluations):
            return [], None
        self._is_watched = self._is_watched or is_watched(self.callbacks, network.schedules.values())
        n_epochs, live = 1, []
        if not self._is_watched:
            listeners = self._listeners()
            n_epochs = self._decided(epochs_affordable(1 + self.n_epochs - self.epoch, visits.length, seconds, self._epoch_seconds))
            if n_epochs > 1 and listeners:
                live = self._live()
                affordable = MOST_KEPT // max(1, sum(array.nbytes for array in live))
                n_epochs = self._decided(min(n_epochs, epochs_unseen(self, listeners), max(1, affordable)))
        if n_epochs == 1:
            return [], Epochs([], judges, []) if judges else None
        orders = [visits.order_of_inputs(network.seed, network.n_epochs + further) for further in range(1, n_epochs)]
        return orders, Epochs(orders, judges, live)

    def _listeners(self) -> list[Callback]:
        """The callbacks that handle the end of an epoch."""
        return [callback for callback in self.callbacks if overrides(callback, "on_epoch_end")]

    def _live(self) -> list[np.ndarray]:
        """The parameters and buffers that callbacks see as at the end of each epoch."""
        spec = self._program.spec
        return [array for array in (spec.parameters, spec.buffers) if array.size > 0]

    def _take_in(self) -> int:
        """Read the results of the core, for any reason of its end. Returns the number of epochs that another one has followed.

        Their rows are recorded and callbacks are called. The last epoch is left to `_run_epoch`. Ctrl-C may come at any moment: the rest is
        done when this is called again.
        """
        handed, n_ended, moved, own = self._handed, 0, self._moved, None
        if handed is not None:
            epochs, scores = handed.epochs, []
            if epochs is not None and epochs.n_ended > 0:
                n_ended, scores = epochs.n_before, self._scores_of(epochs.values[: epochs.n_ended])
                own = scores[-1] if len(scores) > n_ended else None
            if handed.moves:
                last = (min(self._progress[0], handed.n_trained) - 1) // handed.step_size
                moved = moved_in(handed.moves, n_ended * handed.n_steps + last) if last >= 0 else moved
            if n_ended == 0:
                self._samples_done, self._moved, self._scores = self._block_begin + self._progress[0], moved, own
                self._handed = None
            else:
                self._leave_to_catch_up(handed, n_ended, scores, moved, own)
        if self._reached is not None:
            self._catch_up()
        return n_ended

    def _leave_to_catch_up(
        self, handed: Handed, n_ended: int, scores: list[dict[str, float]], moved: dict[str, float], own: dict[str, float] | None
    ) -> None:
        """Store the epochs that are over, with their scores, and the position in the current one, all at once."""
        ended = handed.ended(scores, self._epoch_began)
        began = self._epoch_began + sum(epoch.seconds for epoch in ended)
        copies = [array.copy() for array in self._live()] if ended[0].copies else []
        counts = self.epoch + n_ended, self.network._n_epochs + n_ended, len(self.history) + n_ended
        reached = Reached(*counts, self._program.step, self._progress, moved, own, copies)
        self._ended, self._reached, self._epoch_began, self._handed = deque(ended), reached, began, None

    def _scores_of(self, values: np.ndarray) -> list[dict[str, float]]:
        """Scores of epochs by column, from the sums of the core, (n_epochs, n_sums)."""
        scores: list[dict[str, float]] = [{} for _ in values]
        place = Epochs.n_own
        for evaluation in self._evaluations:
            evaluation.add_scores(scores, values[:, place : place + evaluation.n_sums])
            place += evaluation.n_sums
        return scores

    def _catch_up(self) -> None:
        """Record epochs that the core has completed, and call callbacks for them, with counters and parameters of that epoch.

        No other thread uses the network meanwhile. Errors and Ctrl-C are raised after all of them.
        """
        assert self._reached is not None, "the core has got somewhere"
        network, raised, reached, now = self.network, None, self._reached, time.perf_counter()
        listeners, live = self._listeners(), self._live()
        while self._ended:
            try:
                self._end(self._ended[0], reached, listeners, live)
            except BaseException as error:
                raised = raised or error
        self.epoch, network._n_epochs = reached.epoch, reached.n_epochs
        self._progress, self._program.step, self._moved, self._scores = reached.progress, reached.step, reached.moved, reached.scores
        for array, copy in zip(live, reached.copies, strict=False):
            np.copyto(array, copy)
        self._samples_done, self._is_in_epoch, self._reached = self._block_begin + self._progress[0], True, None
        self._epoch_began += time.perf_counter() - now  # what callbacks took
        if raised is not None:
            raise raised

    def _end(self, ended: Ended, reached: Reached, listeners: Sequence[Callback], live: Sequence[np.ndarray]) -> None:
        """Finish an epoch after another one has begun. It may be repeated until the epoch is taken from the queue."""
        ago = len(self._ended)
        self.epoch, self.network._n_epochs = reached.epoch - ago, reached.n_epochs - ago + 1
        length = int(self._visits.length)
        self._progress = [length, ended.loss_sum, ended.weight_sum]
        self._samples_done, self._moved, self._is_in_epoch = length, ended.moved, False
        self._program.step = ended.step
        for array, copy in zip(live, ended.copies, strict=False):
            np.copyto(array, copy)
        if len(self.history) < reached.n_rows - ago + 1:
            self._record(ended.scores, ended.seconds)
        self._ended.popleft()
        self._call("on_epoch_end", listeners, late=True)
