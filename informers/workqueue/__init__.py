"""Work queues: between a controller's informers and its workers.

Three queues, each with the methods of the one before::

    Queue               add, get, done, items      one worker at a time has an item
    └── DelayingQueue        add_after, withdraw   … which may be added for later
        └── RateLimitingQueue     add_rate_limited, forget, num_requeues
                                                   … or when a rate limiter allows it

    informer's handlers ── add(key) ──→ queue ── items() ──→ workers ── done(key)
                                          ↑                     │
                                          └─ add_rate_limited ──┘  after a failure

In the modules:

- `queue`: `Queue`
- `lanes`: waiting items, in two lanes; `Order`, implement it for another order than `FIFO`
- `delaying`: `DelayingQueue`
- `rate_limiting`: `RateLimitingQueue`
- `rate_limiters`: `RateLimiter`, implement or choose one: exponential, fast and slow, bucket, and their
  combinations; the defaults have client-go's numbers
- `waiters`: `Waiter`, which waits without a thread, for event loops
- `instruments`: `QueueStatistics`; `MetricsProvider`, implement it for other metrics systems; the names of the metrics
- `parallelize`: `parallelize_until`, for a known number of pieces of work

Queues do not know caches, and no function here starts a thread that outlives the call.

Upstream: k8s.io/client-go/util/workqueue (v0.37).
"""

from __future__ import annotations

from informers.workqueue.delaying import DelayingQueue as DelayingQueue
from informers.workqueue.instruments import Counter as Counter
from informers.workqueue.instruments import Histogram as Histogram
from informers.workqueue.instruments import Metric as Metric
from informers.workqueue.instruments import MetricsProvider as MetricsProvider
from informers.workqueue.instruments import QueueStatistics as QueueStatistics
from informers.workqueue.lanes import FIFO as FIFO
from informers.workqueue.lanes import Order as Order
from informers.workqueue.parallelize import parallelize_until as parallelize_until
from informers.workqueue.queue import Queue as Queue
from informers.workqueue.rate_limiters import BucketRateLimiter as BucketRateLimiter
from informers.workqueue.rate_limiters import ItemExponentialFailureRateLimiter as ItemExponentialFailureRateLimiter
from informers.workqueue.rate_limiters import ItemFastSlowRateLimiter as ItemFastSlowRateLimiter
from informers.workqueue.rate_limiters import MaxOfRateLimiter as MaxOfRateLimiter
from informers.workqueue.rate_limiters import RateLimiter as RateLimiter
from informers.workqueue.rate_limiters import WithMaxWaitRateLimiter as WithMaxWaitRateLimiter
from informers.workqueue.rate_limiters import default_controller_rate_limiter as default_controller_rate_limiter
from informers.workqueue.rate_limiters import default_item_based_rate_limiter as default_item_based_rate_limiter
from informers.workqueue.rate_limiting import RateLimitingQueue as RateLimitingQueue
from informers.workqueue.waiters import Waiter as Waiter

__all__ = [
    "FIFO",
    "BucketRateLimiter",
    "Counter",
    "DelayingQueue",
    "Histogram",
    "ItemExponentialFailureRateLimiter",
    "ItemFastSlowRateLimiter",
    "MaxOfRateLimiter",
    "Metric",
    "MetricsProvider",
    "Order",
    "Queue",
    "QueueStatistics",
    "RateLimiter",
    "RateLimitingQueue",
    "Waiter",
    "WithMaxWaitRateLimiter",
    "default_controller_rate_limiter",
    "default_item_based_rate_limiter",
    "parallelize_until",
]
