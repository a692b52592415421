# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""The library as packages of many ecosystems, from one list of files and one version: `make packages`."""
