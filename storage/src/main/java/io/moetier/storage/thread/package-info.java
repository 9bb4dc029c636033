/// Threads that wait for others, whatever interrupts them.
@NullMarked
package io.moetier.storage.thread;

import org.jspecify.annotations.NullMarked;
