/// The known model families, one declarative file each: config keys, tensor names, block composition. No arithmetic.
@NullMarked
package io.moetier.runtime.model.family;

import org.jspecify.annotations.NullMarked;
