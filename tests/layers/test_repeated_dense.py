"""The first layer of an ensemble is `RepeatMembers` and `MembersDense` in one, and reads sparse samples as well."""

import numpy as np
import pytest
import scipy.sparse

import nncore as nn
from nncore.errors import ParameterError, ShapeError
from nncore.testing import team_of

N, WIDTH, K = 70, 300, 5
X = scipy.sparse.random(N, WIDTH, 0.05, format="csr", random_state=0)
X.data[X.indptr[4] : X.indptr[6]] = 0
X.eliminate_zeros()
Y = np.random.default_rng(1).integers(3, size=N)
WAYS = {"tabm": {}, "tabm-mini": {"scale_outputs": False, "share_bias": True}, "no bias": {"use_bias": False}}


def network(first, dtype="float64"):
    net = nn.Sequential(*first, nn.MemberHeads(3), nn.MeanMembers("softmax"))
    return net.build(WIDTH, loss="softmax_cross_entropy", optimizer="adam", rng=0, dtype=dtype)


def pair(way, dtype="float64"):
    """The same function with one layer at the front, and with two; factors of inputs and outputs are not ±1."""
    one = network([nn.RepeatedDense(K, 37, "tanh", **WAYS[way])], dtype)
    two = network([nn.RepeatMembers(K), nn.MembersDense(37, "tanh", **WAYS[way])], dtype)
    assert one.parameters.tobytes() == two.parameters.tobytes()
    factors = [view for name, view in one.named_parameters().items() if name.endswith("_scale")]
    for number, view in enumerate(factors):
        view[...] = np.random.default_rng(number).normal(1, 0.5, view.shape)
    two.parameters[...] = one.parameters
    return one, two


def fit(net, data, **arguments):
    net.fit(data, Y, epochs=4, progress=False, **{"batch_size": 16, **arguments})
    return net


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("arguments", [{}, {"batch_size": N}, {"accumulate": 2, "clip_norm": 0.5}, {"shards": 5}])
def test_it_trains_as_two_layers_do_on_dense_samples_and_on_sparse_ones(way, arguments):
    one, two = pair(way)
    sparse = pair(way)[0]
    fit(one, X.toarray(), **arguments), fit(two, X.toarray(), **arguments), fit(sparse, X, **arguments)
    for net in (one, sparse):
        np.testing.assert_allclose(net.parameters, two.parameters, rtol=1e-8, atol=1e-11)
    np.testing.assert_allclose(sparse.predict_proba(X), two.predict_proba(X.toarray()), rtol=1e-8)
    np.testing.assert_allclose(one.input_gradients(X, output=0), two.input_gradients(X.toarray(), output=0), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("way", WAYS)
def test_bits_do_not_depend_on_threads(way):
    for data in (X, X.toarray()):
        alone = fit(pair(way, "float32")[0], data)
        for n_threads in (2, 3):
            with team_of(n_threads):
                several = fit(pair(way, "float32")[0], data)
                assert several.parameters.tobytes() == alone.parameters.tobytes()
                assert several.predict(data).tobytes() == alone.predict(data).tobytes()


@pytest.mark.parametrize("way", WAYS)
def test_gradients_are_central_differences(way):
    net = nn.Sequential(nn.RepeatedDense(K, 9, "tanh", **WAYS[way]), nn.Flatten(), nn.Dense(3))
    net.build(WIDTH, loss="softmax_cross_entropy", rng=0, dtype="float64")
    net.parameters[...] += np.random.default_rng(3).normal(0, 0.1, len(net.parameters))
    net.forward(X, training=True)
    net.backward(Y)
    found, step = net.gradients.copy(), 1e-6
    rng = np.random.default_rng(0)
    ends = np.cumsum([view.size for view in net.named_parameters().values()])
    for begin, end in zip([0, *ends[:-1]], ends, strict=True):
        for place in rng.integers(begin, end, 20).tolist():
            losses = []
            for sign in (1, -1):
                net.parameters[place] += sign * step
                losses.append(net.evaluate(X, Y)["loss"])
                net.parameters[place] -= sign * step
            assert (losses[0] - losses[1]) / (2 * step) == pytest.approx(found[place], rel=1e-4, abs=1e-8)


def test_long_rows_and_many_members_are_summed_in_parts():
    wide = scipy.sparse.random(3, 2000, 0.7, format="csr", random_state=0)
    net = nn.Sequential(nn.RepeatedDense(70, 130)).build(2000, loss="mse", rng=0, dtype="float64")
    d_output, gradients = np.random.default_rng(1).normal(size=(3, 70, 130)), []
    for data in (wide, wide.toarray()):
        net.forward(data, training=True)
        net.backward(d_output=d_output)
        gradients.append(net.gradients.copy())
    np.testing.assert_allclose(net.predict(wide), net.predict(wide.toarray()), rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(*gradients, rtol=1e-9, atol=1e-11)


def test_lazy_steps_leave_rows_of_other_columns():
    data, groups = X[:16, :], {"repeated_dense_1.weight": {"lazy": True}}
    net = network([nn.RepeatedDense(K, 5)])
    before = net.named_parameters()["repeated_dense_1.weight"].copy()
    net.fit(data, Y[:16], optimizer="adam", groups=groups, batch_size=16, epochs=2, rng=0, progress=False)
    moved = (net.named_parameters()["repeated_dense_1.weight"] != before).any(axis=1)
    np.testing.assert_array_equal(moved, np.asarray(data.sum(axis=0)).ravel() != 0)


def test_members_can_be_kept():
    net = pair("tabm")[0]
    kept = nn.keep_members(net, [1, 3])
    assert kept.layers[0].n_members == 2
    np.testing.assert_array_equal(
        kept.named_parameters()["repeated_dense_1.input_scale"], net.named_parameters()["repeated_dense_1.input_scale"][[1, 3]]
    )
    assert kept.predict_proba(X).shape == (N, 3)


def test_what_it_does_not_take():
    with pytest.raises(ShapeError, match=r"put nn.Flatten\(\) before it"):
        nn.Sequential(nn.RepeatedDense(2, 3)).build((2, 2))
    with pytest.raises(ParameterError, match="leaves no bias to share"):
        nn.RepeatedDense(2, 3, use_bias=False, share_bias=True)
