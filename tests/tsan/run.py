#!/usr/bin/env python3
"""Runs a test that was built with ThreadSanitizer, and fails where a report says that ours raced.

    tests/tsan/run.py BINARY [ARGUMENT...]      66: a report is ours; otherwise what the binary ends with

The libraries of the system are compiled without ThreadSanitizer. What orders their accesses is invisible
where it is an atomic of theirs; what they copy, compare or free is visible where libc or operator delete
does it. A report of which one access was made by such a library, on its own account, therefore says nothing.
Whether it did is read from the access's stack: the innermost frame that is neither ThreadSanitizer's, libc's
nor libstdc++'s is a library's then, not the binary's. What a library calls of ours is ours. Options of
ThreadSanitizer cannot draw this line: ignore_noninstrumented_modules takes our own copies for theirs (GCC 12
knows no instrumented module on Linux), called_from_lib is blind to the library's locks and threads, and
race:LIBRARY leaves out what it calls of ours.
"""

import dataclasses
import os
import pathlib
import re
import subprocess
import sys
import tempfile

REPORTED = 66
_ROOT = pathlib.Path(__file__).resolve().parents[2]
# Locks that are taken in both orders are reported, too, whether or not anyone was caught between them.
_OPTIONS = ("exitcode=0:history_size=7:second_deadlock_stack=1:"
            f"suppressions={_ROOT / 'tests' / 'tsan.supp'}")
_FRAME = re.compile(r"^ +#\d+ (.*) \(([^()]+)\+0x[0-9a-f]+\)$")
# Whoever called these is who made the access. Templates of the standard library may be the binary's: the
# linker keeps one copy for everyone, libraries included.
_ON_BEHALF = re.compile(r"^(?:libtsan|libstdc\+\+|libc)\.so")
_TEMPLATES = re.compile(r" /usr/include/(?:x86_64-linux-gnu/)?c\+\+/")
_ACCESS = re.compile(r"^  (?:Previous )?(?:atomic )?(?:read|write) of size ", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Stack:
    """One stack of a report: its first line, and where its frames are and in which module, innermost first."""

    head: str
    frames: tuple[tuple[str, str], ...]

    def is_by(self, binary: str) -> bool:
        """Whether the binary itself did what the stack shows."""
        called = [module for where, module in self.frames
                  if not _ON_BEHALF.match(module) and not _TEMPLATES.search(where)]
        return called[0] == binary if called else any(module == binary for _, module in self.frames)


def stacks_of(report: str) -> list[Stack]:
    stacks: list[Stack] = []
    for block in re.split(r"\n(?=  \S)", report):
        lines = block.splitlines()
        frames = [(match[1], match[2]) for match in map(_FRAME.match, lines) if match]
        if frames:
            stacks.append(Stack(lines[0], tuple(frames)))
    return stacks


def is_ours(report: str, binary: str) -> bool:
    """A race is ours where both accesses are; a wrong order of locks, or a leak, where any of it is."""
    stacks = stacks_of(report)
    accesses = [stack for stack in stacks if _ACCESS.match(stack.head)]
    if accesses:
        # Of an access that is too long ago the stack is lost: then the other one decides.
        return all(stack.is_by(binary) for stack in accesses)
    return not stacks or any(stack.is_by(binary) for stack in stacks)


def reports_of(text: str) -> list[str]:
    return [part for part in re.split(r"^=+$", text, flags=re.MULTILINE)
            if "WARNING: ThreadSanitizer" in part or "FATAL: ThreadSanitizer" in part]


def kernels() -> str:
    """Not AVX-512: around the calls of ThreadSanitizer GCC 12 puts a mask of 16 bits on the stack (kmovw) and
    counts 32 bits of what lies there (popcnt, in CollectAtMostWide), so that lists are chosen wrongly."""
    return "avx2" if " avx2 " in pathlib.Path("/proc/cpuinfo").read_text() else "portable"


def main(words: list[str]) -> int:
    if not words:
        print(__doc__, file=sys.stderr)
        return 2
    binary = pathlib.Path(words[0]).name
    with tempfile.TemporaryDirectory(prefix="kith-tsan-") as folder:
        options = f"{_OPTIONS}:log_path={folder}/report:{os.environ.get('TSAN_OPTIONS', '')}"
        environment = {"KITH_KERNELS": kernels(), **os.environ, "TSAN_OPTIONS": options}
        ended = subprocess.run(words, env=environment, check=False)
        reports = [report for path in sorted(pathlib.Path(folder).iterdir())
                   for report in reports_of(path.read_text(errors="replace"))]
    ours = [report for report in reports if is_ours(report, binary)]
    for report in ours:
        print(report)
    print(f"tsan: {binary}: {len(ours)} reports, and {len(reports) - len(ours)} of libraries")
    return REPORTED if ours else ended.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
