"""The fake's side of the Global API."""

from . import account, countries, direct_debit, refunds, unified

__all__ = ["PRODUCTS"]

PRODUCTS = (account, countries, direct_debit, refunds, unified)
"""Importing them registers who handles what."""
