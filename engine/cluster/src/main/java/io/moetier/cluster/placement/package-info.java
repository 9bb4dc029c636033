/// Which node computes which expert.
@NullMarked
package io.moetier.cluster.placement;

import org.jspecify.annotations.NullMarked;
