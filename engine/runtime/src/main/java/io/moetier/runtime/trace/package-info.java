/// Routing traces: which experts each token chose, on disk.
@NullMarked
package io.moetier.runtime.trace;

import org.jspecify.annotations.NullMarked;
