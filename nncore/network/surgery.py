"""`Surgery`: layers put into a network, taken out and exchanged, tensors frozen, and weights copied from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from nncore.arguments import as_seed, is_whole, shown
from nncore.contract import Layer, adopt, alike, bond_of, components_in
from nncore.data import as_matrix, as_samples
from nncore.errors import MissingPluginError, NNCoreError, ParameterError
from nncore.network.copying import copied_weights
from nncore.network.freezing import with_frozen
from nncore.network.layer_list import LayerList, check_distinct
from nncore.network.network import Network, bring_values, carried_by, flattened, zeros
from nncore.network.turns import rebuilds, sets, steps
from nncore.program import (
    Blueprint,
    Grouping,
    check_outputs,
    check_rules,
    group_tensors,
    initialise,
    layer_names,
    options_of,
    plan_network,
    project,
    rules_of,
)
from nncore.typing import LayerLike
from nncore.words import explains_calls


@explains_calls
class Surgery(Network):
    """A network whose parts are changed after it was built: the base of `Model`."""

    @rebuilds
    def append(self, layer: LayerLike | Network, *, rng: int | np.random.Generator | None = None, batch: Any = None) -> None:
        """Put a layer at the end, in this network; see `insert`.

        Parameters
        ----------
        layer : Layer, str or Sequential
            As for `nncore.Sequential`.
        rng, batch : optional
            As for `insert`.

        Examples
        --------
        >>> import nncore as nn
        >>> net = nn.Sequential(nn.Dense(8, activation="relu")).build(3, rng=0)
        >>> net.append(nn.Dense(2), rng=0)
        >>> net.layer_names, net.output_shape
        (['dense_1', 'dense_2'], (2,))
        """
        self._exchange(len(self._layers), len(self._layers), layer, rng, batch)

    @rebuilds
    def insert(
        self, index: int | str, layer: LayerLike | Network, *, rng: int | np.random.Generator | None = None, batch: Any = None
    ) -> None:
        """Put a layer before another one, in this network.

        All other layers keep their parameters and statistics. The optimizer keeps its numbers and begins anew, as after `reset_optimizer`.
        The loss stays if it can go with the new outputs, else `fit` has to be given one.

        Parameters
        ----------
        index : int or str
            Of the layer that will come after it, as for a list, or its name.
        layer : Layer, str or Sequential
            As for `nncore.Sequential`: a built network, and a layer of one, bring a copy of their values.
        rng : int, Generator or None
            Of first values, if the network is built. None is different every time.
        batch : array-like of shape (n_samples, ...), optional
            Inputs of the network, if the first values of the layer look at data.

        Raises
        ------
        ParameterError
            If there is no such place, or two layers would have one name; or if `groups` would say something else of a tensor, since the
            number in the name of its layer changes.
        ShapeError
            If a layer that stays cannot keep its values, since its inputs would have another width.
        BusyError
            During a fit. In all cases nothing is changed.

        Examples
        --------
        >>> import nncore as nn
        >>> net = nn.Sequential(nn.Dense(8, activation="relu"), nn.Dense(2, name="head")).build(3, rng=0)
        >>> net.insert("head", nn.Dropout(0.2))
        >>> net.layer_names
        ['dense_1', 'dropout_1', 'head']
        """
        place = self._place_of(index, is_new=True)
        self._exchange(place, place, layer, rng, batch)

    @rebuilds
    def replace(
        self, which: int | str, layer: LayerLike | Network, *, rng: int | np.random.Generator | None = None, batch: Any = None
    ) -> None:
        """Put a layer into the place of another one, in this network; see `insert`.

        Parameters
        ----------
        which : int or str
            The layer that goes, by its index or its name.
        layer : Layer, str or Sequential
            What comes, with its own values if it has any. It does not take over the name.
        rng, batch : optional
            As for `insert`.

        Examples
        --------
        >>> import nncore as nn
        >>> net = nn.Sequential(nn.Dense(8, activation="relu"), nn.Dense(10, name="head")).build(3, rng=0)
        >>> net.replace("head", nn.Dense(2, name="head"), rng=0)
        >>> net.output_shape
        (2,)
        """
        place = self._place_of(which)
        self._exchange(place, place + 1, layer, rng, batch)

    @rebuilds
    def pop(self, which: int | str = -1) -> Layer:
        """Take a layer out of this network; see `insert`.

        Parameters
        ----------
        which : int or str, default -1
            By its index or its name.

        Returns
        -------
        Layer
            It keeps its values, and brings them into the network that it is given to.

        Examples
        --------
        >>> import nncore as nn
        >>> net = nn.Sequential(nn.Dense(8, activation="relu"), nn.Dense(10)).build(3, rng=0)
        >>> net.pop().n_outputs
        10
        >>> net.output_shape
        (8,)
        """
        place = self._place_of(which)
        if len(self._layers) == 1:
            raise ParameterError("a network has at least one layer, and this one has no other: replace it, or make a new network")
        gone: Layer = self._layers[place]
        self._exchange(place, place + 1, (), None, None)
        return gone

    def _place_of(self, which: Any, *, is_new: bool = False) -> int:
        """The index of a layer, from its index or name; of a new one, also the end."""
        names, n = self.layer_names, len(self._layers)
        if isinstance(which, str):
            if which not in names:
                raise ParameterError(f"there is no layer {which!r:.60}; there are {', '.join(names)}")
            return names.index(which)
        if not is_whole(which) or not -n <= which < n + is_new:
            raise ParameterError(
                f"{'index' if is_new else 'which'} must be the name of a layer or a whole number from {-n} to {n - 1 + is_new}, "
                f"got {shown(which)}"
            )
        return int(which) + n if which < 0 else int(which)

    def _exchange(self, begin: int, end: int, new: Any, rng: Any, batch: Any) -> None:
        """Let other layers stand in the place of those from `begin` to `end`."""
        if self._absent:
            raise MissingPluginError(
                f"the layers of this network cannot be changed as it is: {next(iter(self._absent.values())).reason}; or make a new network "
                "of slices, nn.Sequential(net[:2], nn.Dense(3))"
            )
        coming = list(flattened((new,) if not isinstance(new, tuple) else new))
        kept, going = [*self._layers[:begin], *self._layers[end:]], self._layers[begin:end]
        given = [*self._layers[:begin], *coming, *self._layers[end:]]
        names = layer_names(given)
        check_distinct(given, names)
        copies = [adopt(layer, self, "layers") for layer in coming]
        for layer, own in zip(coming, copies, strict=True):
            bring_values(layer, own)
        layers = LayerList([*self._layers[:begin], *copies, *self._layers[end:]])
        if self._knobs.blueprint is None:
            self._layers = layers
        else:
            self._rebuild(layers, names, kept, rng, batch)
        for layer in going:
            for part in components_in(layer):
                if (bond := bond_of(part)) is not None:
                    bond.release()

    def _rebuild(self, layers: LayerList, names: Sequence[str], kept: Sequence[Layer], rng: Any, batch: Any) -> None:
        """Become the network of these layers, with the values of those that are kept or come with values."""
        before = self._built
        blueprint = plan_network(layers, names, self.input_shape)
        own = {id(part) for layer in kept for part in components_in(layer)}
        renamed = _renamed(before, blueprint, own)
        grouping = self._checked_groups(blueprint, renamed)
        loss = self.loss if self._loss_fits(blueprint) else None
        rules = rules_of(blueprint, self.groups, grouping)
        if self.optimizer is not None:
            check_rules(rules, grouping, self.optimizer)
        carried: dict[str, np.ndarray] = {}
        for stage in blueprint.stages:
            bond = bond_of(stage.layer) if id(stage.layer) in own else None
            values: Mapping[str, np.ndarray] = carried_by(stage.layer) if bond is None else bond.values
            carried |= {f"{stage.name}.{name}": view.copy() for name, view in values.items()}
        rows = None
        if batch is not None:
            rows = as_matrix(as_samples(batch, "batch", self.input_shape, self.dtype, blueprint.accepts_nan), self.dtype)
        vectors = zeros(blueprint, self.dtype)
        initialise(blueprint, vectors, np.random.default_rng([as_seed(rng), 0]), rows, carried)
        project(rules, vectors.parameters)
        n_epochs = self.n_epochs
        self._layers = layers
        self._take(blueprint, grouping, vectors, loss, self.optimizer)
        self.n_epochs = n_epochs

    def _checked_groups(self, blueprint: Blueprint, renamed: Mapping[str, str]) -> Grouping:
        """The groups of the new network, in which tensors that stay are trained as before."""
        try:
            grouping = group_tensors(self.groups, blueprint)
            grouping.check(self.optimizer)
        except NNCoreError as error:
            error.add_note("These are the groups of the network: set net.groups first.")
            raise
        for old, new in renamed.items():
            if not alike(options_of(self.groups, old), options_of(self.groups, new)):
                raise ParameterError(
                    f"groups would train what is called {old} in another way, since it would be called {new}: set net.groups first, or "
                    "give the layers names (name=), which stay"
                )
        return grouping

    def _loss_fits(self, blueprint: Blueprint) -> bool:
        """Whether the loss can go with the outputs of the new network."""
        if self.loss is None:
            return False
        try:
            self.loss.n_targets(blueprint.n_outputs)
            check_outputs(self.loss, blueprint)
        except NNCoreError:
            return False
        return True

    # ---- what is trained ----------------------------------------------------------------------------------------------------

    @sets
    def freeze(self, *names: str) -> None:
        """Leave tensors as they are from the next step on: short for ``{"frozen": True}`` in `groups`.

        Parameters
        ----------
        *names : str
            Layers, or patterns of the names of tensors: ``"encoder"``, ``"dense_[12].*"``, ``"*.bias"``.

        Raises
        ------
        ParameterError
            If nothing has such a name, or nothing would be left to train. Nothing is changed then.

        Examples
        --------
        >>> import nncore as nn
        >>> net = nn.Sequential(nn.Dense(8, name="encoder"), nn.Dense(2)).build(3, rng=0)
        >>> net.freeze("encoder")
        >>> net.groups
        {'encoder.*': {'frozen': True}}
        >>> net.unfreeze()
        >>> net.groups
        {}
        """
        if not names:
            raise ParameterError('freeze wants names: freeze("dense_1") for a layer, freeze("*.bias") for tensors')
        self.groups = with_frozen(self.groups, self._built, self.layer_names, names, is_frozen=True)

    @sets
    def unfreeze(self, *names: str) -> None:
        """Train tensors again that are frozen, from the next step on. They begin with fresh state of the optimizer.

        Parameters
        ----------
        *names : str
            As for `freeze`. None are all tensors.

        Raises
        ------
        ParameterError
            If nothing has such a name. Nothing is changed then.
        """
        self.groups = with_frozen(self.groups, self._built, self.layer_names, names or ("*",), is_frozen=False)

    # ---- weights from elsewhere ---------------------------------------------------------------------------------------------

    @steps
    def copy_weights(
        self, source: Network | Mapping[str, Any], names: str | Iterable[str] | Mapping[str, str] | None = None, *, strict: bool = True
    ) -> list[str]:
        """Copy parameters and running statistics of another network, or arrays by name, into this one.

        What the optimizer remembers stays (`reset_optimizer` lets it begin anew), unless it holds parameters itself, as those with an
        `Optimizer.evaluation` do: such a one begins anew. An average of parameters goes on from the copied values.

        Parameters
        ----------
        source : Sequential or mapping of str to array-like
            A built network, or arrays by the names of tensors, for example ``np.load("weights.npz")``.
        names : str, iterable of str or mapping of str to str, optional
            Which of this network: layers, or patterns of the names of tensors. Or a dict from names here to names in `source`, of layers
            or of tensors: ``{"encoder": "dense_1", "head.weight": "out.weight"}``. None is all.
        strict : bool, default True
            Raise if something of `names` is not in `source`, or has another shape there; without `names` also if `source` has more. False
            copies what fits.

        Returns
        -------
        list of str
            The names of the tensors of this network that were copied.

        Raises
        ------
        ParameterError
            If something does not fit; the message lists all of it. Nothing is changed then. So it is if nothing fits at all.
        BusyError
            While another thread fits this network.

        Examples
        --------
        >>> import nncore as nn
        >>> trained = nn.Sequential(nn.Dense(8), nn.Dense(10)).build(3, rng=0)
        >>> net = nn.Sequential(nn.Dense(8, name="encoder"), nn.Dense(2)).build(3, rng=1)
        >>> net.copy_weights(trained, {"encoder": "dense_1"})
        ['encoder.weight', 'encoder.bias']
        """
        return copied_weights(self, source, names, strict)


def _renamed(before: Blueprint, after: Blueprint, kept: set[int]) -> dict[str, str]:
    """What tensors of layers that stay are called after a change, by their names before it; `kept` are the addresses of those layers."""
    stages = {id(stage.layer): stage for stage in before.stages}
    return {
        stages[id(stage.layer)].full_name(tensor): stage.full_name(tensor)
        for stage in after.stages
        if id(stage.layer) in kept and id(stage.layer) in stages
        for tensor in stage.own_tensors
    }
