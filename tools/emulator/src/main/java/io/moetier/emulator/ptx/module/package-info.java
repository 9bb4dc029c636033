/// Parsed modules: [PtxModule] is a text as `nvcc` writes it, with its kernels and variables. Immutable.
@NullMarked
package io.moetier.emulator.ptx.module;

import org.jspecify.annotations.NullMarked;
