"""The learners: each line says what to build. One that is not installed is left out, with a word."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd
from sklearn.compose import TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from tabular_bench.bag import Bag

N_BAGS = 8


@dataclass(frozen=True)
class Method:
    """A learner with its parameters.

    Attributes
    ----------
    label : str
        On the page.
    module : str
        Where its two classes are.
    classifier, regressor : str
        Names of them.
    arguments : mapping
        Of both.
    quick : mapping
        Arguments that make the warm-up short.
    wrap : function
        ``wrap(estimator, X)`` adds what it needs around it: encoders, names of columns.
    bags : int
        Fits on so many cross-validation folds, averaged; 1 for one fit on everything.
    most_rows : int
        Left out on larger tables.
    """

    label: str
    module: str
    classifier: str
    regressor: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    quick: Mapping[str, Any] = field(default_factory=dict)
    wrap: Callable[[Any, pd.DataFrame], Any] = lambda estimator, X: estimator
    bags: int = 1
    most_rows: int = 100_000

    @property
    def is_ours(self) -> bool:
        return self.module.startswith("nncore")

    def missing(self) -> str:
        """What is not installed; empty if nothing is."""
        try:
            module = importlib.import_module(self.module)
        except ImportError as error:
            return str(error)
        return "" if hasattr(module, self.classifier) else f"{self.module} has no {self.classifier}"

    def build(self, kind: str, X: pd.DataFrame, seed: int, *, quick: bool = False) -> Any:
        """An estimator, not fitted.

        Parameters
        ----------
        kind : {"binary", "multiclass", "regression"}
        X : DataFrame
            The training rows: their columns and types are looked at.
        seed : int
        quick : bool, default False
            For a warm-up.
        """
        kind_of = getattr(importlib.import_module(self.module), self.regressor if kind == "regression" else self.classifier)
        arguments = dict(self.arguments) | (dict(self.quick) if quick else {})
        if self.bags == 1:
            return self.wrap(kind_of(**arguments, random_state=seed), X)

        def make(number: int) -> Any:
            return self.wrap(kind_of(**arguments, random_state=1000 * seed + number), X)

        return Bag(make, self.bags, is_classifier=kind != "regression", seed=seed)

    def bagged(self, **changes: Any) -> Method:
        """The same on eight folds."""
        return replace(self, label=f"{self.label}, {N_BAGS} bags", bags=N_BAGS, **changes)


def imputed(estimator: Any, X: pd.DataFrame) -> Any:
    """Medians and indicators in place of missing numbers, for what takes none; categories as they are."""
    if not X.select_dtypes(exclude="category").isna().to_numpy().any():
        return estimator
    numbers = SimpleImputer(strategy="median", add_indicator=True).set_output(transform="pandas")
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_exclude="category")), ("passthrough", make_column_selector(dtype_include="category"))
    )
    return make_pipeline(columns.set_output(transform="pandas"), estimator)


def dense(estimator: Any, X: pd.DataFrame) -> Any:
    """What perceptrons want: standardised numbers, indicators of missing ones, one-hot categories; real targets standardised."""
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_exclude="category")),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), make_column_selector(dtype_include="category")),
    )
    return make_pipeline(columns, scaled(estimator, X))


def scaled(estimator: Any, X: pd.DataFrame) -> Any:
    """Real targets standardised."""
    is_classifier = hasattr(estimator, "predict_proba")
    return estimator if is_classifier else TransformedTargetRegressor(estimator, transformer=StandardScaler())


def named(estimator: Any, X: pd.DataFrame) -> Any:
    """CatBoost is told which columns are categorical, and takes them as text."""
    categories = list(X.select_dtypes("category").columns)
    as_text = FunctionTransformer(_as_text)
    return make_pipeline(as_text, estimator.set_params(cat_features=categories)) if categories else estimator


def _as_text(X: pd.DataFrame) -> pd.DataFrame:
    return X.assign(**{column: X[column].astype(object).where(X[column].notna(), "").astype(str) for column in X.select_dtypes("category")})


_OURS = {"dtype": "float32", "n_threads": 1}
_PYTABKIT = {"device": "cpu", "n_threads": 1, "verbosity": 0}
_NETWORK = {"hidden_layer_sizes": (64, 64), "batch_size": 64, "standardize": True, "early_stopping": True}

_HGB = Method("HistGradientBoosting", "sklearn.ensemble", "HistGradientBoostingClassifier", "HistGradientBoostingRegressor")
_LIGHTGBM = Method("LightGBM", "lightgbm", "LGBMClassifier", "LGBMRegressor", {"n_jobs": 1, "verbose": -1})
_XGBOOST = Method("XGBoost", "xgboost", "XGBClassifier", "XGBRegressor", {"n_jobs": 1, "enable_categorical": True})
_CATBOOST = Method(
    "CatBoost",
    "catboost",
    "CatBoostClassifier",
    "CatBoostRegressor",
    {"thread_count": 1, "verbose": False, "allow_writing_files": False},
    {"iterations": 5},
    named,
)
_PERCEPTRON = Method("scikit-learn MLP", "sklearn.neural_network", "MLPClassifier", "MLPRegressor", wrap=dense, quick={"max_iter": 5})
_SMALL = Method("nncore MLP 64-64", "nncore.estimators", "MLPClassifier", "MLPRegressor", _OURS | _NETWORK, {"max_iter": 5}, scaled)
_TD_S = Method(
    "pytabkit RealMLP-TD-S", "pytabkit", "RealMLP_TD_S_Classifier", "RealMLP_TD_S_Regressor", _PYTABKIT, {"n_epochs": 2}, imputed
)
_TD = replace(_TD_S, label="pytabkit RealMLP-TD", classifier="RealMLP_TD_Classifier", regressor="RealMLP_TD_Regressor")


def _preset(label: str, family: str, **arguments: Any) -> Method:
    return Method(label, "nncore.estimators", f"{family}Classifier", f"{family}Regressor", {"n_threads": 1} | arguments, {"max_iter": 2})


def _on_folds(method: Method) -> Method:
    """A bag that the library makes itself: each member stops by the fold that it left out."""
    return replace(method, label=f"{method.label}, {N_BAGS} bags", arguments=dict(method.arguments) | {"n_cv": N_BAGS}, most_rows=3000)


_OUR_TD_S = _preset("nncore RealMLP TD-S", "RealMLP", preset="td-s")
_OUR_TD = _preset("nncore RealMLP TD", "RealMLP", preset="td")
_TABM = _preset("nncore TabM", "TabM")

METHODS: Mapping[str, Method] = {
    "hgb": _HGB,
    "lightgbm": _LIGHTGBM,
    "xgboost": _XGBOOST,
    "catboost": _CATBOOST,
    "sklearn-mlp": _PERCEPTRON,
    "nncore-mlp": Method("nncore MLP, defaults", "nncore.estimators", "MLPClassifier", "MLPRegressor", {"n_threads": 1}, {"max_iter": 5}),
    "nncore-64": _SMALL,
    "nncore-64-bags": _SMALL.bagged(),
    "hgb-bags": _HGB.bagged(),
    "lightgbm-bags": _LIGHTGBM.bagged(),
    "xgboost-bags": _XGBOOST.bagged(),
    "catboost-bags": _CATBOOST.bagged(most_rows=3000),
    "pytabkit-td-s": _TD_S,
    "pytabkit-td": _TD,
    "pytabkit-td-s-bags": _on_folds(_TD_S),
    "pytabkit-tabm": replace(_TD_S, label="pytabkit TabM-D", classifier="TabM_D_Classifier", regressor="TabM_D_Regressor", most_rows=6000),
    "nncore-fast": _preset("nncore RealMLP fast", "RealMLP", preset="fast"),
    "nncore-td-s": _OUR_TD_S,
    "nncore-td": _OUR_TD,
    "nncore-tabm": replace(_TABM, most_rows=6000),
    "nncore-td-s-bags": _on_folds(_OUR_TD_S),
    "nncore-td-bags": _on_folds(_OUR_TD),
    "nncore-tabm-bags": _on_folds(_TABM),
}
