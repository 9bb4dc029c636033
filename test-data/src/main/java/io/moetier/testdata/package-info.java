/// Paths to the models, golden cases and traces that tests read, and inputs from seeds and from a fuzzer. It depends on
/// nothing.
@NullMarked
package io.moetier.testdata;

import org.jspecify.annotations.NullMarked;
