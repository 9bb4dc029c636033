/// Memory outside the heap: anonymous memory for slabs and weights, and how much of it this process may have.
@NullMarked
package io.moetier.storage.memory;

import org.jspecify.annotations.NullMarked;
