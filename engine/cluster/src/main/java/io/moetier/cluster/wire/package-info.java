/// What drivers and nodes say to each other on the way of a token, checked on both sides.
@NullMarked
package io.moetier.cluster.wire;

import org.jspecify.annotations.NullMarked;
