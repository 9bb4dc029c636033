/// Which processes work together under one name, what they offer, and what all of them know.
@NullMarked
package io.moetier.cluster.membership;

import org.jspecify.annotations.NullMarked;
