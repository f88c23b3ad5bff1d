"""What a fit is going to do: found out and checked before the network changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from nncore import registry
from nncore.arguments import LARGEST_COUNT, as_dtype, as_seed, flag, several, whole_number
from nncore.contract import Callback, Metric, Sampler, Schedule, Snapshot, Transform, alike, check_monitored
from nncore.data import Dataset, Samples, Source, Visits
from nncore.errors import ParameterError
from nncore.network.evaluation import metrics_for
from nncore.network.learning import Learning
from nncore.network.model import Model
from nncore.network.remembering import Memory, matched, warn_forgotten
from nncore.network.resuming import Way, place_to_go_on_from
from nncore.network.scheduling import Reach, as_schedules, check_schedules
from nncore.network.standing import check_standing, divided
from nncore.network.training import Training, columns, history_for
from nncore.network.transforming import check_transforms
from nncore.program import Blueprint, get_num_threads, looked_at, plan_network
from nncore.typing import CallbackLike, LossLike, MetricLike, OptimizerLike, SamplerLike, SchedulesLike, TransformLike


@dataclass(frozen=True)
class Given:
    """The data of a fit.

    Attributes
    ----------
    source : Source
    rows : ndarray of int64, shape (n_samples,), or None
        Those of the source to train on; None for all.
    validation : Source or None
    validation_rows : ndarray of int64 or None
        Those of `validation`.
    """

    source: Source
    rows: np.ndarray | None = None
    validation: Source | None = None
    validation_rows: np.ndarray | None = None

    def samples(self, shape: tuple[int, ...] | None) -> Samples:
        """All that the source has."""
        return self.source.samples(shape)

    def some(self, blueprint: Blueprint, samples: Samples, dtype: np.dtype) -> np.ndarray:
        """Those that the initializers of a network look at."""
        n_samples = len(samples) if self.rows is None else len(self.rows)
        chosen = looked_at(n_samples, samples[0].size * dtype.itemsize, blueprint)
        return samples[chosen if self.rows is None else self.rows[chosen]]


@dataclass(frozen=True)
class Prepared:
    """A fit that may begin: everything is checked, and nothing has changed yet."""

    network: Model
    learning: Learning
    given: Given
    dtype: np.dtype
    rng: Any
    seed: int
    way: Way
    epochs: int
    n_threads: int
    n_steps: int
    schedules: dict[str, Schedule]
    goes_on_with_schedules: bool
    sound: dict[str, Reach]
    evaluated: dict[str, Dataset]
    metrics: list[Metric]
    callbacks: list[Callback]
    place: dict[str, Any] | None
    restored: list[tuple[Callback, Memory]]
    stood: Snapshot | None

    @contextmanager
    def begun(self) -> Iterator[Training]:
        """Let the network take everything over; inside, the fit can run. The callbacks are `claimed`."""
        network, way = self.network, self.way
        with network._with_transforms(way.transforms):
            with network._turn:
                if not network.is_built:
                    samples = self.given.samples(None)
                    blueprint = self.learning.knobs.blueprint
                    assert blueprint is not None, "a network is planned before it is trained"
                    batch = self.given.some(blueprint, samples, self.dtype)
                    self.learning.build(network, samples.shape[1:], self.rng, self.dtype, batch)
                elif self.rng is not None:
                    network.seed = self.seed
                self.learning.give(network)
                if not self.goes_on_with_schedules:
                    network._begin_schedules(self.schedules, self.n_steps)
                program = network.program_for_training(way.batch_size, accumulates=way.accumulate > 1, transformed=True)
                training = Training(
                    network,
                    program,
                    way,
                    n_epochs=self.epochs,
                    pace=network._pace(program, way.batch_size, self.n_threads),
                    evaluated=self.evaluated,
                    metrics=self.metrics,
                    callbacks=self.callbacks,
                    sound=self.sound,
                    place=self.place,
                    restored=self.restored,
                    stood=self.stood,
                )
                network._forget_steps()
            yield training


def prepare(
    network: Model,
    given: Given,
    *,
    loss: LossLike | None,
    optimizer: OptimizerLike | None,
    epochs: int,
    batch_size: int,
    accumulate: int,
    shuffle: bool | None,
    sampler: SamplerLike | None,
    transforms: Sequence[TransformLike],
    drop_last: bool,
    metrics: Sequence[MetricLike] | None,
    train_metrics: bool,
    callbacks: Sequence[CallbackLike],
    weight_decay: float | None,
    clip_norm: float | None,
    clip_value: float | None,
    groups: Mapping[str, Mapping[str, Any]] | None,
    schedule: SchedulesLike | None,
    rng: int | np.random.Generator | np.random.SeedSequence | None,
    n_threads: int | None,
    progress: bool,
    dtype: str | np.dtype | type | None,
) -> Prepared:
    """Check the arguments of `nncore.Sequential.fit`, and raise what it raises."""
    epochs = whole_number("epochs", epochs, 0)
    batch_size = whole_number("batch_size", batch_size, 1)
    n_threads = get_num_threads() if n_threads is None else whole_number("n_threads", n_threads, 1)
    accumulate = whole_number("accumulate", accumulate, 1)
    observers: list[Callback] = [registry.resolve("callbacks", callback) for callback in several("callbacks", callbacks)]
    if network.is_built and dtype is not None and as_dtype(dtype) != network.dtype:
        raise ParameterError(f"this network is built in {network.dtype}: drop dtype=, or build it again")

    number_type = network.dtype if network.is_built else as_dtype("float32" if dtype is None else dtype)
    samples = given.samples(network.input_shape if network.is_built else None)
    version = network.version
    blueprint = network._built if network.is_built else plan_network(network.layers, network.layer_names, samples.shape[1:])
    limits = {"weight_decay": weight_decay, "clip_norm": clip_norm, "clip_value": clip_value}
    new_transforms: list[Transform] = [registry.resolve("transforms", transform) for transform in several("transforms", transforms)]
    learning = Learning.checked(
        network,
        blueprint,
        version,
        loss=loss,
        optimizer=optimizer,
        groups=groups,
        limits=limits,
        observers=observers,
        transforms=new_transforms,
    )
    learning.check_accumulation(accumulate, batch_size)
    schedules = as_schedules(schedule, learning.knobs)
    under_way = learning.goes_on_with_schedule(network)
    if under_way and schedule is None:
        network._check_present("schedule")
    under_way = under_way and (schedule is None or alike(schedules, network.schedules))
    schedules = dict(network.schedules) if under_way else schedules
    scored = metrics_for(learning.loss, metrics)
    use = (blueprint.input_shape, learning.loss, blueprint.n_outputs, number_type, blueprint.accepts_nan)
    data = given.source.dataset(*use, given.rows)
    evaluated = {"train": given.source.dataset(*use, given.rows, copies=True)} if flag("train_metrics", train_metrics) else {}
    if given.validation is not None:
        evaluated["val"] = given.validation.dataset(*use, given.validation_rows, copies=True)
    for scored_data in evaluated.values():
        for metric in scored:
            metric.check_shapes((len(scored_data), blueprint.n_outputs), scored_data.targets.values.shape)
    check_transforms(new_transforms, learning.loss, data, blueprint)
    visits = Visits(_sampler(shuffle, sampler), data)
    drop_last = flag("drop_last", drop_last)
    if drop_last and visits.length < batch_size:
        raise ParameterError(f"drop_last=True leaves nothing of {visits.length} samples in batches of {batch_size}")
    batch_size = min(batch_size, visits.length)
    n_batches = visits.length // batch_size if drop_last else -(-visits.length // batch_size)
    accumulate = min(accumulate, n_batches)  # an epoch ends a step
    n_steps = min(epochs * -(-n_batches // accumulate), LARGEST_COUNT)
    first_step, last_step = (network.n_steps - network.schedule_begin, network.schedule_steps) if under_way else (0, n_steps)
    sound = check_schedules(schedules, learning.knobs, first_step, last_step)
    recorded = columns(scored, evaluated=evaluated, scheduled=schedules)
    watching: list[Callback | Schedule] = [*observers, *schedules.values()]
    history = history_for(scored, schedules)
    for component in watching:
        check_monitored(component, history, recorded)
    goes_on = network.loss is not None and alike(learning.loss, network.loss)
    standing, kept = divided(network.memories)
    restored, forgotten = matched(kept if goes_on else (), observers)
    warn_forgotten(
        forgotten if goes_on else kept,
        why="it has no such callback" if goes_on else "it has another loss",
    )

    seed = as_seed(rng) if network.is_built and rng is not None else network.seed
    way = Way(data, visits, new_transforms, batch_size, accumulate, drop_last)
    changed = learning.changes(network)
    if schedule is not None and not under_way:
        changed["schedule"] = network.schedule, schedule
    place = place_to_go_on_from(network, way, seed, changed)
    is_same = place is not None or (bool(restored) and not forgotten)
    stood = check_standing(network, standing) if standing is not None and is_same else None
    if progress:
        observers.append(registry.resolve("callbacks", "progress_bar"))
    return Prepared(
        network=network,
        learning=learning,
        given=given,
        dtype=number_type,
        rng=rng,
        seed=seed,
        way=way,
        epochs=epochs,
        n_threads=n_threads,
        n_steps=n_steps,
        schedules=schedules,
        goes_on_with_schedules=under_way,
        sound=sound,
        evaluated=evaluated,
        metrics=scored,
        callbacks=sorted(observers, key=lambda observer: observer.saves),
        place=place,
        restored=restored,
        stood=stood,
    )


def validation_source(validation: Any) -> Source | None:
    """Validation data as users pass it."""
    if validation is None:
        return None
    if not isinstance(validation, (tuple, list)) or len(validation) not in (2, 3):
        raise ParameterError("validation must be (X, y) or (X, y, sample_weight)")
    X, y, sample_weight = (*validation, None)[:3]
    return Source(X, y, sample_weight, "validation ")


def _sampler(shuffle: bool | None, sampler: SamplerLike | None) -> Sampler:
    """The sampler that two arguments of `fit` mean."""
    by_flag: Sampler = registry.resolve("samplers", "shuffle" if shuffle is None or flag("shuffle", shuffle) else "sequential")
    if sampler is None:
        return by_flag
    chosen: Sampler = registry.resolve("samplers", sampler)
    if shuffle is not None and not alike(chosen, by_flag):
        raise ParameterError(
            f"shuffle={shuffle!r} and sampler={chosen!r} contradict each other: leave out shuffle, the sampler says it all"
        )
    return chosen
