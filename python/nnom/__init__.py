# SPDX-License-Identifier: LGPL-3.0-only WITH LGPL-3.0-linking-exception
"""NNoM: trained neural networks to C for microcontrollers."""

__version__ = "1.0.0"
