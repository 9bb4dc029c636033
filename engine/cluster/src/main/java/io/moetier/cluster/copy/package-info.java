/// Experts on the disks of nodes: a part of a store, and how blocks come from one machine to another.
@NullMarked
package io.moetier.cluster.copy;

import org.jspecify.annotations.NullMarked;
