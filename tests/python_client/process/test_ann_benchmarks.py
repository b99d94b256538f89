"""The driver for ann-benchmarks, placed as there, over a small stand-in for its base class."""

import importlib
import itertools
import pathlib
import shutil
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import yaml

DRIVER = pathlib.Path(__file__).resolve().parents[3] / "bench" / "ann_benchmarks"
STAND_IN = '''
class BaseANN:
    """What the driver may rely on: nothing but the name."""
'''


@pytest.fixture
def config(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch,
           endpoint: str) -> Iterator[Any]:
    algorithms = tmp_path / "ann_benchmarks" / "algorithms"
    shutil.copytree(DRIVER, algorithms / "kith")
    (algorithms / "base").mkdir()
    (algorithms / "base" / "module.py").write_text(STAND_IN, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("KITH_ENDPOINT", endpoint)
    text = (DRIVER / "config.yml").read_text(encoding="utf-8")
    yield yaml.safe_load(text)["float"]["any"][0]
    for name in [name for name in sys.modules if name.partition(".")[0] == "ann_benchmarks"]:
        del sys.modules[name]  # the next test has another folder of this name


def constructor(config: Any) -> Any:
    """As ann-benchmarks finds it."""
    return getattr(importlib.import_module(config["module"] + ".module"), config["constructor"])


@pytest.mark.parametrize(("metric", "group"), [("euclidean", "by_recall"),
                                               ("angular", "by_lists")])
def test_every_run_group_builds_queries_and_cleans_up(config: Any, metric: str,
                                                      group: str) -> None:
    random = np.random.default_rng(5)
    base = random.standard_normal((2000, 12))  # float64, as some data sets are
    queries = base[:20] + 0.01 * random.standard_normal((20, 12))
    arguments = config["run_groups"][group]
    assert config["base_args"] == ["@metric"]
    algorithm = constructor(config)(metric, *(values[0] for values in arguments["args"]))
    assert algorithm.get_memory_usage() == 0
    algorithm.fit(base)
    assert algorithm.get_memory_usage() > 2000 * 12 * 4 / 1024
    recall = []
    for (value,) in itertools.product(*arguments["query_args"]):
        algorithm.set_query_arguments(value)
        assert str(value) in str(algorithm)
        single = [algorithm.query(query, 10) for query in queries]
        algorithm.batch_query(queries, 10)
        assert [ids.tolist() for ids in algorithm.get_batch_results()] == single
        recall.append(np.mean([found[0] == place for place, found in enumerate(single)]))
    assert recall[-1] == 1
    algorithm.fit(base[:500])  # a second build replaces the first
    assert max(algorithm.query(base[0], 500)) < 500
    algorithm.done()
    assert constructor(config)(metric, "nprobe").get_memory_usage() == 0


def test_what_kith_cannot_do_is_refused(config: Any) -> None:
    with pytest.raises(NotImplementedError, match="hamming"):
        constructor(config)("hamming", "nprobe")
    with pytest.raises(ValueError, match="depth"):
        constructor(config)("euclidean", "ef")
