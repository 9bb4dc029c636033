/// Which expert sits in which slot: the cache, its pins and its eviction policies. No bytes, no I/O, no clock.
@NullMarked
package io.moetier.storage.cache;

import org.jspecify.annotations.NullMarked;
