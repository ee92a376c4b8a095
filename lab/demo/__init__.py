"""`make demo`: a bad release is undone, an empty budget held, on a real control plane, told on one screen."""
