/// One forward pass: what it is about, its buffers, and who watches it.
@NullMarked
package io.moetier.runtime.model.pass;

import org.jspecify.annotations.NullMarked;
