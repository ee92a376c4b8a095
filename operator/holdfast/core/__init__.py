"""What follows from what was seen: pure functions over frozen values.

No I/O, no clock, no logging, no Kopf, no JSON. Everything else brings facts here or carries requests out.
"""
