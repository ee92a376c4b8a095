"""How it runs: settings, one loop, health and metrics, and the wiring of all rooms."""
