"""`Surgery`: insert, remove and replace layers, freeze tensors, and copy weights."""

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
    """Changes of the layers and weights of a network that is built: the base of `Model`."""

    @rebuilds
    def append(self, layer: LayerLike | Network, *, rng: int | np.random.Generator | None = None, batch: Any = None) -> None:
        """Add a layer at the end of this network; see `insert`.

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
        """Insert a layer before another one in this network.

        All other layers keep their parameters and statistics. The optimizer keeps its arguments and loses its state, as after
        `reset_optimizer`. The loss stays if it fits the new outputs; otherwise pass one to `fit`.

        Parameters
        ----------
        index : int or str
            Index, as for a list, or name of the layer that will follow.
        layer : Layer, str or Sequential
            The new layer, as for `nncore.Sequential`. A built network, or a layer of one, brings a copy of its values.
        rng : int, Generator or None
            Seed of the initial values, if the network is built. None is different every time.
        batch : array-like of shape (n_samples, ...), optional
            Inputs of the network, if the initializer of the layer needs data.

        Raises
        ------
        ParameterError
            If there is no such place, or two layers would have one name. Or if the change renames a layer (``dense_2`` to ``dense_3``) so
            that patterns of `groups` match other tensors.
        ShapeError
            If a layer that stays cannot keep its values, since the width of its inputs would change.
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
        """Replace a layer of this network by another one; see `insert`.

        Parameters
        ----------
        which : int or str
            Index or name of the layer to remove.
        layer : Layer, str or Sequential
            The new layer, with its own values if it has any. It does not inherit the name.
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
        """Remove a layer from this network and return it; see `insert`.

        Parameters
        ----------
        which : int or str, default -1
            Index or name of the layer.

        Returns
        -------
        Layer
            The layer. It keeps its values and brings them into another network.

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
            raise ParameterError("this is the only layer of the network, which needs one: call replace, or make a new network")
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
        """Replace the layers from `begin` to `end` by others."""
        if self._absent:
            raise MissingPluginError(
                f"the layers of this network cannot be changed: {next(iter(self._absent.values())).reason}; or make a new network of "
                "slices, nn.Sequential(net[:2], nn.Dense(3))"
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
        """Become the network of these layers. Layers that stay, and those that bring values, keep them."""
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
                    f"this renames {old} to {new}, so that groups would train it in another way: set net.groups first, or give the layers "
                    "names of their own (name=)"
                )
        return grouping

    def _loss_fits(self, blueprint: Blueprint) -> bool:
        """Whether the loss fits the outputs of the new network."""
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
        """Freeze layers or tensors: training leaves them unchanged, from the next step on.

        Short for ``{"frozen": True}`` in `groups`.

        Parameters
        ----------
        *names : str
            Names of layers, or patterns of names of tensors: ``"encoder"``, ``"dense_[12].*"``, ``"*.bias"``.

        Raises
        ------
        ParameterError
            If no layer or tensor has such a name, or nothing would be left to train. Nothing is changed then.

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
            raise ParameterError('freeze needs names: freeze("dense_1") for a layer, freeze("*.bias") for tensors')
        self.groups = with_frozen(self.groups, self._built, self.layer_names, names, is_frozen=True)

    @sets
    def unfreeze(self, *names: str) -> None:
        """Train frozen layers or tensors again, from the next step on, with fresh optimizer state.

        Parameters
        ----------
        *names : str
            Names as for `freeze`. Without names, all tensors.

        Raises
        ------
        ParameterError
            If no layer or tensor has such a name. Nothing is changed then.
        """
        self.groups = with_frozen(self.groups, self._built, self.layer_names, names or ("*",), is_frozen=False)

    # ---- weights from elsewhere ---------------------------------------------------------------------------------------------

    @steps
    def copy_weights(
        self, source: Network | Mapping[str, Any], names: str | Iterable[str] | Mapping[str, str] | None = None, *, strict: bool = True
    ) -> list[str]:
        """Copy weights and running statistics into this network, from another network or from arrays by name.

        The optimizer keeps its state; call `reset_optimizer` to discard it. An optimizer that holds parameters itself, as those with an
        `Optimizer.evaluation` do, starts with fresh state. An average of parameters continues from the copied values.

        Parameters
        ----------
        source : Sequential or mapping of str to array-like
            A built network, or arrays by the names of tensors, for example ``np.load("weights.npz")``.
        names : str, iterable of str or mapping of str to str, optional
            Layers of this network to copy into, or patterns of names of its tensors. A dict maps names here to names in `source`, of
            layers or of tensors: ``{"encoder": "dense_1", "head.weight": "out.weight"}``. None is all.
        strict : bool, default True
            Raise if a tensor of `names` is missing in `source` or has another shape there; without `names`, also if `source` has more
            tensors. False copies those that fit.

        Returns
        -------
        list of str
            The names of the tensors of this network that were copied.

        Raises
        ------
        ParameterError
            If tensors do not fit, with `strict`, or if none fits; the message lists them. Nothing is changed then.
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
    """New names of the tensors of layers that stay, by their old names; `kept` are the addresses of these layers."""
    stages = {id(stage.layer): stage for stage in before.stages}
    return {
        stages[id(stage.layer)].full_name(tensor): stage.full_name(tensor)
        for stage in after.stages
        if id(stage.layer) in kept and id(stage.layer) in stages
        for tensor in stage.own_tensors
    }
