"""The one place where SQL is spoken. SQLite by default, PostgreSQL for many workers, the same statements for both."""

from nurture.store.database import Store, Tx

__all__ = ["Store", "Tx"]
