/// Tools around the engine: benchmarks, and models to measure with; architecture tests live here.
@NullMarked
package io.moetier.tools;

import org.jspecify.annotations.NullMarked;
