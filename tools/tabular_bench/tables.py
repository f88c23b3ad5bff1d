"""The tables: where each is, what is predicted, and what must not be an input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from tabular_bench.sources import SOURCES

TaskKind = Literal["binary", "multiclass", "regression"]

#: Larger tables are cut to this many rows, drawn once.
MOST_ROWS = 60_000


@dataclass(frozen=True)
class Data:
    """A table in memory. Text is categorical, in `X`; `y` are class numbers from 0 on, or float64."""

    name: str
    kind: TaskKind
    X: pd.DataFrame
    y: np.ndarray


@dataclass(frozen=True)
class Table:
    """A table that can be loaded.

    Attributes
    ----------
    kind : {"binary", "multiclass", "regression"}
    source : str
        Of `SOURCES`.
    files : tuple of str
        Put one below the other, a column ``file`` telling them apart if there are several.
    target : str or int
        Column that is predicted; of a file without header, its number.
    drop : tuple of str or int
        Columns that say the target in other words, number the rows, or name them.
    codes : tuple of str
        Categories written as numbers.
    read : mapping
        Arguments of ``pandas.read_csv``.
    prepare : function or None
        Of the frame, before anything else.
    licence : str
        Where it is another than the source's.
    about : str
        What is predicted.
    """

    kind: TaskKind
    source: str
    files: tuple[str, ...]
    target: str | int
    about: str
    drop: tuple[str | int, ...] = ()
    codes: tuple[str, ...] = ()
    read: Mapping[str, Any] = field(default_factory=dict)
    prepare: Callable[[pd.DataFrame], pd.DataFrame] | None = None
    licence: str = ""


BARE = {"header": None, "skipinitialspace": True}
KEEL = BARE | {"comment": "@"}
SPACES = {"header": None, "sep": r"\s+"}
ADULT = (
    "age workclass fnlwgt education education_num marital_status occupation relationship race sex capital_gain capital_loss hours country "
    "income"
)
WINE = "fixed_acidity volatile_acidity citric_acid sugar chlorides free_so2 total_so2 density ph sulphates alcohol quality"
#: The title, and how many gave each grade.
MOVIES = ("Unnamed: 0", "title", *(f"r{grade}" for grade in range(1, 11)))


def _is_over_50k(data: pd.DataFrame) -> pd.DataFrame:
    return data.assign(income=data["income"].str.startswith(">").astype(int))  # labels of the second file end in a dot


def _had_affairs(data: pd.DataFrame) -> pd.DataFrame:
    return data.assign(affairs=(data["affairs"] > 0).astype(int))


TABLES: Mapping[str, Table] = {
    # ---- two classes ------------------------------------------------------------------------------------------------------
    "adult": Table("binary", "folder", ("adult/adult-train.csv", "adult/adult-test.csv"), "income", "income over 50,000 dollars",
                   ("file",), read=BARE | {"names": ADULT.split(), "na_values": "?"}, prepare=_is_over_50k, licence="CC BY 4.0"),
    "titanic": Table("binary", "folder", ("titanic/seaborn_titanic.csv",), "survived", "survival", ("alive", "class", "embark_town"),
                     licence="none stated"),
    "magic": Table("binary", "keel", ("magic.dat",), 10, "gamma ray or hadron", read=KEEL),
    "phoneme": Table("binary", "keel", ("phoneme.dat",), 5, "nasal or oral vowel", read=KEEL),
    "spambase": Table("binary", "keel", ("spambase.dat",), 57, "spam", read=KEEL),
    "german": Table("binary", "common", ("classification/german/german.data.txt",), 20, "good credit", read=SPACES),
    "hypothyroid": Table("binary", "common", ("classification/hypothyroid/hypothyroid.data.txt",), 0, "hypothyroidism",
                         read=BARE | {"na_values": "?"}),
    "default": Table("binary", "islp", ("Default.csv",), "default", "default on a credit card"),
    "orange_juice": Table("binary", "islp", ("OJ.csv",), "Purchase", "brand bought", codes=("StoreID", "STORE")),
    "health_insurance": Table("binary", "r", ("Ecdat/HI.csv",), "whi", "insured through her own job", ("Unnamed: 0", "wght")),
    "affairs": Table("binary", "statsmodels", ("fair/fair.csv",), "affairs", "any affair", codes=("occupation", "occupation_husb"),
                     prepare=_had_affairs, licence="with permission of the author"),
    "light_chains": Table("binary", "r", ("survival/flchain.csv",), "death", "death", ("Unnamed: 0", "futime", "chapter"),
                          licence="LGPL-2 or later"),
    "breast_cancer": Table("binary", "sklearn", ("breast_cancer.csv",), 30, "benign", read=BARE | {"skiprows": 1}, licence="CC BY 4.0"),
    # ---- more classes -----------------------------------------------------------------------------------------------------
    "penguins": Table("multiclass", "folder", ("penguins/penguins.csv",), "species", "species", licence="CC0"),
    "satimage": Table("multiclass", "keel", ("satimage.dat",), 36, "soil", read=KEEL),
    "letter": Table("multiclass", "keel", ("letter.dat",), 16, "letter", read=KEEL),
    "marketing": Table("multiclass", "keel", ("marketing.dat",), 13, "income bracket", read=KEEL, licence="none stated"),
    "nursery": Table("multiclass", "common", ("classification/nursery/nursery.dat",), 8, "priority", read=KEEL),
    "fars": Table("multiclass", "common", ("classification/fars/fars.dat",), 29, "severity of injury", read=KEEL, licence="public domain"),
    "contraceptive": Table("multiclass", "common", ("classification/contraceptive/contraceptive.dat",), 9, "method", read=KEEL),
    "yeast": Table("multiclass", "common", ("classification/yeast/yeast.data.txt",), 9, "site of a protein", (0,), read=SPACES),
    # ---- numbers ----------------------------------------------------------------------------------------------------------
    "california_housing": Table("regression", "folder", ("california_housing/housing.csv",), "median_house_value", "price of houses",
                                licence="Apache-2.0"),
    "diamonds": Table("regression", "folder", ("diamonds/diamonds.csv",), "price", "price", licence="MIT"),
    "bike_sharing": Table("regression", "folder", ("bike_sharing/bike.csv",), "cnt", "bikes rented in an hour", ("instant", "dteday"),
                          codes=("season", "mnth", "hr", "weekday", "weathersit"), licence="CC BY 4.0"),
    "wine_quality": Table("regression", "folder", ("wine_quality/winequality-red.csv", "wine_quality/winequality-white.csv"), "quality",
                          "grade", read=BARE | {"names": WINE.split()}, licence="CC BY 4.0"),
    "proteins": Table("regression", "common", ("regression/casp/CASP.csv",), "RMSD", "deviation of a structure"),
    "computer_activity": Table("regression", "common", ("regression/compactiv/compactiv.dat",), 21, "time in user mode", read=KEEL),
    "abalone": Table("regression", "common", ("classification/abalone/abalone.data.txt",), 8, "rings", read=BARE),
    "grid_stability": Table("regression", "common", ("regression/electrical_grid_stability/Data_for_UCI_named.csv",), "stab",
                            "stability of a power grid", ("stabf",)),
    "medical_cost": Table("regression", "common", ("regression/medical_cost/insurance.csv",), "charges", "cost of treatment"),
    "airfoil": Table("regression", "common", ("regression/airfoil/airfoil_self_noise.dat.txt",), 5, "sound pressure", read=SPACES),
    "communities": Table("regression", "common", ("regression/communities/communities.data",), 127, "violent crime", (0, 1, 2, 3, 4),
                         read=BARE | {"na_values": "?"}),
    "computers": Table("regression", "r", ("Ecdat/Computers.csv",), "price", "price", ("Unnamed: 0",)),
    "food_budget": Table("regression", "r", ("Ecdat/BudgetFood.csv",), "wfood", "part of the budget for food", ("Unnamed: 0",)),
    "movies": Table("regression", "r", ("ggplot2/movies.csv",), "rating", "rating", MOVIES, licence="MIT"),
    "doctor_visits": Table("regression", "statsmodels", ("randhie/randhie.csv",), "mdvis", "visits to a doctor", licence="public domain"),
    "wage": Table("regression", "islp", ("Wage.csv",), "wage", "wage", ("logwage",)),
}  # fmt: skip


def load(name: str, folder: Path | None = None) -> Data:
    """A table of `TABLES`.

    Parameters
    ----------
    name : str
    folder : Path, optional
        Holds the tables whose source is "folder".
    """
    table = TABLES[name]
    parts = []
    for number, file in enumerate(table.files):
        with SOURCES[table.source].open(file, folder) as stream:
            part = pd.read_csv(stream, **table.read)
        parts.append(part.assign(file=str(number)) if len(table.files) > 1 else part)
    data = pd.concat(parts, ignore_index=True)
    if table.prepare is not None:
        data = table.prepare(data)
    data = data.dropna(subset=[table.target])  # type: ignore[list-item]
    if len(data) > MOST_ROWS:
        data = data.sample(MOST_ROWS, random_state=0)
    y = data[table.target]
    X = data.drop(columns=[table.target, *table.drop]).reset_index(drop=True)
    X.columns = pd.Index([f"x{column}" if isinstance(column, int) else column for column in X.columns])
    text = [*X.select_dtypes(["object", "string"]).columns, *table.codes]
    # Strings, since codes may be numbers, and not all learners take categories that are.
    X = X.astype(dict.fromkeys(table.codes, str)).astype(dict.fromkeys(text, "category"))
    X = X.astype(dict.fromkeys(X.columns.difference(text), float))
    return Data(name, table.kind, X, y.to_numpy(float) if table.kind == "regression" else pd.factorize(y, sort=True)[0])
