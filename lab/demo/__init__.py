"""`make demo`: a bad release is held and let go, on a real control plane, told on one screen."""
