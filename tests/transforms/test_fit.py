"""Transforms in a fit: rungs, threads, resuming, which data are transformed, and errors before anything changes."""

from __future__ import annotations

import copy
import ctypes
import pickle
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import nncore as nn
from nncore.contract import random_words
from nncore.errors import ParameterError, PluginError
from nncore.plugin import Kernel, Loss, Transform, TransformCall, function_table
from nncore.testing import numpy_twin, team_of
from nncore.transforms.mixup import mixing_share, partner_distance

RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 4))
LABELS = RNG.integers(3, size=150)
ONE_HOT, REALS, WEIGHTS = np.eye(3)[LABELS], RNG.normal(size=(150, 3)), RNG.uniform(0.5, 2, 150)
LISTS: dict[str, list[Any]] = {
    "noise": [nn.GaussianNoise(0.3)],
    "mixup": [nn.Mixup(0.4)],
    "feature_dropout": [nn.FeatureDropout(0.2)],
    "two": [nn.Mixup(1.0), nn.GaussianNoise(0.1)],
    "three": [nn.FeatureDropout(0.1), nn.Mixup(0.4), nn.GaussianNoise(0.1)],
    "twice": [nn.GaussianNoise(0.1), nn.GaussianNoise(0.1)],
    "numpy": [numpy_twin(nn.GaussianNoise(0.3)), nn.Mixup(0.4), numpy_twin(nn.FeatureDropout(0.2))],
}


def network(dtype: str = "float32") -> nn.Sequential:
    return nn.Sequential(nn.Dense(6, activation="tanh"), nn.Dropout(0.1), nn.Dense(3)).build(4, rng=0, dtype=dtype)


def fit(net: nn.Sequential, y: np.ndarray = LABELS, **arguments: Any) -> nn.History:
    settings = {"loss": "softmax_cross_entropy", "optimizer": "adam", "epochs": 2, "batch_size": 40, "progress": False}
    return net.fit(X, y, **settings | arguments)


def bits(y: np.ndarray = LABELS, dtype: str = "float32", **arguments: Any) -> np.ndarray:
    """Parameters after a fit."""
    net = network(dtype)
    history = fit(net, y, **arguments)
    assert np.isfinite(history["loss"]).all()
    return net.parameters.copy()


# ---- the same bits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("transforms", LISTS.values(), ids=LISTS)
@pytest.mark.parametrize("y", [LABELS, ONE_HOT], ids=["labels", "one-hot"])
def test_threads_do_not_change_a_bit(y: np.ndarray, transforms: list[Any], dtype: str) -> None:
    expected = bits(y, dtype, transforms=transforms)
    for n_parts in (2, 3):
        with team_of(n_parts):
            np.testing.assert_array_equal(bits(y, dtype, transforms=transforms), expected)


def test_neither_do_slices_of_a_large_batch() -> None:
    """Slices of a large batch give the same bits, with more rows than pass through the ops at a time."""
    rng = np.random.default_rng(1)
    inputs, y = rng.normal(size=(20_000, 40)).astype(np.float32), rng.integers(3, size=20_000)
    ends = []
    for n_parts in (1, 3):
        net = nn.Sequential(nn.Dense(30, activation="tanh"), nn.Dense(3))
        with team_of(n_parts):
            net.fit(inputs, y, loss="softmax_cross_entropy", batch_size=9000, epochs=1, transforms=LISTS["three"], rng=0, progress=False)
        ends.append(net.parameters)
    np.testing.assert_array_equal(ends[1], ends[0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("transforms", [LISTS[name] for name in ("noise", "mixup", "feature_dropout", "three")])
@pytest.mark.parametrize("y", [LABELS, ONE_HOT, REALS], ids=["labels", "one-hot", "reals"])
def test_rungs_agree(y: np.ndarray, transforms: list[Any], dtype: str) -> None:
    loss = "mse" if y is REALS else "softmax_cross_entropy"
    arguments: dict[str, Any] = {"loss": loss, "sample_weight": WEIGHTS, "optimizer": nn.SGD(lr=0.1)}
    compiled = bits(y, dtype, transforms=transforms, **arguments)
    on_numpy = bits(y, dtype, transforms=[numpy_twin(transform) for transform in transforms], **arguments)
    np.testing.assert_allclose(on_numpy, compiled, rtol=0, atol=1e-5 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("transforms", [LISTS["three"], LISTS["numpy"]], ids=["compiled", "numpy"])
def test_labels_and_one_hot_targets_are_the_same(transforms: list[Any]) -> None:
    np.testing.assert_array_equal(bits(LABELS, transforms=[nn.Mixup(), *transforms]), bits(ONE_HOT, transforms=[nn.Mixup(), *transforms]))


@pytest.mark.parametrize("transforms", LISTS.values(), ids=LISTS)
def test_a_fit_goes_on_from_a_file(transforms: list[Any], tmp_path: Path) -> None:
    whole, part = network(), network()
    fit(whole, transforms=transforms, epochs=4)
    for _ in range(2):
        fit(part, transforms=transforms, epochs=2)
        part.save(tmp_path / "part.nncore")
        part = nn.load(tmp_path / "part.nncore")
    np.testing.assert_array_equal(part.parameters, whole.parameters)


def test_data_in_order_on_disk_and_in_blocks_train_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments: dict[str, Any] = {"transforms": LISTS["three"], "loss": "softmax_cross_entropy", "shuffle": False, "batch_size": 40}
    arguments |= {"epochs": 2, "progress": False}
    single = X.astype(np.float32)
    np.save(tmp_path / "X.npy", single)
    ends = []
    for inputs in (single, np.load(tmp_path / "X.npy", mmap_mode="r"), X):
        net = network()
        if inputs is X:
            monkeypatch.setattr("nncore.data.dataset.CONVERT_AT_ONCE", 0)
            monkeypatch.setattr("nncore.blocks.BLOCK", 700)
        net.fit(inputs, LABELS, **arguments)
        ends.append(net.parameters)
    np.testing.assert_array_equal(ends[1], ends[0])
    np.testing.assert_array_equal(ends[2], ends[0])
    np.testing.assert_array_equal(single, X.astype(np.float32))  # the user's array is unchanged


@pytest.mark.parametrize("name", ["gaussian_noise", "mixup", "feature_dropout"])
def test_names_classes_and_descriptions_mean_the_same(name: str) -> None:
    cls = nn.get("transforms", name)
    expected = bits(transforms=[name])
    for given in (cls, cls(), {"name": name}):
        np.testing.assert_array_equal(bits(transforms=[given]), expected)
    assert not np.array_equal(bits(), expected)


# ---- transformed data -------------------------------------------------------------------------------------------------------


class Spy(Transform):
    """Records its calls; changes nothing."""

    def __init__(self, mixes: bool = False) -> None:
        self.mixes = mixes

    def apply(self, call: TransformCall) -> None:
        SEEN.append(copy.deepcopy(call))


class MixingSpy(Spy):
    mixes_targets = True


SEEN: list[TransformCall] = []


def seen(transforms: list[Any], **arguments: Any) -> list[TransformCall]:
    SEEN.clear()
    fit(network("float64"), transforms=transforms, **{"epochs": 1, "shuffle": False} | arguments)
    return list(SEEN)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_each_transform_gets_what_the_one_before_has_left(n: int) -> None:
    class Doubling(Transform):
        def apply(self, call: TransformCall) -> None:
            call.x *= 2

    calls = seen([Doubling() for _ in range(n)] + [Spy()])
    np.testing.assert_array_equal(np.concatenate([call.source for call in calls]), X * 2**n)
    assert [len(call.x) for call in calls] == [40, 40, 40, 30]
    assert [call.step for call in calls] == [1, 2, 3, 4]
    assert {call.layer for call in calls} == {2**32 - 2 - n}
    assert all(call.target is call.weight is call.source_target is call.source_weight is None for call in calls)


@pytest.mark.parametrize("first", [[], [nn.Mixup()], [nn.FeatureDropout(), nn.GaussianNoise()]], ids=["none", "mixup", "two"])
def test_targets_and_weights_reach_those_that_mix_them(first: list[Any]) -> None:
    calls = seen([*first, MixingSpy()], sample_weight=WEIGHTS)
    for call, start in zip(calls, range(0, 150, 40), strict=True):
        rows, weights = slice(start, start + 40), WEIGHTS[start : start + 40]
        assert call.source_target is not None
        assert call.source_weight is not None
        if not first or not first[0].mixes_targets:
            np.testing.assert_array_equal(call.source_target, ONE_HOT[rows])
            np.testing.assert_allclose(call.source_weight, weights / weights.sum(), rtol=1e-12)
        np.testing.assert_allclose(call.source_target.sum(axis=1), 1, rtol=1e-12)
        assert call.source_weight.sum() == pytest.approx(1, abs=1e-12)


def test_mixup_trains_on_the_mixtures_of_its_random_words() -> None:
    """Mixup trains on mixtures from its random words: a fit of one step equals `train_on_batch` with a batch mixed here."""
    fitted, by_hand = network("float64"), network("float64")
    fit(fitted, transforms=[nn.Mixup(1.0)], epochs=1, batch_size=150, shuffle=False, optimizer=nn.SGD(lr=0.5))
    words = random_words(by_hand.seed, 1, 2**32 - 2, 4)
    share, partner = mixing_share(words, 1.0), (np.arange(150) + partner_distance(words, 150)) % 150
    by_hand.build(4, loss="softmax_cross_entropy", optimizer=nn.SGD(lr=0.5), rng=0, dtype="float64")
    by_hand.train_on_batch(share * X + (1 - share) * X[partner], share * ONE_HOT + (1 - share) * ONE_HOT[partner])
    np.testing.assert_allclose(fitted.parameters, by_hand.parameters, rtol=0, atol=1e-13)


def test_batches_that_make_a_step_are_transformed_one_by_one() -> None:
    calls = seen([Spy()], accumulate=2)
    assert [call.step for call in calls] == [1, 2, 3, 4]
    bits(transforms=LISTS["three"], accumulate=2)


def test_drop_last_and_samplers_go_with_transforms() -> None:
    assert [len(call.x) for call in seen([Spy()], drop_last=True)] == [40, 40, 40]
    bits(transforms=LISTS["three"], sampler="balanced", drop_last=True)


def test_nothing_else_is_transformed() -> None:
    net = network()
    SEEN.clear()
    fit(net, transforms=[Spy()], epochs=0)
    net.predict(X)
    net.evaluate(X, LABELS)
    net.forward(X, training=True)
    net.backward(LABELS)
    net.step()
    net.train_on_batch(X, LABELS)
    net.input_gradients(X, y=LABELS)
    assert SEEN == []
    fit(net, epochs=1)
    assert SEEN == []
    fit(net, transforms=[Spy()], epochs=1, batch_size=150, validation=(X, LABELS))
    assert len(SEEN) == 1


def test_steps_by_hand_are_the_same_after_a_fit_with_transforms() -> None:
    transformed, plain = network(), network()
    fit(transformed, transforms=LISTS["mixup"], epochs=1)
    plain = pickle.loads(pickle.dumps(transformed))
    for net in (transformed, plain):
        net.train_on_batch(X, LABELS)
        fit(net, epochs=1)
    np.testing.assert_array_equal(transformed.parameters, plain.parameters)


def test_the_file_and_the_network_do_not_keep_them(tmp_path: Path) -> None:
    net = network()
    fit(net, transforms=LISTS["three"])
    assert net.transforms == ()
    net.save(tmp_path / "net.nncore")
    assert "mixup" not in str(nn.load(tmp_path / "net.nncore").describe())
    assert b"mixup" not in pickle.dumps(net)


# ---- whole batches ----------------------------------------------------------------------------------------------------------


class Spread(Loss):
    """Half the squared errors, less those of the batch's mean: a loss of whole batches."""

    needs_batch = True

    def forward(self, output: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
        error = output - target
        return np.asarray(0.5 * (error**2).sum(axis=1) + 0.1 * ((weight @ output) ** 2).sum(), output.dtype)

    def backward(self, output: np.ndarray, target: np.ndarray, weight: np.ndarray) -> np.ndarray:
        return np.asarray(weight[:, None] * (output - target + 0.2 * (weight @ output)), output.dtype)


def test_losses_of_whole_batches_go_with_transforms() -> None:
    expected = bits(REALS, transforms=LISTS["three"], loss=Spread(), sample_weight=WEIGHTS)
    with team_of(3):
        np.testing.assert_array_equal(bits(REALS, transforms=LISTS["three"], loss=Spread(), sample_weight=WEIGHTS), expected)


# ---- columns, codes, missing values ---------------------------------------------------------------------------------------------


CODED = np.column_stack([RNG.integers(5, size=150), RNG.normal(size=(150, 2)), RNG.integers(3, size=150)]).astype(np.float64)


def coded_network() -> nn.Sequential:
    return nn.Sequential(nn.Embedding([5, 3], columns=[0, 3]), nn.Dense(3))


class Everything(Transform):
    """Writes to everything it gets."""

    def apply(self, call: TransformCall) -> None:
        COLUMNS.append(call.columns.copy())
        call.x[...] = 99


COLUMNS: list[np.ndarray] = []


@pytest.mark.parametrize("after", [[], [nn.GaussianNoise()]], ids=["alone", "with another"])
def test_codes_of_categories_are_put_back(after: list[Any]) -> None:
    SEEN.clear()
    COLUMNS.clear()
    transforms = [Everything(), *after, Spy()]
    coded_network().fit(CODED, LABELS, loss="softmax_cross_entropy", transforms=transforms, epochs=1, shuffle=False, progress=False)
    source = np.concatenate([call.source for call in SEEN])
    np.testing.assert_array_equal(source[:, [0, 3]], CODED[:, [0, 3]])
    assert not np.isin(source[:, [1, 2]], CODED).any()
    np.testing.assert_array_equal(COLUMNS[0], [False, True, True, False])


@pytest.mark.parametrize("name", ["gaussian_noise", "mixup", "feature_dropout"])
def test_built_in_ones_leave_codes_alone(name: str) -> None:
    SEEN.clear()
    coded_network().fit(CODED, LABELS, loss="softmax_cross_entropy", transforms=[name, Spy()], epochs=1, shuffle=False, progress=False)
    source = np.concatenate([call.source for call in SEEN])
    np.testing.assert_array_equal(source[:, [0, 3]], CODED[:, [0, 3]])
    assert (source[:, [1, 2]] != CODED[:, [1, 2]].astype(np.float32)).any(axis=0).all()


@pytest.mark.parametrize("columns", [[1], (2, 0), np.array([3]), range(4)], ids=str)
def test_columns_say_which_features_change(columns: Any) -> None:
    call = seen([nn.GaussianNoise(columns=columns), Spy()], batch_size=150)[0]
    changed = (call.source != X).any(axis=0)
    np.testing.assert_array_equal(np.flatnonzero(changed), sorted(columns))


def test_columns_of_samples_of_any_shape_are_counted_flat() -> None:
    SEEN.clear()
    net = nn.Sequential(nn.Flatten(), nn.Dense(3))
    transforms = [nn.GaussianNoise(columns=[3]), Spy()]
    net.fit(X.reshape(150, 2, 2), LABELS, loss="softmax_cross_entropy", transforms=transforms, epochs=1, shuffle=False, progress=False)
    source = np.concatenate([call.source for call in SEEN])
    np.testing.assert_array_equal(source[:, :3], X[:, :3].astype(np.float32))


def test_codes_behind_views_and_in_branches_are_found() -> None:
    branches = nn.Concat([[nn.Embedding(5, columns=[0])], [nn.Dense(2)]])
    COLUMNS.clear()
    net = nn.Sequential(nn.Flatten(), branches, nn.Dense(3))
    net.fit(CODED, LABELS, loss="softmax_cross_entropy", transforms=[Everything()], epochs=1, progress=False)
    np.testing.assert_array_equal(COLUMNS[0], [False, True, True, True])


@pytest.mark.parametrize("name", ["gaussian_noise", "mixup", "feature_dropout"])
@pytest.mark.parametrize("n_parts", [1, 3])
def test_missing_values_reach_the_layer_that_fills_them(name: str, n_parts: int) -> None:
    inputs = X.copy()
    inputs[::3, 1] = np.nan
    SEEN.clear()
    with team_of(n_parts):
        net = nn.Sequential(nn.FillMissing(), nn.Dense(3))
        net.fit(inputs, LABELS, loss="softmax_cross_entropy", transforms=[name, Spy()], epochs=1, shuffle=False, progress=False)
    np.testing.assert_array_equal(np.isnan(np.concatenate([call.source for call in SEEN])), np.isnan(inputs))


# ---- errors -----------------------------------------------------------------------------------------------------------------


def embedding_behind_a_layer() -> nn.Sequential:
    return nn.Sequential(nn.FillMissing(columns=[1, 2]), nn.Embedding(5, columns=[0]), nn.Dense(3))


REFUSALS: dict[str, tuple[Any, Any, np.ndarray, Any, str]] = {
    "no list": (network, "mixup", LABELS, "softmax_cross_entropy", "transforms must be a list"),
    "no name": (network, ["mixupp"], LABELS, "softmax_cross_entropy", "mixup"),
    "no such column": (network, [nn.GaussianNoise(columns=[4])], LABELS, "softmax_cross_entropy", "there is no column 4.*4 features"),
    "a code": (coded_network, [nn.GaussianNoise(columns=[1, 3])], LABELS, "softmax_cross_entropy", "column 3 holds codes of categories"),
    "codes alone": (
        lambda: nn.Sequential(nn.Embedding(5), nn.Dense(3)), ["mixup"], LABELS, "softmax_cross_entropy", "all 4 features are codes"
    ),
    "unknown codes": (embedding_behind_a_layer, ["mixup"], LABELS, "softmax_cross_entropy", r"embedding_1 reads codes .*columns=\["),
    "heads": (
        lambda: nn.Sequential(nn.Dense(4)), ["mixup"], np.column_stack([LABELS % 2, LABELS // 2]),
        nn.SoftmaxHeads(n_classes=[2, 2]), r"Mixup.* does not take mixtures: .*softmax_cross_entropy",
    ),
    "margins": (network, ["mixup"], LABELS, "hinge", "does not take mixtures"),
}  # fmt: skip


@pytest.mark.parametrize(("make", "transforms", "y", "loss", "message"), REFUSALS.values(), ids=REFUSALS)
def test_refusals_come_before_anything_is_changed(make: Any, transforms: Any, y: np.ndarray, loss: Any, message: str) -> None:
    net = make()
    before = net.parameters.copy() if net.is_built else None
    with pytest.raises(nn.errors.NNCoreError, match=message):
        fit(net, y, transforms=transforms, loss=loss, weight_decay=0.5)
    assert net.weight_decay == 0
    assert net.loss is None
    assert net.is_built == (before is not None)


class Labelled(nn.SoftmaxCrossEntropy):
    """Accepts only class indices."""

    targets = "labels"


def test_a_loss_of_class_indices_alone_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"Labelled.* does not take mixtures: it takes class indices, not a probability"):
        fit(network(), transforms=["mixup"], loss=Labelled())
    fit(network(), transforms=["gaussian_noise"], loss=Labelled())


@pytest.mark.parametrize("columns", [[], [-1], [1, 1], [0.5], 3, "1", [True]], ids=str)
def test_columns_are_checked_where_they_are_written(columns: Any) -> None:
    with pytest.raises(ParameterError, match="GaussianNoise: columns must be None or different whole numbers"):
        nn.GaussianNoise(columns=columns)


def test_explicit_columns_are_taken_where_codes_are_not_known() -> None:
    net = embedding_behind_a_layer()
    net.fit(CODED, LABELS, loss="softmax_cross_entropy", transforms=[nn.GaussianNoise(columns=[1, 2])], epochs=1, progress=False)


# ---- during a fit -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [nn.GaussianNoise, lambda std: numpy_twin(nn.GaussianNoise(std))], ids=["compiled", "numpy"])
def test_what_a_callback_sets_holds_from_the_next_step_on(make: Any) -> None:
    given = make(0.1)

    def change(training: Any) -> None:
        assert training.transforms[0] is not given
        training.transforms[0].std = 0.7

    changed, expected = network(), network()
    fit(changed, transforms=[given], callbacks=[change])
    fit(expected, transforms=[make(0.1)], epochs=1)
    fit(expected, transforms=[make(0.7)], epochs=1)
    np.testing.assert_array_equal(changed.parameters, expected.parameters)
    assert given.std == 0.1


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("std", -1, r"std must be a number in \[0, inf\)"),
        ("columns", [0], "pass other transforms= to fit"),
        ("kernel", None, "is an attribute of the class"),
    ],
)
def test_what_cannot_be_set_is_refused(name: str, value: Any, message: str) -> None:
    def change(training: Any) -> None:
        with pytest.raises(ParameterError, match=message):
            setattr(training.transforms[0], name, value)
        told.append(training.transforms[0].std)

    told: list[float] = []
    fit(network(), transforms=[nn.GaussianNoise(0.3, columns=[1, 2])], callbacks=[change], epochs=1)
    assert told == [0.3]


def test_copies_and_pickles_made_by_a_callback_have_none() -> None:
    def look(training: Any) -> None:
        for other in (copy.deepcopy(training.network), pickle.loads(pickle.dumps(training.network))):
            assert other.transforms == ()
            fit(other, epochs=1)
        assert len(training.network.transforms) == 3

    fit(network(), transforms=LISTS["three"], callbacks=[look], epochs=1)


def test_a_callback_may_train_the_network_otherwise() -> None:
    """Training by hand in a callback does not use the fit's transforms, which the fit continues to use."""

    def interlude(training: Any) -> None:
        if training.epoch == 1:
            SEEN.clear()
            training.network.train_on_batch(X, LABELS)
            assert SEEN == []

    fit(network(), transforms=[Spy()], callbacks=[interlude], epochs=2, batch_size=150)
    assert len(SEEN) == 1


class Stumbling(Transform):
    def apply(self, call: TransformCall) -> None:
        if call.step == 3:
            raise ValueError("the third step")
        call.x *= 2


def test_an_error_of_python_leaves_the_last_step() -> None:
    net, expected = network(), network()
    with pytest.raises(ValueError, match="the third step"):
        fit(net, transforms=[Stumbling()], optimizer=nn.SGD(lr=0.1))
    assert net.n_steps == 2
    assert net.transforms == ()
    with pytest.raises(ValueError, match="the third step"), team_of(3):
        fit(expected, transforms=[Stumbling()], optimizer=nn.SGD(lr=0.1))
    np.testing.assert_array_equal(net.parameters, expected.parameters)


@ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)
def failing(call: int) -> int:
    return 3


class Failing(Transform):
    kernel = Kernel("failing_transform:table")


def test_a_kernel_that_fails_is_named_and_leaves_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("failing_transform")
    address = ctypes.cast(failing, ctypes.c_void_p).value
    assert address is not None
    module.table = function_table("transform", apply_f32=address)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "failing_transform", module)
    net = network()
    before = net.parameters.copy()
    with pytest.raises(PluginError, match=r"kernel of Failing\(\) reported an error at step 1, 3"):
        fit(net, transforms=[nn.GaussianNoise(), Failing()])
    np.testing.assert_array_equal(net.parameters, before)
    with pytest.raises(PluginError, match=r"transform Failing: the kernel has no apply_f64"):
        fit(network("float64"), transforms=[Failing()])


class WithoutKernel(nn.GaussianNoise):
    kernel = Kernel("nncore._core.native:layer_dense")


def test_a_kernel_of_another_kind_is_refused() -> None:
    with pytest.raises(PluginError, match=r"transform WithoutKernel: the kernel is .*nncore\.transform"):
        fit(network(), transforms=[WithoutKernel()])
