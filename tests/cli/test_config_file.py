from __future__ import annotations

import argparse
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from nncore.cli import main
from nncore.cli.config_file import as_toml, read_config
from nncore.cli.settings import DEFAULTS, OPTIONS, SECTIONS, Settings
from nncore.errors import ParameterError


def read(tmp_path: Path, text: str) -> dict[str, Any]:
    path = tmp_path / "train.toml"
    path.write_text(text, encoding="utf-8")
    return read_config(path)


def test_every_option_is_a_setting() -> None:
    assert list(OPTIONS) == [f.name for f in fields(Settings)]
    assert {option.section for option in OPTIONS.values()} == set(SECTIONS)


def test_values_are_what_the_command_line_gives(tmp_path: Path) -> None:
    text = """
        target = "species"
        [data]
        drop = ["id", "name"]
        header = false
        [network]
        hidden = [32, 16]
        [training]
        weight_decay = 0
        class-weight = { "a b" = 2, c = 0.5 }
        loss = { name = "huber", delta = 2.0 }
        schedule = { lr = "cosine:cycles=2", "dropout_1.rate" = { name = "step", multiplier = 0.5 } }
        group = { "*.bias" = { lr_factor = 0.1 }, "dense_1.weight" = { regularizer = { name = "l1", strength = 0.1 } } }
        epochs = 7
        transform = ["mixup", { name = "gaussian_noise", std = 0.5 }, { name = "feature_dropout" }]
        [output]
        out = "m.nncore"
    """
    assert read(tmp_path, text) == {
        "target": "species",
        "drop": ["id", "name"],
        "header": False,
        "hidden": [32, 16],
        "weight_decay": 0.0,
        "class_weight": {"a b": 2.0, "c": 0.5},
        "loss": "huber:delta=2.0",
        "schedule": {"lr": "cosine:cycles=2", "dropout_1.rate": "step:multiplier=0.5"},
        "group": {"*.bias": {"lr_factor": 0.1}, "dense_1.weight": {"regularizer": {"name": "l1", "strength": 0.1}}},
        "epochs": 7,
        "transform": ["mixup", "gaussian_noise:std=0.5", "feature_dropout"],
        "out": Path("m.nncore"),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[training]\nepoch = 3", "there is no option [training] epoch; did you mean epochs?"),
        ("[training]\nzzz = 3", "--print-config lists all"),
        ("[trainig]\nepochs = 3", "there is no option trainig; did you mean training"),
        ("[network]\nlr = 3", "lr belongs in [training], not in [network]"),
        ("lr = 1\n[training]\nlr = 2", "lr is given twice"),
        ("[training]\nepochs = 0", "[training] epochs: 0 is less than 1"),
        ("[training]\nepochs = true", "is not a whole number"),
        ('[data]\ntask = "clustering"', "'clustering' is not 'classification' or 'regression'"),
        ('[data]\ndrop = "id"', "is not a list of texts"),
        ('[data]\ndrop = [{ name = "id" }]', "is not a list of texts"),
        ('[training]\ntransform = "mixup"', "is not a list of texts"),
        ("[training]\ntransform = [{ std = 0.5 }]", "is not a list of texts"),
        ('[training]\ntransform = ["mixup:1"]', "is not ARGUMENT=VALUE"),
        ('[output]\njson = "yes"', "neither true nor false"),
        ('[training]\nclass-weight = "equal"', "neither 'balanced' nor"),
        ('[training]\nschedule = { "=" = "cosine" }', "is not SCHEDULE or PATH=SCHEDULE"),
        ('[training]\ngroup = "*.bias"', "is not PATTERN:OPTION=VALUE"),
        ("[training\n", "is not TOML"),
        ("score = 3", "score is a table, written [score]"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ParameterError) as caught:
        read(tmp_path, text)
    assert message in str(caught.value)
    assert "train.toml" in str(caught.value)


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=6)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "target": texts,
            "drop": st.lists(texts, max_size=3).map(tuple),
            "hidden": st.lists(st.integers(1, 99), max_size=3).map(tuple),
            "lr": st.floats(1e-12, 1e12),
            "header": st.booleans(),
            "schedule": st.dictionaries(
                st.sampled_from(["lr", "dropout_1.rate"]), st.sampled_from(["cosine", "step:multiplier=0.5"]), min_size=1
            ),
            "transform": st.lists(st.sampled_from(["mixup", "gaussian_noise:std=0.5"]), max_size=3).map(tuple),
            "group": st.dictionaries(
                st.sampled_from(["*.bias", "dense_[12].weight"]),
                st.sampled_from(
                    [{"frozen": True}, {"lr_factor": 0.5, "weight_decay": 0}, {"constraint": {"name": "max_norm", "limit": 2.0}}]
                ),
                min_size=1,
            ),
            "class_weight": st.just("balanced") | st.dictionaries(st.sampled_from("abc"), st.floats(0.5, 2), min_size=1),
            "quiet": st.booleans(),
            "out": st.just(Path('a "strange" name\\.nncore')),
        },
    )
)
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, values: dict[str, Any]) -> None:
    settings = replace(Settings(), **values)
    back = Settings(**read(tmp_path_factory.mktemp("config"), as_toml(settings)))
    for name in OPTIONS:
        one, other = getattr(settings, name), getattr(back, name)
        assert (list(one), list(other)) == (list(other), list(one)) if isinstance(one, (list, tuple)) else one == other


def test_a_byte_order_mark(tmp_path: Path) -> None:
    assert read(tmp_path, "\ufefftarget = 'y'\n") == {"target": "y"}


def test_the_command_line_wins_over_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "train.toml"
    path.write_text('[data]\ndata = "x.csv"\n[training]\nlr = 0.5\nepochs = 3\n')
    assert main(["train", "--config", str(path), "--epochs", "9", "--no-header", "--print-config"]) == 0
    printed = tmp_path / "printed.toml"
    printed.write_text(capsys.readouterr().out)
    config = read_config(printed)
    assert (config["data"], config["lr"], config["epochs"], config["header"]) == (Path("x.csv"), 0.5, 9, False)
    unset = {name for name in OPTIONS if name not in config}
    assert all(DEFAULTS[name] is None for name in unset)


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    shown = capsys.readouterr().out
    assert all(f"--{name.replace('_', '-')}" in shown for name in OPTIONS if name != "data")
    assert "(default: the preset's; with --model mlp 128,128)" in " ".join(shown.split())


def test_a_config_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--config", "none.toml"]) == 2
    assert capsys.readouterr().err == "nncore: error: none.toml: No such file or directory\n"


def test_json_keeps_what_was_set() -> None:
    from nncore.cli.config_file import changed

    settings = Settings(target="y", hidden=[4], out=Path("m"), dropout=0.1)
    assert json.loads(json.dumps(changed(settings))) == {"target": "y", "hidden": [4], "out": "m", "dropout": 0.1}


def test_parser_leaves_no_trace_of_what_is_not_given() -> None:
    from nncore.cli.settings import add_options, given

    parser = argparse.ArgumentParser()
    add_options(parser)
    assert given(parser.parse_args([])) == {}
    assert given(parser.parse_args(["--drop", "a", "--drop", "b", "--lr", "2"])) == {"drop": ["a", "b"], "lr": 2.0}
    assert given(parser.parse_args(["--schedule", "cosine", "--schedule", "beta1=step"])) == {"schedule": {"lr": "cosine", "beta1": "step"}}
    assert given(parser.parse_args(["--transform", "mixup", "--transform", "a:b=1"])) == {"transform": ["mixup", "a:b=1"]}
    with pytest.raises(SystemExit):
        parser.parse_args(["--transform", "mixup:1"])
    with pytest.raises(SystemExit):
        parser.parse_args(["--group", "*:frozen=true", "--group", "*:lr_factor=2"])
