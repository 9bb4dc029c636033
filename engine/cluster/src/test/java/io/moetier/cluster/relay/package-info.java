/// A network for tests: slow, stopped, cut, as they like.
@NullMarked
package io.moetier.cluster.relay;

import org.jspecify.annotations.NullMarked;
