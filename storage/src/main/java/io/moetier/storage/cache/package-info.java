/// Which expert sits in which slot: the cache, its pins, its eviction policies, and the estimator of the next use that
/// they and the prefetcher ask. No bytes, no I/O, no clock.
@NullMarked
package io.moetier.storage.cache;

import org.jspecify.annotations.NullMarked;
