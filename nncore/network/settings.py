"""`Settings`: the components and numbers of a network, and every way to change them.

A network owns its components: it copies those it is given. Every change of a component, or of a number of the network, goes through
`Settings.change` or a property here. Both write to `Knobs`, from which all programs, texts and files read.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from nncore import registry
from nncore.arguments import choice, number, plain, shown, whole_number
from nncore.contract import (
    Configurable,
    FrozenDict,
    FrozenList,
    Layer,
    Loss,
    Optimizer,
    Schedule,
    Transform,
    adopt,
    alike,
    bind,
    components_in,
    copied_deeply,
    frozen,
    with_argument,
)  # fmt: skip
from nncore.errors import NNCoreError, NotBuiltError, ParameterError
from nncore.network.absent import Absent, Path
from nncore.network.change import REMEDIES, commit, refusal, stays_the_same, tried
from nncore.network.layer_list import LayerList, check_distinct
from nncore.network.notes import Notes
from nncore.network.rules import path_of
from nncore.network.turns import check_not_fitted, reads, rebuilds, sets
from nncore.program import (
    Blueprint,
    Grouping,
    Knobs,
    Rule,
    check_groups,
    check_outputs,
    check_rules,
    group_tensors,
    layer_names,
    plan_network,
    rules_of,
    same_optimizers,
    same_rules,
)  # fmt: skip
from nncore.typing import LossLike, OptimizerLike
from nncore.words import explains_calls

NOT_BUILT = "this network has no parameters yet: call fit(X, y, ...) or build(n_inputs) first"


@explains_calls
class Settings(Notes):
    """The components and numbers of a network: the base of `Network`, which adds parameters and programs."""

    def __init__(self, given: Sequence[Layer]) -> None:
        super().__init__()
        if not given:
            raise ParameterError("Sequential needs at least one layer: nn.Sequential(nn.Dense(10))")
        check_distinct(given, layer_names(given))
        self._layers = LayerList(adopt(layer, self, "layers") for layer in given)
        self._knobs = Knobs()
        self._schedules: Mapping[str, Schedule] = FrozenDict()
        self._absent: dict[str, Absent] = {}

    @abstractmethod
    def _forget_programs(self) -> None:
        """Programs are made again when needed."""

    @abstractmethod
    def _forget_forward(self) -> None:
        """`backward` needs another forward pass."""

    @property
    @abstractmethod
    def n_steps(self) -> int:
        """Updates since the optimizer was set."""

    @abstractmethod
    def _set_optimizer(self, optimizer: Optimizer) -> None:
        """Take an optimizer with a state of zeros."""

    @abstractmethod
    def _set_groups(self, groups: Mapping[str, Mapping[str, Any]]) -> None:
        """Train tensors in the ways given from now on."""

    # ---- what it consists of ------------------------------------------------------------------------------------------------

    @property
    def layers(self) -> Sequence[Layer]:
        """The network's own layers, in order. Change the list by `append`, `insert`, `replace` and `pop`."""
        return self._layers

    @layers.setter
    def layers(self, value: object) -> None:
        raise ParameterError(f"the layers of a network are fixed: {LayerList.remedy}")

    @property
    def layer_names(self) -> list[str]:
        """Names of the layers: ``"dense_1"``, ``"dropout_1"``, ``"dense_2"``, or the ``name=`` that a layer was given."""
        return FrozenList(layer_names(self._layers))

    @reads
    def __len__(self) -> int:
        return len(self._layers)

    @reads
    def __iter__(self) -> Iterator[Layer]:
        return iter(self._layers)

    # ---- what may change ----------------------------------------------------------------------------------------------------

    @sets
    def change(self, component: Configurable, place: str, name: str, value: Any) -> None:
        """Set an argument of a component of this network; ``net.optimizer.lr = 0.1`` calls this.

        A number takes effect at the next step, also if a callback sets it.

        Parameters
        ----------
        component : Layer, Activation, Loss, Optimizer, ...
            The network's own component.
        place : {"layers", "loss", "optimizer", "groups", "schedule", "transforms"}
            What it is, or is part of.
        name : str
            The argument.
        value : object
            Its new value.

        Raises
        ------
        ParameterError
            If the value is not valid, or would change shapes, targets or optimizer state. Nothing is changed then.
        """
        if not isinstance(component, Configurable):
            raise ParameterError(f"component must be a component of this network, such as net.optimizer, got {shown(component)}")
        place = choice("place", place, tuple(REMEDIES))
        name = plain(name)
        if not isinstance(name, str) or name not in (*type(component).argument_names, *type(component).common):
            raise ParameterError(f"{type(component).__name__} has no argument {shown(name)}")
        before = getattr(component, name)
        if type(before) is type(value) and alike(before, value):
            return
        attributes = with_argument(component, name, value)
        if place == "schedule":
            root: Any = self._schedules
        else:
            root = list(getattr(self, place)) if place in ("layers", "transforms") else getattr(self, place)
        if not any(part is component for part in components_in(root)):
            raise ParameterError(f"component must be a component of this network, in its {place}; got another, {shown(component)}")
        rules_stay = True
        try:
            trial = tried(root, component, attributes)
            is_possible = stays_the_same(place, root, trial, self._knobs.blueprint)
            if self._knobs.blueprint is not None and place in ("optimizer", "groups"):
                groups, optimizer = (self.groups, trial) if place == "optimizer" else (trial, self.optimizer)
                group_tensors(groups, self._knobs.blueprint).check(optimizer)
            if is_possible and self._knobs.blueprint is not None and place in ("layers", "groups"):
                rules_stay = self._rules_stay(place, trial)
        except NNCoreError:
            raise
        except (AttributeError, TypeError, ValueError) as error:  # of a class that does not check it
            raise ParameterError(f"{type(component).__name__}: {name} cannot be {shown(value)}: {error}") from error
        if not is_possible:
            raise refusal(place, component, name, value)
        learned = {path: schedule.state() for path, schedule in self._schedules.items()} if place == "schedule" else {}
        commit(component, attributes, self, place)
        if place == "layers" and (path := path_of(component, self._layers)) is not None:
            self._replace_absent_rules((*path, name))
        for where, state in learned.items():
            self._schedules[where].restore(state)  # also where what it keeps it in was made anew
        if not rules_stay:
            self._forget_programs()
        if place == "layers" and self._knobs.blueprint is not None:
            self._knobs.blueprint = plan_network(self._layers, self.layer_names, self.input_shape)
            self._forget_forward()  # backward would go another way than forward came
        self._knobs.moved()

    def _replace_absent_rules(self, path: Path) -> None:
        """Forget absent regularizers and constraints at a place of the document, or inside it: others have replaced them."""
        absent = self._absent.pop("rules", None)
        if absent is not None and (left := {at: value for at, value in absent.rules.items() if at[: len(path)] != path}):
            self._absent["rules"] = replace(absent, rules=left)

    def _rules_stay(self, place: str, trial: Any) -> bool:
        """Whether compiled programs stay valid with the regularizers and constraints of `trial`, instead of the layers or the groups.

        Raises
        ------
        ParameterError
            If one of them does not work with the optimizer.
        """
        blueprint, options = self._built, self._knobs.options
        if place == "layers":
            blueprint = plan_network(trial, self.layer_names, self.input_shape)
        else:
            options = trial
        rules = rules_of(blueprint, options, self._groups)
        if self.optimizer is not None:
            check_rules(rules, self._groups, self.optimizer)
        return same_rules(rules, self._knobs.rules())

    @property
    def version(self) -> int:
        """A counter that every change of a component or a number increases."""
        return int(self._knobs.version[0])

    @property
    def loss(self) -> Loss | None:
        """The network's own loss. Setting one has the effect of passing it to `fit`."""
        return self._knobs.loss

    @loss.setter
    @rebuilds
    def loss(self, value: LossLike | None) -> None:
        self._check_settable("loss")
        new: Loss | None = None if value is None else registry.resolve("losses", value)
        if new is not None:
            new.n_targets(self._built.n_outputs)  # raises if this loss cannot have that number of outputs
            check_outputs(new, self._built)
        self._set_loss(new)

    @property
    def absent(self) -> dict[str, Absent]:
        """Parts that the file of this network names and that are not installed: "loss", "optimizer", "groups", "schedule", "rules"."""
        return self._absent

    def _set_loss(self, loss: Loss | None) -> None:
        if not alike(loss, self.loss):
            self._forget_programs()
            self._knobs.loss = None if loss is None else adopt(loss, self, "loss")
        self.absent.pop("loss", None)

    @property
    def optimizer(self) -> Any:
        """The network's own optimizer. A schedule multiplies its ``lr``. Setting a different optimizer starts with fresh state."""
        return self._knobs.optimizer

    @optimizer.setter
    @rebuilds
    def optimizer(self, value: OptimizerLike) -> None:
        self._check_settable("optimizer")
        new: Optimizer = registry.resolve("optimizers", value)
        self._groups.check(new)
        check_rules(self._knobs.rules(), self._groups, new)
        if not alike(new, self.optimizer):
            self._set_optimizer(new)

    @property
    def schedule(self) -> Any:
        """The schedule of the last `fit` that had one: that of the learning rate, or a dict of schedules by paths.

        Set it to None to drop it. Pass another one to `fit`, which knows its length.
        """
        return self._schedules["lr"] if list(self._schedules) == ["lr"] else self._schedules or None

    @schedule.setter
    @rebuilds
    def schedule(self, value: None) -> None:
        if value is not None:
            raise ParameterError("a schedule spans the steps of a fit: pass schedule= to fit")
        self._own_schedules({})

    @property
    def schedules(self) -> Mapping[str, Schedule]:
        """The schedules by the paths of the numbers they change, ``{"lr": ...}``; empty for none."""
        return self._schedules

    @property
    def schedule_is_under_way(self) -> bool:
        """Whether a schedule has steps left; also one whose plugin is absent."""
        has_any = bool(self._schedules) or "schedule" in self.absent
        return has_any and self.n_steps - self.schedule_begin < self.schedule_steps

    def _own_schedules(self, schedules: Mapping[str, Schedule]) -> None:
        self._schedules = FrozenDict({path: adopt(schedule, self, "schedule") for path, schedule in schedules.items()})
        self._knobs.moved()

    @property
    def transforms(self) -> tuple[Transform, ...]:
        """Transforms of the running fit, else none. A callback can change their numbers, which takes effect at the next step."""
        return self._knobs.transforms

    @contextmanager
    def _with_transforms(self, transforms: Sequence[Transform]) -> Iterator[None]:
        """Apply copies of these transforms to training batches inside the ``with`` block."""
        before = self._knobs.transforms
        self._knobs.transforms = tuple(adopt(transform, self, "transforms") for transform in transforms)
        try:
            yield
        finally:
            self._knobs.transforms = before

    def _check_settable(self, what: str) -> None:
        if not self.is_built:
            raise NotBuiltError(f"this network is not built yet: pass {what}= to build or fit")

    @property
    def weight_decay(self) -> float:
        """λ of the penalty ½·λ·ΣW². A new value takes effect at the next step."""
        return self._knobs.weight_decay

    @weight_decay.setter
    @sets
    def weight_decay(self, value: float) -> None:
        decay = number("weight_decay", value, 0)
        if self._knobs.grouping is not None:
            self._knobs.grouping.check_lazy(decay, self.optimizer)
        self._set_number("weight_decay", decay)

    @property
    def clip_norm(self) -> float:
        """Largest norm of the gradients, 0 for no limit. A new value takes effect at the next step."""
        return self._knobs.clip_norm

    @clip_norm.setter
    @sets
    def clip_norm(self, value: float) -> None:
        self._set_number("clip_norm", value)

    @property
    def clip_value(self) -> float:
        """Largest magnitude of a gradient, 0 for no limit. A new value takes effect at the next step."""
        return self._knobs.clip_value

    @clip_value.setter
    @sets
    def clip_value(self, value: float) -> None:
        self._set_number("clip_value", value)

    def _set_number(self, name: str, value: float) -> None:
        setattr(self._knobs, name, number(name, value, 0))
        self._knobs.moved()

    @property
    def seed(self) -> int:
        """Key of random numbers. A new value takes effect at the next step for dropout, at the next epoch for shuffling."""
        return self._knobs.seed

    @seed.setter
    @sets
    def seed(self, value: int) -> None:
        self._knobs.seed = whole_number("seed", value, 0, most=2**64 - 1)
        self._knobs.moved()

    @property
    def groups(self) -> Mapping[str, Mapping[str, Any]]:
        """Options of single tensors by patterns of their names, as in `fit`. New groups take effect at the next step.

        Giving tensors another optimizer resets the state of all optimizers.
        """
        return self._knobs.options

    @groups.setter
    @sets
    def groups(self, value: Mapping[str, Mapping[str, Any]]) -> None:
        groups = check_groups(value)
        self._replace_absent_rules(("groups",))
        if self._knobs.blueprint is None:
            self._knobs.options = self._own_groups(groups)
            return
        grouping = group_tensors(groups, self._knobs.blueprint)
        grouping.check(self.optimizer)
        grouping.check_lazy(self.weight_decay, self.optimizer)
        if self.optimizer is not None:
            check_rules(rules_of(self._built, groups, grouping), grouping, self.optimizer)
        if not self._keeps_optimizers(grouping):
            check_not_fitted(self, "groups with other optimizers")
        self._set_groups(groups)

    def _keeps_optimizers(self, grouping: Grouping) -> bool:
        """Whether every tensor that is trained before and after has the same optimizer."""
        if self.optimizer is None or "groups" in self.absent:
            return self.optimizer is None
        return same_optimizers(self._groups.optimizers_by_tensor(self.optimizer), grouping.optimizers_by_tensor(self.optimizer))

    def _own_groups(self, groups: Mapping[str, Mapping[str, Any]]) -> FrozenDict:
        """Copy settings with their components, for the network."""
        own: FrozenDict = frozen(copied_deeply({pattern: dict(options) for pattern, options in groups.items()}))
        bind(own, self, "groups")
        return own

    @property
    def rules(self) -> list[Rule]:
        """The regularizers and constraints of trained tensors, in the order of the tensors."""
        return rules_of(self._built, self._knobs.options, self._groups)

    # ---- what is known once it is built -------------------------------------------------------------------------------------

    @property
    def is_built(self) -> bool:
        """Whether shapes are known and parameters exist."""
        return self._knobs.blueprint is not None

    @property
    def _built(self) -> Blueprint:
        if self._knobs.blueprint is None:
            raise NotBuiltError(NOT_BUILT)
        return self._knobs.blueprint

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return self._built.input_shape

    @property
    def _groups(self) -> Grouping:
        if self._knobs.grouping is None:
            raise NotBuiltError(NOT_BUILT)
        return self._knobs.grouping
