"""What auditors take away: every table of the pages as a file, each written down in the ledger.

A dataset (`dataset.Dataset`) says which columns a table has and yields its rows for a scope (`scope.Scope`);
`catalogue.DATASETS` names them all, `files` turns one into a file, `pages` answers the addresses.
"""
