"""The fake's side of the PH API, a file a product."""

from . import bank_transfer, bills, checkout, cpm, direct_debit, ekyc, payout, qrcode, refund, web_payment

__all__ = ["PRODUCTS"]

PRODUCTS = (bank_transfer, bills, checkout, cpm, direct_debit, ekyc, payout, qrcode, refund, web_payment)
"""Importing them registers who handles what."""
