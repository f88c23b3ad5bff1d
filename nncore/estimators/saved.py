"""Load saved estimators of any class."""

from __future__ import annotations

from typing import Any

from nncore.arguments import shown
from nncore.ensembles import ESTIMATOR_KEY
from nncore.errors import FileFormatError
from nncore.estimators.ensemble import Ensemble
from nncore.estimators.real_mlp_classifier import RealMLPClassifier
from nncore.estimators.real_mlp_regressor import RealMLPRegressor
from nncore.estimators.tabm_classifier import TabMClassifier
from nncore.estimators.tabm_regressor import TabMRegressor
from nncore.files import FileLike, FilePlace
from nncore.network import file_info

#: Estimators that have `save`.
CLASSES: tuple[type[Ensemble], ...] = (RealMLPClassifier, RealMLPRegressor, TabMClassifier, TabMRegressor)


def load_saved(path: FileLike) -> Any:
    """Load an estimator from a file that its `save` wrote.

    Raises
    ------
    FileFormatError
        The file holds no estimator, or is damaged.
    """
    place: Any = FilePlace.of("path", path)  # a file object can be read only once
    described = file_info(place).networks[0].metadata.get(ESTIMATOR_KEY)
    if not isinstance(described, dict):
        raise FileFormatError(f"{place} holds networks, not an estimator: use nncore.load or nncore.load_many")
    name = described.get("class")
    for cls in CLASSES:
        if cls.__name__ == name:
            return cls.load(place)
    raise FileFormatError(f"{place} was saved by {shown(name)}, which this version of nncore does not have: pip install -U nncore-ml")
