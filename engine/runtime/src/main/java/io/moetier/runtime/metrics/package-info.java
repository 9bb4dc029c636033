/// The one instrumentation seam: JDK Flight Recorder events and plain counters.
@NullMarked
package io.moetier.runtime.metrics;

import org.jspecify.annotations.NullMarked;
