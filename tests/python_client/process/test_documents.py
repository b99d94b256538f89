"""What the documents show works as shown."""

import pathlib
import pydoc
import re
import subprocess
import sys

import numpy as np

import kith
import kith.options

ROOT = pathlib.Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "clients" / "python" / "examples"


def run(program: str, *words: str) -> str:
    done = subprocess.run([sys.executable, "-W", "error", "-c", program, *words],
                          capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def snippet(path: str, heading: str, endpoint: str) -> str:
    """The first Python block after a heading, for the test's server."""
    text = (ROOT / path).read_text(encoding="utf-8")
    block = re.search(r"```python\n(.*?)```", text[text.index(heading):], re.DOTALL)
    assert block is not None
    program, count = re.subn(r"127\.0\.0\.1:7430", endpoint, block.group(1))
    assert count == 1
    return program


def test_the_walk_in_the_readme(endpoint: str) -> None:
    printed = run(snippet("README.md", "### From Python", endpoint)).splitlines()
    assert printed[0] == "42 1.0 point 42"
    assert len([line for line in printed if re.fullmatch(r"\d+ 0\.\d+ point \d+", line)]) == 2
    assert "coverage 1.0" in printed
    assert "promoting 100%" in printed
    assert any(re.fullmatch(r"0 is nearest to itself, by index version [0-9a-f]{32}", line)
               for line in printed)
    assert printed[-1] == ("NON_FINITE_VECTOR: vectors[0] has nan as element 0; every element must "
                           "be a finite number")


def test_the_clients_readme(endpoint: str) -> None:
    printed = run(snippet("clients/python/README.md", "# kith-client", endpoint)).splitlines()
    assert printed[0] == "42 0.0"
    assert len(printed) == 3


def test_the_examples(endpoint: str, tmp_path: pathlib.Path) -> None:
    source = {path.name: path.read_text(encoding="utf-8") for path in EXAMPLES.glob("*.py")}
    assert run(source.pop("first_search.py"), endpoint).startswith("42 0.0\n")
    assert run(source.pop("async_search.py"), endpoint) == "100 of 100 found themselves\n"
    rows = np.random.default_rng(1).standard_normal((50_100, 8), dtype=np.float32)
    np.save(tmp_path / "rows.npy", rows)
    with kith.Client(endpoint) as client:
        client.create_collection("npy", 8, "l2", "f32")
        words = (endpoint, "npy", str(tmp_path / "rows.npy"))
        assert "50100 of 50100 rows" in run(source["import_npy.py"], *words)
        before = client.get_points("npy", [0, 50_099]).points
        assert np.array_equal(before[1].vector, rows[-1])  # type: ignore[arg-type]
        run(source.pop("import_npy.py"), *words)
        after = client.get_points("npy", [0, 50_099]).points
        assert [one.version for one in after] == [one.version for one in before]
        client.delete_collection("npy")
    assert source == {}


def test_help_says_what_each_call_does_and_takes() -> None:
    shown = pydoc.plain(pydoc.render_doc(kith.Client))
    for name, method in vars(kith.Client).items():
        if not name.startswith("_"):
            assert f"{name}(" in shown
            assert method.__doc__, f"{name} has no docstring"
    shown = pydoc.plain(pydoc.render_doc(kith.options))
    for name in kith.options.SearchOptions.__annotations__:
        assert re.search(rf"\b{name}\b", shown), f"the options' text does not name {name}"


def test_the_ranges_pages_and_groups_in_the_clients_readme(endpoint: str) -> None:
    program = snippet("clients/python/README.md", "## Ranges", endpoint)
    assert run(program).splitlines() == ["True exact", "['even', 'odd']", "set()", "True"]


def test_the_stream_in_the_clients_readme(endpoint: str) -> None:
    program = snippet("clients/python/README.md", "## Streams", endpoint)
    assert run(program).splitlines() == ["2000 2000"]


def test_the_filters_in_the_clients_readme(endpoint: str) -> None:
    program = snippet("clients/python/README.md", "## Filters", endpoint)
    assert run(program).splitlines() == ["[1]", "2", "['red', 'blue']", "1", "1"]
