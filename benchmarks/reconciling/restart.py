"""An operator that comes up: how long until it is steady, and what it writes."""

import asyncio
import time

from benchmarks.reconciling.audit import Audit
from benchmarks.reconciling.program import Operator, total
from benchmarks.reconciling.results import Restart

POLL_S = 0.1
AFTER_S = 5.0
"""How long a write is waited for that should not come."""
LIMIT_S = 120.0


async def measure_restart(operator: Operator, audit: Audit, *, present: int, how: str) -> Restart:
    """Wait until every resource was looked at and none waits. Raises TimeoutError."""
    before = audit.writes().total()
    while not await _is_steady(operator, present):
        if time.monotonic() - operator.begun > LIMIT_S:
            raise TimeoutError(f"The operator is not steady: {operator.tail()}")
        await asyncio.sleep(POLL_S)
    steady_s = time.monotonic() - operator.begun
    await asyncio.sleep(AFTER_S)
    return Restart(
        how=how,
        steady_s=steady_s,
        writes=audit.writes().total() - before,
        memory_mib=operator.memory_mib("VmHWM"),
    )


async def _is_steady(operator: Operator, present: int) -> bool:
    samples = await operator.samples()
    looked_at = total(samples, "slides_operator_reconcile_total")
    waiting = total(samples, "slides_operator_workqueue_depth")
    return looked_at >= present and waiting == 0
