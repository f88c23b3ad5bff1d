"""Results of each transform, against formulas and separate NumPy versions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import nncore as nn
from nncore.contract import random_words
from nncore.plugin import Transform, TransformCall
from nncore.testing import numpy_twin, tables
from nncore.transforms.gaussian_noise import standard_normal
from nncore.transforms.mixing import mixing_share, partner_distance

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 5))
TARGET = np.eye(3)[RNG.integers(3, size=20)]
WEIGHTS = RNG.uniform(0.1, 3, 20)


def applied(transform: Transform, x: np.ndarray = X, weight: np.ndarray | None = None, step: int = 1) -> TransformCall:
    """Output of the transform in NumPy for a batch."""
    weight = np.full(len(x), 1 / len(x)) if weight is None else weight
    call = TransformCall(x, x.copy(), np.ones(x.shape[1], bool), seed=7, step=step, layer=2**32 - 2)
    if transform.mixes_targets:
        call.source_target, call.target = TARGET[: len(x)], TARGET[: len(x)].copy()
        call.source_weight, call.weight = weight, weight.copy()
    transform.apply(call)
    return call


# ---- noise ------------------------------------------------------------------------------------------------------------------


def test_a_word_becomes_what_the_inverse_of_the_normal_distribution_gives() -> None:
    words = np.array([0, 1, 2**31 - 1, 2**31, 2**31 + 1, 2**32 - 1, *random_words(0, 1, 0, 5000)], np.uint32)
    tail = ((words & 0x7FFFFFFF) + 0.5) / 2**32
    expected = np.where(words >> 31, -1, 1) * stats.norm.isf(tail)
    is_far = tail < 2e-8
    np.testing.assert_allclose(standard_normal(words[~is_far]), expected[~is_far], rtol=2e-6, atol=1e-6)
    np.testing.assert_allclose(standard_normal(words[is_far]), expected[is_far], rtol=1e-3)
    assert np.abs(standard_normal(words)).max() < 6.4


def test_noise_is_normal() -> None:
    numbers = standard_normal(random_words(3, 1, 5, 200_000))
    assert stats.kstest(numbers, "norm").pvalue > 0.001
    assert abs(numbers.mean()) < 0.01
    assert abs(numbers.std() - 1) < 0.01


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_noise_of_the_kernel_has_the_moments_of_its_std(dtype: type) -> None:
    noise = nn.GaussianNoise(0.5)
    assert noise.kernel is not None
    source = np.zeros((500, 40), dtype)
    x = source.copy()
    function = getattr(tables.transform(noise.kernel.load()), f"apply_f{8 * x.itemsize}")
    function.must(
        source=source, x=x, columns=np.ones(40, np.uint8), n_rows=500, n_inputs=40, batch_rows=500, seed=3, step=1, layer=-2,
        hyper=np.array([0.5]),
    )  # fmt: skip
    assert abs(x.mean()) < 0.02
    assert abs(x.std() - 0.5) < 0.01
    np.testing.assert_allclose(x.ravel(), 0.5 * standard_normal(random_words(3, 1, 2**32 - 2, x.size)), rtol=1e-5, atol=1e-6)


def test_noise_differs_from_step_to_step_and_from_feature_to_feature() -> None:
    first, second = (applied(nn.GaussianNoise(1.0), step=step).x - X for step in (1, 2))
    assert len(np.unique(first)) == X.size
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.4


# ---- mixup ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.1, 0.2, 1.0, 4.0])
def test_shares_are_those_of_a_beta_distribution(alpha: float) -> None:
    shares = np.array([mixing_share(random_words(1, step, 2**32 - 2, 4), alpha) for step in range(4000)])
    assert shares.min() >= 0.5
    assert shares.max() <= 1
    beta = stats.beta(alpha, alpha)
    assert stats.kstest(shares, lambda share: beta.cdf(share) - beta.cdf(1 - share)).pvalue > 0.001


def test_partners_are_all_others_equally_often() -> None:
    distances = np.array([partner_distance(random_words(1, step, 2**32 - 2, 4), 7) for step in range(6000)])
    counts = np.bincount(distances, minlength=8)
    assert counts[0] == counts[7] == 0
    assert stats.chisquare(counts[1:7]).pvalue > 0.001
    assert partner_distance(np.full(4, 2**32 - 1, np.uint32), 7) == 6
    assert partner_distance(np.full(4, 2**32 - 1, np.uint32), 1) == 0


def test_mixup_is_its_formula() -> None:
    """Mixup equals its formula row by row, from the same random words."""
    words = random_words(7, 1, 2**32 - 2, 4)
    share, distance = mixing_share(words, 0.4), partner_distance(words, 20)
    call = applied(nn.Mixup(0.4))
    for i in range(20):
        j = (i + distance) % 20
        np.testing.assert_allclose(call.x[i], share * X[i] + (1 - share) * X[j], rtol=1e-12, atol=1e-12)
        assert call.target is not None
        np.testing.assert_allclose(call.target[i], share * TARGET[i] + (1 - share) * TARGET[j], rtol=1e-12, atol=1e-12)
    assert call.weight is not None
    np.testing.assert_array_equal(call.weight, np.full(20, 1 / 20))


def test_the_loss_of_weighted_mixtures_is_that_of_both_targets_weighted_as_they_were() -> None:
    weight = WEIGHTS / WEIGHTS.sum()
    weight[3] = 0
    weight /= weight.sum()
    call = applied(nn.Mixup(1.0), weight=weight)
    assert call.target is not None
    assert call.weight is not None
    assert call.weight.sum() == pytest.approx(1, abs=1e-12)
    words = random_words(7, 1, 2**32 - 2, 4)
    share, partner = mixing_share(words, 1.0), (np.arange(20) + partner_distance(words, 20)) % 20
    loss, output = nn.SoftmaxCrossEntropy(), X[:, :3]
    mixed = call.weight * loss.forward(output, call.target)
    apart = share * weight * loss.forward(output, TARGET) + (1 - share) * weight[partner] * loss.forward(output, TARGET[partner])
    np.testing.assert_allclose(mixed, apart, rtol=1e-10, atol=1e-14)


def test_mixup_of_two_samples_without_weight_stays_finite() -> None:
    weight = np.zeros(20)
    weight[0] = 1.0
    call = applied(nn.Mixup(), weight=weight)
    assert call.target is not None
    assert np.isfinite(call.target).all()


def test_mixup_takes_the_own_value_where_the_other_is_missing() -> None:
    x = X.copy()
    words = random_words(7, 1, 2**32 - 2, 4)
    distance = partner_distance(words, 20)
    x[5, 2] = np.nan
    call = applied(nn.Mixup(), x)
    assert np.isnan(call.x).sum() == 1
    assert np.isnan(call.x[5, 2])
    np.testing.assert_array_equal(call.x[(5 - distance) % 20, 2], x[(5 - distance) % 20, 2])


def test_a_batch_of_one_is_not_mixed() -> None:
    np.testing.assert_array_equal(applied(nn.Mixup(1.0), X[:1]).x, X[:1])


# ---- cutmix -----------------------------------------------------------------------------------------------------------------


def cut(alpha: float, step: int, columns: np.ndarray) -> tuple[float, int, np.ndarray]:
    """The share that is kept, the distance of the partner and the replaced columns, from the words of a step of `applied`."""
    words = random_words(7, step, 2**32 - 2, 4 + len(columns))
    replaced = columns & (words[4:] / 2**32 < 1 - mixing_share(words, alpha))
    return 1 - replaced.sum() / columns.sum(), partner_distance(words, 20), replaced


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_cutmix_is_its_formula(step: int) -> None:
    """CutMix equals its formula row by row, from the same random words."""
    share, distance, replaced = cut(1.0, step, np.ones(5, bool))
    call = applied(nn.CutMix(), step=step)
    assert call.target is not None
    for i in range(20):
        j = (i + distance) % 20
        np.testing.assert_array_equal(call.x[i], [X[j, k] if replaced[k] else X[i, k] for k in range(5)])
        np.testing.assert_allclose(call.target[i], share * TARGET[i] + (1 - share) * TARGET[j], rtol=1e-12, atol=1e-12)
    assert call.weight is not None
    np.testing.assert_array_equal(call.weight, np.full(20, 1 / 20))


def test_cutmix_counts_among_the_columns_that_may_change() -> None:
    columns = np.array([True, False, True, True, False])
    seen = set()
    for step in range(1, 40):
        share, distance, replaced = cut(1.0, step, columns)
        call = TransformCall(X, X.copy(), columns, TARGET, TARGET.copy(), np.full(20, 0.05), np.full(20, 0.05), 7, step, 2**32 - 2)
        nn.CutMix().apply(call)
        np.testing.assert_array_equal((call.x != X).all(axis=0), replaced)
        np.testing.assert_allclose(call.target, share * TARGET + (1 - share) * np.roll(TARGET, -distance, axis=0), atol=1e-12)
        seen.add(round(share, 6))
    assert seen == {1.0, 0.666667, 0.333333, 0.0}


def test_cutmix_keeps_the_own_value_where_one_is_missing() -> None:
    x = X.copy()
    x[5] = np.nan
    for step in range(1, 20):
        call = applied(nn.CutMix(), x, step=step)
        assert np.isnan(call.x[5]).all()
        assert np.isnan(call.x).sum() == 5


def test_cutmix_replaces_as_many_columns_as_shares_say() -> None:
    x = np.random.default_rng(1).normal(size=(20, 400))
    parts = [(applied(nn.CutMix(), x, step=step).x != x).all(axis=0).mean() for step in range(1, 300)]
    np.testing.assert_allclose(np.mean(parts), 0.25, atol=0.02)  # 1 - max(share, 1 - share) of a uniform share
    assert max(parts) < 0.58


# ---- feature dropout --------------------------------------------------------------------------------------------------------


def test_features_are_left_out_at_their_rate_and_others_stay() -> None:
    x = np.random.default_rng(1).normal(size=(400, 50))
    call = TransformCall(x, x.copy(), np.ones(50, bool), seed=1, step=1, layer=2**32 - 2)
    nn.FeatureDropout(0.3, value=-2.0).apply(call)
    left_out = call.x == -2
    assert abs(left_out.mean() - 0.3) < 0.01
    np.testing.assert_array_equal(call.x[~left_out], x[~left_out])


def test_missing_stays_missing() -> None:
    x = np.full((40, 5), np.nan)
    for transform in (nn.FeatureDropout(0.5), nn.GaussianNoise()):
        assert np.isnan(applied(numpy_twin(transform), x).x).all()
