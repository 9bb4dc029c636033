/// A device of NVIDIA's: its memory, its kernels and what they are given, its streams and marks.
@NullMarked
package io.moetier.kernels.cuda;

import org.jspecify.annotations.NullMarked;
