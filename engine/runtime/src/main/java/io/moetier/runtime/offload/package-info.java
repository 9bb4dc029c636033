/// Which bytes move, and when: the host tier's slab and the transfer scheduler.
@NullMarked
package io.moetier.runtime.offload;

import org.jspecify.annotations.NullMarked;
