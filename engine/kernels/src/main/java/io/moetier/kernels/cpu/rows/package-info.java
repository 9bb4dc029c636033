/// Operations that treat each row or element by itself, a job each: plain loops are enough for them, as the compiler
/// vectorises what has no sum in it.
@NullMarked
package io.moetier.kernels.cpu.rows;

import org.jspecify.annotations.NullMarked;
