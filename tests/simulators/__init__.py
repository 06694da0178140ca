"""Issuers of documents, which can also make every faulty variant."""
