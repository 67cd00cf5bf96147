"""Webhooks: the end of a resource is told to whom its spec names, and that is tried for days.

When an attempt is due is decided with everything else in `extraction/callback.py`, and written with
everything else in the one status; here is how it is made.
"""

from slides_operator.webhooks.deliveries import Deliveries
from slides_operator.webhooks.postman import open_deliveries

__all__ = ["Deliveries", "open_deliveries"]
