/// Typed views of memory that someone else owns: packed weight matrices and their layout.
@NullMarked
package io.moetier.kernels.tensor;

import org.jspecify.annotations.NullMarked;
