"""The demonstration: two specs compiled, proved, trained and compared on one page."""
