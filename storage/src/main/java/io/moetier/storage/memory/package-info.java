/// Anonymous memory outside the heap for slabs and weights.
@NullMarked
package io.moetier.storage.memory;

import org.jspecify.annotations.NullMarked;
