"""Reports as documents: what they say (`tree`, `quarterly`), and how that becomes a PDF and an ODT."""
