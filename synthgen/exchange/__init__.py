"""A finished dataset in the formats that other programs load; one file per format, nothing heavy imported."""
