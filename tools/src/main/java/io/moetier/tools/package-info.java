/// Tools around the engine: architecture tests live here, and benchmarks.
@NullMarked
package io.moetier.tools;

import org.jspecify.annotations.NullMarked;
