#!/usr/bin/env bash
# Builds and searches a collection of any size on this machine, and says what it took:
#
#   bench/scale/run.sh --points N --dim D --dtype u8|f32 --json FILE
#       [--data DIR] [--base FILE --queries FILE [--truth FILE]] [--metric l2|ip|cosine]
#       [--memory-gib G] [--queries-count N] [--targets A,B,..] [--load-seconds S] [--lists N]
#       [--writes N] [--fresh] [--keep]
#
# Without --base the vectors are drawn (docs/dataset.md) as they are imported and as the truth of
# 1,000 queries is computed: no file of them is ever made. With --base that file is streamed; --points,
# --dim and --dtype must be what it holds.
#
# Everything is under --data (build/scale/N-D-DTYPE by default). A run that was stopped, at any point and by
# whatever, goes on where it was when the same command is given again; --fresh begins anew. At the end
# FILE and, beside it, FILE with the ending .md are written, and the server's data is removed unless
# --keep is given.
#
# --lists is for the training; 0 leaves it to the server, as without it.
#
# --writes adds a load: the searches of the open loop once more, with N points a second, in upserts of
# 256, written over themselves beside them.
#
# --memory-gib is a ceiling on the server's own memory (anonymous, what the kernel cannot drop): kithd gets
# it as its limit, is watched several times a second, and has a limit of the kernel's 1 GiB above it
# (RLIMIT_DATA counts what is merely reserved). A run that meets it fails and says so.
# Mapped files in the page cache are measured and not limited.
#
# Needs a release build: scripts/build.sh. KITH_BUILD_DIR takes the binaries from elsewhere.
set -euo pipefail
PYTHONPATH="$(dirname "$0")/.." exec python3 -B "$(dirname "$0")/scale.py" "$@"
