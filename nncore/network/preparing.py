"""Preparation of a fit: everything is checked before the network changes."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from nncore import __version__, registry
from nncore._core import MOST_SHARDS, native
from nncore.arguments import LARGEST_COUNT, as_dtype, as_seed, flag, several, whole_number
from nncore.contract import Callback, Metric, Sampler, Schedule, Snapshot, Transform, alike, check_monitored
from nncore.data import Dataset, Source, StreamedDataset, StreamSource, StreamVisits, Visits
from nncore.errors import ParameterError
from nncore.network.evaluation import metrics_for
from nncore.network.given import Given
from nncore.network.learning import Learning
from nncore.network.model import Model
from nncore.network.processes import Processes
from nncore.network.remembering import Memory, matched, warn_forgotten
from nncore.network.resuming import Way, place_to_go_on_from
from nncore.network.scheduling import Reach, as_schedules, check_schedules
from nncore.network.scores import check_collected
from nncore.network.standing import check_standing, divided
from nncore.network.training import Training, columns, history_for
from nncore.network.transforming import check_transforms
from nncore.program import LIMITS, Precision, check_bfloat16, check_own_samples, chosen_precision, get_num_threads, plan_network
from nncore.typing import CallbackLike, LossLike, MetricLike, OptimizerLike, SamplerLike, SchedulesLike, TransformLike


@dataclass(frozen=True)
class Prepared:
    """A fit that is ready to begin: everything is checked, and nothing has changed yet."""

    network: Model
    learning: Learning
    given: Given
    dtype: np.dtype
    seed: int
    reseeds: bool
    way: Way
    epochs: int
    n_threads: int
    n_steps: int
    schedules: dict[str, Schedule]
    goes_on_with_schedules: bool
    sound: dict[str, Reach]
    evaluated: dict[str, Dataset | StreamedDataset]
    metrics: list[Metric]
    callbacks: list[Callback]
    place: dict[str, Any] | None
    restored: list[tuple[Callback, Memory]]
    stood: Snapshot | None
    processes: Processes | None
    must_round: bool

    def described(self) -> dict[str, Any]:
        """All settings of the fit, by names for messages. They must be equal in all processes that fit together."""
        network, learning = self.network, self.learning
        values = (network.parameters, *network.named_buffers().values()) if network.is_built else ()
        return {
            "the version of nncore": __version__,
            "the level of the processor (NNCORE_CPU sets one for all)": native.LEVEL,
            "what bfloat16 products are made with (precision=None rounds nothing)": native.bfloat16_instructions()
            if self.way.rounds
            else None,
            "the network": network,
            "its values": [zlib.crc32(array.tobytes()) for array in values],
            "its steps and epochs": (network.n_steps, network.n_epochs) if network.is_built else None,
            "its place": self.place,
            "whether other parameters than those shown are gone on with": self.stood is not None,
            "the loss": learning.loss,
            "the optimizer": learning.optimizer,
            **{name: learning.limits.get(name, getattr(network, name)) for name in ("weight_decay", *LIMITS)},
            "groups": network.groups if learning.groups is None else learning.groups,
            "dtype": self.dtype,
            "seed": self.seed,
            "rng": self.reseeds,
            "epochs": self.epochs,
            **self.way.described(),
            **{f"the data for {role}": data.digest for role, data in self.evaluated.items()},
            "schedule": self.schedules,
            "metrics": self.metrics,
            "callbacks": self.callbacks,
        }

    @contextmanager
    def begun(self) -> Iterator[Training]:
        """Apply the settings to the network; inside, the fit can run. The callbacks are `claimed`."""
        network, way = self.network, self.way
        with network._with_transforms(way.transforms):
            with network._turn:
                if not network.is_built:
                    blueprint = self.learning.knobs.blueprint
                    assert blueprint is not None, "a network is planned before it is trained"
                    batch = self.given.some(blueprint, self.dtype)
                    self.learning.build(network, self.given.source.sample_shape(None), self.seed, self.dtype, batch)
                elif self.reseeds:
                    network.seed = self.seed
                self.learning.give(network)
                if not self.goes_on_with_schedules:
                    network._begin_schedules(self.schedules, self.n_steps)
                program = network.program_for_training(
                    way.batch_rows,
                    accumulates=way.accumulate > 1,
                    transformed=True,
                    shards=way.shards,
                    rounds=way.rounds,
                    sparse_inputs=way.is_sparse,
                    own_samples=way.n_together > 1,
                )
                training = Training(
                    network,
                    program,
                    way,
                    n_epochs=self.epochs,
                    pace=network._pace(program, way.batch_rows, self.n_threads),
                    evaluated=self.evaluated,
                    metrics=self.metrics,
                    callbacks=self.callbacks,
                    sound=self.sound,
                    place=self.place,
                    restored=self.restored,
                    stood=self.stood,
                    processes=self.processes,
                    must_round=self.must_round,
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
    shards: int,
    n_threads: int | None,
    progress: bool,
    dtype: str | np.dtype | type | None,
    precision: Precision | None,
    processes: Processes | None = None,
) -> Prepared:
    """Check the arguments of `nncore.Sequential.fit`, and raise its errors."""
    epochs = whole_number("epochs", epochs, 0)
    batch_size = whole_number("batch_size", batch_size, 1)
    n_threads = get_num_threads() if n_threads is None else whole_number("n_threads", n_threads, 1)
    accumulate = whole_number("accumulate", accumulate, 1)
    shards = whole_number("shards", shards, 1, MOST_SHARDS)
    if shards > batch_size:
        raise ParameterError(f"shards={shards} is more than the {batch_size} samples of a batch: use fewer shards")
    observers: list[Callback] = [registry.resolve("callbacks", callback) for callback in several("callbacks", callbacks)]
    if network.is_built and dtype is not None and as_dtype(dtype) != network.dtype:
        raise ParameterError(f"this network is built in {network.dtype}: drop dtype=, or build it again")

    number_type = network.dtype if network.is_built else as_dtype("float32" if dtype is None else dtype)
    sample_shape = given.source.sample_shape(network.input_shape if network.is_built else None)
    version = network.version
    blueprint = network._built if network.is_built else plan_network(network.layers, network.layer_names, sample_shape)
    seed = network.seed if network.is_built and rng is None else as_seed(rng)
    products = chosen_precision(precision, number_type, batch_size)
    if processes is not None:
        seed, first = processes.of_first([seed, products])
        if precision == "auto" and first != products:  # not all find it faster, and some may not have it
            products = first
            if products == "bfloat16":
                check_bfloat16()
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
    check_own_samples(blueprint)
    if blueprint.member_stages and learning.loss.needs_batch:
        raise ParameterError(
            f"{learning.loss!r} compares the samples of a batch, so members must share batches: share_training_batches=True"
        )
    schedules = as_schedules(schedule, learning.knobs)
    under_way = learning.goes_on_with_schedule(network)
    if under_way and schedule is None:
        network._check_present("schedule")
    under_way = under_way and (schedule is None or alike(schedules, network.schedules))
    schedules = dict(network.schedules) if under_way else schedules
    scored = metrics_for(learning.loss, metrics)
    use = (blueprint.input_shape, learning.loss, blueprint.n_outputs, number_type, blueprint.accepts_nan)
    for source in (given.source, given.validation):
        if isinstance(source, (Source, StreamSource)):
            source.fit_to(blueprint, changes=bool(new_transforms) and source is given.source)
    _check_passes(given, epochs=epochs, drop_last=drop_last, schedule=schedule, train_metrics=train_metrics)
    given = given.split(seed)
    data = given.source.dataset(*use, given.rows)
    evaluated: dict[str, Dataset | StreamedDataset] = {}
    if flag("train_metrics", train_metrics):
        evaluated["train"] = given.source.dataset(*use, given.rows, copies=True)
    if given.validation is not None:
        evaluated["val"] = given.validation.dataset(*use, given.validation_rows, copies=True)
    for scored_data in evaluated.values():
        check_collected(scored_data, learning.loss, scored, blueprint.n_outputs)
        for metric in scored:
            n_scored = scored_data.n_samples or 1
            metric.check_shapes((n_scored, blueprint.n_outputs), (n_scored, *scored_data.target_shape))
            if isinstance(scored_data, Dataset):
                metric.check_targets(scored_data.targets.values)
    check_transforms(new_transforms, learning.loss, data, blueprint)
    chosen_sampler = _sampler(shuffle, sampler)
    n_together = blueprint.n_together if isinstance(data, Dataset) else 1  # a block of a stream has too few samples to choose from
    visits = Visits(chosen_sampler, data, n_together) if isinstance(data, Dataset) else StreamVisits(chosen_sampler, data)
    drop_last = flag("drop_last", drop_last)
    n_visits = visits.length / n_together  # of each member
    if drop_last and n_visits < batch_size:
        raise ParameterError(f"drop_last=True leaves nothing of {n_visits:.0f} samples in batches of {batch_size}")
    n_steps = 0
    if math.isfinite(n_visits):
        length = int(n_visits)
        batch_size = min(batch_size, length)
        n_batches = length // batch_size if drop_last else -(-length // batch_size)
        accumulate = min(accumulate, n_batches)  # an epoch ends a step
        n_steps = min(epochs * -(-n_batches // accumulate), LARGEST_COUNT)
    visits.check(batch_size * accumulate * n_together)
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

    way = Way(data, visits, new_transforms, batch_size, accumulate, drop_last, shards, products, n_together)
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
        seed=seed,
        reseeds=rng is not None,
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
        processes=processes,
        must_round=precision == "bfloat16",
    )


def _check_passes(given: Given, *, epochs: int, drop_last: bool, schedule: object, train_metrics: bool) -> None:
    """Count the samples of a stream if their number is needed, and raise `ParameterError` if the stream cannot be read that often."""
    why = {
        f"epochs={epochs} read it several times": epochs > 1,
        "a schedule needs the number of steps before the fit begins": schedule is not None,
        "drop_last=True needs the number of samples": drop_last,
        "train_metrics=True reads it again": train_metrics,
    }
    reason = next((what for what, is_so in why.items() if is_so), None)
    if isinstance(given.source, StreamSource) and reason is not None:
        given.source.count(reason)
    if isinstance(given.validation, StreamSource) and epochs > 1:
        given.validation.check_repeats(f"epochs={epochs} read it several times")


def _sampler(shuffle: bool | None, sampler: SamplerLike | None) -> Sampler:
    """The sampler that two arguments of `fit` mean."""
    by_flag: Sampler = registry.resolve("samplers", "shuffle" if shuffle is None or flag("shuffle", shuffle) else "sequential")
    if sampler is None:
        return by_flag
    chosen: Sampler = registry.resolve("samplers", sampler)
    if shuffle is not None and not alike(chosen, by_flag):
        raise ParameterError(f"shuffle={shuffle!r} and sampler={chosen!r} contradict each other: leave shuffle out")
    return chosen
