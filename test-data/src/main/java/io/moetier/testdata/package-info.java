/// Paths to the models, golden cases and traces that tests read, and inputs from seeds and from a fuzzer, and scenarios
/// for a
/// model checker. It depends on nothing.
@NullMarked
package io.moetier.testdata;

import org.jspecify.annotations.NullMarked;
