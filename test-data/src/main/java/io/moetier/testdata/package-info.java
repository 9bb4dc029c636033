/// Paths to the models, golden cases and traces that tests read, inputs from seeds and from a fuzzer, scenarios for a
/// model checker, and waits for other threads and processes. It depends on nothing.
@NullMarked
package io.moetier.testdata;

import org.jspecify.annotations.NullMarked;
