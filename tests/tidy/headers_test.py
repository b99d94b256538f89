#!/usr/bin/env python3
"""Every header that no .cc includes first is compiled by itself: it must need nothing before it.

Those of CUDA (.cuh) need nvcc, which CI may lack: they are compiled where scripts/check_cuda.sh is.

    tests/tidy/headers_test.py BUILD      BUILD has the compile_commands.json of a finished build

Ends with 1 and the compiler's words where one does not compile.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

import architecture
import cpp_source

ROOT = pathlib.Path(__file__).resolve().parents[2]


def unproven(sources: list[cpp_source.Source]) -> list[str]:
    """Headers that the order of includes does not prove to be self-contained."""
    first = {source.includes[0].path for source in sources
             if source.path.endswith(".cc") and source.includes}
    return [source.path for source in sources
            if source.path.endswith(".h") and source.path not in first]


def compiler(build: pathlib.Path) -> list[str]:
    """A compiler's words that fit every file: one command's, with all include folders there are."""
    folders, chosen = [], ""
    for entry in json.loads((build / "compile_commands.json").read_text(encoding="utf-8")):
        words = [word for word in shlex.split(entry["command"]) if not word.endswith("ccache")]
        chosen = chosen or words[0]
        for at, word in enumerate(words):
            pair = ["-isystem", words[at + 1]] if word == "-isystem" else [word]
            if re.match(r"-I|-isystem$", word) and pair not in folders:
                folders.append(pair)
    return [chosen, "-std=c++20", "-fsyntax-only", '-DKITH_VERSION="0"', "-x", "c++", "-",
            *[word for pair in folders for word in pair]]


def complaint(words: list[str], header: str) -> str:
    done = subprocess.run(words, input=f'#include "{header}"\n', capture_output=True, text=True,
                          check=False)
    return "" if done.returncode == 0 else f"{header} needs something before it:\n{done.stderr}"


def main() -> int:
    words = compiler(pathlib.Path(sys.argv[1]))
    headers = unproven(cpp_source.read_tree(ROOT, architecture.FOLDERS))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = [text for text in pool.map(lambda one: complaint(words, one), headers) if text]
    print("\n".join(found))
    print(f"headers: {len(headers)} compiled by themselves, {len(found)} that do not")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
