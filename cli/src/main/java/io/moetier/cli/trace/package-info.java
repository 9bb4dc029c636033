/// Routing traces: recorded, shown, converted.
@NullMarked
package io.moetier.cli.trace;

import org.jspecify.annotations.NullMarked;
