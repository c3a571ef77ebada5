"""The sandbox's page for a browser: what it is, its books, and what a customer or a fault may do."""
