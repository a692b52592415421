#!/bin/sh
# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
#
# tools/format_c.sh -i | --dry-run -Werror   clang-format over every C file that people write: converted models are exempt.
set -eu
cd "$(dirname "$0")/.."
find src include port firmware tests bench examples -name '*.[ch]' ! -path 'examples/*/model.[ch]' ! -path 'examples/*/ears.[ch]' -print0 | sort -z |
    xargs -0 clang-format "$@"
