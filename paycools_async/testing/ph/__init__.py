"""The fake's side of the PH API, a file a product."""
