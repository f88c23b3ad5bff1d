"""`Network`: layers given their parameters, the vectors those lie in, and the programs that run them."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, overload

import numpy as np

from nncore import registry
from nncore._core import Program, Turn
from nncore.arguments import as_dtype, as_seed, is_whole, shown, whole_number
from nncore.contract import (
    Layer,
    Loss,
    Optimizer,
    Schedule,
    adopt,
    alike,
    bond_of,
    components_in,
    thawed,
)  # fmt: skip
from nncore.data import as_matrix, as_samples
from nncore.errors import BusyError, MissingPluginError, NotBuiltError, ParameterError
from nncore.network.forking import survive_forks
from nncore.network.known import Known
from nncore.network.layer_list import LayerList
from nncore.network.parameter_sets import ParameterSets, realigned
from nncore.network.programs import Programs, Steps
from nncore.network.resuming import Resumable
from nncore.network.turns import at_rest, reads, rebuilds, records, steps
from nncore.network.untying import untie
from nncore.program import (
    NO_AVERAGE,
    WORTH_MEETING,
    Averaging,
    Blueprint,
    Grouping,
    Pace,
    ProgramSpec,
    Vectors,
    aligned_zeros,
    check_differentiable,
    check_outputs,
    check_rules,
    check_trainable,
    compile_link,
    compile_program,
    group_tensors,
    initialise,
    named_state,
    plan_network,
    project,
    rules_of,
    threads_worth,
    zero_state,
)
from nncore.typing import LayerLike, LossLike, OptimizerLike
from nncore.words import explains_calls, is_declared, no_member, no_setting


@explains_calls
class Network(Resumable, ParameterSets):
    """Layers with their parameters, optimizer state and compiled programs: a base of `nncore.Sequential`."""

    def __init__(self, *layers: LayerLike | Network | Sequence[LayerLike | Network]) -> None:
        given = list(flattened(layers))
        super().__init__(given)
        for layer, own in zip(given, self._layers, strict=True):
            bring_values(layer, own)
        self._vectors: Vectors | None = None
        self._n_steps, self._passes = 0, (0, 0)  # of these, forward passes in training: after which step, and how many
        self._is_under_way = False  # `parameters` are those that are trained, though there are others to predict with
        self._programs = Programs()
        self._share()

    def _share(self) -> None:
        """Let threads share the network from now on."""
        self._round = Turn()  # of the callbacks of a fit
        self._trainer = 0  # the thread that fits the network
        survive_forks(self)

    @property
    def _turn(self) -> Turn:
        return self._knobs.turn

    @overload
    def __getitem__(self, where: int) -> Layer: ...

    @overload
    def __getitem__(self, where: slice) -> Self: ...

    @reads
    def __getitem__(self, where: int | slice) -> Layer | Self:
        """Get a layer, or a network of copies of some layers for a slice: ``net[:-1]`` has all but the last, with their trained values.

        A layer that is tied to one outside the slice gets tensors of its own, with the same values.
        """
        if not isinstance(where, slice):
            return self._layers[where]
        chosen = self._layers[where]
        part = type(self)(*chosen)
        if self._knobs.blueprint is not None:
            untie(self._knobs.blueprint, self.parameters, chosen, part.layers)
            begin = next(stage.input_shape for stage in self._knobs.blueprint.stages if stage.layer is chosen[0])
            part.build(begin, rng=0, dtype=self.dtype)  # draws nothing
            part.seed = self.seed
        return part

    if not TYPE_CHECKING:  # to a type checker, what is not there is an error

        def __setattr__(self, name: str, value: object) -> None:
            """Set what a network has; anything else, like ``net.lr``, would be without effect."""
            if name[:1] != "_" and not is_declared(type(self), name):
                raise no_setting(self, name)
            object.__setattr__(self, name, value)

        def __getattr__(self, name: str) -> object:
            """Raise an error for an unknown attribute; for names of other libraries, it says what to use here."""
            if isinstance(getattr(type(self), name, None), property):
                return object.__getattribute__(self, name)  # the attribute exists, and raises its own error
            raise no_member(self, name)

    def _forget_programs(self) -> None:
        """Programs are made again when needed; the flat vectors they worked on stay."""
        self._n_steps, self._programs = self.n_steps, Programs()

    def _forget_forward(self) -> None:
        self._programs.parts.n_rows = 0

    @property
    def _known(self) -> Known:
        """Facts that calls depend on; computed again after a change."""
        known: Known | None = self._knobs.known
        if known is None:
            known = Known.of(self._knobs, self.dtype)
            self._knobs.keep(known)
        return known

    def _forget_steps(self) -> None:
        """Discard a forward and backward pass that `step` would follow, because of a fit."""
        self._programs.parts.end(has_stepped=True)

    def _begin_schedules(self, schedules: Mapping[str, Schedule], n_steps: int) -> None:
        """Begin schedules that span `n_steps`, in the place of any others."""
        if schedules or self._schedules:
            self._own_schedules(schedules)
        self.absent.pop("schedule", None)
        for schedule in self._schedules.values():
            schedule.restore({})
        self.schedule_begin, self.schedule_steps = (self.n_steps, n_steps) if schedules else (0, 0)

    # ---- building -----------------------------------------------------------------------------------------------------------

    @rebuilds
    def build(
        self,
        n_inputs: int | tuple[int, ...],
        loss: LossLike | None = None,
        optimizer: OptimizerLike | None = None,
        rng: int | np.random.Generator | np.random.SeedSequence | None = None,
        dtype: str | np.dtype | type = "float32",
        batch: Any = None,
    ) -> Self:
        """Initialize the network without training: infer all shapes and set the initial value of every parameter.

        `fit` does this too. Call `build` to look at or set parameters before training.

        Parameters
        ----------
        n_inputs : int or tuple of int
            Number of features of a sample, or the shape of a sample.
        loss, optimizer : str, instance or None
            What to train with later; `fit` can set them too.
        rng : int, Generator, SeedSequence or None
            Seed of the initial values. The same int gives the same network; None is different every time.
        dtype : {"float32", "float64"}
            Type of the parameters.
        batch : array-like of shape (n_samples, ...), optional
            Samples for initializers that look at data (``data_dependent``, ``data_hull``, ``lsuv``); `fit` takes them from its X.

        Returns
        -------
        Network
            This network.
        """
        return self._build(n_inputs, loss, optimizer, as_seed(rng), dtype, batch)

    def _build(
        self, n_inputs: Any, loss: Any, optimizer: Any, seed: int, dtype: Any, batch: Any, blueprint: Blueprint | None = None
    ) -> Self:
        shape = tuple(n_inputs) if isinstance(n_inputs, (tuple, list)) else (n_inputs,)
        if not shape or any(not is_whole(n) or n < 1 for n in shape):
            raise ParameterError(f"n_inputs must be a whole number of at least 1 or a tuple of them, got {shown(n_inputs)}")
        shape = tuple(int(n) for n in shape)
        number_type = as_dtype(dtype)
        new_loss = None if loss is None else registry.resolve("losses", loss)
        new_optimizer = None if optimizer is None else registry.resolve("optimizers", optimizer)
        if blueprint is None:
            blueprint = plan_network(self.layers, self.layer_names, shape)
        if new_loss is not None:
            new_loss.n_targets(blueprint.n_outputs)  # raises if this loss cannot have that number of outputs
            check_outputs(new_loss, blueprint)
        vectors = zeros(blueprint, number_type)
        grouping, rows = group_tensors(self.groups, blueprint), None
        grouping.check(new_optimizer)
        if batch is not None:
            rows = as_matrix(as_samples(batch, "batch", shape, number_type, blueprint.accepts_nan), number_type)
        carried = {f"{stage.name}.{name}": values for stage in blueprint.stages for name, values in carried_by(stage.layer).items()}
        rules = rules_of(blueprint, self.groups, grouping)
        if new_optimizer is not None:
            check_rules(rules, grouping, new_optimizer)
        initialise(blueprint, vectors, np.random.default_rng([seed, 0]), rows, carried)
        project(rules, vectors.parameters)
        self._take(blueprint, grouping, vectors, new_loss, new_optimizer)
        self.seed = seed
        return self

    @rebuilds
    def allocate(self, input_shape: tuple[int, ...], loss: Loss | None, optimizer: Optimizer | None, dtype: np.dtype) -> None:
        """Build the network with all parameters 0, to be filled with values from a file or another source."""
        blueprint = plan_network(self.layers, self.layer_names, input_shape)
        grouping = group_tensors(self.groups, blueprint)
        grouping.check(optimizer)
        self._take(blueprint, grouping, zeros(blueprint, dtype), loss, optimizer)

    def _take(self, blueprint: Blueprint, grouping: Grouping, vectors: Vectors, loss: Loss | None, optimizer: Optimizer | None) -> None:
        """Become the network of this blueprint, not trained yet."""
        self._absent = {}
        self._forget_programs()
        self._knobs.blueprint, self._knobs.grouping, self._vectors = blueprint, grouping, vectors
        for part in components_in(self._layers):
            vars(part).pop("_carried", None)  # from now on they are in the vectors
        self._show_values()
        self._knobs.loss = self._knobs.optimizer = None
        self._own_schedules({})
        self._n_steps = self.n_epochs = 0
        self.forget_fit()
        self._set_loss(loss)
        if optimizer is not None:
            self._set_optimizer(optimizer)

    def _show_values(self) -> None:
        """Let each layer know where its values are, for a network that it is given to later."""
        for stage in self._built.stages:
            if (bond := bond_of(stage.layer)) is not None:
                bond.values = stage.own_views(self._flat.parameters, self._flat.buffers)

    def _set_optimizer(self, optimizer: Optimizer) -> None:
        """Take an optimizer with a state of zeros."""
        state = zero_state(self._groups, optimizer, self.dtype)
        vectors = self._flat
        self._forget_programs()
        self._absent = {what: absent for what, absent in self.absent.items() if what in ("loss", "groups", "rules")}
        self._knobs.optimizer, self._n_steps = adopt(optimizer, self, "optimizer"), 0
        self._own_schedules({})  # their steps were those of the optimizer before, and so were those of an average
        self._vectors = replace(vectors, state=state, shadow=None, average_rest=None)

    @rebuilds
    def reset_optimizer(self) -> None:
        """Discard the optimizer's state, for smaller files after training: Adam's state is twice as large as the parameters.

        `n_steps` becomes 0, and a later `fit` starts with fresh state. Predictions, parameters, running statistics and the optimizer's
        arguments stay. Schedules and `trajectory` are discarded too.

        Examples
        --------
        >>> import numpy as np, nncore as nn
        >>> net = nn.Sequential(nn.Dense(1)).build(3, loss="mse", optimizer="adam", rng=0)
        >>> _ = net.fit(np.eye(3), np.arange(3.0), epochs=2)
        >>> net.reset_optimizer()
        >>> net.n_epochs, net.n_steps
        (2, 0)
        """
        if self.optimizer is not None:
            self._set_optimizer(self.optimizer)
        self.schedule, self.n_steps = None, 0
        self._absent = {what: replace(absent, tensors={}) for what, absent in self.absent.items() if what != "schedule"}

    def _set_groups(self, groups: Mapping[str, Mapping[str, Any]]) -> None:
        """Use these groups from now on. The state of optimizers stays if every tensor keeps its optimizer."""
        if "groups" not in self.absent and list(groups) == list(self.groups) and alike(groups, self.groups):
            return
        own = self._own_groups(groups)
        grouping = group_tensors(own, self._built)
        stays, optimizer = self._keeps_optimizers(grouping), self.optimizer
        remembered = self.optimizer_state if stays and optimizer is not None else {}
        state = None if optimizer is None else zero_state(grouping, optimizer, self.dtype)
        self._forget_programs()
        self._absent.pop("groups", None)
        self._flat.gradients[...] = 0  # those of frozen tensors are not written any more
        self._knobs.options, self._knobs.grouping, self._vectors = own, grouping, replace(self._flat, state=state)
        if self.has_evaluation and self.trajectory is not None:
            self._settle(grouping)
        if not stays:
            self._n_steps, self._vectors = 0, replace(self._flat, shadow=None, average_rest=None)
            self._own_schedules({})
        for name, values in remembered.items():
            view = {} if state is None else self.optimizer_state
            if name in view and view[name].shape == values.shape:  # else its tensor is frozen now
                view[name][...] = values

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of one output."""
        return self._built.output_shape

    @property
    def accepts_nan(self) -> bool:
        """Whether a layer takes NaN in the inputs."""
        return self._built.accepts_nan

    @property
    def takes_sparse(self) -> bool:
        """Whether the network reads sparse samples without converting them; with `Dense` as the first layer it does."""
        return self._built.takes_sparse

    @property
    def dtype(self) -> np.dtype:
        """float32 or float64."""
        return self._flat.parameters.dtype

    @property
    def n_parameters(self) -> int:
        """Number of trainable parameters."""
        return self._built.n_parameters

    # ---- live views ---------------------------------------------------------------------------------------------------------

    @property
    def gradients(self) -> np.ndarray:
        """Gradients of the last `backward`, in the order of `parameters`.

        Raises
        ------
        NotBuiltError
            If `fit` or `train_on_batch` was called after it and stored no gradients. Steps of large networks do not store them.
        """
        program = self._programs.training
        if self._programs.parts.has_stepped and program is not None and program.spec.uses_up_gradients:
            raise NotBuiltError(
                "the gradients of the last step were not stored, since the network is large: call forward(X, training=True) and "
                "backward(y), or nncore.inspection.gradients(network, X, y)"
            )
        return self._flat.gradients

    @property
    def optimizer_state(self) -> dict[str, np.ndarray]:
        """State of the optimizers, such as moments: live views by name.

        Returns
        -------
        dict of str to ndarray
            ``"dense_1.weight/slot_0"``: the tensor, and the optimizer's name of its slot. A slot has the shape of the tensor. Frozen
            tensors have none.
        """
        self._knobs.shown()
        if self._fit is not None and self._fit.is_spread:
            raise BusyError(
                "while several processes fit this network, each holds a part of the optimizer state: read it, or save the network, at the "
                "end of an epoch or of the fit, or in a callback whose class has saves = True"
            )
        if self._flat.state is None:
            raise NotBuiltError("this network has no optimizer yet: pass optimizer= to build or fit")
        return named_state(self._flat.state, self._groups, self._built.tensor_shapes())

    @reads
    def named_parameters(self) -> dict[str, np.ndarray]:
        """Get the weights and biases by name, as live views: writing to them changes the network.

        Returns
        -------
        dict of str to ndarray
            ``dense_1.weight`` of shape (n_inputs, n_outputs), ``dense_1.bias``, ... in the order of the layers.
        """
        return self._built.parameter_views(self.parameters)

    @reads
    def named_gradients(self) -> dict[str, np.ndarray]:
        """Get the gradients of the last `backward` by the names of the parameters, as live views of `gradients`.

        Returns
        -------
        dict of str to ndarray
            ``dense_1.weight``, ``dense_1.bias``, ... in the order of the layers.
        """
        return self._built.parameter_views(self.gradients)

    @reads
    def named_buffers(self) -> dict[str, np.ndarray]:
        """Get the numbers that are stored but not trained, such as running statistics, as live views by name.

        Returns
        -------
        dict of str to ndarray
            ``batch_norm_1.mean``, ...
        """
        return self._built.buffer_views(self._flat.buffers)

    @property
    def n_steps(self) -> int:
        """Number of updates since the optimizer was set: the t of its formulas."""
        program = self._programs.training
        return self._n_steps if program is None else program.step

    @n_steps.setter
    @steps
    def n_steps(self, value: int) -> None:
        value = whole_number("n_steps", value, 0)
        self._n_steps = value
        if self._programs.training is not None:
            self._programs.training.step = value

    @property
    def n_passes(self) -> int:
        """Number of calls of ``forward(training=True)`` since the last step, which chooses the next dropout masks.

        Set it to 0 to draw the masks of the first call again, which are also those of `train_on_batch`.
        """
        after_step, n_passes = self._passes
        return n_passes if after_step == self.n_steps else 0

    @n_passes.setter
    @steps
    def n_passes(self, value: int) -> None:
        self._passes = self.n_steps, whole_number("n_passes", value, 0)

    # ---- programs -----------------------------------------------------------------------------------------------------------

    @steps
    def program_for_training(
        self,
        n_rows: int,
        *,
        accumulates: bool = False,
        average_decay: float = 0.0,
        input_gradient: bool = False,
        transformed: bool = False,
        shards: int = 1,
        rounds: bool = False,
        sparse_inputs: bool = False,
        own_samples: bool = False,
    ) -> Program[ProgramSpec]:
        """A training program for at least `n_rows` rows, sparse or dense. It applies transforms if `transformed`."""
        average = Averaging(average_decay, self.average_begin) if average_decay else NO_AVERAGE
        transforms = self.transforms if transformed else ()
        return self._program_for(
            n_rows, Steps(average, accumulates, input_gradient, transforms, shards, rounds, sparse_inputs, own_samples)
        )

    def _program_for(self, n_rows: int, steps: Steps) -> Program[ProgramSpec]:
        """`program_for_training` for a method that holds the lock."""
        program = self._programs.training
        if program is None or program.spec.max_rows < n_rows or self._programs.steps != steps:
            check_trainable(self._built, self._groups.frozen)
            self._check_rules_present()
            if self.loss is not None:
                check_outputs(self.loss, self._built)
            self._forget_programs()
            program = compile_program(self._knobs, self._flat, training=True, max_rows=n_rows, **steps._asdict())
            program.step = self._n_steps
            self._programs.training, self._programs.steps = program, steps
        return program

    @reads
    def program_for_prediction(self, *, sparse_inputs: bool = False) -> Program[ProgramSpec]:
        """The prediction program, for any number of rows, sparse or dense."""
        if sparse_inputs:
            if self._programs.sparse_prediction is None:
                self._programs.sparse_prediction = compile_program(self._knobs, self._flat, training=False, sparse_inputs=True)
            return self._programs.sparse_prediction
        if self._programs.prediction is None:
            self._programs.prediction = compile_program(self._knobs, self._flat, training=False)
        return self._programs.prediction

    @reads
    def program_for_input_gradients(self, n_rows: int) -> Program[ProgramSpec]:
        """A program for at least `n_rows` rows that predicts and computes gradients of the inputs; it leaves `gradients` unchanged."""
        check_differentiable(self._built)
        program = self._programs.input_gradients
        if program is None or program.spec.max_rows < n_rows:
            vectors = replace(self._flat, gradients=aligned_zeros(self.n_parameters, self.dtype))
            program = compile_program(self._knobs, vectors, max_rows=n_rows, training=False, input_gradient=True)
            self._programs.input_gradients = program
        return program

    def program_for_link(self) -> Program[ProgramSpec] | None:
        """The program that applies the loss's link to outputs; None if it has none."""
        link, made = self.link, self._programs.link
        if link is None:
            return None
        return made[1] if made is not None and made[0] == link else self._compile_link(link)

    @reads
    def _compile_link(self, link: str | dict[str, Any]) -> Program[ProgramSpec]:
        program = compile_link(link, self._built.n_outputs, self.dtype)
        self._programs.link = link, program
        return program

    def _pace(self, program: Program[ProgramSpec], batch_size: int, n_threads: int) -> Pace:
        """The measured choice of threads for batches of this size."""
        n_threads = threads_worth(n_threads, program.spec.step_seconds(batch_size), WORTH_MEETING)
        return self._programs.paces.setdefault((batch_size, n_threads), Pace(n_threads))

    @property
    def link(self) -> str | dict[str, Any] | None:
        """Activation of the loss that `predict_proba` applies to outputs, also in a network that was loaded without its loss."""
        if "loss" in self._absent:
            link: str | dict[str, Any] | None = self._absent["loss"].document["link"]
            return link
        loss = self._knobs.loss
        return None if loss is None else loss.link

    def _check_present(self, *parts: str) -> None:
        """Raise `MissingPluginError` if one of these was in the file of the network and is not here: see `absent`."""
        for what in parts:
            if what in self.absent:
                why = f"this network can predict, but not be trained or scored as it is: {self.absent[what].reason}"
                raise MissingPluginError(f"{why}; or give fit {'other' if what == 'groups' else 'another'} {what}, {what}=")

    def _check_rules_present(self, *, groups_come: bool = False) -> None:
        """Raise `MissingPluginError` if a regularizer or a constraint is not here, and will not be replaced by other groups."""
        absent = self.absent.get("rules")
        if absent is not None and not (groups_come and all(path[0] == "groups" for path in absent.rules)):
            raise MissingPluginError(
                f"this network can predict, but not be trained as it is: {absent.reason}; or do without, as in "
                "net.layers[0].weight_regularizer = None, or net.groups = {}"
            )

    def _needs(self, what: str) -> Any:
        if self._absent:
            self._check_present(what, *(["groups"] if what == "optimizer" else []))
        component = getattr(self._knobs, what)
        if component is None:
            kind = {"loss": "losses", "optimizer": "optimizers"}[what]
            names = ", ".join(registry.names(kind))
            raise NotBuiltError(f"this network has no {what} yet: pass {what}= to build or fit, one of {names}")
        return component

    # ---- copies -------------------------------------------------------------------------------------------------------------

    @reads
    def paused(self) -> AbstractContextManager[None]:
        """Pause the fit of another thread inside a ``with`` block: it waits between two steps, and its callbacks do not run.

        Use it for several calls that belong together, or for live views, while another thread fits the network.

        Returns
        -------
        context manager
            No other thread changes the network inside.

        Raises
        ------
        BusyError
            If a callback of the fit has been running for a minute.

        Examples
        --------
        >>> import nncore as nn
        >>> net = nn.Sequential(nn.Dense(3)).build(2, rng=0)
        >>> with net.paused():
        ...     copies = {name: view.copy() for name, view in net.named_parameters().items()}
        """
        return at_rest(self)

    def _lose_fit(self) -> None:
        """In a forked child, which lacks the thread that fitted the network: continue as after an interrupted fit."""
        if self._fit is not None:
            memories = () if self._fit.is_telling else tuple(memory.copied() for memory in self.memories)
            self._leave_fit(self.place, memories)
        self._knobs.transforms = ()
        if self._is_under_way:
            self._arrive()
        self._trainer = 0

    @records
    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        twin = type(self).__new__(type(self))
        memo[id(self)] = twin
        twin.__setstate__(copy.deepcopy(self._state(), memo))
        return twin

    @records
    def __getstate__(self) -> dict[str, Any]:
        """A copied state, since a fit may continue while it is pickled."""
        return copy.deepcopy(self._state())

    def _state(self) -> dict[str, Any]:
        """Without programs, which hold addresses of this process, gradients, and what is planned again from the layers."""
        left_out = {
            "_programs",
            "_trainer",
            "_round",
            "_fit",
        }
        state = {name: value for name, value in vars(self).items() if name not in left_out} | {"_is_under_way": False}
        state |= self._left_behind()
        state["_vectors"] = self._vectors_at_rest()
        options, version = thawed(self._knobs.options), np.zeros(2, np.int64)  # the copy has its own version
        knobs = replace(self._knobs, version=version, blueprint=None, grouping=None, transforms=(), options=options)
        state |= {"_layers": list(self._layers), "_schedules": dict(self._schedules)}
        state |= {"_n_steps": self.n_steps, "_knobs": knobs, "_input_shape": self.input_shape if self.is_built else None}
        vectors: Vectors | None = state["_vectors"]
        if vectors is not None:
            state["_vectors"] = replace(vectors, gradients=vectors.gradients[:0], state=None)
            if vectors.state is not None and self.n_steps:  # it is zero before the first step
                state["_optimizer_state"] = named_state(vectors.state, self._groups, self._built.tensor_shapes())
        luggage = registry.luggage()  # a worker process must know the names that its work uses
        return state if luggage is None else state | {"_luggage": luggage}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state)
        self._programs = Programs()
        self.__dict__.pop("_luggage", None)  # it did its work when the pickle was opened
        input_shape = self.__dict__.pop("_input_shape")
        self._knobs = knobs = replace(self._knobs, version=np.zeros(2, np.int64), turn=Turn())  # an array from a file may be read-only
        self._share()
        self._layers = LayerList(adopt(layer, self, "layers") for layer in self._layers)
        knobs.loss = None if knobs.loss is None else adopt(knobs.loss, self, "loss")
        knobs.optimizer = None if knobs.optimizer is None else adopt(knobs.optimizer, self, "optimizer")
        self._own_schedules(self._schedules)
        knobs.options = self._own_groups(knobs.options)
        if input_shape is not None:
            knobs.blueprint = plan_network(self._layers, self.layer_names, input_shape)
            knobs.grouping = group_tensors(self.groups, knobs.blueprint)
        if self._vectors is not None:  # back onto cache lines
            old = self._vectors
            shadow, rest = (None if vector is None else realigned(vector) for vector in (old.shadow, old.average_rest))
            parameters, buffers = realigned(old.parameters), realigned(old.buffers)
            gradients = aligned_zeros(parameters.size, parameters.dtype)
            zeros = None if self.optimizer is None else zero_state(self._groups, self.optimizer, old.parameters.dtype)
            self._vectors = Vectors(parameters, gradients, buffers, zeros, shadow, rest)
            for name, values in self.__dict__.pop("_optimizer_state", {}).items():
                self.optimizer_state[name][...] = values
            self._show_values()


def flattened(given: Sequence[Any]) -> Iterator[Layer]:
    """The layers of a network. A network among the arguments is replaced by its layers."""
    if len(given) == 1 and isinstance(given[0], (list, tuple)):
        given = given[0]
    for item in given:
        if isinstance(item, Network):
            yield from item.layers
        else:
            yield registry.resolve("layers", item)


def bring_values(layer: Layer, own: Layer) -> None:
    """Let a network's copy of a layer carry the values that the layer, or layers inside it, have in a built network.

    They are stored on the copy until the network is built. There, changed arguments and copies of the network cannot mix them up.
    """
    covered: set[int] = set()
    for part, twin in zip(components_in(layer), components_in(own), strict=True):
        if id(part) not in covered and (bond := bond_of(part)) is not None and bond.values:
            vars(twin)["_carried"] = {name: view.copy() for name, view in bond.values.items()}
            covered |= {id(inner) for inner in components_in(part)}


def carried_by(layer: Layer) -> dict[str, np.ndarray]:
    carried: dict[str, np.ndarray] = vars(layer).get("_carried", {})
    return carried


def zeros(blueprint: Blueprint, dtype: np.dtype) -> Vectors:
    n = blueprint.n_parameters
    parameters, gradients = (aligned_zeros(n, dtype, f"{n:,} {what} of the network") for what in ("parameters", "gradients"))
    return Vectors(parameters, gradients, aligned_zeros(blueprint.n_buffers, dtype))
