"""A dense layer with a factor for each input equals `Scale` and `Dense`, and also takes sparse samples."""

import numpy as np
import pytest
import scipy.sparse

import nncore as nn
from nncore.errors import ShapeError
from nncore.testing import team_of

N, WIDTH = 70, 300
X = scipy.sparse.random(N, WIDTH, 0.05, format="csr", random_state=0)
X.data[X.indptr[4] : X.indptr[6]] = 0
X.eliminate_zeros()
Y = np.random.default_rng(1).integers(3, size=N)


def pair(use_bias=True, dtype="float64"):
    """Networks of the same function, with one layer and with two at the front; factors are not 1."""
    one = nn.Sequential(nn.ScaledDense(37, "tanh", use_bias=use_bias), nn.Dense(3))
    two = nn.Sequential(nn.Scale(), nn.Dense(37, "tanh", use_bias=use_bias), nn.Dense(3))
    for net in (one, two):
        net.build(WIDTH, loss="softmax_cross_entropy", optimizer="adam", rng=0, dtype=dtype)
    named, others = one.named_parameters(), two.named_parameters()
    named["scaled_dense_1.scale"][...] = np.random.default_rng(2).normal(1, 0.5, WIDTH)
    for name, view in others.items():
        view[...] = named[twin(name)]
    return one, two


def twin(name):
    """Name in the network with one layer, for a tensor of the network with two."""
    layer, tensor = name.split(".")
    return {"scale_1": f"scaled_dense_1.{tensor}", "dense_1": f"scaled_dense_1.{tensor}", "dense_2": f"dense_1.{tensor}"}[layer]


def fit(net, data, **arguments):
    net.fit(data, Y, epochs=4, progress=False, **{"batch_size": 16, **arguments})
    return net


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("arguments", [{}, {"batch_size": N}, {"accumulate": 2, "clip_norm": 0.5}, {"shards": 5}])
def test_it_trains_as_two_layers_do_on_dense_samples_and_on_sparse_ones(use_bias, arguments):
    one, two = pair(use_bias)
    sparse = pair(use_bias)[0]
    fit(one, X.toarray(), **arguments), fit(two, X.toarray(), **arguments), fit(sparse, X, **arguments)
    for name, values in two.named_parameters().items():
        for net in (one, sparse):
            np.testing.assert_allclose(net.named_parameters()[twin(name)], values, rtol=1e-8, atol=1e-11, err_msg=name)
    np.testing.assert_allclose(sparse.predict_proba(X), two.predict_proba(X.toarray()), rtol=1e-8)


def test_bits_do_not_depend_on_threads():
    for data in (X, X.toarray()):
        alone = fit(pair(dtype="float32")[0], data)
        with team_of(3):
            several = fit(pair(dtype="float32")[0], data)
            assert several.parameters.tobytes() == alone.parameters.tobytes()
            assert several.predict(data).tobytes() == alone.predict(data).tobytes()


def test_long_rows_are_summed_in_parts():
    wide = scipy.sparse.random(3, 2000, 0.7, format="csr", random_state=0)
    net = nn.Sequential(nn.ScaledDense(70)).build(2000, rng=0, dtype="float64")
    net.named_parameters()["scaled_dense_1.scale"][...] = np.linspace(-1, 1, 2000)
    np.testing.assert_allclose(net.predict(wide), net.predict(wide.toarray()), rtol=1e-11, atol=1e-11)


def test_lazy_steps_leave_rows_of_other_columns():
    data, groups = X[:16, :], {"scaled_dense_1.weight": {"lazy": True}}
    net = nn.Sequential(nn.ScaledDense(5), nn.Dense(3)).build(WIDTH, loss="softmax_cross_entropy", rng=0)
    before = net.named_parameters()["scaled_dense_1.weight"].copy()
    net.fit(data, Y[:16], optimizer="adam", groups=groups, batch_size=16, epochs=2, rng=0, progress=False)
    moved = (net.named_parameters()["scaled_dense_1.weight"] != before).any(axis=1)
    np.testing.assert_array_equal(moved, np.asarray(data.sum(axis=0)).ravel() != 0)


def test_it_takes_vectors():
    with pytest.raises(ShapeError, match=r"put nn.Flatten\(\) before it"):
        nn.Sequential(nn.ScaledDense(3)).build((2, 2))
