/// Routing traces: which experts each token chose, on disk.
@NullMarked
package io.moetier.engine.trace;

import org.jspecify.annotations.NullMarked;
