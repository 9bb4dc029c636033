/// Measures what the cost model needs to know of this machine: the engine's kernels and loaders at work on weights that
/// are made for it, of other shapes than any model has.
///
/// Takes all cores while it measures, and some hundred megabytes of disk until it is done.
@NullMarked
package io.moetier.lab.calibrate;

import org.jspecify.annotations.NullMarked;
