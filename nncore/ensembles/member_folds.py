"""The folds of an ensemble: training rows of each member, and validation rows for early stopping."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nncore.data import Fold, Random, Splitter
from nncore.ensembles.recipes import Recipe
from nncore.errors import DataError, ParameterError


def member_folds(
    recipe: Recipe, splitter: Splitter, rows: NDArray[np.int64], random: Random, *, n_cv: int | None, option: str = "n_cv="
) -> tuple[list[Fold], int]:
    """Split rows into folds, and return the number of starts of each.

    If rows have times, all members use the latest rows for early stopping. They differ in initial weights and the order of rows. Expanding
    folds would train most members on a small part of the past.

    Parameters
    ----------
    recipe : Recipe
    splitter : Splitter
    rows : ndarray of int64
        The rows to train and validate on.
    random : Generator or RandomState
    n_cv : int or None
        Requested number of folds. None: that of the recipe, or fewer if there are too few rows or groups.
    option : str, default "n_cv="
        How the user passes the number of folds, for messages.

    Raises
    ------
    DataError
        If there are too few rows, groups or times.
    ParameterError
        If folds are requested for rows with times.
    """
    n_units = splitter.n_units(rows)
    if n_units < 2:
        raise DataError(f"n_{splitter.unit}={n_units} cannot be split into training and validation samples: give more data")
    if splitter.times is not None:
        if n_cv is not None and n_cv > 1:
            more = option.replace("cv", "ens").rstrip("= ")
            raise ParameterError(
                f"{option}{n_cv} splits at random, but with times the latest samples are for validation: use {more} instead"
            )
        return [splitter.hold_out(rows, recipe.validation_fraction, random)], recipe.n_cv * recipe.n_ens
    if recipe.n_cv == 1:
        return [splitter.hold_out(rows, recipe.validation_fraction, random)], recipe.n_ens
    n_folds = min(recipe.n_cv, n_units) if n_cv is None else recipe.n_cv
    if n_units < n_folds:
        raise DataError(f"n_{splitter.unit}={n_units} cannot be split into {option}{n_folds} folds: use fewer folds, or give more data")
    return splitter.folds(rows, n_folds, random), recipe.n_ens
