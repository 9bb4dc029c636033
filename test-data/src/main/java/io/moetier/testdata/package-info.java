/// Paths to the models, golden cases and traces that tests read. No dependency at all.
@NullMarked
package io.moetier.testdata;

import org.jspecify.annotations.NullMarked;
