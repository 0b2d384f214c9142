"""The only writers of payments and the ledger."""
