/// Which bytes move, and when: the host tier's slab, the transfer scheduler and the placement of experts.
@NullMarked
package io.moetier.engine.offload;

import org.jspecify.annotations.NullMarked;
