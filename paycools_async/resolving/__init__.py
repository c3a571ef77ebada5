"""What became of an order: found, absent for certain, final."""

from .resolving import (
    ABSENT_AFTER,
    KnownOrder,
    OrderProduct,
    OrderRequest,
    Resolving,
    ResolvingProduct,
    check_amount,
    check_order_id,
    not_found,
)

__all__ = [
    "ABSENT_AFTER",
    "KnownOrder",
    "OrderProduct",
    "OrderRequest",
    "Resolving",
    "ResolvingProduct",
    "check_amount",
    "check_order_id",
    "not_found",
]
